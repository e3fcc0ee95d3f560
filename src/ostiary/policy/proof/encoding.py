"""The logic of rules as formulas: whom, what, which actions, paths, conditions; denial outweighs; not knowing never helps.

Source: docs/reference/rules.md; `policy.cedar.compiler` says the same to Cedar.
"""

from collections.abc import Callable, Sequence

import msgspec

from ostiary.policy.cedar.compiler import named
from ostiary.policy.identifiers import RuleName
from ostiary.policy.proof.formula import FALSE, Formula, every, negation, some
from ostiary.policy.proof.questions import Scopes, Vocabulary
from ostiary.policy.rules.document import Effect, Rule
from ostiary.policy.rules.statements import Clause


class Part(msgspec.Struct, frozen=True):
    """One rule, or one added Cedar policy.

    Args:
        matches: true of the requests to which it applies.
    """

    name: RuleName
    effect: Effect
    matches: Formula


class Encoded(msgspec.Struct, frozen=True):
    """Rules as formulas.

    Args:
        parts: the rules of the document in their order, then the added policies.
        refused: true of requests that are refused whatever the rules say.
    """

    parts: tuple[Part, ...]
    refused: Formula = FALSE

    def some_match(self, effect: Effect, *, without: RuleName | None = None) -> Formula:
        """Return that a rule with this effect applies, one of them left out if it is named."""
        return some(part.matches for part in self.parts if part.effect is effect and part.name != without)

    def allowed(self, *, without: RuleName | None = None) -> Formula:
        """Return that the request is allowed, by the rules without one of them if it is named."""
        return every(
            [
                negation(self.refused),
                negation(self.some_match(Effect.DENY, without=without)),
                self.some_match(Effect.ALLOW, without=without),
            ]
        )


def rule_formula(rule: Rule, words: Vocabulary) -> Formula:
    """Return that the rule applies to a request.

    What is not known does not meet a condition of an allow rule, nor of an `unless`; it counts as met in the `when`
    and the `paths` of a deny rule.
    """
    met = words.holds if rule.effect is Effect.ALLOW else words.may_hold
    return every([reaches(rule, words), *_restrictions(rule, words, met), _not_lifted(rule, words)])


def reaches(rule: Rule, words: Vocabulary) -> Formula:
    """Return that the rule names the subject and the resource."""
    return every([some([words.subject(who) for who in rule.who]), some([words.resource(to) for to in rule.to])])


def clause_formula(clause: Clause, words: Vocabulary) -> Formula:
    """Return that a clause speaks of a request. A person whom it concerns has an address, as everybody here does."""
    return every([rule_formula(clause.rule, words), negation(words.lacks_address())])


def encode_rules(
    rules: Sequence[Rule],
    words: Vocabulary,
    *,
    people_need_address: bool,
    added: Sequence[Part] = (),
    errors: Formula = FALSE,
) -> Encoded:
    """Return rules as formulas.

    Args:
        rules: of the document.
        words: makes formulas of what they say.
        people_need_address: whether a person without an e-mail address is refused, since a rule names one.
        added: Cedar policies beside the document.
        errors: true of requests for which one of these fails; any failure refuses.
    """
    parts = [Part(rule.name, rule.effect, rule_formula(rule, words)) for rule in rules]
    unaddressed = words.lacks_address() if people_need_address else FALSE
    return Encoded((*parts, *added), some([unaddressed, errors]))


def named_condition(name: str, rules: Sequence[Rule], words: Vocabulary) -> Formula:
    """Return that `context.holds` carries a name: a rule that names subject and resource has the condition, and it holds."""
    return some(
        [
            every([reaches(rule, words), words.holds(condition)])
            for rule in rules
            for condition in (*rule.when, *rule.unless)
            if named(condition) == name
        ]
    )


def _restrictions(rule: Rule, words: Vocabulary, met: Callable[..., Formula]) -> list[Formula]:
    found = [words.action(rule.do)] if rule.do is not None else []
    if rule.paths:
        found.append(met(Scopes(rule.paths)))
    return found + [met(condition) for condition in rule.when]


def _not_lifted(rule: Rule, words: Vocabulary) -> Formula:
    lifted = every([words.holds(condition) for condition in rule.unless]) if rule.unless else FALSE
    return negation(lifted)
