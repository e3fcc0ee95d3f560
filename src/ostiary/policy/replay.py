"""Decides past requests again, by other rules and by those in force: who would have gained, and who would have lost.

Requests that neither rulebook can tell apart are decided once (`replay_classes`), by the very engine that decides live
requests, on the facts as they were. Pure; where past requests are kept lives in `visibility`.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import islice
from operator import gt
from typing import Final

from ostiary.policy.compiled import compile_rules
from ostiary.policy.decision import Decision
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation
from ostiary.policy.past import (
    ALLOWED,
    ANSWERED,
    EMERGENCY,
    NO_GRANT,
    NO_INPUTS,
    NOT_BY_RULES,
    TICKS_A_SECOND,
    Asker,
    PastRequests,
    from_ticks,
    request_of,
)
from ostiary.policy.replay_changes import MAX_EXAMPLES, Answering, Changes, Tally, Verdict
from ostiary.policy.replay_classes import Span, Watched, asker_class, path_class, surroundings_class, watched_by
from ostiary.policy.replay_report import ReplayReport, Unreplayed
from ostiary.policy.snapshot import AppFact, Catalogue, Rules

_UNREPLAYED: Final = {
    NO_INPUTS: Unreplayed.NO_INPUTS,
    NOT_BY_RULES: Unreplayed.NOT_BY_RULES,
    EMERGENCY: Unreplayed.EMERGENCY,
    NO_GRANT: Unreplayed.NO_GRANT,
}
Key = tuple[int, int, int, int, int, int]


class Replay:
    """Takes past requests in, batch after batch, then tells what would have become of them.

    Args:
        candidate: the rules to try.
        in_force: the rules that they are compared with.
        since: earlier requests are left out; seconds since the epoch.
        until: later ones are left out, this moment among them.

    Raises:
        InvalidRules: when either rulebook cannot be used.
    """

    def __init__(self, *, candidate: Rules, in_force: Rules, since: float, until: float) -> None:
        self._rules = (in_force, candidate)
        self._since, self._until = since, until
        self._watched: Watched = watched_by(
            *(compile_rules(rules.document, rules.cedar, rules.parsed) for rules in self._rules)
        )
        self._timed = bool(self._watched.proofs or self._watched.windows)
        self._numbers: dict[str, dict[Hashable, int]] = {
            name: {} for name in ("asker", "act", "path", "surroundings", "time")
        }
        self._tallies: dict[Key, Tally] = {}

    def take(self, batch: PastRequests) -> None:
        """Count the requests of one batch by kind."""
        rows = self._rows_in_order(batch)
        if not rows:
            return
        ticks, every = batch.ticks, list(self._keys(batch))
        keys = every if len(rows) == len(every) and rows == range(len(every)) else [every[row] for row in rows]
        firsts, lasts = dict(zip(reversed(keys), reversed(rows), strict=True)), dict(zip(keys, rows, strict=True))
        for key, count in Counter(keys).items():
            first, last = firsts[key], lasts[key]
            tally = self._tallies.get(key)
            if tally is None:
                tally = self._tallies[key] = Tally(batch.situation(first), ticks[first])
            tally.count += count
            tally.first = min(tally.first, ticks[first])
            tally.last = max(tally.last, ticks[last])
            tally.seen[MAX_EXAMPLES - 1 :] = [(batch, last)]
        if max(batch.count) > 1:
            for row in rows:
                self._tallies[every[row]].count += batch.count[row] - 1

    def _rows_in_order(self, batch: PastRequests) -> Sequence[int]:
        """Return the rows that lie in the span, the earliest first."""
        ticks, rows = batch.ticks, range(len(batch))
        if not len(batch):
            return ()
        first, last = self._since * TICKS_A_SECOND, self._until * TICKS_A_SECOND
        inside = min(ticks) >= first and max(ticks) < last
        if inside and not any(map(gt, ticks, islice(ticks, 1, None))):
            return rows
        return sorted((row for row in rows if first <= ticks[row] < last), key=ticks.__getitem__)

    def report(self, *, apps: Iterable[AppId] | None, answering: Answering) -> ReplayReport:
        """Decide every kind of request once by either rules, and put together what changes.

        Args:
            apps: those that exist; requests to others are not replayed. `None` takes every app as existing.
            answering: how refusals read.
        """
        unreplayed: Counter[Unreplayed] = Counter()
        existing = frozenset(apps) if apps is not None else None
        wanted: list[tuple[Key, Tally]] = []
        for key, tally in self._tallies.items():
            if key[-1] not in ANSWERED:
                unreplayed[_UNREPLAYED[key[-1]]] += tally.count
            elif existing is not None and tally.situation.act.app not in existing:
                unreplayed[Unreplayed.APP_GONE] += tally.count
            else:
                wanted.append((key, tally))
        engines = self._engines({tally.situation.act.app for _, tally in wanted})
        changes = Changes(answering, lambda tally: self._ask(engines[1], tally))
        decided: dict[Hashable, Verdict] = {}
        kinds: dict[Asker, Hashable] = {}
        for key, tally in wanted:
            asker = tally.situation.asker
            if asker not in kinds:
                kinds[asker] = asker_class(self._watched, asker)
            kind = (kinds[asker], *key[1:-1])
            verdict = decided.get(kind)
            if verdict is None:
                verdict = decided[kind] = changes.verdict(*(self._ask(engine, tally) for engine in engines))
            changes.add(tally, verdict, was_allowed=key[-1] == ALLOWED)
        return ReplayReport(
            since=self._since,
            until=self._until,
            first_at=from_ticks(min((tally.first for _, tally in wanted), default=0)),
            last_at=from_ticks(max((tally.last for _, tally in wanted), default=0)),
            requests=sum(tally.count for _, tally in wanted),
            situations=len(decided),
            people=len({_who(tally.situation.asker) for _, tally in wanted}),
            changes=changes.all(),
            unreplayed=dict(unreplayed),
        )

    def _ask(self, engine: PolicyEngine, tally: Tally) -> Decision:
        return engine.decide(request_of(tally.situation, self._watched.emails), from_ticks(tally.at))

    def _engines(self, apps: Iterable[str]) -> list[PolicyEngine]:
        """In force, then the candidate. Labels stand in the requests, as they were: those an app has now do not count."""
        facts = {AppId(app): AppFact(id=AppId(app), host="", name=app) for app in apps}
        return [PolicyEngine(rules, Catalogue(apps=facts), Generation(0)) for rules in self._rules]

    def _keys(self, batch: PastRequests) -> Iterator[Key]:
        watched, numbers = self._watched, self._numbers
        askers = _numbered(batch.askers, numbers["asker"])
        acts = _numbered(batch.acts, numbers["act"])
        paths = _numbered((path_class(watched, path) for path in batch.paths), numbers["path"])
        around = _numbered((surroundings_class(watched, one) for one in batch.surroundings), numbers["surroundings"])
        return zip(
            map(askers.__getitem__, batch.asker),
            map(acts.__getitem__, batch.act),
            map(paths.__getitem__, batch.path),
            map(around.__getitem__, batch.surrounding),
            self._times(batch),
            batch.outcome,
            strict=True,
        )

    def _times(self, batch: PastRequests) -> Iterator[int]:
        """Yield the number of each request's kind of moment and proofs."""
        numbers = self._numbers["time"]
        since, until = from_ticks(min(batch.ticks)), from_ticks(max(batch.ticks))
        span = Span(self._watched, since, until)
        cells = [span.times(proofs) for proofs in batch.proofs]
        kinds = [_numbered(classes, numbers) for _, classes in cells]
        if not self._timed:
            return map([one[0] for one in kinds].__getitem__, batch.proof)
        edges = [[moment * TICKS_A_SECOND for moment in moments] for moments, _ in cells]
        return (
            kinds[proof][bisect_right(edges[proof], tick)] for proof, tick in zip(batch.proof, batch.ticks, strict=True)
        )


def _numbered(classes: Iterable[Hashable], known: dict[Hashable, int]) -> list[int]:
    """Return the number of each class; new ones get the next number."""
    return [known.setdefault(one, len(known)) for one in classes]


def _who(asker: Asker) -> tuple[str, str]:
    return asker.person, asker.service
