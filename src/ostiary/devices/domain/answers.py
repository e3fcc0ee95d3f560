"""What an instance answers its devices, and the words for a refusal. The agent reads them back with the same types. Pure."""

from enum import StrEnum

import msgspec

from ostiary.errors import OstiaryError


class Code(StrEnum):
    """Why something was refused, for programs."""

    INVALID = "invalid_request"
    SWITCHED_OFF = "switched_off"
    STALE = "stale_nonce"
    CLOCK = "wrong_clock"
    OTHER_INSTANCE = "other_instance"
    KEY_KNOWN = "key_known"
    TOO_MANY = "too_many"
    SLOW_DOWN = "slow_down"
    EXPIRED = "expired"
    UNKNOWN = "unknown_device"
    TPM_UNPROVEN = "tpm_unproven"
    TPM_REQUIRED = "tpm_required"
    WAITING = "waiting"
    QUARANTINED = "quarantined"
    ENDED = "ended"
    OWNER_GONE = "owner_gone"
    UNAVAILABLE = "temporarily_unavailable"


class AgentRefused(OstiaryError):
    """A device's request was refused.

    Args:
        code: why, for programs.
        message: why, for the person at the device.
        hint: what they can do.
    """

    def __init__(self, code: Code, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class Nonce(msgspec.Struct, frozen=True, kw_only=True):
    """A number to sign; `expires_in` in seconds."""

    nonce: str
    expires_in: int


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that only one TPM can read (TPM2B_ID_OBJECT, TPM2B_ENCRYPTED_SECRET), for once."""

    blob: bytes
    seed: bytes


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """An enrolment that waits for a person (RFC 8628, section 3.2); or for its TPM, while there is a challenge and no code."""

    device_code: str
    user_code: str
    verification_uri: str
    expires_in: int
    interval: int
    challenge: Challenge | None = None


class Polled(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an enrolment.

    Args:
        status: `pending`, `denied`, or `enrolled`.
        device: its identifier, once it is enrolled.
        name: what it is called.
        owner: whose it is.
        state: `active`, or `waiting` for an administrator.
    """

    status: str
    device: str = ""
    name: str = ""
    owner: str = ""
    state: str = ""


class Certified(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate with its chain (PEM, the device's own first); `ends_at` in seconds since the epoch; `key_protection` as rules read it."""

    device: str
    name: str
    owner: str
    chain: str
    ends_at: float
    key_protection: str = ""


class Failing(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is required of a device and not so.

    Args:
        name: of the check.
        words: what is wrong, for the person.
        stage: `report`, `notify`, `warn` or `block`.
        blocks_at: from when on it stands in the way (seconds since the epoch); `None` for never.
    """

    name: str
    words: str
    stage: str
    blocks_at: float | None = None


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A report was taken.

    Args:
        next_nonce: to sign the next one with.
        now: the instance's clock, seconds since the epoch.
        again_in: after how many seconds to report again at the latest.
        compliant: whether the device is as required; `None` where nothing is required.
        failing: what is not as required.
        wants: what else the instance would like to have: `inventory`, `quote`.
        mend: the page that says how to mend it.
    """

    next_nonce: str
    now: float
    again_in: int
    compliant: bool | None = None
    failing: tuple[Failing, ...] = ()
    wants: tuple[str, ...] = ()
    mend: str = ""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What a TPM's word on how its computer started is worth.

    Args:
        secure_boot: whether Secure Boot was on; `None` where that cannot be told.
        why: why not, in words.
        vouched: whether the TPM's maker is known, so that it counts as attested by hardware.
    """

    secure_boot: bool | None = None
    why: str = ""
    vouched: bool = False


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What the device sent is kept."""

    device: str


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """The device is given up."""

    device: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal. `now` is the instance's clock, seconds since the epoch."""

    error: str
    message: str
    hint: str = ""
    now: float = 0.0
