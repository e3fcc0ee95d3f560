"""Reads the text of a rules document into its types, or says everything that is wrong with it.

The grammar, for people: `docs/reference/rules.md`. One rule or clause is read in `rule_reader`, one test in `case_reader`.
"""

from typing import Final

from ostiary.policy.rules.case_reader import read_case
from ostiary.policy.rules.document import ClauseKind, RulesDocument
from ostiary.policy.rules.fields import Problems, fields_of
from ostiary.policy.rules.names import Taken
from ostiary.policy.rules.problems import InvalidRules, shown
from ostiary.policy.rules.rule_reader import read_clause, read_rule
from ostiary.policy.rules.selector_reader import Known
from ostiary.policy.rules.yaml_tree import ListNode, MapNode, Node, Scalar, parse_yaml

MAX_RULES: Final = 20_000
MAX_TESTS: Final = 5_000
MAX_CLAUSES: Final = 500
"""In each of `never` and `always`."""

_SECTIONS = ("version", "rules", "tests", *ClauseKind)


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
    rules, tests, clauses = Taken("a rule"), Taken("a test"), Taken("a clause")
    return RulesDocument(
        tuple(
            rules.take(rule, rule.name, item, problems)
            for item in _items(fields.get("rules"), "rules", MAX_RULES, problems, hint="use groups and labels")
            if (rule := read_rule(item, known, problems))
        ),
        tuple(
            tests.take(case, case.name, item, problems)
            for item in _items(fields.get("tests"), "tests", MAX_TESTS, problems, hint="keep those that matter")
            if (case := read_case(item, known, problems))
        ),
        tuple(
            clauses.take(clause, clause.rule.name, item, problems)
            for kind in ClauseKind
            for item in _items(fields.get(kind), kind, MAX_CLAUSES, problems, hint="use groups and labels")
            if (clause := read_clause(item, kind, known, problems))
        ),
    )


def _check_version(root: MapNode, version: Node | None, problems: Problems) -> None:
    if version is None:
        problems.add(root, "the document does not say its `version`", "begin with `version: 1`")
    elif not (isinstance(version, Scalar) and version.text == "1"):
        written = shown(version.text) if isinstance(version, Scalar) else "this"
        problems.add(version, f"{written} is not a version that is known here", "write `version: 1`")


def _items(node: Node | None, section: str, limit: int, problems: Problems, *, hint: str) -> tuple[Node, ...]:
    """Return the entries of a section; none after noting that it is no list or too long."""
    if node is None or (isinstance(node, Scalar) and not node.text and not node.quoted):
        return ()
    if not isinstance(node, ListNode):
        problems.add(node, f"`{section}` must be a list", "begin each entry with `- name: …`")
        return ()
    if len(node.items) > limit:
        what = section if section in ("rules", "tests") else f"entries in `{section}`"
        problems.add(node, f"there are more than {limit} {what}", hint)
        return ()
    return node.items
