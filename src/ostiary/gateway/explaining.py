"""Explains what somebody would be answered, and what they were: by the rules of then and by those of now."""

from typing import Final

import msgspec

from ostiary.applications.facts import read_applications
from ostiary.gateway.inquiry import Inquiry
from ostiary.identity.facade import UnknownPerson, get_person, strongest_proof
from ostiary.policy.decision import Deny, ReasonCode
from ostiary.policy.identifiers import Generation, PersonId, PolicyVersion
from ostiary.policy.request import AccessRequest, AuthStrength
from ostiary.policy.rules.problems import InvalidRules
from ostiary.policy.snapshot import AppFact, Catalogue, Rules
from ostiary.policy.why.explainer import BY_RULES, Explainer, Explanation
from ostiary.rulebook.facade import get_current
from ostiary.rulebook.facts import read_rulebook, read_rules_of_version
from ostiary.visibility.facade import DecisionRecord

_RULES_ASKED: Final = BY_RULES | {ReasonCode.NO_RULES}


class PastExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """A decision on record, explained with the facts of then.

    Args:
        record: the decision.
        then: by the rules of then; `None` where no rule was asked or those rules are not in the history.
        number_then: of those rules in the history; 0 when they are not there.
        now: by the rules in force, where these are others; `None` otherwise.
        number_now: of the rules in force; 0 when none were ever applied.
        rules_asked: whether rules decided at all.
    """

    record: DecisionRecord
    then: Explanation | None = None
    number_then: int = 0
    now: Explanation | None = None
    number_now: int = 0
    rules_asked: bool = False

    @property
    def agrees(self) -> bool:
        """Whether the rules of then, asked again, give the answer that is on record."""
        if self.then is None:
            return True
        on_record, again = self.record.decision, self.then.decision
        return type(on_record) is type(again) and on_record.rules == again.rules


def explain_inquiry(inquiry: Inquiry, rules: Rules | None = None) -> Explanation:
    """Explain what somebody would be answered.

    Args:
        inquiry: their request.
        rules: other rules than those in force.

    Raises:
        InvalidRules: when the rules cannot be used.
    """
    if not inquiry.person.active:
        disabled = Deny(reason=ReasonCode.PERSON_DISABLED, policy_version=PolicyVersion(""), generation=Generation(0))
        return Explanation(request=inquiry.request, at=inquiry.at, decision=disabled)
    explainer = Explainer(rules or read_rulebook(), read_applications())
    return explainer.explain(inquiry.request, inquiry.at, can_prove=inquiry.can_prove)


def explain_record(record: DecisionRecord) -> PastExplanation:
    """Explain a decision on record with the facts of then."""
    in_force = get_current().number
    request, decision = record.request, record.decision
    if request is None or (isinstance(decision, Deny) and decision.reason not in _RULES_ASKED):
        return PastExplanation(record=record, number_now=in_force)
    found, current = read_rules_of_version(decision.policy_version), read_rulebook()
    can_prove = _can_prove(record.person_id)
    return PastExplanation(
        record=record,
        then=_explain(found[1], request, record.at, can_prove) if found else None,
        number_then=found[0] if found else 0,
        now=_explain(current, request, record.at, can_prove) if current.version != decision.policy_version else None,
        number_now=in_force,
        rules_asked=True,
    )


def _can_prove(person_id: str) -> AuthStrength:
    """Return what somebody has set up by now; the record does not hold what they had then."""
    try:
        return strongest_proof(get_person(PersonId(person_id)))
    except UnknownPerson:
        return AuthStrength.PHISHING_RESISTANT


def _explain(rules: Rules, request: AccessRequest, at: float, can_prove: AuthStrength) -> Explanation | None:
    """Return the explanation; `None` where rules of an earlier time cannot be read any more.

    The catalogue is the one app as the request describes it: its labels of then are in the request.
    """
    app = request.resource.app
    catalogue = Catalogue(apps={app: AppFact(id=app, host="", name="", labels=tuple(sorted(request.resource.labels)))})
    try:
        return Explainer(rules, catalogue).explain(request, at, can_prove=can_prove)
    except InvalidRules:
        return None
