"""A device as the rest of Ostiary sees it, and what can be wrong with one. Pure."""

import base64
from collections.abc import Callable
from enum import StrEnum
from typing import Final, Literal

import msgspec

from ostiary.errors import OstiaryError
from ostiary.policy.identifiers import DeviceId, PersonId

MAX_NAME_CHARACTERS: Final = 63
MAX_PLATFORM_CHARACTERS: Final = 80
ID_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
ID_LENGTH: Final = 12
CODE_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
CODE_LENGTH: Final = 8
KeyProtection = Literal["file", "keystore", "tpm", "tpm_unverified"]


class State(StrEnum):
    """How a device stands. Lost and retired are for good: whatever comes back is enrolled anew, with another key."""

    WAITING = "waiting"
    ACTIVE = "active"
    QUARANTINED = "quarantined"
    LOST = "lost"
    RETIRED = "retired"


HELD: Final = frozenset({State.WAITING, State.ACTIVE, State.QUARANTINED})
"""Those that count as somebody's devices."""


class Why(StrEnum):
    """Why a device is quarantined."""

    BY_HAND = "by_hand"
    KEY_USED_TWICE = "key_used_twice"
    RESTORED = "restored"


class UnknownDevice(OstiaryError):
    """There is no such device."""


class UnusableDevice(OstiaryError):
    """This cannot be done with a device that stands as it does."""


class UnknownCode(OstiaryError):
    """No computer waits under this code."""


class KnownTpm(msgspec.Struct, frozen=True, kw_only=True):
    """The TPM that a device's key lies in, or that says how the device starts.

    Args:
        endorsement: SHA-256 of the public half of its endorsement key: the same for all that is enrolled with this TPM.
        maker: whose certificate vouches for it; empty for none.
        why: why no maker vouches for it.
        quoted_at: when it last said how the device started; `None` for never.
        secure_boot: whether Secure Boot was on then; `None` where that could not be told.
        boot_words: why that could not be told.
    """

    endorsement: str
    maker: str = ""
    why: str = ""
    quoted_at: float | None = None
    secure_boot: bool | None = None
    boot_words: str = ""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One device.

    Args:
        id: `dev-` and twelve of `a-z0-9`; it stands in certificates, rules' facts and on record.
        name: what people call it.
        platform: what it says it runs on; nobody checks it.
        owner: the address of whoever answers for it.
        owner_gone: whether they cannot sign in any more.
        key_protection: where its key lies: `file`, as it says itself; `tpm`, proven, and its maker is known; `tpm_unverified`, proven by
            something that behaves like a TPM.
        thumbprint: of its public key (RFC 7638, SHA-256).
        asked_from: the address it enrolled from.
        confirmed_from: the address its owner confirmed it from.
        enrolled_at: seconds since the epoch, like every moment here.
        approved_at: since when it gets certificates; `None` while nobody approved it.
        approved_by: who did.
        seen_at: when it last asked for a certificate.
        certified_until: the end of its newest certificate; `None` for none.
        why: why it is quarantined.
        generation: how many certificates it was given.
        tpm: what was proven of its TPM; `None` where the key lies elsewhere.
    """

    id: DeviceId
    name: str
    platform: str
    owner: str
    owner_id: PersonId
    owner_gone: bool
    state: State
    key_protection: str
    thumbprint: str
    asked_from: str
    confirmed_from: str
    enrolled_at: float
    approved_at: float | None = None
    approved_by: str = ""
    seen_at: float | None = None
    certified_until: float | None = None
    why: Why | None = None
    generation: int = 0
    tpm: KnownTpm | None = None


def device_id(choose: Callable[[str], str]) -> DeviceId:
    """Return an identifier, 62 bits of it chosen.

    Args:
        choose: returns one of the letters it is given, unpredictably.
    """
    return DeviceId("dev-" + "".join(choose(ID_LETTERS) for _ in range(ID_LENGTH)))


def user_code(choose: Callable[[str], str]) -> str:
    """Return a code for people to type: eight letters, no vowels, so that no words come out (RFC 8628, section 6.1)."""
    return "".join(choose(CODE_LETTERS) for _ in range(CODE_LENGTH))


def shown_code(code: str) -> str:
    """Return a code as people read it, in two halves."""
    half = CODE_LENGTH // 2
    return f"{code[:half]}-{code[half:]}"


def read_code(text: str) -> str:
    """Return what somebody typed in the form a code is kept in.

    Raises:
        UnknownCode: for anything that no code can be.
    """
    code = "".join(text.upper().replace("-", " ").split())
    if len(code) != CODE_LENGTH or any(letter not in CODE_LETTERS for letter in code):
        raise UnknownCode("A code has eight letters, without vowels.", hint="Type it as the computer shows it.")
    return code


def shown_key(thumbprint: str) -> str:
    """Return the part of a key's thumbprint that two people can compare by eye; it looks like no code."""
    start = base64.urlsafe_b64decode(thumbprint[:8]).hex()
    return " ".join(start[at : at + 4] for at in (0, 4, 8))
