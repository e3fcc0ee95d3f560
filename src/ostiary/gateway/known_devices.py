"""Which device a request to the control plane comes from, by the facts in force: the same that the gateway decides on."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.gateway.decider.proven_device import (
    Certificates,
    KnownOfDevices,
    ProvenDevice,
    active_device,
    as_rules_see_it,
    certificates_of,
    proven_device,
)
from ostiary.gateway.snapshot_reader import Sections
from ostiary.gateway.snapshots import SNAPSHOT_FILE, FactsUnusable, read_encoded
from ostiary.policy.identifiers import DeviceId, PersonId
from ostiary.policy.request import Device
from ostiary.policy.snapshot import DeviceFact

CERTIFICATE_HEADER: Final = "x-ostiary-device"
"""What the data plane says of the connection; whatever a client sends under this name is removed first."""

BELIEVED_SECONDS: Final = 5.0
"""Two files may look alike; after so long one is read again all the same."""


class KnownDevices:
    """The devices that are in the facts of one instance; read again whenever other facts were published.

    Args:
        folder: the facts folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sections = Sections()
        self._read: tuple[object, float, _Known] | None = None

    def as_rules_see_it(self, device: DeviceId | None, person: PersonId, now: float) -> Device | None:
        """Return what rules may read of a device, quarantined or not; `None` where it is not in the facts.

        Args:
            device: which; `None` for none.
            person: who asks with it.
            now: seconds since the epoch.
        """
        known = self._current()
        fact: DeviceFact | None = known.devices.get(device) if device is not None else None
        return as_rules_see_it(fact, person, known.more, now)

    def by_owner(self, now: float) -> dict[PersonId, tuple[Device, ...]]:
        """Return what rules may read of everybody's own devices at a moment (seconds since the epoch), quarantined ones left out."""
        known, found = self._current(), dict[PersonId, list[Device]]()
        for fact in known.devices.values():
            if fact.active and (seen := as_rules_see_it(fact, fact.owner, known.more, now)) is not None:
                found.setdefault(fact.owner, []).append(seen)
        return {owner: tuple(devices) for owner, devices in found.items()}

    def proven(self, certificate: str, now: float) -> ProvenDevice | None:
        """Return the device whose certificate was proven, quarantined ones included; `None` where nothing proves one.

        Args:
            certificate: fingerprint of the leaf; empty for none.
            now: seconds since the epoch.
        """
        return proven_device(certificate, self._current().certificates, now) if certificate else None

    def active(self, certificate: str, now: float) -> ProvenDevice | None:
        """Return the device whose certificate was proven, unless it is quarantined; arguments as for `proven`."""
        return active_device(certificate, self._current().certificates, now) if certificate else None

    def _current(self) -> "_Known":
        """Facts that cannot be read know no device: what is bound to one opens nothing then."""
        try:
            status = (self._folder / SNAPSHOT_FILE).stat()
        except OSError:
            return _NOTHING
        identity, moment = (status.st_ino, status.st_mtime_ns, status.st_size), time.monotonic()
        if self._read is not None and self._read[0] == identity and moment - self._read[1] < BELIEVED_SECONDS:
            return self._read[2]
        try:
            encoded = read_encoded(self._folder)
            sections = self._sections.read(encoded, ("devices", "given", "postures", "compliance"))
        except FactsUnusable:
            return _NOTHING
        known = _known(sections, self._read[2] if self._read is not None else _NOTHING)
        self._read = (identity, moment, known)
        return known


def _known(sections: Mapping[str, Any], before: "_Known") -> "_Known":
    """Return what is known by these sections; the certificates of devices that did not change are sorted already."""
    devices: dict[DeviceId, DeviceFact] = sections["devices"].devices
    if devices is before.devices:
        certificates = msgspec.structs.replace(before.certificates, given=sections["given"])
    else:
        certificates = certificates_of(devices.values(), sections["given"])
    return _Known(devices, certificates, KnownOfDevices(sections["postures"].devices, sections["compliance"].devices))


class _Known(msgspec.Struct, frozen=True):
    devices: dict[DeviceId, DeviceFact]
    certificates: Certificates
    more: KnownOfDevices


_NOTHING: Final = _Known({}, Certificates(), KnownOfDevices())
