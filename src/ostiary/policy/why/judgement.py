"""One rule against one request, part by part: what fits and what keeps the rule from applying. Words are in `seen`."""

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from ostiary.policy.compiled import selectors_of, targets_of
from ostiary.policy.conditions import Facts, covers, status
from ostiary.policy.identifiers import AppId, Label
from ostiary.policy.request import Subject
from ostiary.policy.rules.document import Condition, Effect, Rule, Target, Who


class PartKey(StrEnum):
    """Which part of a rule, by its key in the document; `WHO` is written `allow` or `deny`."""

    WHO = "who"
    TO = "to"
    DO = "do"
    PATHS = "paths"
    WHEN = "when"
    UNLESS = "unless"


class JudgedPart(msgspec.Struct, frozen=True):
    """One part of a rule against a request.

    Args:
        holds: whether what it asks is so; `None` when what it asks about is not known.
        fits: whether it lets the rule apply.
        condition: the condition, for `WHEN` and `UNLESS`.
    """

    key: PartKey
    holds: bool | None
    fits: bool
    condition: Condition | None = None


class JudgedRule(msgspec.Struct, frozen=True):
    """A rule against a request, each part of it."""

    rule: Rule
    parts: tuple[JudgedPart, ...]

    @property
    def misfits(self) -> tuple[JudgedPart, ...]:
        """The parts that keep it from applying; none when it applies."""
        return tuple([part for part in self.parts if not part.fits])

    @property
    def applies(self) -> bool:
        """Whether the rule matches the request."""
        return not self.misfits

    @property
    def lacking(self) -> int:
        """How many parts keep it from applying; all of `unless` is one, since only all of it lifts a rule."""
        misfits = self.misfits
        lifting = sum(part.key is PartKey.UNLESS for part in misfits)
        return len(misfits) - lifting + (1 if lifting else 0)

    def fits(self, *keys: PartKey) -> bool:
        """Whether every part of these kinds lets the rule apply."""
        return all(part.fits for part in self.parts if part.key in keys)


class Asked(msgspec.Struct, frozen=True):
    """Who asks for what, in the ways in which rules could name them."""

    who: frozenset[Who]
    to: frozenset[Target]


def asked_by(subject: Subject, app: AppId, labels: frozenset[Label]) -> Asked:
    """Return every way in which a rule could name a subject and a resource."""
    return Asked(frozenset(selectors_of(subject)), frozenset(targets_of(app, labels)))


def judge(rule: Rule, asked: Asked, facts: Facts) -> JudgedRule:
    """Return each part of a rule against a request.

    Args:
        rule: the rule.
        asked: who asks for what.
        facts: the request and the moment, everything known brought along.
    """
    return JudgedRule(rule, tuple(_parts(rule, asked, facts)))


def _parts(rule: Rule, asked: Asked, facts: Facts) -> Iterator[JudgedPart]:
    for key, named in (
        (PartKey.WHO, not asked.who.isdisjoint(rule.who)),
        (PartKey.TO, not asked.to.isdisjoint(rule.to)),
    ):
        yield JudgedPart(key, named, named)
    acts = rule.do is None or facts.request.action in rule.do
    yield JudgedPart(PartKey.DO, acts, acts)
    must_be_known = rule.effect is Effect.ALLOW
    if rule.paths:
        covered = covers(rule.paths, facts.path)
        yield JudgedPart(PartKey.PATHS, covered, _fits(covered, must_be_known))
    for condition in rule.when:
        holds = status(condition, facts)
        yield JudgedPart(PartKey.WHEN, holds, _fits(holds, must_be_known), condition)
    lifting = [status(condition, facts) for condition in rule.unless]
    lifted = bool(lifting) and all(lifting)
    for condition, holds in zip(rule.unless, lifting, strict=True):
        yield JudgedPart(PartKey.UNLESS, holds, not lifted, condition)


def _fits(holds: bool | None, must_be_known: bool) -> bool:
    """What is not known never helps: it keeps an allow rule from applying, and no deny rule."""
    return holds is True or (holds is None and not must_be_known)
