"""Adds up what a replay found to what changes for whom: how often, since when, why, with a few examples.

Which requests are of one kind, and how each kind is decided, lives in `replay`. Pure.
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec

from ostiary.policy.decision import Allow, Decision, Deny, Obligation, ReasonCode, UnmetCondition
from ostiary.policy.past import PastRequests, Situation, from_ticks
from ostiary.policy.replay_report import Change, Effect, Example, Reason
from ostiary.policy.rules.words import OBLIGATIONS, joined

MAX_EXAMPLES: Final = 3
_WORDS: Final = {
    ReasonCode.NO_RULES: "There are no rules, so nobody gets in.",
    ReasonCode.NO_RULE_APPLIES: "No rule allows it.",
}
_ORDER: Final = tuple(Effect)
_TERMS: Final = "terms"
Terms = tuple[Obligation, ...]


class Answering(msgspec.Struct, frozen=True):
    """How a refusal reads to a person, which is not decided here.

    Args:
        is_held: whether the person can lift it alone and at once.
        first_unmet: the condition that is told first.
    """

    is_held: Callable[[Decision], bool]
    first_unmet: Callable[[Decision], UnmetCondition | None]


class Tally:
    """How often one asker made one kind of request that was answered in one way; the first of them stands for all.

    Args:
        situation: of the first.
        tick: when it was made.
    """

    __slots__ = ("at", "count", "first", "last", "seen", "situation")

    def __init__(self, situation: Situation, tick: int) -> None:
        self.situation = situation
        self.count = 0
        self.at = self.first = self.last = tick
        self.seen: list[tuple[PastRequests, int]] = []

    def add(self, batch: PastRequests, *, count: int, first: int, last: int) -> None:
        """Count requests of a batch.

        Args:
            batch: that holds them.
            count: how many.
            first: the row of the earliest.
            last: the row of the latest.
        """
        self.count += count
        self.first, self.last = min(self.first, batch.ticks[first]), max(self.last, batch.ticks[last])
        self.seen[MAX_EXAMPLES - 1 :] = [(batch, last)]


class _Cause(msgspec.Struct, frozen=True, order=True):
    """Why, without the words: those name what one request saw, its address for instance."""

    rule: str
    code: str
    added: Terms = ()
    dropped: Terms = ()


class Changes:
    """Adds up what changes, by person, app, action and effect.

    Args:
        answering: how refusals read.
        ask: decides a kind of request by the candidate, on what its own first request saw.
    """

    def __init__(self, answering: Answering, ask: Callable[[Tally], Decision]) -> None:
        self._answering = answering
        self._ask = ask
        self._found: dict[tuple[str, str, str, str, Effect], _Change] = {}

    def add(self, tally: Tally, before: Decision, after: Decision, *, was_allowed: bool) -> None:
        """Count a kind of request.

        Args:
            tally: how often it was made.
            before: how the rules in force answer.
            after: how the candidate answers.
            was_allowed: whether it passed then.
        """
        effect = effect_of(before, after, was_allowed=was_allowed)
        if effect is None:
            return
        asker, act = tally.situation.asker, tally.situation.act
        key = (asker.person, asker.service, act.app, act.action.value, effect)
        change = self._found.setdefault(key, _Change())
        cause = self._cause(effect, before, after)
        change.tallies.append(tally)
        change.causes[cause] += tally.count
        change.first_of.setdefault(cause, tally)
        change.held += tally.count if self._answering.is_held(after) else 0
        change.allowed_then += tally.count if was_allowed else 0

    def all(self) -> tuple[Change, ...]:
        """Return the changes: who loses first, the most requests first."""
        made = [self._made(key, change) for key, change in self._found.items()]
        return tuple(
            sorted(made, key=lambda one: (_ORDER.index(one.effect), -one.count, one.subject, one.app, one.action))
        )

    def _made(self, key: tuple[str, str, str, str, Effect], change: "_Change") -> Change:
        person, service, app, action, effect = key
        return Change(
            person=person,
            service=service,
            app=app,
            action=action,
            effect=effect,
            count=sum(tally.count for tally in change.tallies),
            held=change.held,
            allowed_then=change.allowed_then,
            first_at=from_ticks(min(tally.first for tally in change.tallies)),
            last_at=from_ticks(max(tally.last for tally in change.tallies)),
            reason=self._reason(change),
            terms_added=tuple(sorted({one for cause in change.causes for one in cause.added})),
            terms_dropped=tuple(sorted({one for cause in change.causes for one in cause.dropped})),
            examples=_examples(change.tallies),
        )

    def _cause(self, effect: Effect, before: Decision, after: Decision) -> _Cause:
        reason = self._told(after)
        if effect is not Effect.TERMS or not isinstance(before, Allow) or not isinstance(after, Allow):
            return _Cause(reason.rule, reason.code)
        was, will = set(before.obligations), set(after.obligations)
        return _Cause(reason.rule, _TERMS, tuple(sorted(will - was)), tuple(sorted(was - will)))

    def _reason(self, change: "_Change") -> Reason:
        """Say why for most of the requests, in the words that this very person would have read."""
        cause = min(change.causes, key=lambda one: (-change.causes[one], one))
        if cause.code == _TERMS:
            return Reason(cause.code, cause.rule, terms_in_words(cause.added, cause.dropped))
        return self._told(self._ask(change.first_of[cause]))

    def _told(self, decision: Decision) -> Reason:
        if isinstance(decision, Allow):
            rule = decision.rules[0] if decision.rules else ""
            return Reason("allowed", rule, f"The rule {rule} allows it.")
        if decision.rules:
            rule = decision.rules[0]
            because = decision.because[0] if decision.because else f"The rule {rule} denies it."
            return Reason(decision.reason.value, rule, because)
        unmet = self._answering.first_unmet(decision)
        if unmet is not None:
            return Reason(unmet.code, unmet.rule, unmet.words)
        words = _WORDS.get(decision.reason, "The rules could not be used on this request.")
        return Reason(decision.reason.value, "", words)


class _Change:
    def __init__(self) -> None:
        self.tallies: list[Tally] = []
        self.causes: Counter[_Cause] = Counter()
        self.first_of: dict[_Cause, Tally] = {}
        self.held = 0
        self.allowed_then = 0


def effect_of(before: Decision, after: Decision, *, was_allowed: bool) -> Effect | None:
    """Return what a candidate does to a request; `None` for nothing.

    Args:
        before: how the rules in force answer.
        after: how the candidate answers.
        was_allowed: whether it passed then.
    """
    if isinstance(after, Allow):
        if isinstance(before, Deny):
            return Effect.GAINS
        if before.obligations != after.obligations:
            return Effect.TERMS
        return None if was_allowed else Effect.GAINED_ALREADY
    if isinstance(before, Allow):
        return Effect.LOSES
    return Effect.LOST_ALREADY if was_allowed else None


def terms_in_words(added: Terms, dropped: Terms) -> str:
    """Return what comes with a permission from now on, and what does not any more, in a sentence or two."""
    words = []
    if added:
        words.append(f"Still allowed, and {joined([OBLIGATIONS[one] for one in added])}.")
    if dropped:
        words.append(f"No longer: {joined([OBLIGATIONS[one] for one in dropped])}.")
    return " ".join(words)


def _examples(tallies: list[Tally]) -> tuple[Example, ...]:
    seen = [example_of(*one) for tally in tallies for one in tally.seen]
    return tuple(sorted(seen, key=lambda example: example.at, reverse=True)[:MAX_EXAMPLES])


def example_of(batch: PastRequests, row: int) -> Example:
    """Return one request of a batch, for people to look at."""
    return Example(
        at=from_ticks(batch.ticks[row]),
        stream=batch.stream,
        segment=batch.segment[row],
        offset=batch.offset[row],
        path=batch.paths[batch.path[row]],
    )
