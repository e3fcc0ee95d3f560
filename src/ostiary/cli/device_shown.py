"""A device in words, as `ostiary device` shows it."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from ostiary.cli.moments import day_and_time

if TYPE_CHECKING:
    from ostiary.baselines.facade import Stand
    from ostiary.devices.facade import Device, KnownTpm

PROTECTION_WORDS: Final = {
    "file": "in a file, as it says",
    "keystore": "in the system's key store, as it says",
    "tpm": "in a TPM, proven; its maker is known",
    "tpm_unverified": "in something that behaves like a TPM, proven; no known maker vouches for it",
}


def state_words(device: "Device") -> str:
    """Return how a device stands, and why."""
    return f"{device.state.value} ({device.why.value.replace('_', ' ')})" if device.why else device.state.value


def stand_words(stand: "Stand | None") -> str | None:
    """Return how a device stands to what is required of it, and until when; `None` where nothing is."""
    if stand is None:
        return None
    return stand.stands.value + (f" until {day_and_time(stand.until)}" if stand.until else "")


def stand_of(stand: "Stand | None") -> dict[str, object]:
    """Return the same for programs."""
    return {"standing": stand.stands if stand else None, "standing_until": stand.until if stand else None}


def of_which(devices: Iterable["Device"], wanted: str, *, now: float) -> tuple["Device", ...]:
    """Return those devices in use of which a fact is as somebody typed: `disk_encrypted=bad`.

    Raises:
        UnusableDevice: when there is no such fact, or no value is said.
    """
    from ostiary.devices.facade import FACTS, UnusableDevice, fact_is, list_known

    name, _, value = wanted.partition("=")
    if name not in FACTS or not value:
        raise UnusableDevice(
            f"{wanted[:60]!r} names no fact and value.",
            hint=f"Say for instance disk_encrypted=no. Facts: {', '.join(FACTS)}.",
        )
    known = list_known(now=now)
    return tuple(one for one in devices if one.id in known and fact_is(known[one.id].values, name, value))


def facts_of(device: "Device") -> Iterator[tuple[str, str | None]]:
    """Yield what is known of a device, line by line."""
    from ostiary.devices.facade import shown_key

    yield "Device", device.id
    yield "Name", device.name
    yield "State", state_words(device)
    yield "Owner", device.owner + (" (gone)" if device.owner_gone else "")
    yield "Platform, as it says", device.platform
    yield "Key", f"{shown_key(device.thumbprint)} ({PROTECTION_WORDS[device.key_protection]})"
    yield "Key, whole", device.thumbprint
    yield from _tpm(device.tpm)
    yield "Enrolled", f"{day_and_time(device.enrolled_at)} from {device.asked_from or 'an unknown address'}"
    yield "Confirmed from", device.confirmed_from or None
    yield "Approved", f"{day_and_time(device.approved_at)} by {device.approved_by}" if device.approved_at else None
    yield "Last seen", day_and_time(device.seen_at) if device.seen_at else "never"
    yield "Certificate ends", day_and_time(device.certified_until) if device.certified_until else None
    yield "Certificates so far", str(device.generation)


def _tpm(tpm: "KnownTpm | None") -> Iterator[tuple[str, str | None]]:
    if tpm is None:
        return
    yield "TPM vouched for by", tpm.maker or f"nobody: {tpm.why}"
    yield "TPM's own key", tpm.endorsement
    if tpm.quoted_at is None:
        yield "Secure Boot", "unknown: its TPM has not said yet how it started"
        return
    words = {True: "on", False: "off", None: f"unknown: {tpm.boot_words}"}[tpm.secure_boot]
    yield "Secure Boot", f"{words} (its TPM, {day_and_time(tpm.quoted_at)})"
