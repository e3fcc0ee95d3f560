"""How a device stands, in words for the console."""

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ostiary.devices.facade import Device, State, Why, shown_key

STATE_WORDS: Final[dict[State, Promise]] = {
    State.WAITING: _("Waits for approval"),
    State.ACTIVE: _("Active"),
    State.QUARANTINED: _("In quarantine"),
    State.LOST: _("Lost"),
    State.RETIRED: _("Retired"),
}
STATE_MEANINGS: Final = {
    State.WAITING: "held",
    State.ACTIVE: "allowed",
    State.QUARANTINED: "refused",
    State.LOST: "refused",
    State.RETIRED: "held",
}
WHY_WORDS: Final[dict[Why, Promise]] = {
    Why.BY_HAND: _("Somebody put it in quarantine: it counts as unknown until it is released."),
    Why.KEY_USED_TWICE: _(
        "Its key seems to be in use on two computers: somebody may have copied its disk, or it was set back to an older state. "
        "If nobody can say why, report it as lost."
    ),
    Why.RESTORED: _(
        "A backup was restored, which may know devices that were lost since. Release it if you know where it is."
    ),
}
PROTECTION_WORDS: Final[dict[str, Promise]] = {
    "file": _("A file, as it says"),
    "keystore": _("The system's key store, as it says"),
    "tpm": _("A security chip (TPM), proven; its maker is known"),
    "tpm_unverified": _("Something that behaves like a security chip (TPM), proven; no known maker vouches for it"),
}
"""Where its key lies, and how far that was proven."""
SECURE_BOOT_WORDS: Final[dict[bool | None, Promise]] = {True: _("On"), False: _("Off"), None: _("Unknown")}


@dataclass(frozen=True, slots=True)
class ShownDevice:
    """A line of a list. `key`: the part of its key that two people can compare by eye."""

    device: Device
    state: Promise
    meaning: str
    key: str
    waits: bool


def shown(found: Device) -> ShownDevice:
    """Return a device as lists show it."""
    words, meaning = STATE_WORDS[found.state], STATE_MEANINGS[found.state]
    return ShownDevice(found, words, meaning, shown_key(found.thumbprint), found.state is State.WAITING)
