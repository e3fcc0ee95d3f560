"""A decision that was made, as a test: whoever keeps it finds out when other rules would answer otherwise.

What the answer cannot depend on is left out: who the person is beyond their address and groups, proofs that another one
outdoes, parts of a second. Where decisions are kept is not known here.
"""

import math

import msgspec

from ostiary.errors import OstiaryError
from ostiary.policy.compiled import compile_rules
from ostiary.policy.conditions import CLOCK_SKEW_SECONDS, parse_address
from ostiary.policy.decision import Allow, Decision
from ostiary.policy.identifiers import BREAK_GLASS, Label
from ostiary.policy.request import AccessRequest, Authentication, AuthStrength, Context, Device, Subject
from ostiary.policy.rules.case_reader import PROOFS
from ostiary.policy.rules.condition_reader import FACT_NAME, MAX_WITHIN_SECONDS
from ostiary.policy.rules.document import Expectation, RulesDocument, TestCase, Who, WhoKind
from ostiary.policy.rules.problems import InvalidRules
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.rules.selector_reader import can_name_person
from ostiary.policy.rules.statements import REASONS_OF_RULES, SOMEONE, SOMEONE_EMAIL
from ostiary.policy.rules.writer import write_test
from ostiary.policy.snapshot import AppFact, Catalogue, Rules
from ostiary.policy.testing import run_tests

_EMERGENCY = "break_glass"
_FACTS_OF_ALL = ("managed", "compliant")


class NotATest(OstiaryError):
    """A decision cannot be told as a test."""


def case_of(
    request: AccessRequest, at: float, decision: Decision, rules: Rules, *, name: str, labels: frozenset[Label]
) -> TestCase:
    """Return a test that asks what was asked and expects what was answered.

    Args:
        request: what was asked, with the facts of then; the resource's labels among them.
        at: when, seconds since the epoch.
        decision: what was answered.
        rules: those of then.
        name: the test's.
        labels: what the app is labelled with by now, so that the test need not say it.

    Returns:
        A test that passes under the rules of then, with the labels of then, and reads back the same once written.

    Raises:
        NotATest: when rules did not decide, or something in the request has no place in a test.
        InvalidRules: when the rules of then cannot be read any more.
    """
    if not _did_rules_decide(request, decision):
        raise NotATest(
            "The rules did not decide this, so no test of them can repeat it.",
            hint="Choose a decision that a rule allowed, a rule denied, or none allowed.",
        )
    moment = float(math.floor(at))
    retold = AccessRequest(
        subject=_subject(request.subject, at, moment, rules),
        action=request.action,
        resource=request.resource,
        device=_device(request.device),
        context=_context(request.context),
    )
    expect = Expectation(allowed=isinstance(decision, Allow))
    case = TestCase(name=name, request=retold, at=moment, expect=expect)
    _check_that_it_passes(case, rules)
    kept = msgspec.structs.replace(request.resource, labels=request.resource.labels - labels)
    case = msgspec.structs.replace(case, request=msgspec.structs.replace(retold, resource=kept))
    _check_that_it_reads(case)
    return case


def _did_rules_decide(request: AccessRequest, decision: Decision) -> bool:
    if any(proof.method == _EMERGENCY for proof in request.subject.authentications):
        return False
    return BREAK_GLASS not in decision.rules if isinstance(decision, Allow) else decision.reason in REASONS_OF_RULES


def _subject(subject: Subject, at: float, moment: float, rules: Rules) -> Subject:
    """The same person or service to every rule, named by their address; by their identifier where a rule does so."""
    if subject.service is not None:
        return Subject(service=subject.service, groups=subject.groups)
    person, email = subject.person, (subject.email or "").lower()
    named = {
        who for rule in compile_rules(rules.document, rules.cedar, rules.parsed).by_name.values() for who in rule.who
    }
    by_id = person is not None and (Who(WhoKind.PERSON, person) in named or person in rules.cedar)
    return Subject(
        person=person if by_id else SOMEONE,
        email=email if "@" in email and can_name_person(email) else SOMEONE_EMAIL,
        groups=subject.groups,
        authentications=_proofs(subject.authentications, at, moment),
    )


def _proofs(given: tuple[Authentication, ...], at: float, moment: float) -> tuple[Authentication, ...]:
    """Return the proofs that could decide anything: each one that is younger than all that are stronger."""
    kept: list[Authentication] = []
    youngest = math.inf
    for proof in sorted(given, key=lambda proof: (-proof.strength, _age(proof, at))):
        if proof.strength > AuthStrength.SINGLE and _age(proof, at) < youngest:
            youngest = _age(proof, at)
            kept.append(Authentication(PROOFS[proof.strength], proof.strength, moment - youngest))
    return tuple(kept) or (Authentication(PROOFS[AuthStrength.SINGLE], AuthStrength.SINGLE, moment),)


def _age(proof: Authentication, at: float) -> int:
    """Return the age in whole seconds. What is not believed to be fresh counts as too old for every rule."""
    age = math.floor(at - proof.at)
    return max(0, min(age, MAX_WITHIN_SECONDS)) if age >= -CLOCK_SKEW_SECONDS else MAX_WITHIN_SECONDS


def _device(device: Device | None) -> Device | None:
    if device is None:
        return None
    attributes = [
        (fact, value) for fact, value in device.attributes if FACT_NAME.fullmatch(fact) and fact not in _FACTS_OF_ALL
    ]
    known = Device(managed=device.managed, compliant=device.compliant, attributes=tuple(attributes))
    return None if known == Device() else known


def _context(context: Context) -> Context:
    address = parse_address(context.address)
    return msgspec.structs.replace(context, address=None if address is None else str(address))


def _check_that_it_passes(case: TestCase, rules: Rules) -> None:
    resource = case.request.resource
    app = AppFact(id=resource.app, host="", name="", labels=tuple(sorted(resource.labels)))
    (result,) = run_tests(RulesDocument(tests=(case,)), rules, Catalogue(apps={app.id: app}))
    if not result.passed:
        raise NotATest(f"The rules of then do not answer as they did: {result.answered}.", detail=str(result.unmet))


def _check_that_it_reads(case: TestCase) -> None:
    try:
        (read,) = read_rules(f"version: 1\ntests:\n{write_test(case)}").tests
    except InvalidRules as error:
        problem = error.problems[0]
        raise NotATest(f"Something in this decision has no place in a test: {problem.message}.") from None
    if (read.name, read.request, read.at) != (case.name, case.request, case.at):
        raise NotATest("Something in this decision has no place in a test.", detail=repr(read.request)[:500])
