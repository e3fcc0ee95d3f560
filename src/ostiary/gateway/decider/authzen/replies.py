"""From a verdict to the JSON that a program gets: the decision, and in `context` why and what would change it.

Source: AuthZEN Authorization API 1.0, section 5.5 (decision) and 10.1 (responses and errors).
"""

from typing import Any, Final

from ostiary.gateway.decider.answers import NO_STORE, Answer, json_answer
from ostiary.gateway.decider.check import Verdict
from ostiary.gateway.decider.wording import lead_of, wording_of
from ostiary.policy.decision import Allow, Deny, ReasonCode, UnmetCondition

Json = dict[str, Any]

REALM: Final = "ostiary"
_UNNAMED_APP: Final = "this"
_SAID_HERE: Final = {
    ReasonCode.UNKNOWN_SUBJECT: "Nobody is known by this name.",
    ReasonCode.UNKNOWN_RESOURCE: "There is no such app.",
}
"""Where what a person is told in the browser speaks of their own sign-in or of the address they typed."""


def decision_reply(verdict: Verdict, reference: str) -> Json:
    """Return one decision.

    Args:
        verdict: what was decided.
        reference: of its event.
    """
    decision = verdict.decision
    context: Json = {
        "reference": reference,
        "policy_version": decision.policy_version,
        "generation": decision.generation,
        "rules": list(decision.rules),
    }
    ends_at = _end(verdict)
    if ends_at is not None:
        context["valid_until"] = ends_at
    if isinstance(decision, Allow):
        if decision.obligations:
            context["obligations"] = [{"id": obligation.value} for obligation in decision.obligations]
        return {"decision": True, "context": context}
    return {"decision": False, "context": {**context, **_why(decision, verdict)}}


def _end(verdict: Verdict) -> float | None:
    """Return the first moment at which time alone could change the answer: what a session allows ends with it."""
    ends = [verdict.decision.valid_until]
    if verdict.session is not None and isinstance(verdict.decision, Allow):
        ends.append(verdict.session.expires_at)
    return min((end for end in ends if end is not None), default=None)


def _why(deny: Deny, verdict: Verdict) -> Json:
    status = str(wording_of(deny).status)
    app = verdict.app.name if verdict.app is not None else _UNNAMED_APP
    because = [*deny.rules, *(f"{unmet.rule}: {unmet.words}" for unmet in deny.unmet)]
    admin = f"{deny.reason.value}: {'; '.join(because)}" if because else deny.reason.value
    return {
        "reason": deny.reason.value,
        "reason_user": {status: _SAID_HERE.get(deny.reason) or lead_of(deny, app)},
        "reason_admin": {status: admin},
        "unmet": [_unmet(condition) for condition in deny.unmet],
    }


def _unmet(condition: UnmetCondition) -> Json:
    remedy = condition.remedy
    found: Json = {
        "rule": condition.rule,
        "code": condition.code,
        "words": condition.words,
        "facts": dict(condition.facts),
    }
    if remedy is not None:
        known = {"kind": remedy.kind.value, "words": remedy.words, "path": remedy.path, "at": remedy.at}
        found["remedy"] = {name: value for name, value in known.items() if value is not None}
    return found


def reply(content: Json) -> Answer:
    """Return a successful answer."""
    return json_answer(200, content)


def error(status: int, words: str, *headers: tuple[str, str]) -> Answer:
    """Return an error: a line of text that says what was wrong and what to do. It is no decision.

    Args:
        status: of the answer.
        words: one or two sentences.
        headers: further headers.
    """
    content_type = ("content-type", "text/plain; charset=utf-8")
    return Answer(status, [content_type, NO_STORE, *headers], words.encode("utf-8", "replace") + b"\n")


def unauthenticated(*, token_given: bool) -> Answer:
    """Return the answer to a program that holds no token that works (RFC 6750, section 3)."""
    challenge = f'Bearer realm="{REALM}"' + (', error="invalid_token"' if token_given else "")
    words = (
        "The token is unknown, expired or revoked."
        if token_given
        else "Send a token in the header Authorization: Bearer ….\nOne is made by: ostiary authzen client add NAME"
    )
    return error(401, words, ("www-authenticate", challenge))
