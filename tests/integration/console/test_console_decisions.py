"""What the console says of a decision is what the record holds of it: held only where a step of the person's own helps."""

import time

import pytest
from tests.console_company import Company, write_decisions
from tests.console_fixtures import Visit, text_of

from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, GroupId, PolicyVersion
from ostiary.policy.request import AccessRequest, ActionClass, Authentication, AuthStrength, Context, Resource, Subject
from ostiary.policy.snapshot import AppFact, Catalogue, PersonFact, Rules
from ostiary.visibility.domain.decision_event import HttpFacts, decision_event
from ostiary.visibility.facade import index_new_decisions

pytestmark = pytest.mark.django_db

RULES = """\
version: 1
rules:
  - name: staff-read-reports
    allow: group:staff
    to: app:wiki
    do: view
    paths: /reports/*
    when:
      mfa: phishing-resistant
  - name: vault-needs-a-passkey
    deny: anyone
    to: app:wiki
    paths: /vault/*
    unless:
      mfa: phishing-resistant
"""
HELD, REFUSED, DENIED = "HHHHH-HHHHH", "RRRRR-RRRRR", "DDDDD-DDDDD"


@pytest.fixture
def decided(company: Company) -> None:
    """One person at three paths: where only a passkey is missing, where none would help, and where a rule denies."""
    catalogue = Catalogue(apps={AppId("wiki"): AppFact(id=AppId("wiki"), host="wiki.example.test", name="Wiki")})
    engine = PolicyEngine(Rules(document=RULES, version=PolicyVersion("v")), catalogue, Generation(1))
    farid, now = company.people["farid_haddad"], time.time()
    lines = []
    for reference, path in ((HELD, "/reports/may"), (REFUSED, "/admin"), (DENIED, "/vault/1")):
        request = AccessRequest(
            subject=Subject(
                person=farid.id,
                groups=frozenset({GroupId("staff")}),
                authentications=(Authentication("totp", AuthStrength.OTP, now - 60),),
            ),
            action=ActionClass.VIEW,
            resource=Resource(app=AppId("wiki"), path=path),
            context=Context(address="192.0.2.17"),
        )
        lines.append(
            decision_event(
                reference=reference,
                at=now - 1,
                request=request,
                decision=engine.decide(request, now - 1),
                http=HttpFacts(method="GET", host="wiki.example.test", path=path),
                person=PersonFact(id=farid.id, email=farid.email, name=farid.name, active=True),
            )
        )
    write_decisions(lines)
    index_new_decisions(now)


@pytest.mark.usefixtures("decided")
def test_the_list_says_held_only_where_the_step_up_helps(visit: Visit) -> None:
    page = text_of(visit().get("/decisions/", {"person": "farid"}))
    assert "<b>Farid Haddad</b> was held at <b>Wiki</b>: “This needs a passkey or security key" in page
    assert "<b>Farid Haddad</b> was refused <b>Wiki</b>: “No rule opens this part to you" in page
    held = text_of(visit().get("/decisions/", {"person": "farid", "outcome": "held"})).split("<tbody>")[1]
    assert HELD in held
    assert REFUSED not in held


@pytest.mark.usefixtures("decided")
def test_the_detail_says_of_each_rule_whether_the_person_can_satisfy_it(visit: Visit) -> None:
    held, refused = (text_of(visit().get(f"/decisions/{reference}/")) for reference in (HELD, REFUSED))
    assert "they can satisfy it alone, at once" in held
    assert "was held at" in held
    assert "they cannot satisfy it alone, at once" in refused
    assert "was refused" in refused
    for page in (held, refused):
        assert page.count("<code>staff-read-reports</code>") == 1
        assert "This needs a passkey or security key" in page


def test_what_would_open_it_is_said_once(company: Company, visit: Visit) -> None:
    held = company.references[0]
    desk, administrator = (text_of(visit(who).get(f"/decisions/{held}/")) for who in ("henk_help", "ada_admin"))
    assert "What would have opened it" in desk
    assert "The least that would open it" not in desk
    assert "The least that would open it" in administrator
    assert "What would have opened it" not in administrator


@pytest.mark.usefixtures("decided")
def test_a_denial_says_what_would_have_lifted_it_without_promising_more(visit: Visit) -> None:
    page = text_of(visit().get(f"/decisions/{DENIED}/"))
    assert "was refused" in page
    assert "What would have lifted the denial" in page
    assert "This needs a passkey or security key" in page
    assert "alone, at once" not in page
