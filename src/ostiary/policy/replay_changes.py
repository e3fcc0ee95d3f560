"""Adds up what a replay found to what changes for whom: how often, since when, why, with a few examples.

Which requests are of one kind, and how each kind is decided, lives in `replay`. Pure.
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec

from ostiary.policy.decision import Allow, Decision, Obligation, ReasonCode, UnmetCondition
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
_SEEN_AND_SAID: Final = frozenset({"network", "country", "risk"})
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


class _Cause(msgspec.Struct, frozen=True, order=True):
    """Why, without the words: those may name what one request saw, its address for instance."""

    rule: str
    code: str
    added: Terms = ()
    dropped: Terms = ()


class Verdict(msgspec.Struct, frozen=True):
    """How either rules answer one kind of request, as far as it matters for every request of that kind.

    Args:
        passed: whether the rules in force allow it.
        passes: whether the candidate does.
        held: whether the person could lift the candidate's refusal alone and at once.
        cause: why the candidate answers so.
        told: why, in the words that whoever was asked for would have read.
    """

    passed: bool
    passes: bool
    held: bool
    cause: _Cause
    told: Reason

    def effect(self, *, was_allowed: bool) -> Effect | None:
        """Return what the candidate does to a request; `None` for nothing.

        Args:
            was_allowed: whether it passed when it was made.
        """
        if self.passed != self.passes:
            return Effect.GAINS if self.passes else Effect.LOSES
        if self.cause.code == _TERMS:
            return Effect.TERMS
        if self.passes == was_allowed:
            return None
        return Effect.GAINED_ALREADY if self.passes else Effect.LOST_ALREADY


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

    def verdict(self, before: Decision, after: Decision) -> Verdict:
        """Return what two answers to one kind of request come to.

        Args:
            before: how the rules in force answer.
            after: how the candidate answers.
        """
        told = self._told(after)
        cause = _Cause(told.rule, told.code)
        if isinstance(before, Allow) and isinstance(after, Allow) and before.obligations != after.obligations:
            was, will = set(before.obligations), set(after.obligations)
            cause = _Cause(told.rule, _TERMS, tuple(sorted(will - was)), tuple(sorted(was - will)))
            told = Reason(cause.code, cause.rule, terms_in_words(cause.added, cause.dropped))
        return Verdict(isinstance(before, Allow), isinstance(after, Allow), self._answering.is_held(after), cause, told)

    def add(self, tally: Tally, verdict: Verdict, *, was_allowed: bool) -> None:
        """Count a kind of request.

        Args:
            tally: how often it was made.
            verdict: on requests of that kind.
            was_allowed: whether it passed then.
        """
        effect = verdict.effect(was_allowed=was_allowed)
        if effect is None:
            return
        asker, act = tally.situation.asker, tally.situation.act
        key = (asker.person, asker.service, act.app, act.action.value, effect)
        change = self._found.get(key)
        if change is None:
            change = self._found[key] = _Change()
        change.tallies.append(tally)
        change.causes[verdict.cause] += tally.count
        change.first_of.setdefault(verdict.cause, (tally, verdict.told))
        change.held += tally.count if verdict.held else 0
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

    def _reason(self, change: "_Change") -> Reason:
        """Say why for most of the requests, in the words that this very person would have read."""
        cause = min(change.causes, key=lambda one: (-change.causes[one], one))
        tally, told = change.first_of[cause]
        return self._told(self._ask(tally)) if _says_what_it_saw(cause.code) else told

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
        self.first_of: dict[_Cause, tuple[Tally, Reason]] = {}
        self.held = 0
        self.allowed_then = 0


def _says_what_it_saw(code: str) -> bool:
    """Whether the words of a condition name something of the request in which those of one kind may differ."""
    return code in _SEEN_AND_SAID or code.startswith("device.")


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
