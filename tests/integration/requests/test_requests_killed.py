"""A step of a request happens wholly or not at all, whatever dies at whatever moment; mails are never lost."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from tests.shell_instance import OwnInstance

pytestmark = pytest.mark.xdist_group("shell-requests")

ASK = """
from tests.identity_people import MACHINE, make_group, make_person
from ostiary.identity.models import Person
from ostiary.requests.facade import ask
number = Person.objects.count()
if not number:
    make_person("root@example.test", groups=("administrators",))
make_group("archive")
person = make_person(f"ada{number}@example.test")
print(ask(person_id=person, group_id="archive", seconds=3600, reason="Please", actor=MACHINE).id)
"""
USE = """
from tests.identity_people import MACHINE, make_group, make_person
from ostiary.identity.models import Person
number = Person.objects.count()
make_group("archive")
if not number:
    make_person("root@example.test", groups=("administrators",))
person = make_person(f"ada{number}@example.test", groups=("on-call", "administrators-eligible"))
print(person)
"""
BEGIN = """
from ostiary.identity.domain.proofs import proof
from ostiary.requests.facade import become_administrator, use_emergency
from ostiary.visibility.facade import Actor
import time
given = {{
    "person_id": {id!r}, "reason": "Now", "proofs": [proof("webauthn", at=time.time())],
    "actor": Actor(kind="person", id={id!r}, label="ada"),
}}
print((use_emergency(group_id="archive", **given) if {what!r} == "emergency" else become_administrator(**given)).id)
"""
STANDING = """
import json, sys
from ostiary.identity.models import Membership
from ostiary.requests.models import AccessRequest, EmergencyReview, Letter
row = AccessRequest.objects.get(pk={id!r})
print(json.dumps({{
    "state": row.state,
    "memberships": Membership.objects.filter(via=f"request:{{row.pk}}").count(),
    "letters": sorted(Letter.objects.filter(request=row).values_list("kind", flat=True)),
    "unsent": Letter.objects.filter(request=row, sent_at=None).count(),
}}))
"""
OF_A_PERSON = """
import json
from ostiary.identity.models import Membership
from ostiary.requests.models import AccessRequest, EmergencyReview, Letter
rows = AccessRequest.objects.filter(person={id!r})
print(json.dumps({{
    "requests": [row.state for row in rows],
    "memberships": Membership.objects.filter(person={id!r}, via__startswith="request:").count(),
    "reviews": list(EmergencyReview.objects.filter(request__in=rows).values_list("justified", "reminded", "escalated")),
    "letters": sorted(Letter.objects.filter(request__in=rows).values_list("kind", flat=True)),
}}))
"""
KILLED = """
import os, signal, sys, time
from unittest import mock
import django; django.setup()
from django.db import transaction
from ostiary import changes
from ostiary.identity.services import groups
from ostiary.requests.facade import answer_review, approve, become_administrator, send_letters, settle_requests, use_emergency
from ostiary.identity.domain.proofs import proof
from ostiary.requests.services import answering, elevation, emergency, immediate, letters, reviewing
from ostiary.visibility.facade import Actor

def die(*_arguments, **_named):
    os.kill(os.getpid(), signal.SIGKILL)

def then_die(step):
    def done(*arguments, **named):
        step(*arguments, **named)
        die()
    return done

def owed_then_die_on_commit(*arguments, **named):
    transaction.on_commit(die)
    return owe(*arguments, **named)

def step_of(room, name):
    step = getattr(room, name)
    return {f"after {name}": (room, name, then_die(step))}

def kept(room):
    def done(*arguments, **named):
        transaction.on_commit(die)
        return owe(*arguments, **named)
    return {"committed": (room, "owe", done)}

owe = answering.owe
begun = {
    "emergency": {**step_of(emergency, "grant_now"), **step_of(immediate, "put_into_group"), **step_of(emergency, "owe"),
                  **step_of(emergency, "record_step"), **kept(emergency)},
    "administrator": {**step_of(elevation, "grant_now"), **step_of(immediate, "put_into_group"),
                      **step_of(elevation, "owe"), **step_of(elevation, "record_step"), **kept(elevation)},
    "review": {**step_of(reviewing, "record_review"), **step_of(reviewing, "hand_back"), **step_of(reviewing, "owe"),
               **kept(reviewing)},
    "remind": {**step_of(reviewing, "owe"), **step_of(reviewing, "record_review"), **kept(reviewing)},
    "escalate": {**step_of(reviewing, "owe"), **step_of(reviewing, "record_review"), **kept(reviewing)},
}
steps = {
    "before the answer": (answering, "close", die),
    "after the answer": (answering, "close", then_die(answering.close)),
    "before letters are owed": (answering, "owe", die),
    "before it is on record": (answering, "record_step", die),
    "on record, before it is committed": (answering, "record_step", then_die(answering.record_step)),
    "committed": (answering, "owe", owed_then_die_on_commit),
    "before the membership": (answering, "put_into_group", die),
    "after the membership": (answering, "put_into_group", then_die(answering.put_into_group)),
    "before a mail is sent": (letters, "_message", die),
    "sent, before that is noted": (letters.EmailMessage, "send", then_die(letters.EmailMessage.send)),
}
room, name, step = begun.get(sys.argv[1], steps)[sys.argv[3]]
actor = Actor(kind="machine", id="root", label="root")
with mock.patch.object(room, name, step):
    given = {"person_id": sys.argv[2], "reason": "Now", "proofs": [proof("webauthn", at=time.time())]}
    person = Actor(kind="person", id=sys.argv[2], label="ada")
    if sys.argv[1] == "emergency":
        use_emergency(group_id="archive", actor=person, **given)
    elif sys.argv[1] == "administrator":
        become_administrator(actor=person, **given)
    elif sys.argv[1] == "review":
        answer_review(request_id=sys.argv[2], justified=False, words="No", actor=actor)
    elif sys.argv[1] in ("remind", "escalate"):
        settle_requests(now=time.time() + {"remind": 2, "escalate": 4}[sys.argv[1]] * 24 * 3600)
    elif sys.argv[1] == "approve":
        approve(request_id=sys.argv[2], actor=actor)
    elif sys.argv[1] == "lapse":
        settle_requests(now=time.time() + 100 * 24 * 3600)
    else:
        send_letters(now=time.time())
print("it went through")
"""
STEPS = (
    "before the answer",
    "after the answer",
    "before letters are owed",
    "before it is on record",
    "on record, before it is committed",
    "committed",
)
GRANTING = ("before the membership", "after the membership")


@pytest.fixture(scope="module")
def own() -> Iterator[OwnInstance]:
    made = OwnInstance()
    made.init()
    settings = made.home / "ostiary.toml"
    settings.write_text(settings.read_text().replace("[access]\n", '[access]\nemergency_group = "on-call"\n'))
    yield made
    made.remove()


def standing(own: OwnInstance, request_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(own.python(STANDING.format(id=request_id)))
    return found


def killed(own: OwnInstance, what: str, request_id: str, step: str) -> None:
    environment = {**own.environment, "DJANGO_SETTINGS_MODULE": "ostiary.config.django"}
    command = [sys.executable, "-c", KILLED, what, request_id, step]
    ended = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stdout + ended.stderr


@pytest.mark.parametrize("what", ["approve", "lapse"])
def test_killed_at_any_step_it_is_answered_wholly_or_not_at_all(own: OwnInstance, what: str) -> None:
    done = {"approve": ("granted", 1, "granted"), "lapse": ("lapsed", 0, "lapsed")}[what]
    repeat = {
        "approve": "from tests.identity_people import MACHINE; from ostiary.requests.facade import approve\n"
        "approve(request_id={id!r}, actor=MACHINE)",
        "lapse": "import time; from ostiary.requests.facade import settle_requests\n"
        "settle_requests(now=time.time() + 100 * 24 * 3600)",
    }[what]
    request_id = own.python(ASK).strip()
    before = standing(own, request_id)
    assert before == {"state": "waiting", "memberships": 0, "letters": ["asked", "received"], "unsent": 2}
    for step in (*STEPS[:-1], *(GRANTING if what == "approve" else ()), STEPS[-1]):
        killed(own, what, request_id, step)
        if step != "committed":
            assert standing(own, request_id) == before, step
    state, memberships, letter = done
    after = {
        "state": state,
        "memberships": memberships,
        "letters": sorted(["asked", "received", letter]),
        "unsent": 3,
    }
    assert standing(own, request_id) == after
    again = subprocess.run(
        [sys.executable, "-c", "import django; django.setup()\n" + repeat.format(id=request_id)],
        env={**own.environment, "DJANGO_SETTINGS_MODULE": "ostiary.config.django"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (again.returncode != 0) is (what == "approve"), "answered once"
    assert standing(own, request_id) == after


def test_no_mail_is_lost_and_one_that_was_sent_unnoted_comes_again_under_its_name(own: OwnInstance) -> None:
    own.python("from ostiary.requests.models import Letter; Letter.objects.all().delete()")
    request_id = own.python(ASK).strip()
    mails = own.home / "state" / "mail"
    seen = set(mails.glob("*")) if mails.exists() else set()

    def sent() -> list[str]:
        new = sorted(set(mails.glob("*")) - seen)
        text = "".join(path.read_text() for path in new)
        return sorted(line.split(": ", 1)[1] for line in text.splitlines() if line.lower().startswith("message-id"))

    killed(own, "send", request_id, "before a mail is sent")
    assert sent() == []
    killed(own, "send", request_id, "sent, before that is noted")
    assert len(sent()) == 1
    assert standing(own, request_id)["unsent"] == 2
    for _ in range(2):
        own.python("import time; from ostiary.requests.facade import send_letters; send_letters(now=time.time())")
    assert standing(own, request_id)["unsent"] == 0
    assert (len(sent()), len(set(sent()))) == (3, 2), "one of them twice, under one name"


BEGUN = ("grant_now", "put_into_group", "owe", "record_step")


def of_a_person(own: OwnInstance, person_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(own.python(OF_A_PERSON.format(id=person_id)))
    return found


@pytest.mark.parametrize("what", ["emergency", "administrator"])
def test_killed_at_any_step_what_begins_at_once_has_begun_wholly_or_not_at_all(own: OwnInstance, what: str) -> None:
    person = own.python(USE).strip()
    nothing = {"requests": [], "memberships": 0, "reviews": [], "letters": []}
    for step in BEGUN:
        killed(own, what, person, f"after {step}")
    assert of_a_person(own, person) == nothing
    killed(own, what, person, "committed")
    kind, reviews = {"emergency": ("emergency", [[None, False, False]]), "administrator": ("elevated", [])}[what]
    after = of_a_person(own, person)
    assert {**after, "letters": set(after["letters"])} == {
        "requests": ["granted"], "memberships": 1, "reviews": reviews, "letters": {kind},
    }  # fmt: skip
    with pytest.raises(AssertionError):
        own.python(BEGIN.format(id=person, what=what))
    assert of_a_person(own, person) == after, "it does not begin twice"


def test_killed_at_any_step_a_review_is_reminded_of_overdue_and_answered_once(own: OwnInstance) -> None:
    own.python("from ostiary.requests.models import AccessRequest; AccessRequest.objects.all().delete()")
    person = own.python(USE).strip()
    request_id = own.python(BEGIN.format(id=person, what="emergency")).strip()
    before = of_a_person(own, person)
    for what, letter, review in (
        ("remind", "reminder", [None, True, False]),
        ("escalate", "overdue", [None, True, True]),
    ):
        for step in ("owe", "record_review"):
            killed(own, what, "", f"after {step}")
        assert of_a_person(own, person) == before
        killed(own, what, "", "committed")
        after = of_a_person(own, person)
        assert after["reviews"] == [review]
        assert set(after["letters"]) - set(before["letters"]) == {letter}
        days = {"remind": 2, "escalate": 4}[what]
        own.python(
            "import time; from ostiary.requests.facade import settle_requests\n"
            f"settle_requests(now=time.time() + {days} * 24 * 3600)"
        )
        assert of_a_person(own, person) == after, "told once"
        before = after
    for step in ("record_review", "hand_back", "owe"):
        killed(own, "review", request_id, f"after {step}")
    assert of_a_person(own, person) == before
    killed(own, "review", request_id, "committed")
    done = of_a_person(own, person)
    assert (done["requests"], done["memberships"]) == (["returned"], 0)
    assert done["reviews"] == [[False, True, True]]
