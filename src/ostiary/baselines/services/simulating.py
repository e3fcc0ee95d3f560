"""Tries a baseline or a requirement on the devices as they are, and changes nothing."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

import msgspec

from ostiary.baselines.adapters.built_in import built_in
from ostiary.baselines.domain.document import Baseline
from ostiary.baselines.domain.reader import read_baseline
from ostiary.baselines.domain.requirement import Requirement
from ostiary.baselines.domain.simulation import Blocked, Simulation, count_blocked, simulate
from ostiary.baselines.queries import get_baseline, list_verdicts
from ostiary.baselines.services.cases import Asked, read_asked, read_cases
from ostiary.baselines.services.rules_asking import apps_that_ask
from ostiary.visibility.facade import count_uses

USE_SECONDS: Final = 30 * 86400.0


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """How many devices a change would block at once, for the brake, and what was asked of devices when that was counted."""

    turned: Blocked
    asked: Asked


def try_document(document: str, *, now: float) -> Tried:
    """Count whom a baseline would block; nobody's use of apps is read for it. Arguments and errors as for `simulate_document`."""
    asked = read_asked()
    return Tried(turned=count_blocked(_simulate(_with_document(asked, document), {}, now=now)), asked=asked)


def try_requirement(wanted: Requirement | None, *, now: float, without: tuple[str, str] | None = None) -> Tried:
    """Count whom a requirement would block; likewise. Arguments and errors as for `simulate_requirement`."""
    asked = read_asked()
    thought = _with_requirement(asked, wanted, without)
    start = None if wanted is None else wanted.starts_at
    return Tried(turned=count_blocked(_simulate(thought, {}, now=now, starts_at=start)), asked=asked)


def simulate_document(document: str, *, now: float, starts_at: float | None = None) -> Simulation:
    """Return what a baseline would do to every device if it were in force, with what is required as it is.

    Args:
        document: its text.
        now: seconds since the epoch.
        starts_at: from when on; from now by default.

    Raises:
        InvalidBaseline: when the text cannot be used.
    """
    used = _used(read_baseline(document, built_in), now=now)
    return _simulate(_with_document(read_asked(), document), used, now=now, starts_at=starts_at)


def simulate_requirement(
    wanted: Requirement | None,
    *,
    now: float,
    document: str = "",
    without: tuple[str, str] | None = None,
) -> Simulation:
    """Return what a requirement would do to every device.

    Args:
        wanted: what would be required, from when on; `None` for nothing more than there is.
        now: seconds since the epoch.
        document: the text of the baseline, where it is not in force yet.
        without: group and device of which nothing in particular would be required any more.

    Raises:
        InvalidBaseline: when the text cannot be used.
        UnknownBaseline: when there is none of the name that would be required.
    """
    asked = _with_document(read_asked(), document) if document else read_asked()
    thought = _with_requirement(asked, wanted, without)
    about = thought.baselines[wanted.baseline] if wanted is not None else None
    start = None if wanted is None else wanted.starts_at
    return _simulate(thought, _used(about, now=now), now=now, starts_at=start)


def _with_document(asked: Asked, document: str) -> Asked:
    read = read_baseline(document, built_in)
    return Asked(baselines={**asked.baselines, read.name: read}, requirements=asked.requirements)


def _with_requirement(asked: Asked, wanted: Requirement | None, without: tuple[str, str] | None) -> Asked:
    kept = tuple(one for one in asked.requirements if one.scope != without)
    if wanted is not None and wanted.baseline not in asked.baselines:
        get_baseline(wanted.baseline)
    return Asked(baselines=asked.baselines, requirements=kept if wanted is None else (*kept, wanted))


def _simulate(
    asked: Asked, used: Mapping[str, tuple[str, ...]], *, now: float, starts_at: float | None = None
) -> Simulation:
    start = max(now, starts_at) if starts_at is not None else now
    verdicts = list_verdicts()
    return simulate(
        read_cases(asked, now=now),
        asked.baselines,
        asked.requirements,
        now=now,
        starts_at=start,
        compliant={device: one.compliant for device, one in verdicts.items()},
        used=used,
        held={device: one.held_checks for device, one in verdicts.items()},
    )


def _used(about: Baseline | None, *, now: float) -> dict[str, tuple[str, ...]]:
    apps = apps_that_ask(about)
    if not apps:
        return {}
    found: defaultdict[str, set[str]] = defaultdict(set)
    for use in count_uses(since=now - USE_SECONDS):
        if use.app in apps:
            found[use.person].add(apps[use.app])
    return {person: tuple(sorted(names)) for person, names in found.items()}
