"""What a document says about its own rules, as types: `tests`, `never` and `always`. The grammar: `docs/reference/rules.md`.

Tests are single requests with their expected answer; clauses speak of every possible request.
"""

from enum import StrEnum

import msgspec

from ostiary.policy.decision import ReasonCode
from ostiary.policy.identifiers import RuleName
from ostiary.policy.request import AccessRequest
from ostiary.policy.rules.document import Rule


class ClauseKind(StrEnum):
    """What a clause claims."""

    NEVER = "never"
    ALWAYS = "always"


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """A claim about every possible request.

    Args:
        kind: `never`: no such request is allowed. `always`: every such request is allowed.
        rule: which requests, written as a rule is, with all that a rule's parts mean: of `never` a deny rule, so that
            what is not known counts as met in `when` and not in `unless`; of `always` an allow rule, so that what is
            not known is not met. Its conditions may be any. The clause holds exactly when adding this rule to the
            document would change no decision.
    """

    kind: ClauseKind
    rule: Rule


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """The answer that a test expects.

    Args:
        allowed: whether the request may pass.
        rule: a rule that must be among those that the decision names; `None` for any.
        reason: the reason that a refusal must have; `None` for any.
    """

    allowed: bool
    rule: RuleName | None = None
    reason: ReasonCode | None = None


class TestCase(msgspec.Struct, frozen=True, kw_only=True):
    """One request at one moment, and what must be answered.

    Args:
        name: unique among the document's tests.
        request: every fact is in it; what the test does not say is not known, except for the risk, which is 0.
        at: seconds since the epoch.
        expect: the answer.
        line: where it begins in the text; 0 when there is no text.
    """

    __test__ = False

    name: str
    request: AccessRequest
    at: float
    expect: Expectation
    line: int = 0
