"""Cedar text that stands beside the rules document: what is accepted of it, and what it reads.

It is validated against the schema. Every policy needs an `@id`, which is its rule name. It has no clock: conditions
on time belong in the document, so that the end of an answer is always known.
"""

import json
import re
from typing import Any, Final

import msgspec
from cedarpy import PolicySet, policies_to_json_str, validate_policies

from ostiary.policy.cedar.schema import schema
from ostiary.policy.identifiers import MalformedIdentifier, RuleName, parse_slug
from ostiary.policy.rules.problems import InvalidRules, Problem

MAX_CEDAR_CHARACTERS: Final = 256 * 1024
_MAX_DEPTH = 40
_OFFSET = re.compile(r"offset(?:: | )(\d+)")


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
    if _depth(text) > _MAX_DEPTH:
        raise InvalidRules([_problem(f"the Cedar text is nested more than {_MAX_DEPTH} levels deep")])
    try:
        PolicySet.from_str(text)
        parsed: dict[str, Any] = json.loads(policies_to_json_str(text))
        errors = [] if parsed["templates"] else validate_policies(text, schema()).errors
    except (ValueError, TypeError) as error:
        raise InvalidRules([_problem(str(error).splitlines()[0] if str(error) else "not Cedar")]) from None
    problems = [_problem(f"`{error.policy_id}`: {error.error}") for error in errors]
    if parsed["templates"]:
        problems.append(_problem("templates cannot be used here", "write the principal and the resource out"))
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
        return RuleName(parse_slug(written, what="rule"))
    except MalformedIdentifier as error:
        message = str(error.message) if written else "a policy has no `@id`"
        problems.append(_problem(message, error.hint if written else 'write `@id("name")` before it'))
        return RuleName("")


def _mentions_context(node: Any) -> bool:
    if isinstance(node, dict):
        return node.get("Var") == "context" or any(_mentions_context(value) for value in node.values())
    return isinstance(node, list) and any(_mentions_context(value) for value in node)


def _depth(text: str) -> int:
    depth = deepest = 0
    for character in text:
        if character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth -= 1
    return deepest


def _problem(message: str, hint: str = "") -> Problem:
    return Problem(line=0, column=0, message=message, hint=hint, file="cedar")
