"""Other systems and programs: those that ask, keep people here, tell and are told, and those that work by themselves."""

from typing import Annotated

from msgspec import Meta

from ostiary.config.section import Section


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


class Osquery(Section, frozen=True, kw_only=True):
    """Hosts that run osquery and tell what they find. They enrol with a secret: `ostiary osquery secret add`.

    Args:
        enabled: answers at `https://id.<domain>/osquery/…`.
    """

    enabled: bool = False


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
