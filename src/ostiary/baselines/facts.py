"""What this room tells the decision service: section `compliance` of the snapshot."""

import time
from functools import lru_cache

import msgspec
from django.conf import settings
from django.db.models import TextField
from django.db.models.functions import Cast

from ostiary.baselines.models import DeviceVerdict
from ostiary.baselines.queries import counted_meets
from ostiary.devices.facade import State
from ostiary.policy.identifiers import DeviceId
from ostiary.policy.snapshot import Compliance, ComplianceFact


@lru_cache(maxsize=1000)
def _names(encoded: str) -> tuple[str, ...]:
    """Return names from their JSON, of which there are few: ten thousand devices meet the same baselines."""
    return tuple(msgspec.json.decode(encoded, type=list[str]))


def read_compliance() -> Compliance:
    """Return how every active device stands whose verdict is not over; none where devices are off."""
    if not settings.INSTANCE.configuration.devices.enabled:
        return Compliance()
    now = time.time()
    rows = DeviceVerdict.objects.filter(until__gt=now, device__state=State.ACTIVE).order_by()
    columns = rows.values_list("pk", "compliant", "until", Cast("meets", TextField()))
    devices = {
        DeviceId(device): ComplianceFact(compliant=compliant, until=until, meets=_names(meets))
        for device, compliant, until, meets in columns.iterator(chunk_size=5000)
    }
    held = rows.filter(held_until__gt=now, compliant=False)
    for device, until, held_until, meets, lost, checks in held.values_list(
        "pk", "until", "held_until", "meets", "lost", "held_checks"
    ):
        counted = counted_meets(meets, lost, checks)
        devices[DeviceId(device)] = ComplianceFact(compliant=True, until=min(until, held_until), meets=counted)
    return Compliance(devices=devices)
