"""Collects what verdicts depend on: the devices with what is known of them, and what is asked of whom."""

from collections import defaultdict
from collections.abc import Iterable
from hashlib import blake2b

import msgspec
from django.db.models import QuerySet

from ostiary.baselines.domain.case import Case
from ostiary.baselines.domain.document import Baseline
from ostiary.baselines.domain.requirement import Requirement, required_of
from ostiary.baselines.domain.runs_on import runs_on
from ostiary.baselines.domain.standing import ExceptionState
from ostiary.baselines.models import CheckException, DeviceVerdict, Failing
from ostiary.baselines.queries import list_baselines, list_requirements
from ostiary.devices.facade import State, list_postures
from ostiary.devices.models import StoredDevice
from ostiary.identity.facade import memberships_in
from ostiary.policy.identifiers import DeviceId, GroupId, PersonId


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of devices: every baseline by name, and every requirement.

    Args:
        mark: of all baselines, and of what is required of more than one device: another where any of it is another.
        marks: by device, of what is required of it alone.
    """

    baselines: dict[str, Baseline]
    requirements: tuple[Requirement, ...]
    mark: str = ""
    marks: dict[str, str] = {}

    def mark_of(self, device: str) -> str:
        """Return the mark of all that is asked of a device: its verdict rests on nothing else than this and what is known of it."""
        own = self.marks.get(device)
        return self.mark if own is None else f"{self.mark}-{own}"


def read_asked() -> Asked:
    """Return what is asked of devices now."""
    stored, requirements = list_baselines(), list_requirements()
    own: defaultdict[str, list[Requirement]] = defaultdict(list)
    for one in requirements:
        if one.device:
            own[one.device].append(one)
    return Asked(
        baselines={one.baseline.name: one.baseline for one in stored},
        requirements=requirements,
        mark=_mark(
            *((one.baseline.name, one.number, one.document) for one in stored),
            *((one.baseline, one.group, one.starts_at) for one in requirements if not one.device),
        ),
        marks={device: _mark(*((one.baseline, one.starts_at) for one in ones)) for device, ones in own.items()},
    )


def asked_otherwise(asked: Asked) -> tuple[DeviceId, ...]:
    """Return the devices of which something else is asked than when they were judged, and those that never were."""
    judged = dict(DeviceVerdict.objects.values_list("pk", "asked"))
    devices = map(DeviceId, devices_judged().values_list("pk", flat=True))
    return tuple(sorted(one for one in devices if judged.get(one) != asked.mark_of(one)))


def lock_judged(devices: tuple[DeviceId, ...]) -> None:
    """Lock devices, always in the same order and before anything is read of them, as whoever takes facts does.

    Use inside a transaction.

    Args:
        devices: which.
    """
    rows = devices_judged().filter(pk__in=devices)
    list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))


def read_cases(asked: Asked, *, now: float, devices: Iterable[DeviceId] | None = None) -> list[Case]:
    """Return devices that are active or in quarantine with what their verdicts depend on.

    Args:
        asked: what is asked of them.
        now: seconds since the epoch.
        devices: which; all of them by default.
    """
    wanted = None if devices is None else tuple(dict.fromkeys(devices))
    found = _devices(wanted)
    postures = list_postures(now=now, devices=wanted)
    since, excepted = _failing(wanted), _excepted(wanted, now)
    groups = _groups_of(asked, None if wanted is None else {owner_id for _, _, _, owner_id, _ in found})
    return [
        Case(
            device=DeviceId(device),
            name=name,
            owner=owner,
            owner_id=owner_id,
            platform=runs_on(platform, postures[DeviceId(device)].systems),
            groups=groups.get(PersonId(owner_id), frozenset()),
            posture=postures[DeviceId(device)],
            since=since[device],
            excepted=excepted[device],
        )
        for device, name, platform, owner_id, owner in found
        if DeviceId(device) in postures
    ]


def required_now(asked: Asked, *, now: float) -> dict[DeviceId, list[str]]:
    """Return the names of the baselines that are required of each device, reading nothing of what is known of it."""
    groups_of, nowhere = _groups_of(asked, None), frozenset[GroupId]()
    found: dict[DeviceId, list[str]] = {}
    for device, owner in devices_judged().values_list("pk", "owner_id"):
        groups = groups_of.get(PersonId(owner), nowhere)
        names = (one.baseline for one in required_of(device, groups, asked.requirements, now))
        found[DeviceId(device)] = list(dict.fromkeys(names))
    return found


def devices_judged() -> QuerySet[StoredDevice]:
    """Return the rows of all devices that are judged: active or in quarantine."""
    return StoredDevice.objects.filter(state__in=[one.value for one in (State.ACTIVE, State.QUARANTINED)]).order_by()


def _mark(*parts: tuple[str | float, ...]) -> str:
    return blake2b(msgspec.json.encode(parts), digest_size=8).hexdigest()


def _devices(wanted: tuple[DeviceId, ...] | None) -> list[tuple[str, str, str, str, str]]:
    rows = devices_judged() if wanted is None else devices_judged().filter(pk__in=wanted)
    return list(rows.values_list("pk", "name", "platform", "owner_id", "owner__email"))


def _failing(wanted: tuple[DeviceId, ...] | None) -> defaultdict[str, dict[str, float]]:
    rows = Failing.objects.all() if wanted is None else Failing.objects.filter(device__in=wanted)
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for device, check, since in rows.values_list("device_id", "check_name", "since"):
        found[device][check] = since
    return found


def _excepted(wanted: tuple[DeviceId, ...] | None, now: float) -> defaultdict[str, dict[str, float]]:
    rows = CheckException.objects.filter(state=ExceptionState.GRANTED, until__gt=now).order_by()
    rows = rows if wanted is None else rows.filter(device__in=wanted)
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for device, check, until in rows.values_list("device_id", "check_name", "until"):
        found[device][check] = until
    return found


def _groups_of(asked: Asked, owners: set[str] | None) -> dict[PersonId, frozenset[GroupId]]:
    """Return in which groups that something is required of these owners are; `None` for every one."""
    groups = {GroupId(one.group) for one in asked.requirements if one.group}
    return memberships_in(groups, None if owners is None else map(PersonId, owners))
