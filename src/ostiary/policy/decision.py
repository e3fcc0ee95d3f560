"""The answer to an access request: `Allow` or `Deny`, with what led to it and what would change it.

Words for people are English here; the edge may translate them by `code` and `facts`.
"""

from enum import StrEnum

import msgspec

from ostiary.policy.identifiers import Generation, PolicyVersion, RuleName


class ReasonCode(StrEnum):
    """Why a request is refused. Stable names: they are stored, counted and searched."""

    NO_RULES = "no_rules"
    NO_RULE_APPLIES = "no_rule_applies"
    CONDITIONS_UNMET = "conditions_unmet"
    DENIED_BY_RULE = "denied_by_rule"
    ENGINE_ERROR = "engine_error"
    UNKNOWN_RESOURCE = "unknown_resource"
    UNKNOWN_SUBJECT = "unknown_subject"
    INPUT_TOO_LONG = "input_too_long"
    MALFORMED_REQUEST = "malformed_request"
    UNAUTHENTICATED = "unauthenticated"
    SESSION_ENDED = "session_ended"
    OTHER_DEVICE = "other_device"
    SESSION_IDLE = "session_idle"
    PROOF_TOO_OLD = "proof_too_old"
    PERSON_DISABLED = "person_disabled"
    SERVICE_DISABLED = "service_disabled"
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - a reason, not a password
    TOKEN_SCOPE = "token_scope"  # noqa: S105 - as above
    STALE_FACTS = "stale_facts"
    RECORD_UNAVAILABLE = "record_unavailable"


class RemedyKind(StrEnum):
    """What kind of act would satisfy the condition."""

    SIGN_IN = "sign_in"
    STEP_UP = "step_up"
    SET_UP = "set_up"
    WAIT = "wait"
    CHANGE_NETWORK = "change_network"
    USE_DEVICE = "use_device"
    ASK = "ask"


class Remedy(msgspec.Struct, frozen=True, kw_only=True):
    """What the person can do about one unmet condition.

    Args:
        kind: the act.
        words: the act in words, fit for a button or an instruction.
        path: a path on the sign-in host that starts the act, or `None` when there is nothing to click.
        at: for `WAIT`, the moment from which the condition holds (seconds since the epoch).
    """

    kind: RemedyKind
    words: str
    path: str | None = None
    at: float | None = None


class UnmetCondition(msgspec.Struct, frozen=True, kw_only=True):
    """One condition of a rule that would otherwise have allowed the request.

    Args:
        rule: the rule that asks.
        code: which condition: `mfa`, `device.managed`, `hours`, `network`, `country`, `risk`, `path`, `action`.
        words: the condition and what was seen instead, one sentence.
        facts: what was required and what was seen, as short text pairs.
        remedy: what to do, or `None` where the person can do nothing.
    """

    rule: RuleName
    code: str
    words: str
    facts: tuple[tuple[str, str], ...] = ()
    remedy: Remedy | None = None


class Obligation(StrEnum):
    """What the enforcement point must do besides letting the request pass."""

    JUSTIFY = "justify"
    MASK = "mask"
    RECORD = "record"


class Allow(msgspec.Struct, frozen=True, kw_only=True, tag="allow"):
    """The request may pass.

    Args:
        rules: every allowing rule that matched, sorted.
        obligations: union of what those rules ask for.
        valid_until: first moment (seconds since the epoch) at which time alone could change this
            answer; `None` when time cannot.
        per_request: true when the answer depends on something a grant does not name (path, address of
            the request, obligations), so that no grant may be issued for it.
    """

    rules: tuple[RuleName, ...]
    obligations: tuple[Obligation, ...] = ()
    valid_until: float | None = None
    per_request: bool = False
    policy_version: PolicyVersion
    generation: Generation


class Deny(msgspec.Struct, frozen=True, kw_only=True, tag="deny"):
    """The request may not pass.

    Args:
        reason: the stable code.
        rules: the denying rules that matched, sorted; empty when nothing allowed it.
        because: how those of them that are described describe themselves; it is told to the requester.
        in_part: every one of them denies some paths or actions only, so that other parts of the app may be open.
        unmet: for the rule that came closest first, what it still asks for.
        detail: for the log: diagnostics of the engine, never shown to the requester.
    """

    reason: ReasonCode
    rules: tuple[RuleName, ...] = ()
    because: tuple[str, ...] = ()
    in_part: bool = False
    unmet: tuple[UnmetCondition, ...] = ()
    valid_until: float | None = None
    detail: str = ""
    policy_version: PolicyVersion
    generation: Generation


Decision = Allow | Deny
