"""A rulebook and what is to be known about it, as formulas over one space. Who decides them lives in `solver`."""

from collections.abc import Iterable, Sequence

from ostiary.policy.compiled import CompiledRules, compile_rules
from ostiary.policy.proof.added_cedar import added_parts
from ostiary.policy.proof.encoding import Encoded, encode_rules, rule_formula
from ostiary.policy.proof.questions import Asked, Vocabulary
from ostiary.policy.proof.space import Space
from ostiary.policy.rules.document import Rule
from ostiary.policy.snapshot import Catalogue, Rules


def encode(rules: Rules, catalogue: Catalogue) -> tuple[Space, Encoded]:
    """Return the space of requests that the rules tell apart, and the rules as formulas over it.

    Raises:
        InvalidRules: when the rules cannot be used.
        CannotProve: when Cedar beside the document uses what is not understood here.
    """
    space = space_of([rules], (), catalogue)
    return space, encoded(rules, space)


def space_of(rulebooks: Iterable[Rules], further: Sequence[Rule], catalogue: Catalogue) -> Space:
    """Return the space that several rulebooks, and further statements written as rules are, need together."""
    asked = Asked()
    for rules in rulebooks:
        encoded(rules, asked)
    for rule in further:
        rule_formula(rule, asked)
    return Space(asked, catalogue)


def encoded(rules: Rules, words: Vocabulary) -> Encoded:
    """Return a rulebook in the words of a space."""
    compiled = compiled_rules(rules)
    document = tuple(compiled.by_name.values())
    added, errors = added_parts(compiled.extra, document, words)
    return encode_rules(document, words, people_need_address=compiled.names_people_by_email, added=added, errors=errors)


def compiled_rules(rules: Rules) -> CompiledRules:
    """Return the rulebook as the engine reads it."""
    return compile_rules(rules.document, rules.cedar, rules.parsed)
