"""Every event we write is one that the Open Cybersecurity Schema Framework knows."""

import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_ocsf_models.events.base_event import BaseEvent
from py_ocsf_models.objects.group import Group
from py_ocsf_models.objects.policy import Policy
from py_ocsf_models.objects.product import Product
from py_ocsf_models.objects.url import URL
from py_ocsf_models.objects.user import User
from tests.contract.visibility.ocsf_rules import CLASSES, problems_of
from tests.visibility_material import (
    ADA,
    ALLOWED,
    HELD,
    HTTP,
    NOW,
    REFUSED,
    REQUEST,
    allows,
    denies,
    http_facts,
    people,
    requests,
)

from ostiary.policy.decision import Decision
from ostiary.policy.request import AccessRequest
from ostiary.policy.snapshot import PersonFact
from ostiary.visibility.domain import ocsf
from ostiary.visibility.domain.actor import Actor
from ostiary.visibility.domain.decision_event import HttpFacts, decision_event
from ostiary.visibility.domain.event import Event
from ostiary.visibility.domain.events import (
    AccountChange,
    EntityChange,
    GroupChange,
    account_change_event,
    entity_change_event,
    group_change_event,
)
from ostiary.visibility.domain.log_event import log_gap_event, log_repair_event, log_retention_event
from ostiary.visibility.domain.request_event import Source, read_access_line, request_event
from ostiary.visibility.domain.sign_in_events import session_handover_event, sign_in_event, sign_out_event

PERSON = Actor(kind="person", id="p-ada", label="ada@example.test", address="192.0.2.7")
MACHINE = Actor(kind="machine", id="os:root", label="root on door")
SYSTEM = Actor(kind="system", id="worker", label="worker")


def control_events() -> Iterator[Event]:
    when: dict[str, Any] = {"at": NOW, "uid": "u-1"}
    ada: dict[str, Any] = {"person_id": "p-ada", "email": "ada@example.test"}
    yield sign_in_event(
        **when,
        email="ada@example.test",
        success=True,
        person_id="p-ada",
        name="Ada",
        methods=("password", "totp"),
        session="s-1",
        address="192.0.2.7",
        user_agent="Mozilla/5.0",
    )
    yield sign_in_event(**when, email="eve@example.test", success=False, reason="wrong_password")
    for method in (*ocsf.AUTH_FACTORS, "something new"):
        yield sign_in_event(**when, email="ada@example.test", success=True, methods=(method,))
    for actor in (PERSON, MACHINE, SYSTEM):
        yield sign_out_event(**when, **ada, actor=actor, session="s-1", reason="expired")
        yield sign_out_event(**when, **ada, actor=actor)
    yield session_handover_event(
        **when, **ada, app="wiki", session="s-1", groups=("staff", "finance"), address="192.0.2.7"
    )
    yield session_handover_event(**when, **ada, app="wiki", session="s-1")
    for account in get_args(AccountChange):
        yield account_change_event(
            **when, **ada, actor=PERSON, change=account, reason="asked", details={"method": "totp"}
        )
    for group in get_args(GroupChange):
        member = ada if "member" in group else {}
        yield group_change_event(**when, actor=MACHINE, change=group, group_id="staff", group_name="Staff", **member)
    for entity in get_args(EntityChange):
        yield entity_change_event(
            **when,
            actor=SYSTEM,
            change=entity,
            entity_type="app",
            entity_id="wiki",
            entity_name="Wiki",
            version="3",
            before={"a": 1},
            after={"a": [2]},
            comment="moved",
        )
    yield entity_change_event(**when, actor=SYSTEM, change="read", entity_type="backup", entity_id="b", success=False)
    yield log_gap_event(**when, stream="decisions", since=NOW - 3, refused=4, kept=1, reason="No space left on device")
    yield log_repair_event(**when, stream="decisions", file="00000001.jsonl", removed_bytes=3, cause="torn")
    yield log_retention_event(**when, stream="decisions", segments=2, last_seq=99, retention_days=400)


CONTROL = list(control_events())


@pytest.mark.parametrize("event", CONTROL, ids=lambda event: f"{event.class_uid}-{event.body['activity_id']}")
def test_control_events_obey_the_schema(event: Event) -> None:
    assert problems_of(event.body) == []
    assert event.body["class_uid"] == event.class_uid
    assert event.body["time"] == int(event.at * 1000)
    assert event.body["metadata"]["uid"] == event.uid
    assert b"\n" not in event.encoded


@pytest.mark.parametrize("decision", [ALLOWED, HELD, REFUSED])
@pytest.mark.parametrize("request_read", [REQUEST, None])
@pytest.mark.parametrize("person", [ADA, None])
def test_decisions_obey_the_schema(
    decision: Decision, request_read: AccessRequest | None, person: PersonFact | None
) -> None:
    line = decision_event(
        reference="7F3K9-2QXAB", at=NOW, request=request_read, decision=decision, http=HTTP, person=person
    )
    event = json.loads(line)
    assert problems_of(event) == []
    assert {entry["decision"] for entry in event["authorizations"]} == {"allow" if decision is ALLOWED else "deny"}
    assert all(entry["policy"]["version"] == decision.policy_version for entry in event["authorizations"])


@given(st.none() | requests, allows | denies, http_facts, people)
def test_any_decision_obeys_the_schema(
    request: AccessRequest | None, decision: Decision, http: HttpFacts, person: PersonFact | None
) -> None:
    line = decision_event(reference="R", at=NOW, request=request, decision=decision, http=http, person=person)
    assert problems_of(json.loads(line)) == []


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (ALLOWED, (1, "Allowed", 1, "Allowed")),
        (HELD, (2, "Denied", 23, "Challenge")),
        (REFUSED, (2, "Denied", 2, "Blocked")),
    ],
)
def test_what_became_of_a_request_is_said_in_the_schemas_words(
    decision: Decision, expected: tuple[object, ...]
) -> None:
    event = json.loads(decision_event(reference="R", at=NOW, request=REQUEST, decision=decision, http=HTTP, person=ADA))
    assert (event["action_id"], event["action"], event["disposition_id"], event["disposition"]) == expected


@pytest.mark.parametrize("grant", ["", "7F3K9-2QXAB"])
@pytest.mark.parametrize("status", [0, 200, 404])
def test_requests_of_the_data_plane_obey_the_schema(grant: str, status: int) -> None:
    line = {
        "time": "2026-02-02T02:40:00.250Z",
        "method": "PROPFIND",
        "host": "files.example.test",
        "path": "/a",
        "status": status,
        "client": "192.0.2.7",
        "route": "files/grant",
        "protocol": "HTTP/2",
        "request": "b1e6",
    }
    line |= {"grant_reference": grant, "grant_session": "s-1"} if grant else {}
    person = ("p-ada", "ada@example.test") if grant else None
    event = request_event(read_access_line(json.dumps(line).encode()), source=Source("f", 1), person=person)
    assert problems_of(json.loads(event)) == []


def as_their_user(user: dict[str, Any]) -> User:
    """Their model insists on an account and an identifier, which the schema leaves open."""
    uid = user.get("uid", "unknown")
    account = {"name": user["name"], "type_id": 99, "uid": uid}
    return User.model_validate({"uid": uid, **user, "account": account})


def test_objects_are_those_of_an_independent_implementation() -> None:
    """`py-ocsf-models` knows no class of ours, but the attributes of every event, and many of their objects."""
    decision = json.loads(decision_event(reference="R", at=NOW, request=REQUEST, decision=HELD, http=HTTP, person=ADA))
    assert BaseEvent.model_validate(decision).metadata.version == "1.6.0"
    assert Product.model_validate(decision["metadata"]["product"]).vendor_name == "Ostiary"
    assert as_their_user(decision["actor"]["user"]).email_addr == "ada@example.test"
    assert URL.model_validate(decision["http_request"]["url"]).hostname == "wiki.example.test"
    assert Policy.model_validate(decision["authorizations"][0]["policy"]).name == "finance-edit"
    for event in CONTROL:
        assert BaseEvent.model_validate(event.body).metadata.uid == event.uid
        if "user" in event.body:
            as_their_user(event.body["user"])
        if "actor" in event.body:
            as_their_user(event.body["actor"]["user"])
        if "group" in event.body:
            Group.model_validate(event.body["group"])


def test_our_table_and_our_code_name_the_classes_alike() -> None:
    assert {uid: known["name"] for uid, known in CLASSES.items()} == {
        uid: known.name for uid, known in ocsf.CLASSES.items()
    }
    for uid, known in ocsf.CLASSES.items():
        assert known.activities.keys() <= CLASSES[uid]["activities"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda event: event.pop("type_uid"),
        lambda event: event.update(type_uid=1),
        lambda event: event.update(activity_id=55),
        lambda event: event.update(surprise=1),
        lambda event: event["metadata"].pop("version"),
        lambda event: event["http_request"].update(cookie="x"),
        lambda event: event.update(disposition="Allowed"),
        lambda event: event["actor"]["user"].update(type_id=77),
        lambda event: event.update(severity_id="1"),
        lambda event: (event.pop("src_endpoint"), event.pop("dst_endpoint")),
    ],
)
def test_the_table_finds_what_is_wrong(damage: Any) -> None:
    event = json.loads(decision_event(reference="R", at=NOW, request=REQUEST, decision=HELD, http=HTTP, person=ADA))
    damage(event)
    assert problems_of(event)


def test_a_search_for_the_event_finds_who_did_it() -> None:
    event = sign_out_event(
        at=NOW, uid="u", actor=MACHINE, person_id="p-ada", email="ada@example.test", reason="revoked"
    )
    assert event.body["actor"]["user"]["name"] == "root on door"
    assert event.body["message"] == "ada@example.test was signed out (revoked)"
