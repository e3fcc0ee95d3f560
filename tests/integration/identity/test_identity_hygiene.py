"""Who does not meet what `[authenticators]` asks for: found, told once a week, exempt, exported; and its commands."""

import csv
import dataclasses
import hashlib
import io
import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.conf import settings
from django.core import mail
from tests.identity_people import MACHINE, PASSWORD, Browser, make_group, make_person, make_person_with_app
from tests.integration.identity.test_identity_cli import logs_as_before, ostiary, shown

from ostiary.config.validation import find_problems
from ostiary.identity.adapters.mail import wait_until_sent
from ostiary.identity.client import Client
from ostiary.identity.facade import Unmet, add_member, list_standings, nudge_people, unsafe_provision_totp
from ostiary.identity.models import Person
from ostiary.identity.services.authenticators import make_recovery_codes
from ostiary.identity.services.lost_factor import ask_for_recovery
from ostiary.policy.identifiers import GroupId
from ostiary.visibility.facade import EventQuery, index_new_events, list_events

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["logs_as_before"]
ADA = "ada@example.test"
WEEK = 7 * 24 * 3600.0


def configure(monkeypatch: pytest.MonkeyPatch, table: str, **keys: object) -> None:
    """Let the instance's configuration say this."""
    instance = settings.INSTANCE
    section = msgspec.structs.replace(getattr(instance.configuration, table), **keys)
    changed = msgspec.structs.replace(instance.configuration, **{table: section})
    monkeypatch.setattr(settings, "INSTANCE", dataclasses.replace(instance, configuration=changed))


def unmet(email: str = ADA) -> tuple[Unmet, ...]:
    return next(one.unmet for one in list_standings() if one.person.email == email)


def nudge(days: float = 0.0) -> list[str]:
    """Let the worker's job run at a later day, and return what was mailed."""
    wait_until_sent(seconds=30)
    mail.outbox.clear()
    count = nudge_people(now=time.time() + days * 24 * 3600)
    assert count == len(mail.outbox)
    return [message.body for message in mail.outbox]


def test_people_are_told_once_a_week_until_it_is_mended() -> None:
    person_id = make_person()
    (body,) = nudge()
    assert "You have no second factor" in body
    assert settings.INSTANCE.url(settings.INSTANCE.identity_host, "/authenticators") in body
    assert nudge(6.9) == []
    assert len(nudge(7.1)) == 1
    unsafe_provision_totp(person_id=person_id, actor=MACHINE)
    assert nudge(20) == []


def test_nobody_is_told_who_cannot_be_reached_or_is_exempt_or_where_it_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    person_id = make_person()
    Person.objects.update(email_confirmed_at=None)
    assert nudge() == []
    Person.objects.update(email_confirmed_at=Person.objects.get().created_at)
    configure(monkeypatch, "authenticators", nudge_days=0)
    assert nudge() == []
    configure(monkeypatch, "authenticators", nudge_days=7, exempt_group="excused")
    make_group("excused")
    add_member(group_id=GroupId("excused"), person_id=person_id, actor=MACHINE, reason="waits for a key")
    assert nudge() == []
    (standing,) = list_standings()
    assert standing.exemption is not None
    assert (standing.exemption.reason, standing.exemption.granted_by) == ("waits for a key", MACHINE.label)


def test_what_is_asked_for_is_what_the_configuration_says(monkeypatch: pytest.MonkeyPatch) -> None:
    person_id, _secret = make_person_with_app(groups=["finance"])
    assert unmet() == ()
    configure(
        monkeypatch, "authenticators", second_factors=2, passkey_groups="sales, finance", recovery_codes=True,
        due="2031-02-03",
    )  # fmt: skip
    assert unmet() == (Unmet.NO_PASSKEY, Unmet.NO_RECOVERY_CODES)
    make_recovery_codes(person_id=person_id, actor=MACHINE)
    assert unmet() == (Unmet.NO_PASSKEY,)
    (found,) = (one for one in shown_findings() if one["subject"] == ADA)
    assert found["finding"] == "no_passkey"
    assert time.strftime("%Y-%m-%d", time.gmtime(found["due_at"])) == "2031-02-03"


def shown_findings() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ostiary("user", "check", "--json", code=5))
    return found


def test_a_password_that_turned_up_in_a_breach_is_noticed_at_its_next_use(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make_person_with_app()
    breached = tmp_path / "breached.txt"
    breached.write_text(hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).hexdigest().upper() + ":3\n")
    configure(monkeypatch, "sign_in", breached_passwords=str(breached))
    assert unmet() == ()
    assert Browser().password_step(ADA, "not the password").status_code == 200
    assert unmet() == ()
    assert Browser().password_step(ADA)["Location"] == "/sign-in/second-step"
    assert unmet() == (Unmet.BREACHED_PASSWORD,)
    breached.write_text("0" * 40 + "\n")
    Browser().password_step(ADA)
    assert unmet() == ()


def test_the_report_is_for_spreadsheets_and_programs_and_on_record(tmp_path: Path) -> None:
    began = time.time()
    make_person_with_app()
    make_person("bo@example.test", name="=HYPERLINK(1)")
    file = tmp_path / "sign-in.csv"
    ostiary("user", "hygiene", "--csv", str(file))
    ada, bo = sorted(csv.DictReader(io.StringIO(file.read_text())), key=lambda row: row["email"])
    assert (ada["policy"], bo["policy"], bo["missing"]) == ("met", "not met", "no_second_factor")
    assert bo["name"] == "'=HYPERLINK(1)"
    assert ada["authenticator_app"].startswith("since 2")
    assert [one["email"] for one in shown("user", "hygiene", "--unmet")] == ["bo@example.test"]
    assert "no second factor" in ostiary("user", "hygiene")
    ostiary("user", "hygiene", "--csv", str(tmp_path), code=1)
    while index_new_events(time.time()):
        pass
    assert (
        sum(
            "how everybody signs in" in one.words
            for one in list_events(EventQuery(since=began, until=time.time() + 60)).items
        )
        == 4
    )


def test_a_recovery_is_answered_at_the_terminal() -> None:
    person_id, _secret = make_person_with_app()
    ask_for_recovery(person_id=person_id, client=Client(address="192.0.2.1", user_agent="Firefox"))
    (asked,) = shown("user", "recovery", "list", "--waiting")
    assert (asked["email"], asked["address"]) == (ADA, "192.0.2.1")
    ostiary("user", "recovery", "confirm", asked["id"], "--reason", "came by", code=3)
    assert "/link/" in ostiary("user", "recovery", "confirm", asked["id"], "--reason", "came by", "--yes")
    ostiary("user", "recovery", "refuse", asked["id"], "--reason", "too late", code=1)
    assert shown("user", "recovery", "list", "--waiting") == []
    ostiary("user", "recovery", "refuse", "l_none", "--reason", "x", code=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"due": "31.3.2027"},
        {"due": "2027-02-30"},
        {"passkey_groups": "finance, Not A Group"},
        {"exempt_group": "administrators"},
        {"nudge_days": 3},
        {"second_factors": 6},
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(wrong: dict[str, object]) -> None:
    (problem,) = find_problems({"domain": "example.com", "authenticators": wrong})
    assert problem.path == f"authenticators.{next(iter(wrong))}"
    good = {"due": "2027-03-31", "passkey_groups": "finance, sales", "exempt_group": "excused", "nudge_days": 0}
    assert not find_problems({"domain": "example.com", "authenticators": good})
