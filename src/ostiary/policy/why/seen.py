"""A judged rule in words: what each part asks and what it saw."""

import msgspec

from ostiary.policy.conditions import Facts
from ostiary.policy.identifiers import Label, RuleName
from ostiary.policy.remedies import code_of, moment_text, seen_by
from ostiary.policy.request import Authentication
from ostiary.policy.rules.document import Condition, Effect, Hours, Mfa
from ostiary.policy.rules.words import PROOFS, condition_in_words, joined, parts_in_words, rounded_span, rule_in_words
from ostiary.policy.why.judgement import JudgedPart, JudgedRule, PartKey


class PartSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a rule, what it asks and what it saw.

    Args:
        key: which part.
        code: which condition, as `UnmetCondition.code`; the part's own name for the others.
        asks: in words.
        saw: in words; empty when it is not known.
        holds: whether what it asks is so; `None` when that is not known.
        fits: whether it lets the rule apply.
    """

    key: PartKey
    code: str
    asks: str
    saw: str
    holds: bool | None
    fits: bool


class RuleSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One rule against one request, in words.

    Args:
        words: the rule as one sentence.
        describe: as its author describes it.
        line: where it begins in the document.
        applies: whether it matched.
        in_reach: whether it names the subject and the resource.
        lacking: how many parts kept it from applying.
    """

    name: RuleName
    effect: Effect
    words: str
    describe: str
    line: int
    applies: bool
    in_reach: bool
    lacking: int
    parts: tuple[PartSeen, ...]


def rule_seen(judged: JudgedRule, facts: Facts, labels: frozenset[Label]) -> RuleSeen:
    """Return a judged rule in words.

    Args:
        judged: the rule against the request.
        facts: the request and the moment.
        labels: the resource's labels, those of the catalogue included.
    """
    rule = judged.rule
    asked = parts_in_words(rule)
    asked["who"] = asked["allow" if rule.effect is Effect.ALLOW else "deny"]
    return RuleSeen(
        name=rule.name,
        effect=rule.effect,
        words=rule_in_words(rule),
        describe=rule.describe,
        line=rule.line,
        applies=judged.applies,
        in_reach=judged.fits(PartKey.WHO, PartKey.TO),
        lacking=judged.lacking,
        parts=tuple(_part_seen(part, asked, facts, labels) for part in judged.parts),
    )


def _part_seen(part: JudgedPart, asked: dict[str, str], facts: Facts, labels: frozenset[Label]) -> PartSeen:
    condition = part.condition
    return PartSeen(
        key=part.key,
        code=part.key.value if condition is None else code_of(condition),
        asks=asked[part.key] if condition is None else condition_in_words(condition),
        saw=_saw_request(part.key, facts, labels) if condition is None else _saw(condition, facts),
        holds=part.holds,
        fits=part.fits,
    )


def _saw_request(key: PartKey, facts: Facts, labels: frozenset[Label]) -> str:
    request = facts.request
    if key is PartKey.WHO:
        subject = request.subject
        name = subject.email or subject.person or subject.service or ""
        return f"{name}, in {joined(sorted(subject.groups))}" if subject.groups else f"{name}, in no group"
    if key is PartKey.TO:
        return f"{request.resource.app}, labelled {joined(sorted(labels))}" if labels else request.resource.app
    if key is PartKey.DO:
        return request.action
    return facts.path or ""


def _saw(condition: Condition, facts: Facts) -> str:
    match condition:
        case Mfa():
            return _proof_seen(condition, facts)
        case Hours():
            return moment_text(facts.now, condition.windows[0].zone)
        case _:
            return seen_by(condition, facts)


def _proof_seen(condition: Mfa, facts: Facts) -> str:
    """The proof that came nearest: the latest of those that are strong enough, else the strongest."""
    proofs = facts.request.subject.authentications
    if not proofs:
        return ""

    def nearness(proof: Authentication) -> tuple[int, float]:
        return min(proof.strength, condition.strength), proof.at

    nearest = max(proofs, key=nearness)
    age = facts.now - nearest.at
    ago = f"{rounded_span(age)} before" if age >= 1 else "just then"
    return f"{PROOFS[nearest.strength]}, {ago}"
