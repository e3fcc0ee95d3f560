"""An access request: everything a decision may read, and nothing else.

The facts are inside the request, as they were when it was made; the engine looks nothing up. That is what
makes a decision repeatable later. Who collects the facts (sessions, people, apps) lives in `gateway`.

Source: NIST SP 800-207, section 3 (policy engine inputs).
"""

from enum import IntEnum, StrEnum

import msgspec

from ostiary.policy.identifiers import AppId, DeviceId, GroupId, Label, PersonId, ServiceId, SessionId


class AuthStrength(IntEnum):
    """How hard the proof is to steal, ordered. Rules ask for at least one of these.

    `SINGLE` is a password or a link by e-mail; `ANY` is any second factor, recovery codes included;
    `OTP` is a time-based code; `PHISHING_RESISTANT` is a passkey or security key (NIST SP 800-63B-4, 3.2.5).
    """

    SINGLE = 0
    ANY = 1
    OTP = 2
    PHISHING_RESISTANT = 3


class ActionClass(StrEnum):
    """What an HTTP method (or a protocol verb) does to the resource. `UNKNOWN` is only allowed by `do: any`."""

    VIEW = "view"
    EDIT = "edit"
    DELETE = "delete"
    CONNECT = "connect"
    UNKNOWN = "unknown"


class Authentication(msgspec.Struct, frozen=True):
    """One proof the person gave in this session.

    Args:
        method: `password`, `totp`, `webauthn`, `recovery_code`, `email`, `break_glass`, `recovery`.
        strength: what that proof is worth, as a number of `AuthStrength`.
        at: when it was given, seconds since the epoch, UTC.
    """

    method: str
    strength: AuthStrength
    at: float


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. Exactly one of `person` and `service` is set.

    Args:
        email: the person's address, for rules that name people by it; while any rule does, a person whose
            address is not given is refused.
    """

    person: PersonId | None = None
    email: str | None = None
    service: ServiceId | None = None
    groups: frozenset[GroupId] = frozenset()
    session: SessionId | None = None
    authentications: tuple[Authentication, ...] = ()


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the device. `None` means not known, which never satisfies a condition.

    Args:
        attributes: further posture facts by name, for instance `disk_encrypted`.
    """

    id: DeviceId | None = None
    managed: bool | None = None
    compliant: bool | None = None
    attributes: tuple[tuple[str, bool | int | str], ...] = ()


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. `path` is normalised, percent-decoded where that is unambiguous, without the query."""

    app: AppId
    labels: frozenset[Label] = frozenset()
    path: str = "/"


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how risky. `None` means not known, which never satisfies a condition.

    Args:
        address: the client's IP address in text form.
        country: ISO 3166-1 alpha-2, upper case, from a local database when one is configured.
        risk: 0 (none) to 100, the highest of person, session and device.
    """

    address: str | None = None
    country: str | None = None
    risk: int | None = None


class AccessRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One question to the policy engine."""

    subject: Subject
    action: ActionClass
    resource: Resource
    device: Device | None = None
    context: Context = Context()
