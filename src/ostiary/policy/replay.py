"""Decides past requests again, by other rules and by those in force: who would have gained, and who would have lost.

Requests that neither rulebook can tell apart are decided once (`replay_classes`), by the very engine that decides live
requests, on the facts as they were. Pure; where past requests are kept lives in `visibility`.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import islice
from operator import gt
from typing import Final

import msgspec

from ostiary.policy.compiled import compile_rules
from ostiary.policy.decision import Allow, Decision, Deny, ReasonCode, UnmetCondition
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
    Situation,
    from_ticks,
    request_of,
)
from ostiary.policy.replay_classes import Span, Watched, asker_class, path_class, surroundings_class, watched_by
from ostiary.policy.replay_report import Change, Effect, Example, Reason, ReplayReport, Unreplayed
from ostiary.policy.snapshot import AppFact, Catalogue, Rules

MAX_EXAMPLES: Final = 3
_UNREPLAYED: Final = {
    NO_INPUTS: Unreplayed.NO_INPUTS,
    NOT_BY_RULES: Unreplayed.NOT_BY_RULES,
    EMERGENCY: Unreplayed.EMERGENCY,
    NO_GRANT: Unreplayed.NO_GRANT,
}
_WORDS: Final = {
    ReasonCode.NO_RULES: "There are no rules, so nobody gets in.",
    ReasonCode.NO_RULE_APPLIES: "No rule allows it.",
}
_ORDER: Final = tuple(Effect)
Key = tuple[int, int, int, int, int, int]


class Answering(msgspec.Struct, frozen=True):
    """How a refusal reads to a person, which is not decided here.

    Args:
        is_held: whether the person can lift it alone and at once.
        first_unmet: the condition that is told first.
    """

    is_held: Callable[[Decision], bool]
    first_unmet: Callable[[Decision], UnmetCondition | None]


class _Tally:
    """How often one kind of request was made and answered in one way; the first of them stands for all."""

    __slots__ = ("at", "count", "first", "last", "seen", "situation")

    def __init__(self, situation: Situation, tick: int) -> None:
        self.situation = situation
        self.count = 0
        self.at = self.first = self.last = tick
        self.seen: list[tuple[PastRequests, int]] = []


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
        self._tallies: dict[Key, _Tally] = {}

    def take(self, batch: PastRequests) -> None:
        """Count the requests of one batch by kind."""
        rows = self._rows_in_order(batch)
        if not rows:
            return
        every = list(self._keys(batch))
        keys = every if len(rows) == len(every) and rows == range(len(every)) else [every[row] for row in rows]
        firsts, lasts = dict(zip(reversed(keys), reversed(rows), strict=True)), dict(zip(keys, rows, strict=True))
        for key, count in Counter(keys).items():
            first, last = firsts[key], lasts[key]
            tally = self._tallies.get(key)
            if tally is None:
                tally = self._tallies[key] = _Tally(batch.situation(first), batch.ticks[first])
            tally.count += count
            tally.first, tally.last = min(tally.first, batch.ticks[first]), max(tally.last, batch.ticks[last])
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
        wanted: list[tuple[Key, _Tally]] = []
        for key, tally in self._tallies.items():
            if key[-1] not in ANSWERED:
                unreplayed[_UNREPLAYED[key[-1]]] += tally.count
            elif existing is not None and tally.situation.act.app not in existing:
                unreplayed[Unreplayed.APP_GONE] += tally.count
            else:
                wanted.append((key, tally))
        changes = _Changes(answering)
        situations = 0
        decided: dict[Hashable, tuple[Decision, Decision]] = {}
        kinds: dict[Asker, Hashable] = {}
        engines = self._engines({tally.situation.act.app for _, tally in wanted})
        for key, tally in wanted:
            asker = tally.situation.asker
            if asker not in kinds:
                kinds[asker] = asker_class(self._watched, asker)
            kind = (kinds[asker], *key[1:-1])
            pair = decided.get(kind)
            if pair is None:
                request = request_of(tally.situation, self._watched.emails)
                before, after = (engine.decide(request, from_ticks(tally.at)) for engine in engines)
                pair = decided[kind] = (before, after)
                situations += 1
            changes.add(tally, pair, was_allowed=key[-1] == ALLOWED)
        return ReplayReport(
            since=self._since,
            until=self._until,
            first_at=from_ticks(min((tally.first for _, tally in wanted), default=0)),
            last_at=from_ticks(max((tally.last for _, tally in wanted), default=0)),
            requests=sum(tally.count for _, tally in wanted),
            situations=situations,
            people=len({_who(tally.situation.asker) for _, tally in wanted}),
            changes=changes.all(),
            unreplayed=dict(unreplayed),
        )

    def _engines(self, apps: Iterable[str]) -> list[PolicyEngine]:
        """The labels stand in the requests, as they were: those that an app has now are not looked at."""
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


class _Changes:
    """Adds up what changes, by person, app, action and effect."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._found: dict[tuple[str, str, str, str, Effect], _Change] = {}

    def add(self, tally: _Tally, pair: tuple[Decision, Decision], *, was_allowed: bool) -> None:
        effect = _effect(pair, was_allowed=was_allowed)
        if effect is None:
            return
        asker, act = tally.situation.asker, tally.situation.act
        key = (asker.person, asker.service, act.app, act.action.value, effect)
        change = self._found.setdefault(key, _Change())
        change.tallies.append(tally)
        change.reasons[self._reason(pair[1])] += tally.count
        change.held += tally.count if self._answering.is_held(pair[1]) else 0
        change.allowed_then += tally.count if was_allowed else 0

    def all(self) -> tuple[Change, ...]:
        made = [change.made(key) for key, change in self._found.items()]
        return tuple(
            sorted(made, key=lambda one: (_ORDER.index(one.effect), -one.count, one.subject, one.app, one.action))
        )

    def _reason(self, decision: Decision) -> Reason:
        if isinstance(decision, Allow):
            rule = decision.rules[0] if decision.rules else ""
            return Reason("allowed", rule, f"The rule {rule} allows it.")
        return _refusal(decision, self._answering.first_unmet(decision))


class _Change:
    def __init__(self) -> None:
        self.tallies: list[_Tally] = []
        self.reasons: Counter[Reason] = Counter()
        self.held = 0
        self.allowed_then = 0

    def made(self, key: tuple[str, str, str, str, Effect]) -> Change:
        person, service, app, action, effect = key
        seen = [_example(*one) for tally in self.tallies for one in tally.seen]
        examples = sorted(seen, key=lambda example: example.at, reverse=True)
        return Change(
            person=person,
            service=service,
            app=app,
            action=action,
            effect=effect,
            count=sum(tally.count for tally in self.tallies),
            held=self.held,
            allowed_then=self.allowed_then,
            first_at=from_ticks(min(tally.first for tally in self.tallies)),
            last_at=from_ticks(max(tally.last for tally in self.tallies)),
            reason=min(self.reasons, key=lambda one: (-self.reasons[one], one.rule, one.words)),
            examples=tuple(examples[:MAX_EXAMPLES]),
        )


def _effect(pair: tuple[Decision, Decision], *, was_allowed: bool) -> Effect | None:
    before, after = (isinstance(decision, Allow) for decision in pair)
    if before != after:
        return Effect.GAINS if after else Effect.LOSES
    if after == was_allowed:
        return None
    return Effect.GAINED_ALREADY if after else Effect.LOST_ALREADY


def _refusal(deny: Deny, unmet: UnmetCondition | None) -> Reason:
    if deny.rules:
        rule = deny.rules[0]
        return Reason(deny.reason.value, rule, deny.because[0] if deny.because else f"The rule {rule} denies it.")
    if unmet is not None:
        return Reason(unmet.code, unmet.rule, unmet.words)
    return Reason(deny.reason.value, "", _WORDS.get(deny.reason, "The rules could not be used on this request."))


def _example(batch: PastRequests, row: int) -> Example:
    return Example(
        at=from_ticks(batch.ticks[row]),
        stream=batch.stream,
        segment=batch.segment[row],
        offset=batch.offset[row],
        path=batch.paths[batch.path[row]],
    )


def _numbered(classes: Iterable[Hashable], known: dict[Hashable, int]) -> list[int]:
    """Return the number of each class; new ones get the next number."""
    return [known.setdefault(one, len(known)) for one in classes]


def _who(asker: Asker) -> tuple[str, str]:
    return asker.person, asker.service
