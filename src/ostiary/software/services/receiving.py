"""Takes what a device says is installed on it. A set that another device has too need not be sent again."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from django.db import transaction

from ostiary.devices.facade import AgentRefused, Code, accept_inventory, already_sent
from ostiary.software.domain.allowance import owed_after
from ostiary.software.domain.kernels import waiting_kernel
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
        AgentRefused: when the device is not known or has ended, its message is stale, or it brings too much that is new here.
        UnreadableInventory: when the content is none, too large, or not the one that was signed.
    """
    message, place = accept_inventory(text, now=now)
    _require_later(message.device, place)
    inventory = unpack_inventory(content, digest=message.digest)
    with transaction.atomic():
        row = Installed.objects.select_for_update().filter(pk=message.device).first()
        kept, owed = _keep_set(message.digest, inventory, row, now=now)
        _require_later(message.device, place)
        _assign(message.device, kept, taken_at=message.at, now=now)
        used = {} if owed is None else {"owed": owed, "owed_at": datetime.fromtimestamp(now, UTC)}
        Installed.objects.filter(pk=message.device).update(place=place, **used)
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


def _require_later(device: str, place: int) -> None:
    if Installed.objects.filter(pk=device, place__gte=place).exists():
        raise already_sent()


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


def _keep_set(
    digest: str, inventory: Inventory, row: Installed | None, *, now: float
) -> tuple[PackageSet, float | None]:
    """Return the set, and how much its device has used up by it where it is new here."""
    kept = PackageSet.objects.filter(digest=digest).first()
    if kept is not None:
        return kept, None
    hold_packages()
    kept = PackageSet.objects.filter(digest=digest).first()
    if kept is not None:
        return kept, None
    numbers, owed = _keep_packages(inventory.packages, row, now=now)
    kept = PackageSet.objects.create(
        digest=digest,
        system=inventory.system,
        ecosystems=sorted({one.ecosystem for one in inventory.packages}),
        incomplete=list(inventory.incomplete),
        packages=pack_numbers(numbers),
        running=inventory.running,
        waiting=waiting_kernel(inventory.packages, inventory.running),
        size=len(numbers),
    )
    return kept, owed


def _keep_packages(packages: Iterable[Package], row: Installed | None, *, now: float) -> tuple[list[int], float]:
    """Return the numbers of packages, new ones for those that no device had before, and how much is used up then.

    Raises:
        AgentRefused: when there are more new ones than a device may bring; nothing was kept.
    """
    wanted = {package_digest(one): one for one in map(kept_package, packages)}
    digests = sorted(wanted)
    known = _numbers(digests)
    missing = [one for one in digests if one not in known]
    owed = _used_up(row, len(missing), now=now)
    StoredPackage.objects.bulk_create(
        [_row(one, wanted[one]) for one in missing], ignore_conflicts=True, batch_size=_MOST_PARAMETERS
    )
    known |= _numbers(missing)
    return [known[one] for one in digests], owed


def _used_up(row: Installed | None, packages: int, *, now: float) -> float:
    since = now if row is None or row.owed_at is None else row.owed_at.timestamp()
    owed = owed_after(0.0 if row is None else row.owed, seconds=now - since, packages=packages)
    if owed is None:
        raise AgentRefused(
            Code.TOO_MANY,
            "This computer told of so much that is new that the rest has to wait.",
            hint="It is taken by itself, within a day or two.",
        )
    return owed


def _numbers(digests: Sequence[str]) -> dict[str, int]:
    known: dict[str, int] = {}
    for at in range(0, len(digests), _MOST_PARAMETERS):
        some = digests[at : at + _MOST_PARAMETERS]
        known.update(StoredPackage.objects.filter(digest__in=some).values_list("digest", "pk"))
    return known


def _row(digest: str, package: Package) -> StoredPackage:
    return StoredPackage(
        digest=digest,
        ecosystem=package.ecosystem,
        name=package.name,
        version=package.version,
        source=package.source,
        source_version=package.source_version,
    )
