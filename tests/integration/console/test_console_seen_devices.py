"""People on devices that nobody enrolled: found in the record, asked to enrol them, or ignored for a while."""

import json
import time
from typing import Any

import msgspec
import pytest
from django.core import mail
from tests.console_company import OPERATOR, Company, write_decisions
from tests.console_fixtures import Visit, text_of
from typer.testing import CliRunner

from ostiary.cli.main import app
from ostiary.devices.facade import Seen, UnusableDevice, ask_to_enrol, ignore_seen, list_seen
from ostiary.identity.facade import disable_person
from ostiary.policy.bearers import TOKEN_METHOD
from ostiary.policy.decision import Deny, ReasonCode
from ostiary.policy.identifiers import AppId, Generation, PolicyVersion, SessionId
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
from ostiary.visibility.domain.decision_event import AskedBy, HttpFacts, decision_event
from ostiary.visibility.domain.reference import format_reference
from ostiary.visibility.facade import EventQuery, index_new_decisions, index_new_events, list_events, prune_index
from ostiary.visibility.models import SeenBrowser

pytestmark = pytest.mark.django_db
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1"


def came(company: Company, who: str = "bruno_costa", *, at: float, method: str = "password", **more: Any) -> None:
    """Have somebody come with a browser once, as the decision service puts it on record."""
    person = company.people[who]
    request = AccessRequest(
        subject=Subject(
            person=person.id,
            email=person.email,
            session=SessionId("s"),
            authentications=(Authentication(method, AuthStrength.SINGLE, at),),
        ),
        action=ActionClass.VIEW,
        resource=Resource(app=AppId("wiki")),
        context=Context(address=more.pop("address", "203.0.113.77")),
        device=more.pop("device", None),
    )
    line = decision_event(
        reference=format_reference(bytes([1, 2, 3, 4, 5, 6, int(at) % 256])),
        at=at,
        request=request,
        decision=Deny(reason=ReasonCode.CONDITIONS_UNMET, policy_version=PolicyVersion("v"), generation=Generation(1)),
        http=HttpFacts(method="GET", host="wiki.example.test", user_agent=more.pop("user_agent", SAFARI)),
        person=PersonFact(id=person.id, email=person.email, name=person.name, active=True),
        **more,
    )
    write_decisions([line])
    index_new_decisions(at)


def phones() -> list[Seen]:
    return [one for one in list_seen(now=time.time(), ignored=True) if one.browser == "Safari on iPhone"]


def test_what_people_use_besides_enrolled_devices_is_added_up(company: Company) -> None:
    now = time.time()
    came(company, at=now - 60)
    came(company, at=now - 30, address="2001:db8:1:2::9")
    came(company, at=now - 20, device=Device(id=company.device, managed=True))  # type: ignore[arg-type]
    came(company, at=now - 19, device=Device(id=company.device, managed=False))  # type: ignore[arg-type]
    came(company, at=now - 18, method=TOKEN_METHOD)
    came(company, at=now - 17, asked_by=AskedBy(client="planner", subject="bruno"))
    came(company, at=now - 16, stream_ended=True)
    (phone,) = phones()
    assert (phone.email, phone.requests, phone.network) == ("bruno.costa@example.test", 2, "2001:db8:1::/48")
    assert (phone.first_at, phone.last_at) == (pytest.approx(now - 60, abs=0.01), pytest.approx(now - 30, abs=0.01))
    assert phone.has_device
    stored = msgspec.json.encode(phone) + repr(SeenBrowser.objects.values()).encode()
    for private in (b"AppleWebKit", b"203.0.113.77", b"2001:db8:1:2::9"):
        assert private not in stored, "no more is kept than the browser's name and the network"
    prune_index(now + 4000 * 86400)
    assert not phones()


def test_a_longer_record_is_not_read_for_the_list(company: Company, django_assert_num_queries: Any) -> None:
    now = time.time()
    for number in range(3):
        came(company, at=now - number)
        with django_assert_num_queries(4):
            assert phones()[0].requests == number + 1


def test_somebody_is_asked_by_mail_once_a_day(
    company: Company, visit: Visit, django_capture_on_commit_callbacks: Any
) -> None:
    came(company, at=time.time())
    (phone,) = phones()
    client, address = visit(), f"/devices/seen/{phone.id}/ask"
    assert "They get a mail now" in text_of(client.get(address))
    with django_capture_on_commit_callbacks(execute=True):
        page = client.post(address, {"reason": "payroll needs it"}, follow=True)
    assert "bruno.costa@example.test is asked by mail." in text_of(page)
    (letter,) = [one for one in mail.outbox if one.subject.startswith("Enrol the computer")]
    assert letter.to == ["bruno.costa@example.test"]
    assert "ostiary-agent enrol https://id.example.test" in letter.body
    assert "Safari on iPhone" in letter.body
    again = client.post(address, {"reason": ""})
    assert again.status_code == 422
    assert "within the last day" in text_of(again)
    assert ask_to_enrol(phone.id, now=time.time() + 90_000, actor=OPERATOR).asked_at is not None
    index_new_events(time.time())
    assert any("payroll needs it" in one.words for one in list_events(EventQuery(text="Safari on iPhone")).items)
    disable_person(person_id=company.people["bruno_costa"].id, reason="left", actor=OPERATOR)
    with pytest.raises(UnusableDevice, match="cannot sign in"):
        ask_to_enrol(phone.id, now=time.time() + 900_000, actor=OPERATOR)


def test_what_is_ignored_is_not_listed_until_its_days_are_over(company: Company, visit: Visit) -> None:
    came(company, at=time.time())
    (phone,) = phones()
    client, address = visit(), f"/devices/seen/{phone.id}/ignore"
    assert "Safari on iPhone" in text_of(visit("audrey_audit").get("/devices/seen"))
    assert "/ignore" not in text_of(visit("audrey_audit").get("/devices/seen")), "an auditor only looks"
    figure = text_of(client.get("/devices/overview")).partition("Seen and never enrolled")[2].partition("</section>")[0]
    assert f'<a href="/devices/seen">{len(list_seen(now=time.time()))}<' in figure
    assert client.post(address, {"days": "366"}).status_code == 422
    client.post(address, {"days": "7", "reason": "a private telephone"})
    assert "Safari on iPhone" not in text_of(client.get("/devices/seen"))
    assert "Safari on iPhone" in text_of(client.get("/devices/seen?ignored=on"))
    later = time.time() + 8 * 86400
    assert phone.id in {one.id for one in list_seen(now=later)}
    assert ignore_seen(phone.id, days=0, now=time.time(), actor=OPERATOR).ignored_until is None
    exported = json.loads(client.get("/devices/seen/export?export=json&q=iphone").content)
    assert [(one["person"], one["requests"]) for one in exported] == [("bruno.costa@example.test", 1)]
    assert client.get("/devices/seen/999999/ask").status_code == 404


def test_the_commands(company: Company) -> None:
    came(company, at=time.time())
    (phone,) = phones()

    def typed(*words: str) -> Any:
        return CliRunner().invoke(app, ["device", *words])

    listed = json.loads(typed("seen", "--json").stdout)
    assert phone.id in {one["id"] for one in listed}
    assert "Safari on iPhone" in typed("seen").output
    assert "is asked to enrol" in typed("ask", str(phone.id)).output
    assert "ignored for 30 days" in typed("ignore", str(phone.id)).output
    assert "Safari on iPhone" not in typed("seen").output
    assert "Safari on iPhone" in typed("seen", "--ignored").output
    assert typed("ask", "999999").exit_code == 1
