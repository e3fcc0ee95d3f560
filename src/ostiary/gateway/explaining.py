"""Explains what somebody would be answered, and what they were: by the rules of then and by those of now."""

from typing import Final

import msgspec

from ostiary.applications.facts import read_applications
from ostiary.gateway.inquiry import Inquiry
from ostiary.policy.decision import Deny, ReasonCode
from ostiary.policy.identifiers import Generation, PolicyVersion
from ostiary.policy.request import AccessRequest
from ostiary.policy.rules.problems import InvalidRules
from ostiary.policy.snapshot import AppFact, Catalogue, Rules
from ostiary.policy.why.explainer import BY_RULES, Explainer, Explanation
from ostiary.rulebook.facade import AppliedRules, get_current, list_history
from ostiary.rulebook.facts import read_rulebook
from ostiary.visibility.facade import DecisionRecord

_PAGE: Final = 20
_RULES_ASKED: Final = BY_RULES | {ReasonCode.NO_RULES}


class PastExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """A decision on record, explained with the facts of then.

    Args:
        record: the decision.
        then: by the rules of then; `None` where no rule was asked or those rules are not in the history.
        rules_then: number and version of those rules.
        now: by the rules in force, where these are others; `None` otherwise.
        rules_now: the rules in force.
    """

    record: DecisionRecord
    then: Explanation | None = None
    rules_then: AppliedRules | None = None
    now: Explanation | None = None
    rules_now: AppliedRules = AppliedRules()

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
    current, request, decision = get_current(), record.request, record.decision
    if request is None or (isinstance(decision, Deny) and decision.reason not in _RULES_ASKED):
        return PastExplanation(record=record, rules_now=current)
    past = current if current.version == decision.policy_version else _find_rules(decision.policy_version)
    return PastExplanation(
        record=record,
        then=_explain(past, request, record.at) if past else None,
        rules_then=past,
        now=_explain(current, request, record.at) if past is not current else None,
        rules_now=current,
    )


def _explain(rules: AppliedRules, request: AccessRequest, at: float) -> Explanation | None:
    """Return the explanation; `None` where rules of an earlier time cannot be read any more."""
    try:
        return _explainer(rules, request).explain(request, at)
    except InvalidRules:
        return None


def _explainer(rules: AppliedRules, request: AccessRequest) -> Explainer:
    """Return an explainer that knows the one app as the request describes it: its labels of then are in the request."""
    app = request.resource.app
    catalogue = Catalogue(apps={app: AppFact(id=app, host="", name="", labels=tuple(sorted(request.resource.labels)))})
    return Explainer(Rules(document=rules.document, cedar=rules.cedar, version=rules.version), catalogue)


def _find_rules(version: PolicyVersion) -> AppliedRules | None:
    """Return rules that were ever in force under a version, the last application of them."""
    page = 1
    while (listed := list_history(page=page, page_size=_PAGE)).items:
        for rules in listed.items:
            if rules.version == version:
                return rules
        page += 1
    return None
