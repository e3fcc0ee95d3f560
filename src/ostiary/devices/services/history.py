"""How the facts of a device changed, by who says so. What was looked at earlier finds its place among what is there."""

from datetime import datetime
from typing import Final

from ostiary.devices.domain.posture import SourceFacts, Value, spec_of
from ostiary.devices.models import DevicePosture, FactChange, StoredDevice

KEPT_CHANGES: Final = 500
"""Of each device."""


def keep_changes(row: StoredDevice, before: DevicePosture | None, said: SourceFacts, *, at: datetime) -> None:
    """Keep what a source says otherwise than before that moment.

    Args:
        row: the device, locked.
        before: what counts of the source until now, if anything.
        said: what it says.
        at: when it looked.
    """
    known, now = _said_before(row, before, said.source, at), {name: fact.value for name, fact in said.facts.items()}
    changes = [
        FactChange(device=row, at=at, source=said.source, name=name, value=now.get(name), before=known.get(name))
        for name in sorted(known.keys() | now.keys())
        if known.get(name) != now.get(name) and (spec := spec_of(name)) is not None and spec.kept
    ]
    if changes:
        FactChange.objects.bulk_create(changes)
        kept = FactChange.objects.filter(device=row).order_by("-pk").values_list("pk", flat=True)
        oldest = kept[KEPT_CHANGES - 1 : KEPT_CHANGES].first()
        if oldest is not None:
            FactChange.objects.filter(device=row, pk__lt=oldest).delete()


def _said_before(row: StoredDevice, before: DevicePosture | None, source: str, at: datetime) -> dict[str, Value | None]:
    """Return what a source said at a moment, from what counts of it and from what history has on either side of that."""
    known = {} if before is None else {name: fact.get("value") for name, fact in before.facts.items()}
    changes = FactChange.objects.filter(device=row, source=source)
    if before is not None and at < before.looked_at:
        for one in changes.filter(at__gt=at, at__lte=before.looked_at).order_by("-at", "-pk"):
            known[one.name] = one.before
        return known
    since = changes.filter(at__lte=at).order_by("at", "pk")
    for one in since if before is None else since.filter(at__gt=before.looked_at):
        known[one.name] = one.value
    return known
