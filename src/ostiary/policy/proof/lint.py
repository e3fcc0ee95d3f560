"""What is odd about rules: those without effect, conditions that say nothing, apps and groups left out."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

import msgspec

from ostiary.policy.identifiers import RuleName
from ostiary.policy.proof.cedar_expressions import CannotProve
from ostiary.policy.proof.dimensions import ACTION, APP
from ostiary.policy.proof.encoding import Part, rule_formula
from ostiary.policy.proof.formula import negation, some
from ostiary.policy.proof.inquiry import Inquiry, kinds_of_people
from ostiary.policy.proof.overlap import Reach
from ostiary.policy.proof.solver import Undecided
from ostiary.policy.request import Subject
from ostiary.policy.rules.document import Condition, Effect, Rule, WhoKind
from ostiary.policy.rules.words import condition_in_words, joined
from ostiary.policy.snapshot import Catalogue, Directory, Rules

MAX_NAMES: Final = 10
_replace = msgspec.structs.replace


class Oddity(StrEnum):
    """What kind of finding it is. Stable names: they are stored and searched."""

    NEVER_MATCHES = "never_matches"
    ADDS_NOTHING = "adds_nothing"
    REMOVES_NOTHING = "removes_nothing"
    ALWAYS_OVERRIDDEN = "always_overridden"
    ALWAYS_TRUE = "always_true"
    UNREACHABLE_APP = "unreachable_app"
    GROUP_WITHOUT_RULES = "group_without_rules"
    REACHES_EVERYTHING = "reaches_everything"
    NOT_DECIDED = "not_decided"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One odd thing.

    Args:
        rule: the rule it is about; empty when it is about none.
        line: where the rule begins in the text; 0 when there is none.
        words: what was found, a sentence.
        advice: what to do.
    """

    oddity: Oddity
    rule: RuleName = RuleName("")
    line: int = 0
    words: str
    advice: str


def lint(
    rules: Rules, catalogue: Catalogue, directory: Directory | None = None, *, seconds_each: float
) -> tuple[Finding, ...]:
    """Return what is odd, rules in the order of the document first.

    Removing every rule that is said to add or remove nothing, all together, changes no decision.

    Args:
        rules: the rulebook.
        catalogue: the apps that exist.
        directory: who exists; without it, nothing is said about people and groups. Services are in no group.
        seconds_each: how long the solver may work on one question.

    Raises:
        InvalidRules: when the rules cannot be used.
    """
    try:
        asked = Inquiry(rules, catalogue, seconds_each=seconds_each)
    except CannotProve as error:
        words = f"The rules cannot be looked at: {error.message}."
        return (Finding(oddity=Oddity.NOT_DECIDED, words=words, advice=error.hint),)
    linter = _Linter(asked, directory)
    try:
        return (*linter.about_rules(), *linter.about_apps(), *linter.about_people())
    except Undecided:
        words = f"A question was not decided within {seconds_each:g} seconds."
        return (Finding(oddity=Oddity.NOT_DECIDED, words=words, advice="Give it more time."),)


class _Linter:
    """Every claim is made here, before the first question."""

    def __init__(self, asked: Inquiry, directory: Directory | None) -> None:
        self._asked = asked
        self._directory = directory
        parts = asked.encoded.parts
        self._matches = {part.name: asked.claim(part.matches) for part in parts}
        self._spares = {part.name: asked.claim(negation(part.matches)) for part in parts}
        self._reach = Reach(
            {part.name: part.matches for part in parts},
            {name: len(asked.space.dimensions[name].values) for name in (APP, ACTION)},
        )
        self._passes = asked.claim(asked.not_denied())
        self._not_refused = asked.claim(negation(asked.encoded.refused))
        self._permitted = asked.claim(asked.encoded.some_match(Effect.ALLOW))
        self._allowed = asked.claim(asked.encoded.allowed())
        self._conditions = [
            (rule, condition, asked.claim(rule_formula(without, asked.space), negation(part.matches)))
            for part in parts
            if (rule := asked.rule(part.name))
            for condition, without in _shortened(rule)
        ]
        self._apps = {app: asked.claim(asked.is_app(app)) for app in asked.catalogue.apps}
        kinds = kinds_of_people(directory, asked.space) if directory else {}
        self._kinds = [(asked.claim(kind), people) for kind, people in kinds.items()]
        services = [asked.space.is_subject(Subject(service=name)) for name in asked.space.services]
        self._somebody = asked.claim(some([*services, *kinds])) if directory else asked.claim()

    def about_rules(self) -> list[Finding]:
        """Rules without effect, and conditions that say nothing."""
        found: dict[RuleName, list[Finding]] = {part.name: [] for part in self._asked.encoded.parts}
        idle: set[RuleName] = set()
        for part in reversed(self._asked.encoded.parts):
            finding = self._without_effect(part, idle)
            if finding:
                idle.add(part.name)
                found[part.name].append(finding)
        for rule, condition, claim in self._conditions:
            if rule.name not in idle and not self._asked.is_possible(claim):
                words = f"In `{rule.name}`, “{condition_in_words(condition)}” is true of every request that the rest of the rule means."
                found[rule.name].append(self._finding(Oddity.ALWAYS_TRUE, rule.name, words, "Remove the condition."))
        return [finding for findings in found.values() for finding in findings]

    def about_apps(self) -> Iterator[Finding]:
        """Apps that nobody can reach."""
        for app, claim in self._apps.items():
            if not self._asked.is_possible(claim, self._allowed, self._somebody):
                yield Finding(
                    oddity=Oddity.UNREACHABLE_APP,
                    words=f"Nobody can reach `{app}`.",
                    advice="Allow somebody to use it, or remove it from the catalogue.",
                )

    def about_people(self) -> Iterator[Finding]:
        """Groups that no rule names, and people who can reach every app."""
        if self._directory is None:
            return
        named = {
            who.name for rule in self._asked.compiled.by_name.values() for who in rule.who if who.kind is WhoKind.GROUP
        }
        for group in sorted(set(self._directory.groups) - named):
            yield Finding(
                oddity=Oddity.GROUP_WITHOUT_RULES,
                words=f"No rule names the group `{group}`.",
                advice="Write a rule for it, or delete the group if nothing else uses it.",
            )
        everywhere = [
            person.email or person.id
            for kind, people in self._kinds
            if len(self._apps) > 1
            and all(self._asked.is_possible(kind, app, self._allowed) for app in self._apps.values())
            for person in people
        ]
        if everywhere:
            shown = joined(sorted(everywhere)[:MAX_NAMES])
            more = f" and {len(everywhere) - MAX_NAMES} more" if len(everywhere) > MAX_NAMES else ""
            yield Finding(
                oddity=Oddity.REACHES_EVERYTHING,
                words=f"{shown}{more} can reach every app.",
                advice="See whether they need all of it: ostiary rules what-can",
            )

    def _without_effect(self, part: Part, idle: set[RuleName]) -> Finding | None:
        """Return the finding if the rule does nothing beside those that are not idle."""
        own, name = self._matches[part.name], part.name
        meeting = self._meeting(part)
        others = [one for one in meeting if one.effect is part.effect and one.name not in idle]
        spared = [self._spares[other.name] for other in others]
        effective = (self._not_refused, self._permitted) if part.effect is Effect.DENY else (self._passes,)
        if self._asked.is_possible(own, *effective, *spared):
            return None
        if not self._asked.is_possible(own):
            return self._finding(Oddity.NEVER_MATCHES, name, f"`{name}` can never apply: {self._why(part)}.", _REMOVE)
        if part.effect is Effect.DENY:
            words = f"`{name}` removes nothing: {self._covered(others, own, self._permitted) or 'no rule allows what it denies'}."
            return self._finding(Oddity.REMOVES_NOTHING, name, words, "Remove it, unless it stands there as a guard.")
        if not self._asked.is_possible(own, self._passes):
            by = self._covered([one for one in meeting if one.effect is Effect.DENY], own)
            words = f"`{name}` is always overridden: {by or 'other rules deny everything that it allows'}."
            return self._finding(Oddity.ALWAYS_OVERRIDDEN, name, words, _REMOVE)
        rule = self._asked.rule(name)
        if rule and rule.require:
            return None
        by = self._covered(others, own, self._passes) or "other rules together allow everything that it allows"
        return self._finding(Oddity.ADDS_NOTHING, name, f"`{name}` adds nothing: {by}.", _REMOVE)

    def _meeting(self, part: Part) -> list[Part]:
        """Return the other rules that could apply to a request to which this one does. What the rest says cannot matter."""
        return [
            other
            for other in self._asked.encoded.parts
            if other.name != part.name and self._reach.may_meet(part.name, other.name)
        ]

    def _covered(self, others: list[Part], *claims: str) -> str:
        """Return which single rule applies wherever all the claims are true, in words; empty if there is none.

        Where they are never true together, no rule is the reason.
        """
        if not self._asked.is_possible(*claims):
            return ""
        for other in others:
            if not self._asked.is_possible(*claims, self._spares[other.name]):
                verb = "allows" if other.effect is Effect.ALLOW else "denies"
                return f"`{other.name}` {verb} all of it"
        return ""

    def _why(self, part: Part) -> str:
        rule = self._asked.rule(part.name)
        if rule and not self._asked.apps_of(rule.to):
            return "no app is what it names in `to`"
        return "its conditions never hold together"

    def _finding(self, oddity: Oddity, name: RuleName, words: str, advice: str) -> Finding:
        rule = self._asked.rule(name)
        return Finding(oddity=oddity, rule=name, line=rule.line if rule else 0, words=words, advice=advice)


_REMOVE: Final = "Correct it, or remove it."


def _shortened(rule: Rule) -> Iterator[tuple[Condition, Rule]]:
    """Yield the rule without each of its conditions. A sole `unless` stays: without it the rule is of another kind."""
    for at, condition in enumerate(rule.when):
        yield condition, _replace(rule, when=rule.when[:at] + rule.when[at + 1 :])
    for at, condition in enumerate(rule.unless if len(rule.unless) > 1 else ()):
        yield condition, _replace(rule, unless=rule.unless[:at] + rule.unless[at + 1 :])
