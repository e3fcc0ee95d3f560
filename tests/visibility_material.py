"""What tests of the record are made of: keys, small logs, decisions, and strategies that draw them."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import strategies as st

from ostiary.policy.decision import Allow, Decision, Deny, Obligation, ReasonCode, Remedy, RemedyKind, UnmetCondition
from ostiary.policy.identifiers import (
    AppId,
    DeviceId,
    Generation,
    GroupId,
    Label,
    PersonId,
    PolicyVersion,
    RuleName,
    ServiceId,
    SessionId,
)
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
from ostiary.policy.snapshot import PersonFact
from ostiary.visibility.adapters.audit_log import AuditLog, Limits
from ostiary.visibility.domain.decision_event import HttpFacts, decision_event
from ostiary.visibility.domain.statement import load_signing_key

NOW = 1_770_000_000.25
NO_MINIMUM = Limits(min_free_bytes=0)


def new_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


KEY = new_key()
PUBLIC_KEY = load_signing_key(KEY).public_key()


def small_log(folder: Path, stream: str = "decisions", *, records: int = 6, segment_bytes: int = 1 << 20) -> AuditLog:
    log = AuditLog(folder, stream, KEY, Limits(segment_bytes=segment_bytes, min_free_bytes=0))
    for number in range(records):
        log.append([b'{"record":%d}' % number])
    return log


ADA = PersonFact(id=PersonId("p-ada"), email="ada@example.test", name="Ada Lovelace", active=True)
REQUEST = AccessRequest(
    subject=Subject(
        person=PersonId("p-ada"),
        groups=frozenset({GroupId("staff"), GroupId("finance")}),
        session=SessionId("s-1"),
        authentications=(
            Authentication("password", AuthStrength.SINGLE, NOW - 600),
            Authentication("totp", AuthStrength.OTP, NOW - 590),
        ),
    ),
    action=ActionClass.VIEW,
    resource=Resource(app=AppId("wiki"), labels=frozenset({Label("internal")}), path="/home"),
    device=Device(id=DeviceId("d-1"), managed=True, attributes=(("disk_encrypted", True),)),
    context=Context(address="192.0.2.7", country="DE", risk=12),
)
HTTP = HttpFacts(
    method="GET",
    host="wiki.example.test",
    path="/home",
    version="HTTP/2",
    user_agent="Mozilla/5.0",
    request_id="b1e6",
    peer="192.0.2.7:50112",
)
ALLOWED = Allow(
    rules=(RuleName("staff-read-wiki"),),
    valid_until=NOW + 60,
    policy_version=PolicyVersion("abcdef012345"),
    generation=Generation(7),
)
HELD = Deny(
    reason=ReasonCode.CONDITIONS_UNMET,
    unmet=(
        UnmetCondition(
            rule=RuleName("finance-edit"),
            code="mfa",
            words="A passkey is needed; this session has a time-based code.",
            facts=(("needs", "phishing-resistant"),),
            remedy=Remedy(kind=RemedyKind.STEP_UP, words="Use your passkey", path="/step-up"),
        ),
    ),
    policy_version=PolicyVersion("abcdef012345"),
    generation=Generation(7),
)
REFUSED = Deny(
    reason=ReasonCode.DENIED_BY_RULE,
    rules=(RuleName("contractors-never"),),
    policy_version=PolicyVersion("abcdef012345"),
    generation=Generation(7),
)


def sample_event(reference: str = "7F3K9-2QXAB", *, decision: Decision = ALLOWED, at: float = NOW) -> bytes:
    return decision_event(reference=reference, at=at, request=REQUEST, decision=decision, http=HTTP, person=ADA)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
filled = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
moments = st.floats(min_value=0, max_value=4e9, allow_nan=False)
identifiers = filled
subjects = st.builds(
    Subject,
    person=st.none() | identifiers.map(PersonId),
    service=st.none() | identifiers.map(ServiceId),
    groups=st.frozensets(identifiers.map(GroupId), max_size=4),
    session=st.none() | identifiers.map(SessionId),
    authentications=st.lists(
        st.builds(Authentication, method=texts, strength=st.sampled_from(AuthStrength), at=moments), max_size=3
    ).map(tuple),
)
devices = st.builds(
    Device,
    id=st.none() | identifiers.map(DeviceId),
    managed=st.none() | st.booleans(),
    compliant=st.none() | st.booleans(),
    attributes=st.lists(st.tuples(texts, st.booleans() | st.integers(-(2**53), 2**53) | texts), max_size=3).map(tuple),
)
requests = st.builds(
    AccessRequest,
    subject=subjects,
    action=st.sampled_from(ActionClass),
    resource=st.builds(
        Resource, app=identifiers.map(AppId), labels=st.frozensets(identifiers.map(Label), max_size=3), path=texts
    ),
    device=st.none() | devices,
    context=st.builds(
        Context,
        address=st.none() | st.ip_addresses().map(str),
        country=st.none() | st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=2, max_size=2),
        risk=st.none() | st.integers(0, 100),
    ),
)
versions = texts.map(PolicyVersion)
generations = st.integers(0, 2**62).map(Generation)
rule_names = st.lists(identifiers.map(RuleName), max_size=3).map(tuple)
allows = st.builds(
    Allow,
    rules=rule_names,
    obligations=st.lists(st.sampled_from(Obligation), max_size=3).map(tuple),
    valid_until=st.none() | moments,
    per_request=st.booleans(),
    policy_version=versions,
    generation=generations,
)
unmet_conditions = st.builds(
    UnmetCondition,
    rule=identifiers.map(RuleName),
    code=texts,
    words=texts,
    facts=st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
    remedy=st.none()
    | st.builds(
        Remedy,
        kind=st.sampled_from(RemedyKind),
        words=texts,
        path=st.none() | texts,
        at=st.none() | moments,
    ),
)
denies = st.builds(
    Deny,
    reason=st.sampled_from(ReasonCode),
    rules=rule_names,
    because=st.lists(texts, max_size=2).map(tuple),
    in_part=st.booleans(),
    unmet=st.lists(unmet_conditions, max_size=2).map(tuple),
    valid_until=st.none() | moments,
    detail=texts,
    policy_version=versions,
    generation=generations,
)
http_facts = st.builds(
    HttpFacts,
    method=st.sampled_from(["GET", "POST", "PATCH", "PROPFIND", "CONNECT"]) | filled.map(lambda text: text[:32]),
    host=texts,
    path=texts,
    scheme=st.sampled_from(["https", "http"]),
    version=st.sampled_from(["", "HTTP/1.1", "HTTP/2"]),
    user_agent=texts,
    request_id=texts,
    peer=st.sampled_from(["", "192.0.2.7:50112", "[2001:db8::7]:443", "nonsense"]),
    code=st.sampled_from([0, 302, 401, 403, 503]),
)
people = st.none() | st.builds(PersonFact, id=identifiers.map(PersonId), email=texts, name=texts, active=st.booleans())
