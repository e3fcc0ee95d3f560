"""Cedar text that stands beside the rules document: what is accepted of it, and what it reads.

It is validated against the schema. Every policy needs an `@id`, which is its rule name. It has no clock: conditions
on time belong in the document, so that the end of an answer is always known.
"""

import json
import re
from typing import Any, Final

import msgspec
from cedarpy import policies_to_json_str, validate_policies

from ostiary.policy.cedar.schema import schema
from ostiary.policy.identifiers import MalformedIdentifier, RuleName, parse_rule_name
from ostiary.policy.rules.problems import InvalidRules, Problem, printable

MAX_CEDAR_CHARACTERS: Final = 256 * 1024
MAX_POLICY_CHARACTERS: Final = 2000
_MAX_DEPTH = 100
_TOKENS = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|;|(?P<code>[^\s;"/]+|["/])')


class ExtraCedar(msgspec.Struct, frozen=True):
    """Valid Cedar text.

    Args:
        text: verbatim.
        names: the policies' `@id`s.
        reads_context: whether any policy reads the context, so that an answer holds for one request only.
        permits: whether any policy can permit.
    """

    text: str = ""
    names: tuple[RuleName, ...] = ()
    reads_context: bool = False
    permits: bool = False


def read_extra(text: str) -> ExtraCedar:
    """Read and validate Cedar text.

    Raises:
        InvalidRules: when it does not parse, does not fit the schema, uses templates, or an `@id` is missing,
            malformed or repeated.
    """
    if not text.strip():
        return ExtraCedar()
    if len(text) > MAX_CEDAR_CHARACTERS:
        raise InvalidRules([_problem(f"the Cedar text is longer than {MAX_CEDAR_CHARACTERS} characters")])
    parsed = _parse(text)
    if parsed["templates"]:
        raise InvalidRules([_problem("templates cannot be used here", "write the principal and the resource out")])
    found = validate_policies(text, schema())
    known = found.id_annotations_by_policy_id
    problems = [_problem(f"`{known.get(one.policy_id, one.policy_id)}`: {one.error}") for one in found.errors]
    policies = list(parsed["staticPolicies"].values())
    names = [_name(policy, problems) for policy in policies]
    problems += [_problem(f'`@id("{name}")` stands twice') for name in sorted({n for n in names if names.count(n) > 1})]
    if problems:
        raise InvalidRules(problems)
    return ExtraCedar(
        text=text,
        names=tuple(names),
        reads_context=any(_mentions_context(policy["conditions"]) for policy in policies),
        permits=any(policy["effect"] == "permit" for policy in policies),
    )


def _name(policy: dict[str, Any], problems: list[Problem]) -> RuleName:
    written = (policy.get("annotations") or {}).get("id") or ""
    try:
        return parse_rule_name(written)
    except MalformedIdentifier as error:
        message = str(error.message) if written else "a policy has no `@id`"
        problems.append(_problem(message, error.hint if written else 'write `@id("name")` before it'))
        return RuleName("")


def _mentions_context(node: Any) -> bool:
    if isinstance(node, dict):
        return node.get("Var") == "context" or any(_mentions_context(value) for value in node.values())
    return isinstance(node, list) and any(_mentions_context(value) for value in node)


def _parse(text: str) -> dict[str, Any]:
    """Return the policies as Cedar's JSON. Deep expressions are refused before Cedar sees them: it recurses."""
    if _longest_policy(text) > MAX_POLICY_CHARACTERS:
        raise InvalidRules([_problem(f"a policy is longer than {MAX_POLICY_CHARACTERS} characters", "make it several")])
    try:
        parsed: dict[str, Any] = json.loads(policies_to_json_str(text))
    except (ValueError, TypeError) as error:
        raise InvalidRules(
            [_problem(printable(str(error).splitlines()[0][:200]) if str(error) else "not Cedar")]
        ) from None
    except RecursionError:
        parsed = {}
    if not parsed or _depth(parsed) > _MAX_DEPTH:
        raise InvalidRules([_problem("an expression is nested too deeply", "make it several policies")])
    return parsed


def _longest_policy(text: str) -> int:
    """The most characters between two semicolons, white space, comments and the inside of strings aside."""
    longest = length = 0
    for token in _TOKENS.finditer(text):
        length = 0 if token[0] == ";" else length + len(token["code"] or "'")
        longest = max(longest, length)
    return longest


def _depth(parsed: Any) -> int:
    depth, level = 0, [parsed]
    while level:
        depth += 1
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
    return depth


def _problem(message: str, hint: str = "") -> Problem:
    return Problem(line=0, column=0, message=message, hint=hint, file="cedar")
