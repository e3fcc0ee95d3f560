"""The policy decision point: one request and one moment in, one answer out.

Pure, total, deterministic. Everything that goes wrong is a refusal with a reason. The facts stand in the request;
the rules and the catalogue are given once. Who collects the facts, and who enforces the answer, lives in `gateway`.

Source: NIST SP 800-207, section 3 (policy engine).
"""

from collections.abc import Hashable, Mapping
from typing import Any, Final

import cedarpy
import msgspec

from ostiary.policy.compiled import CompiledRules, Cut, compile_rules
from ostiary.policy.conditions import Facts, gather, status
from ostiary.policy.decision import Allow, Decision, Deny, Obligation, ReasonCode
from ostiary.policy.explanation import missing_permission, what_lifts
from ostiary.policy.identifiers import AppId, Generation, Label, RuleName
from ostiary.policy.lifetime import permission_ends_at, refusal_ends_at
from ostiary.policy.memo import Memo
from ostiary.policy.reads import Part, Reads
from ostiary.policy.request import AccessRequest, ActionClass, Context, Device, Resource, Subject
from ostiary.policy.rules.document import Effect, Rule
from ostiary.policy.snapshot import Catalogue, Rules
from ostiary.policy.validation import RefusedRequest, checked_moment, checked_request

MAX_REMEMBERED: Final = 16_384
_encode = msgspec.json.Encoder().encode


class PolicyEngine:
    """Decides by one version of the rules.

    Args:
        rules: the rules in force. Reading the same text again costs nothing.
        catalogue: the apps that exist, with their labels.
        generation: of the snapshot that both come from; stamped on every answer.

    Raises:
        InvalidRules: when the rules cannot be used.
    """

    def __init__(self, rules: Rules, catalogue: Catalogue, generation: Generation) -> None:
        self._rules: CompiledRules = compile_rules(rules.document, rules.cedar, rules.parsed)
        self._version = rules.version
        self._generation = generation
        self._labels: dict[AppId, frozenset[Label]] = {app.id: frozenset(app.labels) for app in catalogue.apps.values()}
        self._answers: Memo[Decision] = Memo(MAX_REMEMBERED)

    @property
    def allows_nothing(self) -> bool:
        """Whether no request at all can be allowed."""
        permits = any(rule.effect is Effect.ALLOW for rule in self._rules.by_name.values())
        return not permits and not self._rules.extra.permits

    def decide(self, request: AccessRequest, now: float) -> Decision:
        """Answer one request.

        Args:
            request: what is asked, with every fact it may be decided on.
            now: the moment, seconds since the epoch.

        Returns:
            `Allow` or `Deny`; it never raises, whatever it is given.
        """
        try:
            return self._remembered(checked_request(request), checked_moment(now))
        except RefusedRequest as refused:
            return self._deny(refused.reason, detail=refused.detail)
        except Exception as error:
            return self._deny(ReasonCode.ENGINE_ERROR, detail=f"{type(error).__name__}: {error}"[:500])

    def possible(
        self, subject: Subject, device: Device | None, context: Context, now: float
    ) -> Mapping[AppId, Decision]:
        """Return, for each app, what the subject would be told on opening its first page.

        Args:
            subject: who asks.
            device: with what, if it is known.
            context: from where.
            now: the moment, seconds since the epoch.
        """
        return {
            app: self.decide(
                AccessRequest(
                    subject=subject,
                    action=ActionClass.VIEW,
                    resource=Resource(app=app, labels=labels),
                    device=device,
                    context=context,
                ),
                now,
            )
            for app, labels in self._labels.items()
        }

    def _remembered(self, request: AccessRequest, now: float) -> Decision:
        if self._rules.is_empty:
            return self._deny(ReasonCode.NO_RULES)
        app = request.resource.app
        if app not in self._labels:
            return self._deny(ReasonCode.UNKNOWN_RESOURCE)
        if self._rules.names_people_by_email and request.subject.person and not request.subject.email:
            return self._deny(ReasonCode.UNKNOWN_SUBJECT, detail="a rule names people by address; none is given")
        labels = self._labels[app] | request.resource.labels
        key = what_is_read(request, labels, self._rules.reads(app, labels))
        answer = self._answers.get(key, now)
        if answer is None:
            answer = self._decide(request, labels, now)
            self._answers.put(key, answer, since=now, until=answer.valid_until)
        return answer

    def _decide(self, request: AccessRequest, labels: frozenset[Label], now: float) -> Decision:
        rules = self._rules.cut(request.subject, request.resource.app, labels)
        facts = gather(request, rules.reads, now)
        result = cedarpy.is_authorized(_question(rules, facts), rules.policies, rules.entities)
        names = tuple(sorted(map(RuleName, result.diagnostics.id_annotations_by_reason.values())))
        if result.diagnostics.errors or result.decision is cedarpy.Decision.NoDecision:
            return self._deny(ReasonCode.ENGINE_ERROR, detail="; ".join(result.diagnostics.errors)[:500])
        if result.decision is cedarpy.Decision.Allow:
            return self._allow(names, rules, facts)
        if names:
            return self._denied_by(names, rules, facts)
        return self._nothing_allows(rules, facts)

    def _allow(self, names: tuple[RuleName, ...], rules: Cut, facts: Facts) -> Allow:
        matched = [self._rules.by_name[name] for name in names if name in self._rules.by_name]
        obligations = tuple(sorted({obligation for rule in matched for obligation in rule.require}))
        return Allow(
            rules=names,
            obligations=obligations,
            valid_until=permission_ends_at(rules.timed, facts),
            per_request=self._is_per_request(matched, obligations, rules, facts),
            policy_version=self._version,
            generation=self._generation,
        )

    def _is_per_request(
        self, matched: list[Rule], obligations: tuple[Obligation, ...], rules: Cut, facts: Facts
    ) -> bool:
        """Whether another request of the same session, app and action could be answered otherwise."""
        if obligations or self._rules.extra.reads_context:
            return True
        action = facts.request.action
        varying = [rule for rule in rules.varying if rule.do is None or action in rule.do]
        if any(rule.effect is Effect.DENY or rule.require for rule in varying):
            return True
        return bool(matched) and all(rule in varying for rule in matched)

    def _denied_by(self, names: tuple[RuleName, ...], rules: Cut, facts: Facts) -> Deny:
        denying = [self._rules.by_name[name] for name in names if name in self._rules.by_name]
        all_known = len(denying) == len(names)
        return self._deny(
            ReasonCode.DENIED_BY_RULE,
            rules=names,
            because=tuple(dict.fromkeys(rule.describe for rule in denying if rule.describe)),
            in_part=all_known and all(rule.paths or rule.do is not None for rule in denying),
            unmet=what_lifts(denying, facts) if all_known else (),
            valid_until=refusal_ends_at(rules.timed, facts),
        )

    def _nothing_allows(self, rules: Cut, facts: Facts) -> Deny:
        missing = missing_permission(rules.rules, facts)
        if not all(missing):
            return self._deny(ReasonCode.ENGINE_ERROR, detail="a rule whose conditions hold did not allow")
        return self._deny(
            ReasonCode.CONDITIONS_UNMET if missing else ReasonCode.NO_RULE_APPLIES,
            unmet=tuple(condition for rule in missing for condition in rule),
            valid_until=refusal_ends_at(rules.timed, facts),
        )

    def _deny(self, reason: ReasonCode, **fields: Any) -> Deny:
        return Deny(reason=reason, policy_version=self._version, generation=self._generation, **fields)


def what_is_read(request: AccessRequest, labels: frozenset[Label], reads: Reads) -> Hashable:
    """Return everything the answer depends on besides time: two requests with the same value get the same answer.

    Args:
        request: the request.
        labels: the resource's labels, those of the catalogue included.
        reads: which optional parts the rules for this resource look at.
    """
    subject, context, device = request.subject, request.context, request.device
    return (
        (subject.person, subject.service, subject.email, subject.groups),
        subject.authentications if Part.PROOFS in reads else None,
        request.action,
        request.resource.app,
        labels,
        request.resource.path if Part.PATH in reads else None,
        context.address if Part.ADDRESS in reads else None,
        context.country if Part.COUNTRY in reads else None,
        context.risk if Part.RISK in reads else None,
        _encode(device) if Part.DEVICE in reads else None,
    )


def _question(rules: Cut, facts: Facts) -> dict[str, Any]:
    """The request as Cedar takes it; identifiers as structured values, never as text of the language."""
    request, (kind, name) = facts.request, rules.principal
    return {
        "principal": {"type": kind, "id": name},
        "action": {"type": "Action", "id": request.action.value},
        "resource": {"type": "App", "id": request.resource.app},
        "context": _encode(_context(rules, facts)).decode(),
    }


def _context(rules: Cut, facts: Facts) -> dict[str, Any]:
    """What the rules look at, as far as it is known."""
    reads, context = rules.reads, facts.request.context
    known: dict[str, Any] = {"mfa": int(facts.strength)}
    known["holds"] = [name for name, condition in rules.named.items() if status(condition, facts)]
    if Part.PATH in reads and facts.path is not None:
        known["path"] = facts.path
    if Part.ADDRESS in reads and facts.address is not None:
        known["address"] = {"__extn": {"fn": "ip", "arg": str(facts.address)}}
    if Part.COUNTRY in reads and context.country is not None:
        known["country"] = context.country
    if Part.RISK in reads and context.risk is not None:
        known["risk"] = context.risk
    if Part.DEVICE in reads:
        known["device"] = {fact: facts.device[fact] for fact in ("managed", "compliant") if fact in facts.device}
    return known
