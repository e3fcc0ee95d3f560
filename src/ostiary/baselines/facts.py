"""What this room tells the decision service: section `compliance` of the snapshot."""

import time

from django.conf import settings

from ostiary.baselines.models import DeviceVerdict
from ostiary.baselines.queries import counted_meets
from ostiary.devices.facade import State
from ostiary.policy.identifiers import DeviceId
from ostiary.policy.snapshot import Compliance, ComplianceFact


def read_compliance() -> Compliance:
    """Return how every active device stands whose verdict is not over; none where devices are off."""
    if not settings.INSTANCE.configuration.devices.enabled:
        return Compliance()
    now = time.time()
    rows = DeviceVerdict.objects.filter(until__gt=now, device__state=State.ACTIVE).order_by()
    columns = rows.values_list("pk", "compliant", "until", "meets", "held_until", "lost", "held_checks")
    return Compliance(
        devices={
            DeviceId(device): ComplianceFact(
                compliant=True, until=min(until, held_until), meets=counted_meets(meets, lost, held)
            )
            if held_until > now and not compliant
            else ComplianceFact(compliant=compliant, until=until, meets=tuple(meets))
            for device, compliant, until, meets, held_until, lost, held in columns.iterator(chunk_size=2000)
        }
    )
