"""Takes what somebody says of a device: keeps it, works out what is known now, and tells whoever stands on it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec
import structlog
from django.db import transaction
from django.dispatch import Signal

from ostiary.changes import announce_change
from ostiary.devices.domain.devices import State, UnusableDevice
from ostiary.devices.domain.flapping import says_otherwise, steadied
from ostiary.devices.domain.posture import FACTS, Evidence, Reported, SourceFacts, Value, combine, is_worse
from ostiary.devices.models import NOTHING_KNOWN, DevicePosture, StoredDevice
from ostiary.devices.queries import source_facts, unknown_device
from ostiary.devices.services.history import keep_changes
from ostiary.devices.services.pacing import forget_pace, may_change
from ostiary.policy.identifiers import DeviceId
from ostiary.rulebook.facade import get_current

SECTION: Final = "postures"
SOON_SECONDS: Final = 600.0
"""What ends sooner than this is published at once when somebody says it anew; everything else with the next round."""

AHEAD_SECONDS: Final = 20.0
"""What is too old so soon is left out already when time is what changes it: the gateway hears of it before it ends."""

posture_changed = Signal()
"""Sent inside the transaction that changed what is known: `devices` (identifiers), `now` (seconds since the epoch) and `by_time`:
whether nobody said anything else, and it only became too old."""

log = structlog.get_logger(__name__)


@transaction.atomic
def take_facts(
    *,
    device: str,
    source: str,
    evidence: Evidence,
    facts: Iterable[Reported],
    taken_at: float,
    lasts: float,
    now: float,
) -> bool:
    """Take all that one source says of a device, in place of what it said before.

    What was looked at before what is there already only stands in the history.

    Args:
        device: which.
        source: who says it, at most 16 letters.
        evidence: how much stands behind it.
        facts: all that it says; of two with one name the last counts.
        taken_at: when it looked, seconds since the epoch.
        lasts: for how many seconds each counts from when it was looked at.
        now: seconds since the epoch.

    Returns:
        Whether anything that rules may read changed.

    Raises:
        UnknownDevice: when there is none with this identifier.
        UnusableDevice: when it is neither active nor in quarantine.
    """
    row = lock_device(device)
    if row.state not in {State.ACTIVE, State.QUARANTINED}:
        raise UnusableDevice(f"{row.name} is {row.state}.", hint="See: ostiary device list")
    said = SourceFacts(source=source, evidence=evidence, lasts=lasts, facts={one.name: one for one in facts})
    return take_word(row, said, taken_at=taken_at, now=now)


def lock_device(device: str) -> StoredDevice:
    """Return a device, locked until the transaction ends. Raises `UnknownDevice`."""
    row = StoredDevice.objects.select_for_update().filter(pk=device).first() if "\x00" not in device else None
    if row is None:
        raise unknown_device(device)
    return row


def take_word(
    row: StoredDevice,
    said: SourceFacts,
    *,
    taken_at: float,
    now: float,
    counts: bool = True,
    heard_at: datetime | None = None,
    also: tuple[str, ...] = (),
) -> bool:
    """Take all that one source says of a device that is locked. What comes every few minutes from each is done in few statements.

    Args:
        row: the device, locked.
        said: by whom, and what.
        taken_at: when it looked, seconds since the epoch.
        now: seconds since the epoch.
        counts: whether it is how things stand now; otherwise it only stands in the history.
        heard_at: when the device reported last before this, for a report.
        also: further fields of the device that were changed.

    Returns:
        Whether anything that rules may read changed.
    """
    facts = {name: _as_kept(one, now) for name, one in said.facts.items() if name in FACTS}
    said = msgspec.structs.replace(said, facts=facts)
    looked_at = datetime.fromtimestamp(min(taken_at, now), UTC)
    kept = {one.source: one for one in row.postures.all()}
    before = kept.get(said.source)
    if not counts or (before is not None and looked_at < before.looked_at):
        if may_change(row.id, now=now):
            keep_changes(row, before, said, at=looked_at, heard_at=heard_at)
        row.save(update_fields=also)
        return False
    if before is not None:
        said = _within_bounds(row, source_facts(before), said, now=now)
    keep_changes(row, before, said, at=looked_at, heard_at=heard_at)
    after = before or DevicePosture(device=row, source=said.source)
    after.evidence, after.lasts, after.facts = int(said.evidence), said.lasts, msgspec.to_builtins(said.facts)
    after.looked_at, after.received_at = looked_at, datetime.fromtimestamp(now, UTC)
    after.save(force_insert=before is None, force_update=before is not None)
    kept[said.source] = after
    return _work_out(row, kept.values(), now=now, also=also)


@transaction.atomic
def forget_source(*, device: str, source: str, now: float) -> bool:
    """Forget what one source said of a device. Arguments and return value as for `take_facts`."""
    row = StoredDevice.objects.select_for_update().filter(pk=device).first()
    if row is None or not row.postures.filter(source=source).delete()[0]:
        return False
    return _work_out(row, row.postures.all(), now=now)


def forget_posture(row: StoredDevice) -> None:
    """Forget all that anybody said of a device, and when."""
    row.postures.all().delete()
    row.fact_changes.all().delete()
    forget_pace(row.id)
    row.known, row.known_until = NOTHING_KNOWN, 0.0
    row.save(update_fields=["known", "known_until"])


def drop_old_facts(*, now: float) -> int:
    """Work out again what is known where some of it is too old, or will be in a moment.

    What one source said last holds only until its oldest word is too old, and with it all that is published of a device. So
    whatever others go on saying is published without that word before it ends.

    Args:
        now: seconds since the epoch.

    Returns:
        How many devices are known less well than before.
    """
    at = now + AHEAD_SECONDS
    over = list(StoredDevice.objects.filter(known_until__gt=0, known_until__lte=at).values_list("pk", flat=True))
    for device in over:
        with transaction.atomic():
            row = StoredDevice.objects.select_for_update().filter(pk=device, known_until__lte=at).first()
            if row is None:
                continue
            _work_out(row, row.postures.all(), now=now, by_time=True)
            if row.known_until > now:
                announce_change(SECTION, takes_away=False, at_once=False)
    return len(over)


def refresh_postures(*, now: float) -> int:
    """Drop what is too old, and have fresh facts published. Arguments and return value as for `drop_old_facts`."""
    over = drop_old_facts(now=now)
    if StoredDevice.objects.filter(known_until__gt=now).exists():
        with transaction.atomic():
            announce_change(SECTION, takes_away=False, at_once=False)
    return over


def _work_out(
    row: StoredDevice,
    sources: Iterable[DevicePosture],
    *,
    now: float,
    by_time: bool = False,
    also: tuple[str, ...] = (),
) -> bool:
    """Bring what is known of a device up to date; return whether a value changed.

    What rules in force read is published at once when it is worse and within seconds when it is not, everything else with
    the next round. Whoever stands on it hears also of what had run out by itself: the decision service forgot that in time.
    """
    written = _decoded(row)
    before = written if row.known_until > now else {}
    posture = combine(map(source_facts, sources), now + AHEAD_SECONDS if by_time else now)
    after, until, had = posture.for_rules(), posture.until() or 0.0, row.known_until
    row.known, row.known_until = msgspec.msgpack.encode(after), until
    row.save(update_fields=["known", "known_until", *also])
    changed = _differing(before, after)
    if changed or _differing(written, after):
        posture_changed.send(sender=None, devices=(DeviceId(row.id),), now=now, by_time=by_time)
    if (changed and _are_read_by_rules(changed)) or (not by_time and had < now + SOON_SECONDS and had < until):
        worse = is_worse(before, after)
        announce_change(SECTION, takes_away=worse, at_once=worse)
    return bool(changed)


def _differing(before: Mapping[str, Value], after: Mapping[str, Value]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def _within_bounds(row: StoredDevice, before: SourceFacts, said: SourceFacts, *, now: float) -> SourceFacts:
    """Return what counts of a source's word, so that nobody makes work without end by changing it."""
    if not says_otherwise(before, said, now) or may_change(row.id, now=now):
        return said
    slowed = steadied(before, said, now)
    if says_otherwise(before, slowed, now):
        log.warning("device_flaps", device=row.id, source=said.source)
    return slowed


def _are_read_by_rules(names: Iterable[str]) -> bool:
    """Tell whether the rules in force may read any of these: whether its name stands anywhere in them."""
    rules = get_current()
    text = f"{rules.document}\n{rules.cedar}"
    return any(name in text for name in names)


def _as_kept(fact: Reported, now: float) -> Reported:
    """A clock that is ahead makes nothing fresh for longer; what no database keeps is left out."""
    value = fact.value.replace("\x00", "") if isinstance(fact.value, str) else fact.value
    return msgspec.structs.replace(fact, at=min(fact.at, now), value=value, problem=fact.problem.replace("\x00", ""))


def _decoded(row: StoredDevice) -> dict[str, Value]:
    return msgspec.msgpack.decode(bytes(row.known), type=dict[str, Value])
