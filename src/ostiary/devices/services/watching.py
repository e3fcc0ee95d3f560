"""Whether somebody looks at how a device stands right now, so that its agent tells it more often meanwhile."""

from typing import Final

from ostiary.devices.models import StoredDevice
from ostiary.policy.identifiers import DeviceId

WATCHED_SECONDS: Final = 600.0
"""For how long after somebody looked."""


def watch_device(device: DeviceId, *, now: float) -> float:
    """Note that somebody looks; return since when somebody did already, or 0. All in seconds since the epoch.

    Whoever reloads a page writes no more than once in five minutes.
    """
    row = StoredDevice.objects.filter(pk=device)
    since = row.values_list("watched_at", flat=True).first() or 0.0
    if not now - WATCHED_SECONDS / 2 < since <= now:
        row.update(watched_at=now)
    return since if now - WATCHED_SECONDS < since <= now else 0.0


def is_watched(device: DeviceId, *, now: float) -> bool:
    """Tell whether somebody looked at a device lately."""
    return StoredDevice.objects.filter(pk=device, watched_at__gt=now - WATCHED_SECONDS).exists()
