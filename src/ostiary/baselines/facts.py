"""What this room tells the decision service: section `compliance` of the snapshot."""

import time

from django.conf import settings
from django.db.models import Q

from ostiary.baselines.models import DeviceVerdict
from ostiary.devices.facade import State
from ostiary.policy.identifiers import DeviceId
from ostiary.policy.snapshot import Compliance, ComplianceFact


def read_compliance() -> Compliance:
    """Return how every active device stands whose verdict is not over; none where devices are off."""
    if not settings.INSTANCE.configuration.devices.enabled:
        return Compliance()
    now = time.time()
    rows = DeviceVerdict.objects.filter(Q(until__gt=now) | Q(held_until__gt=now), device__state=State.ACTIVE).order_by()
    columns = rows.values_list("pk", "compliant", "until", "meets", "held_until", "last_meets")
    return Compliance(
        devices={
            DeviceId(device): ComplianceFact(compliant=True, until=held, meets=tuple(last))
            if held and not compliant
            else ComplianceFact(compliant=compliant, until=until, meets=tuple(meets))
            for device, compliant, until, meets, held, last in columns.iterator(chunk_size=2000)
        }
    )
