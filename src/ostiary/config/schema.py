"""What `ostiary.toml` may say. Every key has a safe default; reading the file lives in `loader`.

Durations are in the unit their name ends in. The sentences below are what an operator reads: the commented file that
`ostiary init` writes and the reference page are made from them (`keys`, `document`).
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Port = Annotated[int, Meta(ge=1, le=65535)]
Positive = Annotated[int, Meta(ge=1)]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file: unknown keys are refused."""


class Gateway(Section, frozen=True, kw_only=True):
    """The listener that people and machines reach.

    Args:
        address: the address to bind.
        https_port: where TLS is served; also the port in every link when it is not 443.
        http_port: redirects to HTTPS; 0 switches it off.
        workers: Envoy worker threads; 0 means one per core.
        max_body_bytes: largest request body.
        max_header_kib: largest request header block.
        max_connections: connections accepted at once; more are closed at once.
        request_seconds: a whole request and its answer, streams excepted.
        stream_seconds: the longest life of a WebSocket, event stream or other upgrade.
        trusted_proxies: how many proxies in front append to `X-Forwarded-For`; 0 believes nobody.
    """

    address: str = "0.0.0.0"  # noqa: S104 - a gateway listens for everybody; the decision is per request
    https_port: Port = 443
    http_port: Annotated[int, Meta(ge=0, le=65535)] = 80
    workers: Annotated[int, Meta(ge=0, le=256)] = 0
    max_body_bytes: Positive = 1024 * 1024 * 1024
    max_header_kib: Annotated[int, Meta(ge=4, le=96)] = 32
    max_connections: Positive = 20_000
    request_seconds: Positive = 300
    stream_seconds: Positive = 900
    trusted_proxies: Annotated[int, Meta(ge=0, le=8)] = 0

    @property
    def address_here(self) -> str:
        """Return the address at which this machine itself reaches the listener."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.address, self.address)  # noqa: S104


class Tls(Section, frozen=True, kw_only=True):
    """Where the gateway's certificate comes from.

    Args:
        mode: `private` makes an authority of this instance's own; `files` uses the two files below,
            which are read again whenever they change.
        certificate: the certificate chain, PEM, the gateway's own certificate first.
        key: its private key, PEM, without a passphrase.
    """

    mode: Literal["private", "files"] = "private"
    certificate: str = ""
    key: str = ""


class Database(Section, frozen=True, kw_only=True):
    """Where state is kept.

    Args:
        url: `postgresql://user:password@host/name`; empty keeps everything in one SQLite file in the instance's folder.
    """

    url: str = ""


class Mail(Section, frozen=True, kw_only=True):
    """How invitations and confirmations leave.

    Args:
        transport: `smtp` sends; `files` writes each message to `state/mail`; `console` prints it to the log.
        sender: the address in `From`; empty means `ostiary@<domain>`.
        host: the SMTP server.
        port: the port of that server.
        username: whom to sign in as there; empty signs in as nobody.
        password_file: a file that holds the SMTP password alone.
        security: how the connection is encrypted: `starttls` (587), `tls` (465) or `none`.
    """

    transport: Literal["smtp", "files", "console"] = "files"
    sender: str = ""
    host: str = ""
    port: Port = 587
    username: str = ""
    password_file: str = ""
    security: Literal["starttls", "tls", "none"] = "starttls"


class SignIn(Section, frozen=True, kw_only=True):
    """What people must prove.

    Args:
        require_second_factor: everybody needs one; switching it off is shown on the status page.
        session_hours: absolute life of a sign-in.
        idle_minutes: a sign-in that is not used for so long ends.
        invitation_days: how long an invitation link works.
        dormant_days: without a sign-in for so long, an account counts as dormant.
        breached_passwords: a local file of SHA-1 digests of breached passwords, sorted; besides the built-in list.
        breached_range_url: a k-anonymity range service; empty asks nobody.
    """

    require_second_factor: bool = True
    session_hours: Positive = 12
    idle_minutes: Positive = 240
    invitation_days: Positive = 7
    dormant_days: Positive = 45
    breached_passwords: str = ""
    breached_range_url: str = ""


class Authenticators(Section, frozen=True, kw_only=True):
    """What everybody is to have set up, and from when. Who has not is listed, told by mail and on their own pages.

    Args:
        second_factors: how many passkeys and authenticator apps everybody is to have together; 0 asks for none.
        passkey_groups: groups, separated by commas, whose members are to have a passkey; administrators always are.
        recovery_codes: who has a second factor is to have recovery codes that are not used up.
        due: the day from which this counts, written 2027-03-31; empty counts from now.
        exempt_group: a group whose members are asked for none of this; its memberships say who agreed, why and until when.
        breached_days: a password found in a breach is to be replaced within so many days.
        nudge_days: who does not meet this is told by mail every so many days, seven at least; 0 tells nobody.
    """

    second_factors: Annotated[int, Meta(ge=0, le=5)] = 1
    passkey_groups: str = ""
    recovery_codes: bool = False
    due: str = ""
    exempt_group: str = ""
    breached_days: Annotated[int, Meta(ge=0, le=365)] = 7
    nudge_days: Annotated[int, Meta(ge=0, le=90)] = 7


class Decisions(Section, frozen=True, kw_only=True):
    """The decision service.

    Args:
        grant_seconds: the longest life of a grant.
        facts_max_age_seconds: refuse everything when the facts were last confirmed longer ago.
        country_database: a local MaxMind-format file; without it no country is known: allow rules that name countries let
            nobody in, and nobody escapes deny rules that name some.
        forward_auth_port: serves Caddy, Traefik and nginx on the loopback address; 0 switches it off.
    """

    grant_seconds: Annotated[int, Meta(ge=1, le=60)] = 60
    facts_max_age_seconds: Positive = 300
    country_database: str = ""
    forward_auth_port: Annotated[int, Meta(ge=0, le=65535)] = 0


class Authzen(Section, frozen=True, kw_only=True):
    """Decisions for other programs, by the OpenID AuthZEN Authorization API. Each needs a token: `ostiary authzen client add`.

    Args:
        enabled: answers programs on the loopback port `decisions.forward_auth_port`.
        on_gateway: answers them also at `https://id.<domain>/access/v1/…`, for everybody who reaches the gateway.
        questions_per_second: how many decisions one client may ask for, in the long run; four times as many at once.
    """

    enabled: bool = False
    on_gateway: bool = False
    questions_per_second: Annotated[int, Meta(ge=1, le=100_000)] = 100


class Scim(Section, frozen=True, kw_only=True):
    """People and groups kept by another directory, by SCIM 2.0. Each needs a token: `ostiary scim client add`.

    Args:
        enabled: answers at `https://id.<domain>/scim/v2`.
        invite: mails an invitation to everybody whom a client creates; otherwise they sign in by way of a directory.
        may_change_administrators: clients may also change who is in the builtin groups, and people who are in one.
        requests_per_second: how many requests one client may make, in the long run; four times as many at once.
    """

    enabled: bool = False
    invite: bool = False
    may_change_administrators: bool = False
    requests_per_second: Annotated[int, Meta(ge=1, le=100_000)] = 50


class Signals(Section, frozen=True, kw_only=True):
    """Shared signals (OpenID SSF, CAEP, RISC): what happens to people is told to other systems, and what others tell is
    acted on. Each is named first: `ostiary signal receiver add`, `ostiary signal transmitter add`.

    Args:
        enabled: answers at `https://id.<domain>/ssf/…`.
        hold_share_percent: when one transmitter hits more than this share of the people at once, and more than three, its
            signals are held until an administrator lets them through.
        hold_minutes: what counts as at once.
        queue_events: so many events wait for one receiver; beyond it the oldest are thrown away, and that is counted.
        authority: a file (PEM) with the authority that vouches for other systems, besides those the system trusts.
    """

    enabled: bool = False
    hold_share_percent: Annotated[int, Meta(ge=0, le=100)] = 20
    hold_minutes: Annotated[int, Meta(ge=1, le=1440)] = 10
    queue_events: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    authority: str = ""


class Access(Section, frozen=True, kw_only=True):
    """Access that people ask for, and that ends by itself.

    Args:
        requests: people may ask for access, on the page that refuses them and in the portal.
        longest_hours: the longest time that can be asked for.
        answer_hours: a request lapses when nobody answers it for so long; after half of it administrators may answer as well.
        emergency_group: whose members may use emergency access, at once and without being asked; empty for nobody.
        emergency_minutes: how long emergency access lasts. It cannot be prolonged.
        review_days: somebody else has to review each emergency access within this time.
        administrator_minutes: for how long somebody who may becomes an administrator.
        administrator_approval: `none` lets them by their passkey alone; `administrator` has somebody else, who is or may
            become one, agree each time.
    """

    requests: bool = True
    longest_hours: Annotated[int, Meta(ge=1, le=8760)] = 168
    answer_hours: Annotated[int, Meta(ge=1, le=8760)] = 72
    emergency_group: Annotated[str, Meta(max_length=63)] = ""
    emergency_minutes: Annotated[int, Meta(ge=5, le=1440)] = 60
    review_days: Annotated[int, Meta(ge=1, le=90)] = 3
    administrator_minutes: Annotated[int, Meta(ge=5, le=1440)] = 60
    administrator_approval: Literal["none", "administrator"] = "none"


class Workloads(Section, frozen=True, kw_only=True):
    """Services (scripts, robots, pipelines) and people's own tokens. Add a service with `ostiary workload add`.

    Args:
        unused_days: a service that got no token for so long is switched off; 0 leaves it on.
        notice_days: so long before, and before its end, whoever answers for it is told by mail.
        personal_token_days: the longest life of a token that people make for their own scripts; 0 lets nobody make one.
        issuer_authority: a file (PEM) with the authority that vouches for issuers of your own, besides those the system trusts.
    """

    unused_days: Annotated[int, Meta(ge=0, le=3660)] = 90
    notice_days: Annotated[int, Meta(ge=1, le=90)] = 14
    personal_token_days: Annotated[int, Meta(ge=0, le=365)] = 365
    issuer_authority: str = ""


class Devices(Section, frozen=True, kw_only=True):
    """Computers that prove by a key of their own which they are; rules ask for one with `device: {managed: true}`.

    Args:
        enabled: whether devices can be enrolled, and are asked for their certificate; switched off, every device is unknown.
        approval: who lets a device in: `administrator` after the person it belongs to confirmed it; `person` takes their word
            where computer and person are on the same network, and asks an administrator otherwise.
        max_per_person: how many devices one person may have.
    """

    enabled: bool = True
    approval: Literal["administrator", "person"] = "administrator"
    max_per_person: Annotated[int, Meta(ge=1, le=1000)] = 10


class Reviews(Section, frozen=True, kw_only=True):
    """Access reviews: who holds what is looked at by whoever answers for it.

    Args:
        every: `quarter` starts a review by itself in each quarter of the year, in UTC, the first one when it is switched on;
            `never` leaves starting them to people.
        scope: what such a review covers: `everything`, or one `app:`, `group:`, `role:` or `label:` by its name.
        answer_days: how long reviewers have; then substitutes are asked.
        remind_days: how often whoever has not answered is reminded, and after the deadline the next substitute is asked.
    """

    every: Literal["never", "quarter"] = "never"
    scope: str = "everything"
    answer_days: Annotated[int, Meta(ge=1, le=365)] = 14
    remind_days: Annotated[int, Meta(ge=1, le=365)] = 3


class Rules(Section, frozen=True, kw_only=True):
    """How changes of the rules are guarded.

    Args:
        confirm_seconds: a change that would shut its maker or every administrator out of the console is taken back by
            itself unless it is confirmed within this time.
        hold_share_percent: a change that takes something from more than this share of the people with access, and from three
            or more, is applied only when their number is said.
        second_approver: a change is applied only when an administrator other than whoever made it approves.
        proposal_hours: how long a change waits for that.
        follow: a git repository that the rules come from: a folder, or a `https:` or `ssh:` address; empty makes them here.
        follow_branch: whose last commit counts.
        follow_file: the path of the rules document in the repository.
        follow_key: a file with the private SSH key that may read the repository.
        follow_known_hosts: a file with the keys of the SSH server that is trusted, as `ssh-keyscan` prints them; empty asks
            `~/.ssh/known_hosts` of the user who runs Ostiary.
        follow_token: a file with the password or token that an `https:` server is sent; the user stands in the address.
        follow_authority: a file (PEM) with the authority that vouches for an `https:` server, besides those the system trusts.
        follow_seconds: how often it is fetched.
    """

    confirm_seconds: Annotated[int, Meta(ge=1, le=86_400)] = 300
    hold_share_percent: Annotated[int, Meta(ge=0, le=100)] = 20
    second_approver: bool = False
    proposal_hours: Positive = 72
    follow: str = ""
    follow_branch: str = "main"
    follow_file: str = "rules.yaml"
    follow_key: str = ""
    follow_known_hosts: str = ""
    follow_token: str = ""
    follow_authority: str = ""
    follow_seconds: Positive = 60


class Record(Section, frozen=True, kw_only=True):
    """The audit log.

    Args:
        segment_mib: a segment is closed and signed when it reaches this size.
        retention_days: closed segments older than this are removed, oldest first, with a record of it.
        replay_days: for so many days what each decision read is kept in short, to try other rules on it with
            `ostiary rules replay`; 0 keeps nothing and removes what was kept.
        checkpoint_seconds: how often the open segment is signed.
        min_free_mib: with less space than this on the disk, requests are refused and the alarm is raised.
    """

    segment_mib: Positive = 64
    retention_days: Positive = 400
    replay_days: Annotated[int, Meta(ge=0, le=3660)] = 90
    checkpoint_seconds: Positive = 60
    min_free_mib: Positive = 256


class Configuration(Section, frozen=True, kw_only=True):
    """The whole file.

    Args:
        domain: the domain of the instance; sign-in is at `id.<domain>`, the console at `admin.<domain>`.
        organisation: the name people see.
        contact: whom a person can write to who cannot get in.
        log_level: of the processes' own logs.
    """

    domain: str
    organisation: str = ""
    contact: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    gateway: Gateway = Gateway()
    tls: Tls = Tls()
    database: Database = Database()
    mail: Mail = Mail()
    sign_in: SignIn = SignIn()
    authenticators: Authenticators = Authenticators()
    decisions: Decisions = Decisions()
    authzen: Authzen = Authzen()
    scim: Scim = Scim()
    signals: Signals = Signals()
    access: Access = Access()
    workloads: Workloads = Workloads()
    devices: Devices = Devices()
    reviews: Reviews = Reviews()
    rules: Rules = Rules()
    record: Record = Record()
