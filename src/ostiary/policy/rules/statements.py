"""What a document says about its own rules, as types: `tests`, `never` and `always`. The grammar: `docs/reference/rules.md`.

Tests are single requests with their expected answer; clauses speak of every possible request.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import msgspec

from ostiary.policy.decision import ReasonCode
from ostiary.policy.identifiers import PersonId, RuleName
from ostiary.policy.request import AccessRequest
from ostiary.policy.rules.rule import Rule

SOMEONE: Final = PersonId("(someone)")
SOMEONE_EMAIL: Final = "(someone)"
"""The person of a test that names none. No rule can name them: neither text is one that `person:` takes."""

DEFAULT_MOMENT: Final = datetime(2026, 1, 7, 10, tzinfo=UTC).timestamp()
"""When a test takes place that does not say when: a Wednesday at 10:00 UTC."""

REASONS_OF_RULES: Final = (
    ReasonCode.NO_RULES,
    ReasonCode.NO_RULE_APPLIES,
    ReasonCode.CONDITIONS_UNMET,
    ReasonCode.DENIED_BY_RULE,
)
"""The reasons that rules can give for a refusal, so the ones that a test can expect."""


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
            not known is not met. Its conditions may be any. `never` holds exactly when adding this rule to the document
            would refuse nothing more; `always` when adding it would allow nothing more, and no rule denies any of it.
    """

    kind: ClauseKind
    rule: Rule


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """The answer that a test expects.

    Args:
        allowed: whether the request may pass.
        rule: a rule that must be among those that the decision names; `None` for any.
        reason: the reason that a refusal must have, one of `REASONS_OF_RULES`; `None` for any.
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
