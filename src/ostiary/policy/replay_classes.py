"""Which requests two rulebooks cannot tell apart, so that each kind is decided once.

What a rulebook looks at is a finite list of questions: does the path lie in this scope, the address in this network, is
the proof fresh enough, is it within these hours. Requests with the same answers to all of them get the same decision.
Where Cedar text beside the document reads the context, the parts themselves are compared instead.
"""

import json
from bisect import bisect_right
from collections.abc import Hashable, Iterator
from typing import Any, Final

import msgspec
from cedarpy import policies_to_json_str

from ostiary.policy.compiled import CompiledRules, selectors_of
from ostiary.policy.conditions import CLOCK_SKEW_SECONDS, covers, gather, is_timed, known_path, status
from ostiary.policy.past import NOTHING, Asker, Proofs, Surroundings, email_mark, request_of
from ostiary.policy.reads import EVERYTHING
from ostiary.policy.rules.document import Condition, Hours, Mfa, PathScope, Who, WhoKind
from ostiary.policy.rules.hours import Window, state_at
from ostiary.policy.validation import MAX_IDENTIFIER_CHARACTERS

_MAX_PATH_CHARACTERS: Final = 4096
"""A longer path stands for itself: a request may be refused for its length alone."""


class Watched(msgspec.Struct, frozen=True):
    """Everything that either rulebook asks.

    Args:
        raw: Cedar text reads the context, so that its parts are compared as they are.
        named: Cedar text may name any subject, so that every subject stands for itself.
        scopes: the paths.
        fixed: the conditions on where, how risky and with what.
        proofs: the conditions on the age of proofs.
        windows: the hours.
        who: whom the rules name.
        emails: the e-mail addresses that they name, by their marks.
    """

    raw: bool
    named: bool
    scopes: tuple[PathScope, ...]
    fixed: tuple[Condition, ...]
    proofs: tuple[Mfa, ...]
    windows: tuple[Window, ...]
    who: frozenset[Who]
    emails: dict[str, str]


def watched_by(*rulebooks: CompiledRules) -> Watched:
    """Return what the rulebooks ask, together."""
    rules = [rule for rulebook in rulebooks for rule in rulebook.by_name.values()]
    conditions = dict.fromkeys(condition for rule in rules for condition in (*rule.when, *rule.unless))
    who = frozenset(who for rule in rules for who in rule.who)
    texts = [rulebook.extra.text for rulebook in rulebooks if rulebook.extra.text]
    emails = [one.name for one in who if one.kind is WhoKind.EMAIL]
    emails += [name for text in texts for name in _emails_in(json.loads(policies_to_json_str(text)))]
    return Watched(
        raw=any(rulebook.extra.reads_context for rulebook in rulebooks),
        named=bool(texts),
        scopes=tuple(dict.fromkeys(scope for rule in rules for scope in rule.paths)),
        fixed=tuple(one for one in conditions if not is_timed(one) and not isinstance(one, Mfa)),
        proofs=tuple(one for one in conditions if isinstance(one, Mfa) and one.within_seconds is not None),
        windows=tuple(dict.fromkeys(window for one in conditions if isinstance(one, Hours) for window in one.windows)),
        who=who,
        emails={email_mark(name): name for name in emails},
    )


def asker_class(watched: Watched, asker: Asker) -> Hashable:
    """Return what the rules can tell of who asks."""
    if watched.named or len(asker.person or asker.service) > MAX_IDENTIFIER_CHARACTERS:
        return asker
    subject = request_of(msgspec.structs.replace(NOTHING, asker=asker), watched.emails).subject
    return bool(asker.person), bool(asker.service), bool(asker.email), watched.who.intersection(selectors_of(subject))


def path_class(watched: Watched, path: str) -> Hashable:
    """Return what the rules can tell of a path."""
    if watched.raw or len(path) > _MAX_PATH_CHARACTERS:
        return path
    known = known_path(path)
    return known is not None, tuple(covers((scope,), known) for scope in watched.scopes)


def surroundings_class(watched: Watched, surroundings: Surroundings) -> Hashable:
    """Return what the rules can tell of where from, how risky and with what."""
    if watched.raw:
        return surroundings
    facts = gather(request_of(msgspec.structs.replace(NOTHING, surroundings=surroundings), {}), EVERYTHING, 0.0)
    return tuple(status(condition, facts) for condition in watched.fixed)


class Span:
    """The moments of one span at which any of the hours that the rules ask about begin or end.

    Args:
        watched: what the rulebooks ask.
        since: the first moment, seconds since the epoch.
        until: the last.
    """

    def __init__(self, watched: Watched, since: float, until: float) -> None:
        self._watched, self._since, self._until = watched, since, until
        self._edges = sorted({edge for window in watched.windows for edge in _edges(window, since, until)})
        self._open = [
            tuple(state_at(window, moment)[0] for window in watched.windows) for moment in (since, *self._edges)
        ]

    def times(self, proofs: Proofs) -> tuple[list[float], list[Hashable]]:
        """Return the moments at which the answers change for a session, and what the rules can tell meanwhile.

        Class `n` holds from moment `n - 1` (the beginning for 0) until before moment `n`.

        Args:
            proofs: of the session.
        """
        strength = max((worth for worth, _ in proofs), default=0)
        spans = [_spans(condition, proofs) for condition in self._watched.proofs]
        ends = {end for some in spans for span in some for end in span if self._since < end <= self._until}
        edges = sorted({*self._edges, *ends}) if ends else self._edges
        classes: list[Hashable] = [
            (
                strength,
                *(any(begin <= moment < end for begin, end in some) for some in spans),
                *self._open[bisect_right(self._edges, moment)],
            )
            for moment in (self._since, *edges)
        ]
        return edges, classes


def _spans(condition: Mfa, proofs: Proofs) -> list[tuple[float, float]]:
    within = condition.within_seconds or 0
    return [(at - CLOCK_SKEW_SECONDS, at + within) for worth, at in proofs if worth >= condition.strength]


def _edges(window: Window, since: float, until: float) -> Iterator[float]:
    """Yield every moment in the span at which the window opens or closes."""
    moment = state_at(window, since)[1]
    while moment is not None and moment <= until:
        yield moment
        moment = state_at(window, moment)[1]


def _emails_in(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if node.get("type") == "Email" and isinstance(node.get("id"), str):
            yield node["id"]
        yield from _emails_in(list(node.values()))
    elif isinstance(node, list):
        for one in node:
            yield from _emails_in(one)
