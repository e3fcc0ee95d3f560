"""How many flaws there are, and how many of them an update mends. Pure."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from ostiary.software.domain.osv import MAX_ALIASES, is_cve
from ostiary.software.domain.severity import Severity


class Flaw(NamedTuple):
    """How bad a flaw in a package is, and whether there is a version that mends it."""

    severity: Severity
    mendable: bool


def worse(one: Flaw | None, other: Flaw) -> Flaw:
    """Return what two advisories on one flaw in one package say together."""
    return other if one is None else Flaw(max(one.severity, other.severity), one.mendable or other.mendable)


def named_flaws(key: str, names: Collection[str], rated: Mapping[str, Severity]) -> dict[str, Severity]:
    """Return the flaws of an advisory that does not say how bad it is: those it names, as bad as others rate them, and one
    unknown where any of them is rated by nobody.

    Args:
        key: what it stands under itself.
        names: its other names.
        rated: flaws that somebody rated.
    """
    flaws = {one for one in (key, *names) if is_cve(one)}
    found = {one: rated[one] for one in flaws if one in rated}
    if not flaws or len(found) < len(flaws) or len(names) >= MAX_ALIASES:
        found[key] = Severity.UNKNOWN
    return found


def count_flaws(of_packages: Iterable[Mapping[str, Flaw]]) -> tuple[dict[Severity, int], dict[Severity, int]]:
    """Return how many flaws of each severity there are, and how many of them an update mends.

    One that two databases or three packages speak of is one.

    Args:
        of_packages: for each package its flaws, by what their advisories have in common.
    """
    worst: dict[str, Severity] = {}
    mendable: dict[str, Severity] = {}
    for flaws in of_packages:
        for key, flaw in flaws.items():
            worst[key] = max(worst.get(key, Severity.UNKNOWN), flaw.severity)
            if flaw.mendable:
                mendable[key] = max(mendable.get(key, Severity.UNKNOWN), flaw.severity)
    return _counted(worst.values()), _counted(mendable.values())


def _counted(severities: Iterable[Severity]) -> dict[Severity, int]:
    counts = dict.fromkeys(Severity, 0)
    for one in severities:
        counts[one] += 1
    return counts
