"""Takes what a device says is installed on it. A set that another device has too need not be sent again."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from django.db import transaction

from ostiary.devices.facade import accept_inventory
from ostiary.software.domain.packages import Inventory, Package, unpack_inventory
from ostiary.software.domain.sets import pack_numbers
from ostiary.software.domain.stored import kept_package, package_digest
from ostiary.software.models import Installed, PackageSet, StoredPackage
from ostiary.software.services.knowledge import hold_packages, recount_soon

_MOST_PARAMETERS: Final = 800


def take_inventory(text: str, content: bytes, *, now: float) -> str:
    """Take a device's inventory in place of the one before.

    Args:
        text: the signed `Inventory` message, which names the digest of what is sent.
        content: the inventory, packed.
        now: seconds since the epoch.

    Returns:
        Which device it is.

    Raises:
        UnreadableMessage: when it is no such message.
        AgentRefused: when the device is not known or has ended, or its message is stale.
        UnreadableInventory: when the content is none, too large, or not the one that was signed.
    """
    message = accept_inventory(text, now=now)
    inventory = unpack_inventory(content, digest=message.digest)
    with transaction.atomic():
        kept = _keep_set(message.digest, inventory)
        _assign(message.device, kept, taken_at=message.at, now=now)
    return message.device


@transaction.atomic
def note_report(*, device: str, digest: str, now: float) -> bool:
    """Take note that a device still has, or already has, what is known under a digest.

    Args:
        device: which; it proved itself.
        digest: of its inventory; empty where its agent makes none.
        now: seconds since the epoch.

    Returns:
        Whether the inventory has to be sent.
    """
    if not digest:
        return False
    kept = PackageSet.objects.filter(digest=digest).only("pk").first()
    if kept is None:
        return True
    _assign(device, kept, taken_at=now, now=now)
    return False


def _assign(device: str, kept: PackageSet, *, taken_at: float, now: float) -> None:
    moment = datetime.fromtimestamp(now, UTC)
    row = Installed.objects.select_for_update().filter(pk=device).first()
    if row is not None and row.packages_id == kept.pk:
        Installed.objects.filter(pk=device).update(confirmed_at=moment)
        return
    at = datetime.fromtimestamp(min(taken_at, now), UTC)
    Installed.objects.update_or_create(
        device_id=device, defaults={"packages": kept, "taken_at": at, "confirmed_at": moment, "told_at": None}
    )
    if row is not None:
        forget_unused([row.packages_id])
    recount_soon()


def forget_unused(sets: Sequence[int]) -> int:
    """Delete those of some sets that no device has any more; return how many rows went."""
    return PackageSet.objects.filter(pk__in=sets, devices__isnull=True).delete()[0]


def _keep_set(digest: str, inventory: Inventory) -> PackageSet:
    kept = PackageSet.objects.filter(digest=digest).first()
    if kept is not None:
        return kept
    hold_packages()
    kept = PackageSet.objects.filter(digest=digest).first()
    if kept is not None:
        return kept
    numbers = _keep_packages(inventory.packages)
    return PackageSet.objects.create(
        digest=digest,
        system=inventory.system,
        ecosystems=sorted({one.ecosystem for one in inventory.packages}),
        incomplete=list(inventory.incomplete),
        packages=pack_numbers(numbers),
        size=len(numbers),
    )


def _keep_packages(packages: Iterable[Package]) -> list[int]:
    """Return the numbers of packages, new ones for those that no device had before."""
    wanted = {package_digest(one): one for one in map(kept_package, packages)}
    digests = sorted(wanted)
    known: dict[str, int] = {}
    for at in range(0, len(digests), _MOST_PARAMETERS):
        some = digests[at : at + _MOST_PARAMETERS]
        known.update(_numbers(some))
        if missing := [one for one in some if one not in known]:
            StoredPackage.objects.bulk_create(
                [_row(one, wanted[one]) for one in missing], ignore_conflicts=True, batch_size=_MOST_PARAMETERS
            )
            known.update(_numbers(missing))
    return [known[one] for one in digests]


def _numbers(digests: Sequence[str]) -> Iterable[tuple[str, int]]:
    return StoredPackage.objects.filter(digest__in=digests).values_list("digest", "pk")


def _row(digest: str, package: Package) -> StoredPackage:
    return StoredPackage(
        digest=digest,
        ecosystem=package.ecosystem,
        name=package.name,
        version=package.version,
        source=package.source,
        source_version=package.source_version,
    )
