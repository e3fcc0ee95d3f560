"""Enrol secrets and hosts as the rest of Ostiary sees them, and what can be wrong. Pure."""

import msgspec

from ostiary.errors import OstiaryError
from ostiary.programs.tokens import Program


class SecretExists(OstiaryError):
    """There is an enrol secret of this name, and it works."""


class UnknownSecret(OstiaryError):
    """There is no such enrol secret."""


class UnknownHost(OstiaryError):
    """There is no such host."""


class UnusableHost(OstiaryError):
    """A host and a device cannot be linked."""


class Secret(Program, frozen=True, kw_only=True):
    """One enrol secret. `used_at`: when a host came with it last."""

    used_at: float | None = None


class NewSecret(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that was just made, with what hosts send: shown once and kept nowhere."""

    secret: Secret
    token: str


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """One enrolment of osqueryd. All that it says of itself nobody checks. Moments are seconds since the epoch.

    Args:
        id: its number here.
        secret: the name of the enrol secret it came with.
        identifier: what it calls itself.
        hardware_uuid: of its hardware, as it says.
        serial: likewise.
        name: of the computer.
        platform: `linux`, `macos`, `windows`, or empty.
        system: its operating system, in words.
        address: where it enrolled from.
        enrolled_at: when.
        seen_at: when it asked last.
        device: which of our devices is meant; `None` while it is not linked.
        device_name: what that one is called.
        linked_by: who linked them.
        claims: how many enrolments call themselves so, itself included.
    """

    id: int
    secret: str
    identifier: str
    hardware_uuid: str
    serial: str
    name: str
    platform: str
    system: str
    address: str
    enrolled_at: float
    seen_at: float
    device: str | None = None
    device_name: str = ""
    linked_by: str = ""
    claims: int = 1
