"""A small company for tests of the console and for its screenshots: people, groups, apps, sessions, decisions.

Everything is made through the pillars' own services, and every decision is the policy engine's own.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

from ostiary.applications.facade import add_app, ensure_builtin_apps
from ostiary.applications.facts import read_applications
from ostiary.baselines.facade import ask_exception, set_baseline
from ostiary.config.places import Instance
from ostiary.config.secrets import ASSERTION_KEY, AUDIT_KEY, read_secret
from ostiary.devices.facade import Evidence, Reported, approve_device, ready_authority, take_facts
from ostiary.identity.domain.federation import Assertion
from ostiary.identity.facade import (
    Client,
    Person,
    Preset,
    Provider,
    ProviderId,
    SignInSession,
    add_member,
    add_provider,
    assign_role,
    create_group,
    create_role,
    get_person,
    invite_person,
    linked_sign_ins,
    unsafe_provision_totp,
)
from ostiary.identity.models import Recovery
from ostiary.identity.services.federation import link_directory
from ostiary.identity.services.sessions import begin_session
from ostiary.oidc.facade import add_client
from ostiary.policy.decision import Decision
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, GroupId, PersonId
from ostiary.policy.request import (
    AccessRequest,
    ActionClass,
    Authentication,
    AuthStrength,
    Context,
    Resource,
    Subject,
)
from ostiary.policy.snapshot import PersonFact
from ostiary.requests.facade import ask
from ostiary.reviews.facade import parse_scope, start_campaign
from ostiary.rulebook.facade import apply_rules
from ostiary.rulebook.facts import read_rulebook
from ostiary.rulebook.models import AppliedRulesRow
from ostiary.scim.facade import add_client as add_scim_client
from ostiary.signals.domain.events import SESSION_REVOKED
from ostiary.signals.facade import PUSH, add_receiver, create_stream
from ostiary.signals.models import Received, StoredTransmitter
from ostiary.visibility.adapters.audit_log import AuditLog, Limits
from ostiary.visibility.domain.decision_event import HttpFacts, decision_event
from ostiary.visibility.domain.reference import format_reference
from ostiary.visibility.facade import Actor, index_new_decisions, index_new_events
from ostiary.visibility.keeping import PastKeeper
from ostiary.workloads.facade import GITHUB, add_key, add_service, add_trust, make_token
from tests.device_asking import Laptop
from tests.management_company import ask_management, enrol_hosts
from tests.software_material import install_software

OPERATOR = Actor(kind="machine", id="root", label="root")
RULES = """\
version: 1
rules:
  - name: staff-use-wiki
    allow: group:staff
    to: app:wiki
    do: [view, edit]
    when:
      mfa: any

  - name: finance-opens-payroll
    allow: group:finance
    to: app:payroll
    do: [view, edit]
    when:
      mfa: phishing-resistant

  - name: staff-keep-calendars
    allow: group:staff
    to: app:calendar
    do: any

  - name: contractors-never-see-restricted-data
    deny: group:contractors
    to: label:restricted

  - name: administrators-open-the-console
    allow: group:administrators
    to: app:console
    do: any
"""
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0"
STAFF = (
    ("alice.meyer@example.test", "Alice Meyer", ("staff", "finance")),
    ("bruno.costa@example.test", "Bruno Costa", ("staff",)),
    ("chidi.okafor@example.test", "Chidi Okafor", ("staff", "engineering")),
    ("dana.novak@example.test", "Dana Novák", ("contractors",)),
    ("eva.lind@example.test", "Eva Lind", ("staff", "engineering")),
    ("farid.haddad@example.test", "Farid Haddad", ("staff",)),
)
OFFICE = (
    ("ada.admin@example.test", "Ada Lindqvist", "administrators"),
    ("max.admin@example.test", "Max Arendt", "administrators"),
    ("audrey.audit@example.test", "Audrey Tan", "auditors"),
    ("henk.help@example.test", "Henk Visser", "helpdesk"),
)


@dataclass
class Company:
    """What was made. People and sessions by the part of the address before the @, with dots as underscores."""

    people: dict[str, Person] = field(default_factory=dict)
    sessions: dict[str, SignInSession] = field(default_factory=dict)
    references: list[str] = field(default_factory=list)
    rules: int = 0
    request: str = ""
    review: str = ""
    recovery: str = ""
    linked: str = ""
    service: str = "nightly-export"
    token: str = ""
    device: str = ""
    advisory: str = "DSA-5764-1"
    waiting_device: str = ""
    exception: int = 0
    record: int = 0
    linked_record: int = 0
    host: int = 0
    linked_host: int = 0
    stream: str = ""

    def assertion(self, who: str, **claims: object) -> str:
        """Return what the gateway tells the console about somebody."""
        person, session = self.people[who], self.sessions[who]
        return sign_assertion({"sub": person.id, "sid": session.id, **claims})


def sign_assertion(claims: Mapping[str, object], pem: bytes | None = None) -> str:
    """Return an assertion for the console, good for a minute unless the claims say otherwise."""
    instance: Instance = settings.INSTANCE
    now = int(time.time())
    payload = {
        "iss": instance.url(instance.identity_host).rstrip("/"),
        "aud": "console",
        "iat": now,
        "exp": now + 60,
        **claims,
    }
    key = pem or read_secret(instance.secrets, ASSERTION_KEY).reveal()
    return jwt.encode({name: value for name, value in payload.items() if value is not None}, key, algorithm="ES256")


def make_company(*, decisions: int = 32) -> Company:
    """Make the company in the present database and instance.

    Args:
        decisions: how many decisions are put on record, spread over the last day.
    """
    company = Company()
    ensure_builtin_apps()
    for group, name, words in (
        ("staff", "Staff", "Everybody employed"),
        ("finance", "Finance", "Books and payroll"),
        ("engineering", "Engineering", "Who builds the product"),
        ("contractors", "Contractors", "Until the end of the year"),
    ):
        create_group(id=group, name=name, description=words, actor=OPERATOR)
    for email, name, groups in STAFF:
        _hire(company, email, name, groups)
    for email, name, role in OFFICE:
        _hire(company, email, name, ("staff", role))
    _give_a_role(company)
    _add_apps()
    _link_directory(company)
    company.rules = apply_rules(RULES, comment="First rules", actor=OPERATOR).number
    for who in ("alice_meyer", "bruno_costa", "chidi_okafor", "ada_admin", "audrey_audit", "henk_help"):
        _sign_in(company, who)
    _decide(company, decisions)
    index_new_events(time.time())
    index_new_decisions(time.time())
    for key, person in company.people.items():
        company.people[key] = get_person(person.id)
    _tell_and_be_told(company)
    company.request = ask(
        person_id=company.people["bruno_costa"].id,
        group_id=GroupId("finance"),
        seconds=8 * 3600,
        reason="Closing the books while Alice is away",
        app=AppId("payroll"),
        actor=OPERATOR,
    ).id
    company.review = start_campaign(scope=parse_scope("group:finance"), actor=OPERATOR).id
    add_scim_client("okta", actor=OPERATOR)
    company.recovery = _lose_a_factor(company.people["bruno_costa"])
    _make_service(company)
    _enrol_devices(company)
    return company


def _lose_a_factor(person: Person) -> str:
    """Somebody typed their password and asks for another second factor."""
    now = datetime.now(UTC)
    row = Recovery.objects.create(
        person_id=person.id,
        asked_at=now,
        expires_at=now + timedelta(days=1),
        address="198.51.100.9",
        user_agent="Firefox",
    )
    return row.id


def _make_service(company: Company) -> None:
    """Have a service with a key and an issuer, and somebody's own token."""
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    add_service(company.service, owner="alice.meyer@example.test", purpose="Exports the handbook", actor=OPERATOR)
    add_key(
        company.service,
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        actor=OPERATOR,
    )
    claims = {"repository": "acme/handbook", "ref": "refs/heads/main"}
    add_trust(company.service, issuer=GITHUB, audience="https://id.example.test", claims=claims, actor=OPERATOR)
    bruno = company.people["bruno_costa"].id
    company.token = make_token(
        person_id=bruno, name="Weekly report", apps=[AppId("wiki")], days=30, actor=OPERATOR
    ).token.id


def _enrol_devices(company: Company) -> None:
    """Have a device that has its certificate, and one that waits to be approved and asked from elsewhere."""
    ready_authority(now=time.time())
    laptop = Laptop(name="bruno-laptop", address="192.0.2.17")
    company.device = laptop.enrolled_for(company.people["bruno_costa"].id).id
    approve_device(company.device, actor=OPERATOR, reason="Handed out on Monday")
    assert laptop.renew().status_code == 200
    _tell_of(laptop)
    now = time.time()
    office = "version: 1\nname: office\nwords: Laptops at the front desk\nbased on: minimum\ndrop: [firewall]\n"
    set_baseline(office, now=now, actor=OPERATOR, reason="The front desk has a network of its own")
    company.exception = ask_exception(
        company.device,
        "firewall",
        until=now + 7 * 86400,
        reason="Shares files in the workshop",
        now=now,
        actor=OPERATOR,
    ).id
    install_software(laptop, company.advisory)
    desktop = Laptop(name="alice-desktop", address="198.51.100.9")
    waiting = desktop.enrolled_for(company.people["alice_meyer"].id, address="192.0.2.17")
    company.waiting_device = waiting.id
    company.linked_record, company.record = ask_management(company.device)
    company.linked_host, company.host = enrol_hosts(company.waiting_device)


def _tell_of(laptop: Laptop) -> None:
    """Have a device tell of itself, twice, and its management contradict it once."""
    laptop.report(os_version="Debian 12", disk_encrypted=True, firewall_on=False, security_updates_pending=0)
    answer = laptop.report(
        os_version="Debian 12",
        disk_encrypted=True,
        firewall_on=True,
        security_updates_pending=4,
        problems={"secure_boot": "This computer does not say how it started."},
    )
    assert answer.status_code == 200, answer.content
    now = time.time()
    take_facts(
        device=laptop.device,
        source="fleet",
        evidence=Evidence.MDM_REPORTED,
        facts=[Reported(name="disk_encrypted", value=False, at=now)],
        taken_at=now,
        lasts=86400.0,
        now=now,
    )


def _hire(company: Company, email: str, name: str, groups: tuple[str, ...]) -> None:
    invitation = invite_person(email=email, name=name, actor=OPERATOR)
    for group in groups:
        add_member(group_id=GroupId(group), person_id=invitation.person_id, actor=OPERATOR, reason="Joined the company")
    key = email.partition("@")[0].replace(".", "_")
    company.people[key] = get_person(invitation.person_id)


def _link_directory(company: Company) -> None:
    """Have another directory, with somebody who is linked to it."""
    described = Provider(
        id=ProviderId("office"),
        preset=Preset.OIDC,
        name="Example Work",
        issuer="https://login.example.test",
        client_id="ostiary",
        groups={"books": GroupId("finance")},
        mfa={"fido": "phishing-resistant"},
    )
    add_provider(provider=described, secret=b"only for tests", actor=OPERATOR)
    there = Assertion(issuer=described.issuer, subject="s-1", address="bruno@example.test", at=time.time())
    bruno = company.people["bruno_costa"]
    link_directory(provider=described, assertion=there, person_id=bruno.id, actor=OPERATOR)
    company.linked = linked_sign_ins(bruno.id)[0].id


def _tell_and_be_told(company: Company) -> None:
    """Have a system that told of Bruno, and one that is told."""
    now = datetime.now(UTC)
    okta = StoredTransmitter.objects.create(
        name="okta",
        issuer="https://login.example.test",
        metadata_url="https://login.example.test/.well-known/ssf-configuration",
        audience="https://id.example.test",
        may="end-sessions",
        subject_issuers=["https://login.example.test"],
        stream_id="stream-1",
        added_at=now,
        added_by="root",
        counted_from=now,
        received_at=now,
    )
    Received.objects.create(
        transmitter=okta,
        jti="24c63fb56e5a2d77a6b512616ca9fa24",
        event_type=SESSION_REVOKED,
        subject="s-1 of https://login.example.test",
        effect="end_sessions",
        outcome="sessions_ended",
        words="stolen laptop",
        issued_at=now,
        received_at=now,
        person_id=company.people["bruno_costa"].id,
    )
    crm = add_receiver("crm", audience="https://crm.example.test", push_to="https://crm.example.test", actor=OPERATOR)
    delivery = {"method": PUSH, "endpoint_url": "https://crm.example.test/signals"}
    made = create_stream(crm.receiver, {"delivery": delivery, "description": "Customers"}, actor=OPERATOR)
    company.stream = made.id


def _give_a_role(company: Company) -> None:
    """Let Dana keep the books until the year after next begins; the head of the office answers for the role."""
    role = create_role(
        id="accountant",
        name="Accountant",
        description="Keeps the books",
        owner="ada.admin@example.test",
        groups=[GroupId("contractors")],
        actor=OPERATOR,
    )
    person = company.people["dana_novak"].id
    end = time.time() + 400 * 86400
    assign_role(role_id=role, person_id=person, reason="Closing of the year", ends_at=end, actor=OPERATOR)


def _add_apps() -> None:
    for app, name, upstream, labels in (
        ("wiki", "Wiki", "http://10.20.0.11:8080", ("internal",)),
        ("payroll", "Payroll", "https://10.20.0.12", ("restricted",)),
        ("calendar", "Calendar", "http://10.20.0.13:5232", ("internal",)),
        ("files", "Files", "http://10.20.0.14:8081", ()),
    ):
        add_app(app, name=name, upstream=upstream, labels=labels, actor=OPERATOR, contact="it@example.test")
    add_client(
        "wiki",
        redirect_uris=["https://wiki.example.test/oidc/callback"],
        post_logout_redirect_uris=["https://wiki.example.test/"],
        backchannel_logout_uri="https://wiki.example.test/oidc/logout",
        claims={"role": "role"},
        roles={"administrators": "admin", "*": "reader"},
        preset="bookstack",
        actor=OPERATOR,
    )


def _sign_in(company: Company, who: str) -> None:
    person = company.people[who]
    unsafe_provision_totp(person_id=person.id, actor=OPERATOR)
    office = {email.partition("@")[0].replace(".", "_") for email, _name, _group in OFFICE}
    now = time.time()
    company.sessions[who] = begin_session(
        person_id=person.id,
        authentications=(
            Authentication("password", AuthStrength.SINGLE, now - 900),
            Authentication("totp", AuthStrength.OTP, now - 890),
            *([Authentication("webauthn", AuthStrength.PHISHING_RESISTANT, now - 60)] if who in office else []),
        ),
        client=Client(address="192.0.2.17", user_agent=EDGE if who.startswith("a") else FIREFOX),
        now=now - 900,
    )


def _decide(company: Company, count: int) -> None:
    catalogue = read_applications()
    engine = PolicyEngine(read_rulebook(), catalogue, Generation(7))
    now, lines = time.time(), []
    questions = (
        ("alice_meyer", "payroll", "/salaries/2026-03", "GET"),
        ("alice_meyer", "wiki", "/handbook", "GET"),
        ("bruno_costa", "payroll", "/", "GET"),
        ("chidi_okafor", "wiki", "/engineering/on-call", "GET"),
        ("ada_admin", "calendar", "/ada/team", "PROPFIND"),
        ("dana_novak", "payroll", "/", "GET"),
        ("chidi_okafor", "calendar", "/chidi/", "GET"),
        ("bruno_costa", "files", "/shared", "GET"),
    )
    for number in range(count):
        who, app, path, method = questions[(number * number + number // 3) % len(questions)]
        at = now - 86000 * ((count - number - 1) / count) ** 1.3 - 1
        reference = format_reference(bytes([number % 256, number // 256, 7, 31 * number % 256, 5, 200, 9]))
        request = _question(company, who, app, path, at)
        decision: Decision = engine.decide(request, at)
        fact = _fact(company.people[who])
        http = HttpFacts(
            method=method, host=f"{app}.example.test", path=path, user_agent=FIREFOX, peer="192.0.2.17:50112", code=0
        )
        lines.append(
            decision_event(reference=reference, at=at, request=request, decision=decision, http=http, person=fact)
        )
        company.references.append(reference)
    write_decisions(lines)


def grow_old(instance: Instance, *, days: int = 100) -> None:
    """Let the rules have been in force for so many days, and the worker keep what decisions read.

    Args:
        instance: whose record it is.
        days: how long ago the rules were applied.
    """
    AppliedRulesRow.objects.update(applied_at=datetime.now(UTC) - timedelta(days=days))
    keeper = PastKeeper(instance)
    while keeper.keep(time.time()):
        pass
    keeper.close()


def write_decisions(lines: list[bytes]) -> None:
    """Put decision events on record, as the decision service does."""
    instance: Instance = settings.INSTANCE
    log = AuditLog(
        instance.audit, "decisions", read_secret(instance.secrets, AUDIT_KEY).reveal(), Limits(min_free_bytes=1)
    )
    log.append(lines)
    log.close()


def _question(company: Company, who: str, app: str, path: str, at: float) -> AccessRequest:
    person = company.people[who]
    session = company.sessions.get(who)
    labels = read_applications().apps[AppId(app)].labels
    return AccessRequest(
        subject=Subject(
            person=person.id,
            groups=frozenset(get_person(person.id).groups),
            session=session.id if session else None,
            authentications=(
                Authentication("password", AuthStrength.SINGLE, at - 900),
                Authentication("totp", AuthStrength.OTP, at - 890),
            ),
        ),
        action=ActionClass.VIEW,
        resource=Resource(app=AppId(app), labels=frozenset(labels), path=path),
        context=Context(address="192.0.2.17"),
    )


def _fact(person: Person) -> PersonFact:
    return PersonFact(id=PersonId(person.id), email=person.email, name=person.name, active=True, groups=person.groups)
