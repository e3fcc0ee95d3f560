"""What nobody used, cut as a rule can be cut: the whole rule, one of those it names, one target, one action. Pure.

What nobody used but what cannot be taken out without dividing the rule is told apart. Finding it is `unused`'s.
"""

from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum

import msgspec

from ostiary.policy.identifiers import RuleName
from ostiary.policy.request import ActionClass
from ostiary.policy.rules.document import Rule
from ostiary.policy.unused import RuleUse, target_text, who_text

Named = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
"""Who, to what, and to do what, each as the document has it."""


class Cut(StrEnum):
    """What of a rule a part takes out; `NONE` stays, as something else of the same rule needs it."""

    RULE = "rule"
    WHO = "who"
    TO = "to"
    DO = "do"
    NONE = "none"


class UnusedPart(msgspec.Struct, frozen=True, kw_only=True):
    """Permissions of one rule that nobody used: each of `who` to each of `to` for each of `do`.

    Args:
        rule: the rule's name.
        cut: what taking it out removes from the rule.
        name: what is removed, as the document has it; empty for a whole rule and for what stays.
        who: as in the document.
        to: as in the document.
        do: as in the document.
    """

    rule: RuleName
    cut: Cut
    name: str
    who: tuple[str, ...]
    to: tuple[str, ...]
    do: tuple[str, ...]

    @property
    def key(self) -> str:
        """What tells it from every other part that can be taken out of the same document."""
        return f"{self.rule} {self.cut} {self.name}".rstrip()

    @property
    def can_go(self) -> bool:
        """Whether it can be taken out of the rule as the rule is written."""
        return self.cut is not Cut.NONE


def parts_of(use: RuleUse) -> tuple[UnusedPart, ...]:
    """Return what nobody used of a rule, first what can be taken out; what stays by who and target."""
    every = _every(use.rule)
    if use.used is None:
        return (_part(use.rule, Cut.RULE, "", every),)
    who, to, do = every
    kept = _every(use.used)
    kept_who, kept_to, kept_do = kept
    gone = (
        *(_part(use.rule, Cut.WHO, one, ((one,), to, do)) for one in who if one not in kept_who),
        *(_part(use.rule, Cut.TO, one, (who, (one,), do)) for one in to if one not in kept_to),
        *(_part(use.rule, Cut.DO, one, (who, to, (one,))) for one in do if one not in kept_do),
    )
    return gone + tuple(_staying(use, kept))


def without_parts(uses: Iterable[RuleUse], chosen: Collection[str]) -> dict[RuleName, RuleUse]:
    """Return the rules of which something is taken out, for `without_unused`.

    Args:
        uses: what was used.
        chosen: keys of parts that can be taken out; others are ignored.
    """
    found: dict[RuleName, RuleUse] = {}
    for use in uses:
        gone = [part for part in parts_of(use) if part.can_go and part.key in chosen]
        if gone:
            found[use.rule.name] = msgspec.structs.replace(use, used=_rest(use.rule, gone))
    return found


def _rest(rule: Rule, gone: Collection[UnusedPart]) -> Rule | None:
    if any(part.cut is Cut.RULE for part in gone):
        return None
    names = {(part.cut, part.name) for part in gone}
    do = rule.do
    if any(part.cut is Cut.DO for part in gone):
        do = tuple(one for one in _actions(rule) if (Cut.DO, one.value) not in names)
    return msgspec.structs.replace(
        rule,
        who=tuple(one for one in rule.who if (Cut.WHO, who_text(one)) not in names),
        to=tuple(one for one in rule.to if (Cut.TO, target_text(one)) not in names),
        do=do,
    )


def _staying(use: RuleUse, kept: Named) -> Iterator[UnusedPart]:
    who, to, do = kept
    by_pair: dict[tuple[str, str], list[str]] = {}
    for one, target, action in use.unused:
        if one in who and target in to and action in do:
            by_pair.setdefault((one, target), []).append(action)
    for (one, target), actions in by_pair.items():
        yield _part(use.rule, Cut.NONE, "", ((one,), (target,), tuple(actions)))


def _every(rule: Rule) -> Named:
    return (
        tuple(who_text(one) for one in rule.who),
        tuple(target_text(one) for one in rule.to),
        tuple(one.value for one in _actions(rule)),
    )


def _actions(rule: Rule) -> tuple[ActionClass, ...]:
    """Return the actions that can be named; `any` also holds requests whose kind is not known."""
    return tuple(one for one in (rule.do or tuple(ActionClass)) if one is not ActionClass.UNKNOWN)


def _part(rule: Rule, cut: Cut, name: str, permissions: Named) -> UnusedPart:
    who, to, do = permissions
    return UnusedPart(rule=rule.name, cut=cut, name=name, who=who, to=to, do=do)
