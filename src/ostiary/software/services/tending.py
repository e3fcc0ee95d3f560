"""What the worker does for software: the next part of what there is to match, to count and to tell; and nothing kept that is over."""

from typing import Final

from django.db import transaction

from ostiary.devices.facade import HELD
from ostiary.software.domain.sets import unpack_numbers
from ostiary.software.models import Installed, PackageSet, StoredPackage
from ostiary.software.services.knowledge import hold_packages
from ostiary.software.services.matching import match_step
from ostiary.software.services.telling import tell_facts

_AT_ONCE: Final = 500


def tend_software(*, now: float) -> int:
    """Do one part of what there is to do: match, count, tell. Return how much that was; 0 when nothing is left.

    Args:
        now: seconds since the epoch.
    """
    return match_step(now=now) or tell_facts(now=now)


def forget_software(*, now: float) -> int:
    """Delete sets that no device has, and packages that are in no set; return how many.

    Args:
        now: seconds since the epoch; it does not matter.
    """
    del now
    with transaction.atomic():
        Installed.objects.exclude(device__state__in=HELD).delete()
        sets = PackageSet.objects.filter(devices__isnull=True).delete()[0]
    with transaction.atomic():
        hold_packages()
        used: set[int] = set()
        for content in PackageSet.objects.values_list("packages", flat=True).iterator():
            used.update(unpack_numbers(bytes(content)))
        unused = [pk for pk in StoredPackage.objects.values_list("pk", flat=True).iterator() if pk not in used]
        for at in range(0, len(unused), _AT_ONCE):
            StoredPackage.objects.filter(pk__in=unused[at : at + _AT_ONCE]).delete()
    return sets + len(unused)
