"""Collects what verdicts depend on: the devices with what is known of them, and what is asked of whom."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from ostiary.baselines.domain.case import Case
from ostiary.baselines.domain.document import Baseline
from ostiary.baselines.domain.platforms import platform_of
from ostiary.baselines.domain.requirement import Requirement
from ostiary.baselines.domain.standing import ExceptionState
from ostiary.baselines.models import CheckException, Failing
from ostiary.baselines.queries import list_baselines, list_requirements
from ostiary.devices.facade import Device, State, UnknownDevice, get_device, list_devices, list_postures
from ostiary.identity.facade import UnknownGroup, list_members
from ostiary.policy.identifiers import DeviceId, GroupId

JUDGED = frozenset({State.ACTIVE, State.QUARANTINED})
FEW = 20
SLACK_SECONDS = 2.0
"""What another process took in this moment, by its own reading of the clock, is not from the future."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of devices: every baseline by name, and every requirement."""

    baselines: dict[str, Baseline]
    requirements: tuple[Requirement, ...]


def read_asked() -> Asked:
    """Return what is asked of devices now."""
    baselines = {one.baseline.name: one.baseline for one in list_baselines()}
    return Asked(baselines=baselines, requirements=list_requirements())


def read_cases(asked: Asked, *, now: float, devices: Iterable[DeviceId] | None = None) -> list[Case]:
    """Return devices that are active or in quarantine with what their verdicts depend on.

    Args:
        asked: what is asked of them.
        now: seconds since the epoch.
        devices: which; all of them by default.
    """
    wanted = None if devices is None else tuple(dict.fromkeys(devices))
    found = [one for one in _devices(wanted) if one.state in JUDGED]
    ids = [one.id for one in found]
    postures = list_postures(now=now + SLACK_SECONDS, devices=ids if wanted is not None else None)
    since, excepted = _failing(wanted), _excepted(wanted, now)
    members = _members({one.group for one in asked.requirements if one.group})
    return [
        Case(
            device=one.id,
            name=one.name,
            owner=one.owner,
            owner_id=one.owner_id,
            platform=platform_of(one.platform),
            groups=frozenset(group for group, people in members.items() if one.owner_id in people),
            posture=postures[one.id],
            since=since[one.id],
            excepted=excepted[one.id],
        )
        for one in found
        if one.id in postures
    ]


def _devices(wanted: tuple[DeviceId, ...] | None) -> list[Device]:
    if wanted is None or len(wanted) > FEW:
        chosen = None if wanted is None else set(wanted)
        return [one for one in list_devices() if chosen is None or one.id in chosen]
    found: list[Device] = []
    for one in wanted:
        try:
            found.append(get_device(one))
        except UnknownDevice:
            continue
    return found


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


def _members(groups: Iterable[str]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for group in groups:
        try:
            found[group] = frozenset(one.person_id for one in list_members(GroupId(group)))
        except UnknownGroup:
            continue
    return found
