"""Reads one rule, and one clause of `never` or `always`, which is written as a rule is."""

from typing import Final

from ostiary.policy.decision import Obligation
from ostiary.policy.identifiers import RuleName, parse_rule_name
from ostiary.policy.rules.condition_reader import READERS, read_conditions
from ostiary.policy.rules.fields import Problems, choice_of, fields_of, word_of, words_of
from ostiary.policy.rules.names import read_name
from ostiary.policy.rules.rule import Effect, Rule
from ostiary.policy.rules.selector_reader import Known, read_actions, read_paths, read_targets, read_who
from ostiary.policy.rules.statements import Clause, ClauseKind
from ostiary.policy.rules.yaml_tree import MapNode, Node

_KEYS = ("name", "describe", "allow", "deny", "to", "do", "paths", "when", "unless", "require")
_CLAUSE_KEYS = ("name", "describe", "who", "to", "do", "paths", "when", "unless")
_EVERY_CONDITION: Final = tuple(READERS)
_DENY_WHEN = ("hours", "networks", "countries")
_OBLIGATIONS = {obligation.value: obligation for obligation in Obligation}
_EFFECT_OF: Final = {ClauseKind.NEVER: Effect.DENY, ClauseKind.ALWAYS: Effect.ALLOW}


def read_rule(node: Node, known: Known, problems: Problems) -> Rule | None:
    """Read an entry of `rules:`; `None` after noting what keeps it from being one."""
    fields = fields_of(node, _KEYS, problems, what="a rule")
    if not fields:
        if isinstance(node, MapNode):
            problems.add(node, "the rule is empty", "write `name`, `allow` or `deny`, `to` and `do`")
        return None
    effect = _read_effect(node, fields, problems)
    name = _read_rule_name(node, fields, problems, what="rule", example="staff-read-wiki")
    _check_shape(node, fields, effect, problems)
    if effect is None or name is None or "to" not in fields:
        return None
    allowed = _EVERY_CONDITION if effect is Effect.ALLOW else _DENY_WHEN
    return _rule(node, fields, known, problems, name=name, effect=effect, whom=effect.value, allowed=allowed)


def read_clause(node: Node, kind: ClauseKind, known: Known, problems: Problems) -> Clause | None:
    """Read an entry of `never:` or `always:`; `None` after noting what keeps it from being one."""
    fields = fields_of(node, _CLAUSE_KEYS, problems, what=f"an entry of `{kind}`")
    if not fields:
        if isinstance(node, MapNode):
            problems.add(node, f"the entry of `{kind}` is empty", "write `name`, `who` and `to`")
        return None
    name = _read_rule_name(node, fields, problems, what="clause", example=f"{kind}-from-outside")
    if "who" not in fields:
        problems.add(node, f"the entry of `{kind}` does not say `who`", "write, for instance, `who: anyone`")
    if "to" not in fields:
        problems.add(node, f"the entry of `{kind}` does not say `to` what", "write, for instance, `to: app:wiki`")
    if kind is ClauseKind.ALWAYS and "unless" in fields:
        problems.add(fields["unless"], "an entry of `always` has no `unless`", "use `when`")
    if name is None or "who" not in fields or "to" not in fields:
        return None
    effect = _EFFECT_OF[kind]
    rule = _rule(node, fields, known, problems, name=name, effect=effect, whom="who", allowed=_EVERY_CONDITION)
    return Clause(kind=kind, rule=rule)


def _rule(
    node: Node,
    fields: dict[str, Node],
    known: Known,
    problems: Problems,
    *,
    name: RuleName,
    effect: Effect,
    whom: str,
    allowed: tuple[str, ...],
) -> Rule:
    """Read what rules and clauses share; `whom` is the key that says whom, `allowed` what may stand in `when`."""
    return Rule(
        name=name,
        effect=effect,
        who=read_who(fields[whom], known, problems, what=f"`{whom}`"),
        to=read_targets(fields["to"], known, problems),
        do=read_actions(fields["do"], problems) if "do" in fields else None,
        paths=read_paths(fields["paths"], problems) if "paths" in fields else (),
        when=read_conditions(fields["when"], allowed, problems, what="`when`") if "when" in fields else (),
        unless=(
            read_conditions(fields["unless"], _EVERY_CONDITION, problems, what="`unless`") if "unless" in fields else ()
        ),
        require=_read_obligations(fields["require"], problems) if "require" in fields else (),
        describe=_read_description(fields["describe"], problems) if "describe" in fields else "",
        line=node.line,
    )


def _read_rule_name(
    node: Node, fields: dict[str, Node], problems: Problems, *, what: str, example: str
) -> RuleName | None:
    return read_name(node, fields.get("name"), problems, what=what, example=example, parse=parse_rule_name)


def _read_effect(node: Node, fields: dict[str, Node], problems: Problems) -> Effect | None:
    present = [effect for effect in Effect if effect in fields]
    if len(present) == 1:
        return present[0]
    problems.add(
        node,
        "the rule says both `allow` and `deny`" if present else "the rule says neither `allow` nor `deny`",
        "make it two rules" if present else "write, for instance, `allow: group:staff`",
    )
    return None


def _check_shape(node: Node, fields: dict[str, Node], effect: Effect | None, problems: Problems) -> None:
    """Note what is missing, and what may not stand beside `allow` or `deny`."""
    if "to" not in fields:
        problems.add(node, "the rule does not say `to` what", "write, for instance, `to: app:wiki`")
    if effect is Effect.ALLOW and "do" not in fields:
        problems.add(node, "the rule does not say what it allows to `do`", "write `do: [view, edit]` or `do: any`")
    if effect is Effect.ALLOW and "unless" in fields:
        problems.add(fields["unless"], "an allow rule has no `unless`", "use `when`, or add a deny rule")
    if effect is Effect.DENY and "require" in fields:
        problems.add(fields["require"], "a deny rule has no `require`", "remove it")


def _read_obligations(node: Node, problems: Problems) -> tuple[Obligation, ...]:
    words = words_of(node, problems, what="`require`")
    read = (choice_of(word, _OBLIGATIONS, problems, what="`require`") for word in words)
    return tuple(obligation for obligation in read if obligation)


def _read_description(node: Node, problems: Problems) -> str:
    word = word_of(node, problems, what="`describe`")
    return word.text.strip() if word else ""
