"""How what an entitlement opens was used: by its holder, and by the others who hold the same."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping

from ostiary.policy.identifiers import AppId
from ostiary.policy.methods import action_class
from ostiary.policy.snapshot import Catalogue
from ostiary.reviews.domain.facts import Opened, Peers, Use
from ostiary.visibility.facade import count_uses


class Uses:
    """Reads the record of use once.

    Args:
        since: how far back, seconds since the epoch.
        catalogue: the apps that there are; use of others is left out.
    """

    def __init__(self, catalogue: Catalogue, *, since: float) -> None:
        self._found = _read(catalogue, since)
        self._counts: dict[tuple[str, str], list[int]] = {}

    def of(self, who: str, opened: Iterable[Opened]) -> tuple[Use, ...]:
        """Return how somebody, a person by identifier or a service by name, used some apps; each app once."""
        apps = dict.fromkeys(one.app for one in opened)
        return tuple(use for use in (self._found.get((who, app)) for app in apps) if use is not None)

    def peers(self, kind: str, name: str, who: str, holders: Iterable[str], opened: tuple[Opened, ...]) -> Peers:
        """Return what the others who hold the same do; how often each did is counted once an entitlement."""
        everybody = list(holders)
        if (kind, name) not in self._counts:
            self._counts[kind, name] = sorted(filter(None, (self._count(one, opened) for one in everybody)))
        used, own = list(self._counts[kind, name]), self._count(who, opened)
        if own:
            del used[bisect_left(used, own)]
        middle, odd = divmod(len(used), 2)
        typical = used[middle] if odd else (used[middle - 1] + used[middle]) / 2 if used else 0
        return Peers(people=len(everybody) - 1, used=len(used), median=round(typical))

    def _count(self, who: str, opened: Iterable[Opened]) -> int:
        return sum(use.count for use in self.of(who, opened))


def _read(catalogue: Catalogue, since: float) -> Mapping[tuple[str, str], Use]:
    found: dict[tuple[str, str], Use] = {}
    for one in count_uses(since=since):
        fact = catalogue.apps.get(AppId(one.app))
        if fact is None:
            continue
        key = (one.person, one.app)
        before = found.get(key, Use(app=one.app, count=0, last_at=0.0))
        action = action_class(one.method, fact.methods).value
        found[key] = Use(
            app=one.app,
            count=before.count + one.count,
            last_at=max(before.last_at, one.last_at),
            actions=tuple(sorted({*before.actions, action})),
        )
    return found
