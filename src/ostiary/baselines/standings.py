"""Reads of how devices stand, of all of them in one word each: lists and overviews go by it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from django.db.models import TextField
from django.db.models.functions import Cast

from ostiary.baselines.domain.evaluation import NEVER
from ostiary.baselines.domain.stands import Stand, Stands, stands_at
from ostiary.baselines.models import DeviceVerdict, Failing
from ostiary.baselines.queries import list_baselines
from ostiary.baselines.services.cases import devices_judged
from ostiary.policy.identifiers import DeviceId

_NOTHING = "[]"


def stands_of_all(*, now: float) -> dict[DeviceId, Stands]:
    """Return how every device stands that is active or in quarantine, by identifier, at a moment (seconds since the epoch)."""
    found = {pk: stands for pk, stands, _held_until in _verdicts(None, now)}
    every = devices_judged().values_list("pk", flat=True)
    return {DeviceId(one): found.get(one, Stands.BLOCKED) for one in every}


def count_stands(*, now: float) -> tuple[tuple[Stands, int], ...]:
    """Return how many devices stand how at a moment (seconds since the epoch)."""
    count = Counter(stands_of_all(now=now).values())
    return tuple((one, count[one]) for one in Stands)


def list_stands(devices: Iterable[DeviceId], *, now: float) -> dict[DeviceId, Stand]:
    """Return how some devices stand, and until when; those that are neither active nor in quarantine are left out.

    Args:
        devices: which.
        now: seconds since the epoch.
    """
    wanted = list(devices)
    verdicts = {pk: (stands, held_until) for pk, stands, held_until in _verdicts(wanted, now)}
    ends = _ends({pk for pk, (stands, _) in verdicts.items() if stands is Stands.GRACE}, now)
    found = {}
    for pk in devices_judged().filter(pk__in=wanted).values_list("pk", flat=True):
        stands, held_until = verdicts.get(pk, (Stands.BLOCKED, 0.0))
        until = held_until if stands is Stands.HELD else ends.get(pk)
        found[DeviceId(pk)] = Stand(stands=stands, until=until)
    return found


def _verdicts(devices: list[DeviceId] | None, now: float) -> Iterator[tuple[str, Stands, float]]:
    rows = DeviceVerdict.objects.order_by()
    rows = rows if devices is None else rows.filter(pk__in=devices)
    columns = rows.values_list("pk", "compliant", "until", "held_until", Cast("failing", TextField()))
    for pk, compliant, until, held_until, failing in columns:
        lacks = failing != _NOTHING
        stands = stands_at(now, compliant=compliant, lacks=lacks, until=until, held_until=held_until)
        yield pk, stands, held_until


def _ends(devices: set[str], now: float) -> dict[str, float]:
    """Return when the first of what devices fail blocks them; those that nothing will block are left out."""
    if not devices:
        return {}
    spans = _spans()
    required = dict(DeviceVerdict.objects.filter(pk__in=devices).values_list("pk", "required"))
    found: dict[str, float] = {}
    failing = Failing.objects.filter(device__in=devices).exclude(stage="")
    for pk, check, since in failing.values_list("device_id", "check_name", "since"):
        blocks = (since + span for name in required[pk] if (span := spans.get((name, check))) is not None)
        found[pk] = min(found.get(pk, NEVER), *blocks, NEVER)
    return {pk: max(now, at) for pk, at in found.items() if at < NEVER}


def _spans() -> Mapping[tuple[str, str], float | None]:
    """Return after how many seconds each check of each baseline blocks; `None` for never."""
    return {
        (one.baseline.name, check.name): check.ladder.block for one in list_baselines() for check in one.baseline.checks
    }
