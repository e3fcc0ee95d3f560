"""How the facts of a device changed, by who says so. What was looked at earlier finds its place among what is there."""

from datetime import UTC, datetime
from typing import Final

from ostiary.devices.domain.posture import SourceFacts, Value, spec_of
from ostiary.devices.models import DevicePosture, FactChange, StoredDevice

KEPT_CHANGES: Final = 500
"""Of each device."""
_EVER: Final = datetime.fromtimestamp(0, UTC)


def keep_changes(
    row: StoredDevice,
    before: DevicePosture | None,
    said: SourceFacts,
    *,
    at: datetime,
    heard_at: datetime | None = None,
) -> None:
    """Keep what a source says otherwise than before that moment.

    Args:
        row: the device, locked.
        before: what counts of the source until now, if anything.
        said: what it says.
        at: when it looked.
        heard_at: when its device reported last; after what counts came in, where something late came since.
    """
    known = {} if before is None else {name: fact.get("value") for name, fact in before.facts.items()}
    if before is None or at < before.looked_at or (heard_at is not None and heard_at > before.received_at):
        known |= _said_between(row, said.source, before.looked_at if before is not None else _EVER, at)
    now = {name: fact.value for name, fact in said.facts.items()}
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


def _said_between(row: StoredDevice, source: str, counts_from: datetime, at: datetime) -> dict[str, Value | None]:
    """Return what history has of a source between what counts and a moment, on either side of it, as of that moment."""
    back = at < counts_from
    first, last = (at, counts_from) if back else (counts_from, at)
    between = FactChange.objects.filter(device_id=row.pk, source=source, at__gt=first, at__lte=last)
    order = ("-at", "-pk") if back else ("at", "pk")
    return dict(between.order_by(*order).values_list("name", "before" if back else "value"))
