"""The facts a decision service works from: immutable, numbered, published whole.

Each pillar contributes one section. How a snapshot is written, read and watched lives in `gateway`.
All moments are seconds since the epoch, UTC.
"""

from typing import Final

import msgspec

from ostiary.policy.given import GivenCertificates
from ostiary.policy.identifiers import (
    AppId,
    DeviceId,
    Generation,
    GroupId,
    Label,
    PersonId,
    PolicyVersion,
    ServiceId,
    SessionId,
)
from ostiary.policy.request import ActionClass, Authentication

SCHEMA_VERSION: Final = 1


class PersonFact(msgspec.Struct, frozen=True, kw_only=True):
    """One person, as published; `policy.terms.person_at` says what is true at a moment.

    Args:
        active: false refuses every door.
        groups: where they belong, those with an end included.
        risk: 0 to 100.
        terms: the end of each membership that has one.
        ends_at: when the account ends; `None` for one without an end.
    """

    id: PersonId
    email: str
    name: str
    active: bool
    groups: tuple[GroupId, ...] = ()
    risk: int = 0
    terms: dict[GroupId, float] = {}
    ends_at: float | None = None


class Directory(msgspec.Struct, frozen=True, kw_only=True):
    """Section `identity`: who exists."""

    people: dict[PersonId, PersonFact] = {}
    groups: dict[GroupId, str] = {}


class SessionFact(msgspec.Struct, frozen=True, kw_only=True):
    """One signed-in session. A session that is not in the snapshot does not exist."""

    id: SessionId
    person: PersonId
    created_at: float
    expires_at: float
    authentications: tuple[Authentication, ...]
    risk: int = 0


class Sessions(msgspec.Struct, frozen=True, kw_only=True):
    """Section `sessions`: who is signed in."""

    sessions: dict[SessionId, SessionFact] = {}


class AppFact(msgspec.Struct, frozen=True, kw_only=True):
    """One application, behind the gateway or not.

    Args:
        host: the only host name that reaches it, lower case, without port; empty where it is not behind the gateway.
        methods: HTTP methods whose action class differs from the default mapping.
        identity_headers: plain headers the app wants, by name, with `email`, `id`, `name` or `groups`.
        contact: whom a refused person can write to.
        streams: whether WebSocket and other upgrades are forwarded.
        idle_seconds: unused by a session for so long, it asks for a fresh proof; `None` for no limit of its own.
        longest_seconds: so long after a session's last proof, it asks for a fresh one; `None` likewise.
    """

    id: AppId
    host: str
    name: str
    labels: tuple[Label, ...] = ()
    methods: dict[str, ActionClass] = {}
    identity_headers: dict[str, str] = {}
    contact: str = ""
    streams: bool = True
    idle_seconds: int | None = None
    longest_seconds: int | None = None


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """Section `applications`: what exists."""

    apps: dict[AppId, AppFact] = {}


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Section `rulebook`: the rules in force, as text. An empty text allows nobody.

    Args:
        document: the YAML rules document.
        cedar: further Cedar policies, verbatim; empty when there are none.
        version: SHA-256 of both, first 12 hexadecimal digits.
        parsed: the document as `policy.rules.parsed.write_parsed` made it; spares the reader the YAML.
    """

    document: str = ""
    cedar: str = ""
    version: PolicyVersion = PolicyVersion("")
    applied_at: float = 0.0
    parsed: bytes = b""


class ClientFact(msgspec.Struct, frozen=True, kw_only=True):
    """One program that may ask for decisions over the AuthZEN API.

    Args:
        name: as it stands on record.
        digest: SHA-256 of its token, 32 bytes. The token itself is known to the program alone.
        expires_at: from this moment the token is worth nothing.
        may_search: whether it may also ask who may do what.
    """

    name: str
    digest: bytes
    expires_at: float
    may_search: bool = False


class Clients(msgspec.Struct, frozen=True, kw_only=True):
    """Section `clients`: which programs may ask. A client that is not in the snapshot does not exist."""

    clients: tuple[ClientFact, ...] = ()


class ServiceFact(msgspec.Struct, frozen=True, kw_only=True):
    """One service: a script, a robot, a pipeline.

    Args:
        active: false refuses every token of it.
        ends_at: from this moment it is as if it were not active.
        tokens_after: a token that was issued before this moment is worth nothing.
    """

    id: ServiceId
    active: bool
    ends_at: float
    tokens_after: float = 0.0


class PersonalTokenFact(msgspec.Struct, frozen=True, kw_only=True):
    """One personal access token: what a person lets a script of theirs do.

    Args:
        id: as it stands on record.
        digest: SHA-256 of the token, 32 bytes.
        apps: the only apps it opens.
        edit: whether it may also edit; otherwise it views.
        created_at: when it was made.
        expires_at: from this moment it is worth nothing.
    """

    id: str
    digest: bytes
    person: PersonId
    apps: tuple[AppId, ...]
    edit: bool
    created_at: float
    expires_at: float


class Workloads(msgspec.Struct, frozen=True, kw_only=True):
    """Section `workloads`: which services exist, and the tokens of people's scripts. What is not here does not exist."""

    services: dict[ServiceId, ServiceFact] = {}
    tokens: tuple[PersonalTokenFact, ...] = ()


class DeviceFact(msgspec.Struct, frozen=True, kw_only=True):
    """One enrolled device. Whoever proves the key of one of its certificates in a TLS handshake speaks from it.

    Devices that wait for approval, were lost or were retired are not in the snapshot at all.

    Args:
        id: `dev-` and 12 of a-z0-9.
        name: what its owner calls it.
        owner: whose it is.
        active: false while it is quarantined: it is known, and nothing counts as done from a managed device.
        certificates: until when each certificate that is still good lasts (seconds since the epoch), by the lower-case
            hexadecimal SHA-256 of its DER form.
        key_protection: where its key lies: `file`, `keystore`, `tpm` or `tpm_unverified`.
    """

    id: DeviceId
    name: str
    owner: PersonId
    active: bool
    certificates: dict[str, float]
    key_protection: str


class Devices(msgspec.Struct, frozen=True, kw_only=True):
    """Section `devices`: which devices are enrolled. A device that is not in the snapshot is not known."""

    devices: dict[DeviceId, DeviceFact] = {}


class PostureFact(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one device's state.

    Args:
        facts: by the name that rules use; what is not known is not here, and never satisfies.
        until: the first moment at which any of it may be too old to rely on (seconds since the epoch); then none of it counts.
    """

    facts: dict[str, bool | int | str]
    until: float


class Postures(msgspec.Struct, frozen=True, kw_only=True):
    """Section `postures`: what is known of enrolled devices. A device that is not here is not known to be anything."""

    devices: dict[DeviceId, PostureFact] = {}


class ComplianceFact(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one device is as it is required to be.

    Args:
        compliant: whether it meets the baseline required of it, grace included.
        until: the first moment at which time alone may change that (seconds since the epoch); then nothing of it counts.
        meets: names of the baselines that it meets.
    """

    compliant: bool
    until: float
    meets: tuple[str, ...] = ()


class Compliance(msgspec.Struct, frozen=True, kw_only=True):
    """Section `compliance`: which devices are as they are required to be. Of a device that is not here it is not known."""

    devices: dict[DeviceId, ComplianceFact] = {}


class GrantKey(msgspec.Struct, frozen=True, kw_only=True):
    """The Ed25519 key that signs grants until the next revocation. Rotating it ends every grant.

    Args:
        kid: names the key in grants and in the data plane's key set.
        private: the raw 32-byte private key.
    """

    kid: str
    private: bytes


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a decision service knows.

    Args:
        generation: grows by one with each publication; readers refuse to go back.
        versions: for each section, the number of changes it holds, as counted in the database.
    """

    schema: int = SCHEMA_VERSION
    generation: Generation
    published_at: float
    versions: dict[str, int]
    identity: Directory
    sessions: Sessions
    applications: Catalogue
    rulebook: Rules
    grant_key: GrantKey
    clients: Clients = Clients()
    workloads: Workloads = Workloads()
    devices: Devices = Devices()
    postures: Postures = Postures()
    compliance: Compliance = Compliance()
    given: GivenCertificates = GivenCertificates()
