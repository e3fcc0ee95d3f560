"""What this room tells the decision service: section `compliance` of the snapshot."""

import time

from django.conf import settings

from ostiary.baselines.models import DeviceVerdict
from ostiary.baselines.queries import to_verdict
from ostiary.devices.facade import State
from ostiary.policy.identifiers import DeviceId
from ostiary.policy.snapshot import Compliance, ComplianceFact


def read_compliance() -> Compliance:
    """Return how every active device stands whose verdict is not over; none where devices are off."""
    if not settings.INSTANCE.configuration.devices.enabled:
        return Compliance()
    now = time.time()
    rows = DeviceVerdict.objects.filter(device__state=State.ACTIVE).select_related("device", "device__owner").order_by()
    found = map(to_verdict, rows.iterator(chunk_size=2000))
    return Compliance(
        devices={
            DeviceId(one.device): ComplianceFact(compliant=one.compliant, until=one.until, meets=one.meets)
            for one in found
            if one.until > now
        }
    )
