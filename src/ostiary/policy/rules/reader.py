"""Reads the text of a rules document into its types, or says everything that is wrong with it.

The grammar, for people: `docs/reference/rules.md`.
"""

from typing import Final

from ostiary.policy.decision import Obligation
from ostiary.policy.identifiers import MalformedIdentifier, RuleName, parse_rule_name
from ostiary.policy.rules.condition_reader import READERS, read_conditions
from ostiary.policy.rules.document import Effect, Rule, RulesDocument, Statement
from ostiary.policy.rules.fields import Problems, choice_of, fields_of, word_of, words_of
from ostiary.policy.rules.problems import InvalidRules, shown
from ostiary.policy.rules.selector_reader import Known, read_actions, read_paths, read_targets, read_who
from ostiary.policy.rules.yaml_tree import ListNode, MapNode, Node, Scalar, parse_yaml

MAX_RULES: Final = 20_000
_STATEMENT_SECTIONS = ("tests", "never", "always")
_SECTIONS = ("version", "rules", *_STATEMENT_SECTIONS)
_KEYS = ("name", "describe", "allow", "deny", "to", "do", "paths", "when", "unless", "require")
_DENY_WHEN = ("hours", "networks", "countries")
_OBLIGATIONS = {obligation.value: obligation for obligation in Obligation}


def read_rules(text: str, known: Known | None = None) -> RulesDocument:
    """Read a rules document.

    Args:
        text: YAML; an empty text is a document without rules.
        known: names that exist, to refuse others; nothing is checked against names by default.

    Raises:
        InvalidRules: with every problem that was found.
    """
    root = parse_yaml(text)
    if root is None or (isinstance(root, Scalar) and not root.text and not root.quoted):
        return RulesDocument()
    problems = Problems()
    document = _read_document(root, known or Known(), problems)
    if problems.found:
        raise InvalidRules(sorted(problems.found, key=lambda problem: (problem.line, problem.column)))
    return document


def _read_document(root: Node, known: Known, problems: Problems) -> RulesDocument:
    fields = fields_of(root, _SECTIONS, problems, what="the document")
    if isinstance(root, MapNode):
        _check_version(root, fields.get("version"), problems)
    statements = [
        statement
        for section in _STATEMENT_SECTIONS
        if section in fields
        for statement in _read_statements(section, fields[section], problems)
    ]
    rules = _read_rule_list(fields["rules"], known, problems) if "rules" in fields else ()
    return RulesDocument(rules, tuple(statements))


def _check_version(root: MapNode, version: Node | None, problems: Problems) -> None:
    if version is None:
        problems.add(root, "the document does not say its `version`", "begin with `version: 1`")
    elif not (isinstance(version, Scalar) and version.text == "1"):
        written = shown(version.text) if isinstance(version, Scalar) else "this"
        problems.add(version, f"{written} is not a version that is known here", "write `version: 1`")


def _read_statements(section: str, node: Node, problems: Problems) -> tuple[Statement, ...]:
    if _is_empty(node):
        return ()
    if not isinstance(node, ListNode):
        problems.add(node, f"`{section}` must be a list", "begin each entry with `- `")
        return ()
    return tuple(Statement(section, item.text if isinstance(item, Scalar) else "", item.line) for item in node.items)


def _read_rule_list(node: Node, known: Known, problems: Problems) -> tuple[Rule, ...]:
    if _is_empty(node):
        return ()
    if not isinstance(node, ListNode):
        problems.add(node, "`rules` must be a list", "begin each rule with `- name: …`")
        return ()
    if len(node.items) > MAX_RULES:
        problems.add(node, f"there are more than {MAX_RULES} rules", "use groups and labels")
        return ()
    lines: dict[str, int] = {}
    rules = []
    for item in node.items:
        rule = _read_rule(item, known, problems)
        if rule is None:
            continue
        if rule.name in lines:
            problems.add(
                item, f"a rule named `{rule.name}` is already on line {lines[rule.name]}", "choose another name"
            )
        lines.setdefault(rule.name, item.line)
        rules.append(rule)
    return tuple(rules)


def _read_rule(node: Node, known: Known, problems: Problems) -> Rule | None:
    fields = fields_of(node, _KEYS, problems, what="a rule")
    if not fields:
        if isinstance(node, MapNode):
            problems.add(node, "the rule is empty", "write `name`, `allow` or `deny`, `to` and `do`")
        return None
    effect = _read_effect(node, fields, problems)
    name = _read_name(node, fields.get("name"), problems)
    _check_shape(node, fields, effect, problems)
    if effect is None or name is None or "to" not in fields:
        return None
    allowed = tuple(READERS) if effect is Effect.ALLOW else _DENY_WHEN
    return Rule(
        name=name,
        effect=effect,
        who=read_who(fields[effect], known, problems, what=f"`{effect}`"),
        to=read_targets(fields["to"], known, problems),
        do=read_actions(fields["do"], problems) if "do" in fields else None,
        paths=read_paths(fields["paths"], problems) if "paths" in fields else (),
        when=read_conditions(fields["when"], allowed, problems, what="`when`") if "when" in fields else (),
        unless=(
            read_conditions(fields["unless"], tuple(READERS), problems, what="`unless`") if "unless" in fields else ()
        ),
        require=_read_obligations(fields["require"], problems) if "require" in fields else (),
        describe=_read_description(fields["describe"], problems) if "describe" in fields else "",
        line=node.line,
    )


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


def _read_name(node: Node, name: Node | None, problems: Problems) -> RuleName | None:
    if name is None:
        problems.add(node, "the rule has no `name`", "write, for instance, `name: staff-read-wiki`")
        return None
    word = word_of(name, problems, what="`name`")
    if word is None:
        return None
    try:
        return parse_rule_name(word.text)
    except MalformedIdentifier as error:
        problems.add(name, f"{shown(word.text)} cannot name a rule", error.hint)
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


def _is_empty(node: Node) -> bool:
    return isinstance(node, Scalar) and not node.text and not node.quoted
