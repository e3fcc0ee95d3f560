"""Reads one test: who asks, with what proofs and device, from where, when, for what, and the answer expected.

What a test does not say is not known, except for the risk, which is 0; the defaults are in `statements`.
"""

import functools
from typing import Final

import msgspec

from ostiary.policy.conditions import parse_address
from ostiary.policy.identifiers import AppId, GroupId, Label, PersonId, ServiceId, parse_rule_name, parse_slug
from ostiary.policy.request import (
    AccessRequest,
    ActionClass,
    Authentication,
    AuthStrength,
    Context,
    Device,
    Resource,
    Subject,
)
from ostiary.policy.rules.condition_reader import STRENGTHS, read_device, read_duration
from ostiary.policy.rules.countries import COUNTRY_CODES, USER_ASSIGNED_CODES
from ostiary.policy.rules.fields import Problems, choice_of, fields_of, word_of
from ostiary.policy.rules.moments import MalformedMoment, parse_moment
from ostiary.policy.rules.names import read_name
from ostiary.policy.rules.problems import did_you_mean, shown
from ostiary.policy.rules.rule import TargetKind, WhoKind
from ostiary.policy.rules.selector_reader import Known, read_targets, read_who
from ostiary.policy.rules.statements import (
    DEFAULT_MOMENT,
    REASONS_OF_RULES,
    SOMEONE,
    SOMEONE_EMAIL,
    Expectation,
    TestCase,
)
from ostiary.policy.rules.yaml_tree import ListNode, MapNode, Node, Scalar

MAX_PROOFS: Final = 20
PROOFS: Final = {
    AuthStrength.SINGLE: "password",
    AuthStrength.ANY: "recovery_code",
    AuthStrength.OTP: "totp",
    AuthStrength.PHISHING_RESISTANT: "webauthn",
}
"""How the proof of a test was given. Rules look at its strength only."""

UNKNOWN: Final = "unknown"
_KEYS: Final = ("name", "as", "mfa", "device", "from", "country", "risk", "at", "do", "to", "path", "expect")
_NEEDED: Final = {
    "as": ("does not say `as` whom", "write, for instance, `as: group:staff`"),
    "to": ("does not say `to` what", "write, for instance, `to: app:wiki`"),
    "expect": ("does not say what to `expect`", "write `expect: allow` or `expect: deny`"),
}
_ACTIONS: Final = {action.value: action for action in ActionClass}
_ANSWERS: Final = {"allow": Expectation(allowed=True), "deny": Expectation(allowed=False)}
_REASONS: Final = {reason.value: reason for reason in REASONS_OF_RULES}
_parse_name = functools.partial(parse_slug, what="test")


def read_case(node: Node, known: Known, problems: Problems) -> TestCase | None:
    """Read an entry of `tests:`; `None` after noting what keeps it from being one."""
    fields = fields_of(node, _KEYS, problems, what="a test")
    if not fields:
        if isinstance(node, MapNode):
            problems.add(node, "the test is empty", "write `name`, `as`, `to` and `expect`")
        return None
    name = read_name(node, fields.get("name"), problems, what="test", example="staff-read-the-wiki", parse=_parse_name)
    for key, (message, hint) in _NEEDED.items():
        if key not in fields:
            problems.add(node, f"the test {message}", hint)
    at = _read_moment(fields["at"], problems) if "at" in fields else DEFAULT_MOMENT
    subject = _read_subject(fields["as"], known, problems) if "as" in fields else None
    resource = _read_resource(fields, known, problems) if "to" in fields else None
    expect = _read_expectation(fields["expect"], problems) if "expect" in fields else None
    device = _read_device(fields["device"], problems) if "device" in fields else None
    context = _read_context(fields, problems)
    action = choice_of(fields["do"], _ACTIONS, problems, what="`do`") if "do" in fields else ActionClass.VIEW
    proofs = _read_proofs(fields.get("mfa"), subject, at or 0.0, problems)
    if name is None or at is None or subject is None or resource is None or expect is None or action is None:
        return None
    subject = msgspec.structs.replace(subject, authentications=proofs)
    request = AccessRequest(subject=subject, action=action, resource=resource, device=device, context=context)
    return TestCase(name=name, request=request, at=at, expect=expect, line=node.line)


def _read_subject(node: Node, known: Known, problems: Problems) -> Subject | None:
    """Read whom; who is not named is somebody that no rule can name."""
    named: dict[WhoKind, list[str]] = {kind: [] for kind in WhoKind}
    for who in read_who(node, known, problems, what="`as`"):
        named[who.kind].append(who.name)
    people, emails, services = named[WhoKind.PERSON], named[WhoKind.EMAIL], named[WhoKind.SERVICE]
    if named[WhoKind.ANYONE] and sum(map(len, named.values())) > 1:
        problems.add(node, "`anyone` stands beside others", "write `as: anyone` alone, for somebody in no group")
    if len(people) > 1 or len(emails) > 1 or len(services) > 1 or (services and (people or emails)):
        problems.add(node, "only one person or service can ask", "make it two tests")
        return None
    groups = frozenset(map(GroupId, named[WhoKind.GROUP]))
    if services:
        return Subject(service=ServiceId(services[0]), groups=groups)
    return Subject(
        person=PersonId(people[0]) if people else SOMEONE, email=emails[0] if emails else SOMEONE_EMAIL, groups=groups
    )


def _read_proofs(
    node: Node | None, subject: Subject | None, at: float, problems: Problems
) -> tuple[Authentication, ...]:
    """Read what was proved besides the password, which alone is never worth naming."""
    service = subject is not None and subject.service is not None
    if node is None:
        strength = AuthStrength.SINGLE
        return () if service else (Authentication(PROOFS[strength], strength, at),)
    if service:
        problems.add(node, "a service proves nothing by `mfa`", "remove it")
    items = node.items if isinstance(node, ListNode) else (node,)
    if not 0 < len(items) <= MAX_PROOFS:
        problems.add(node, f"`mfa` must have 1 to {MAX_PROOFS} proofs", "write, for instance, `mfa: otp`")
        return ()
    read = (_read_proof(item, at, problems) for item in items)
    return tuple(proof for proof in read if proof)


def _read_proof(node: Node, at: float, problems: Problems) -> Authentication | None:
    if isinstance(node, Scalar):
        strength = choice_of(node, STRENGTHS, problems, what="`mfa`")
        return Authentication(PROOFS[strength], strength, at) if strength else None
    fields = fields_of(node, ("method", "age"), problems, what="`mfa`")
    if "method" not in fields:
        if isinstance(node, MapNode):
            problems.add(node, "`mfa` does not say which `method`", "write `{method: otp, age: 10m}`")
        return None
    strength = choice_of(fields["method"], STRENGTHS, problems, what="`method`")
    age = read_duration(fields["age"], problems, what="`age`") if "age" in fields else 0
    return Authentication(PROOFS[strength], strength, at - (age or 0)) if strength else None


def _read_device(node: Node, problems: Problems) -> Device | None:
    facts = read_device(node, problems)
    for fact in facts:
        if fact.at_least:
            problems.add(node, f"`{fact.name}` must have one value in a test", f"write `{fact.name}: {fact.value}`")
    known = {fact.name: fact.value for fact in facts}
    return Device(
        managed=_yes_or_no(known.pop("managed", None)),
        compliant=_yes_or_no(known.pop("compliant", None)),
        attributes=tuple(known.items()),
    )


def _yes_or_no(value: bool | int | str | None) -> bool | None:
    return value if isinstance(value, bool) else None


def _read_context(fields: dict[str, Node], problems: Problems) -> Context:
    return Context(
        address=_read_address(fields["from"], problems) if "from" in fields else None,
        country=_read_country(fields["country"], problems) if "country" in fields else None,
        risk=_read_risk(fields["risk"], problems) if "risk" in fields else 0,
    )


def _read_address(node: Node, problems: Problems) -> str | None:
    word = word_of(node, problems, what="`from`")
    if word is None:
        return None
    address = parse_address(word.text)
    if address is None:
        problems.add(node, f"{shown(word.text)} is not an address", "write, for instance, `192.0.2.7` or `2001:db8::7`")
        return None
    return str(address)


def _read_country(node: Node, problems: Problems) -> str | None:
    word = word_of(node, problems, what="`country`")
    if word is None:
        return None
    code = word.text.upper()
    if code in COUNTRY_CODES or code in USER_ASSIGNED_CODES:
        return code
    hint = "did you mean `GB`?" if code == "UK" else "use two letters of ISO 3166-1, for instance `DE`"
    problems.add(word, f"{shown(word.text)} is not a country code", hint)
    return None


def _read_risk(node: Node, problems: Problems) -> int | None:
    word = word_of(node, problems, what="`risk`")
    if word is None or word.text == UNKNOWN:
        return None
    if word.text.isascii() and word.text.isdigit() and len(word.text) <= 3 and int(word.text) <= 100:
        return int(word.text)
    problems.add(node, f"{shown(word.text)} is not a risk", f"write 0 to 100, or `{UNKNOWN}`")
    return None


def _read_moment(node: Node, problems: Problems) -> float | None:
    word = word_of(node, problems, what="`at`")
    if word is None:
        return None
    try:
        return parse_moment(word.text)
    except MalformedMoment as error:
        problems.add(node, f"{shown(word.text)}: {error.args[0]}", error.args[1])
        return None


def _read_resource(fields: dict[str, Node], known: Known, problems: Problems) -> Resource | None:
    targets = read_targets(fields["to"], known, problems)
    path = _read_path(fields["path"], problems) if "path" in fields else "/"
    apps = [target.name for target in targets if target.kind is TargetKind.APP]
    if len(apps) != 1 or any(target.kind is TargetKind.ANYTHING for target in targets):
        if len(targets) > 0:
            problems.add(fields["to"], "a test asks for one app", "write, for instance, `to: app:wiki`")
        return None
    labels = frozenset(Label(target.name) for target in targets if target.kind is TargetKind.LABEL)
    return Resource(app=AppId(apps[0]), labels=labels, path=path)


def _read_path(node: Node, problems: Problems) -> str:
    word = word_of(node, problems, what="`path`")
    if word is not None and not word.text.startswith("/"):
        problems.add(node, f"{shown(word.text)} does not begin with `/`", f"write `/{word.text[:40]}`")
    return word.text if word else "/"


def _read_expectation(node: Node, problems: Problems) -> Expectation | None:
    if isinstance(node, Scalar):
        return choice_of(node, _ANSWERS, problems, what="`expect`")
    fields = fields_of(node, _ANSWERS, problems, what="`expect`")
    if len(fields) != 1:
        if isinstance(node, MapNode):
            problems.add(node, "`expect` must say either `allow` or `deny`", "write, for instance, `{deny: rule-name}`")
        return None
    answer, value = next(iter(fields.items()))
    word = word_of(value, problems, what=f"`{answer}`")
    if word is None:
        return None
    if answer == "deny" and word.text in _REASONS:
        return Expectation(allowed=False, reason=_REASONS[word.text])
    if answer == "deny" and "_" in word.text:
        problems.add(value, f"{shown(word.text)} is not a reason that rules give", did_you_mean(word.text, _REASONS))
        return None
    rule = read_name(node, value, problems, what="rule", example="staff-read-wiki", parse=parse_rule_name)
    return Expectation(allowed=answer == "allow", rule=rule) if rule else None
