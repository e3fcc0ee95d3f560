"""Which device a request to the control plane comes from, by the facts in force: the same that the gateway decides on."""

import time
from pathlib import Path
from typing import Final

import msgspec

from ostiary.gateway.decider.proven_device import (
    Certificates,
    ProvenDevice,
    active_device,
    certificates_of,
    proven_device,
)
from ostiary.gateway.snapshots import SNAPSHOT_FILE, FactsUnusable, read_encoded
from ostiary.policy.identifiers import DeviceId
from ostiary.policy.snapshot import DeviceFact, Devices

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
        self._read: tuple[object, float, Devices, Certificates] | None = None

    def enrolled(self, device: DeviceId) -> DeviceFact | None:
        """Return a device by its identifier, quarantined or not; `None` where it is not in the facts."""
        return self._current()[0].devices.get(device)

    def proven(self, certificate: str, now: float) -> ProvenDevice | None:
        """Return the device whose certificate was proven, quarantined ones included; `None` where nothing proves one.

        Args:
            certificate: fingerprint of the leaf; empty for none.
            now: seconds since the epoch.
        """
        return proven_device(certificate, self._current()[1], now) if certificate else None

    def active(self, certificate: str, now: float) -> ProvenDevice | None:
        """Return the device whose certificate was proven, unless it is quarantined; arguments as for `proven`."""
        return active_device(certificate, self._current()[1], now) if certificate else None

    def _current(self) -> tuple[Devices, Certificates]:
        """Facts that cannot be read know no device: what is bound to one opens nothing then."""
        try:
            status = (self._folder / SNAPSHOT_FILE).stat()
        except OSError:
            return Devices(), {}
        identity, moment = (status.st_ino, status.st_mtime_ns, status.st_size), time.monotonic()
        known = self._read
        if known is not None and known[0] == identity and moment - known[1] < BELIEVED_SECONDS:
            return known[2:]
        try:
            devices = msgspec.msgpack.decode(read_encoded(self._folder).devices, type=Devices)
        except (FactsUnusable, msgspec.MsgspecError):
            return Devices(), {}
        self._read = (identity, moment, devices, certificates_of(devices.devices.values()))
        return self._read[2:]
