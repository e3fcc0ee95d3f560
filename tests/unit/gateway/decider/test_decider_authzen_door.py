"""Who may ask, how much and in which form; and what a program is told when nothing can be decided."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from tests.authzen_asking import (
    ASKER,
    CLIENTS,
    CONFIGURATION,
    PORT,
    SEARCHER,
    ask,
    ask_together,
    asked_company,
    client,
    decide,
    question,
    scope_of,
    send,
)
from tests.decider_company import DOMAIN, House, open_house

from ostiary.gateway.decider.authzen import asked as requests
from ostiary.gateway.decider.authzen import door, judging, reading, turns
from ostiary.gateway.decider.authzen.callers import MAX_CLIENTS, Allowances, bearer_token, find_client
from ostiary.gateway.decider.authzen.messages import Evaluation
from ostiary.gateway.decider.authzen.reading import UnusableMessage
from ostiary.gateway.decider.budget import BURST
from ostiary.gateway.decider.check import Verdict
from ostiary.visibility.adapters.audit_log import RecordUnavailable

EVALUATION = "/access/v1/evaluation"
EVALUATIONS = "/access/v1/evaluations"
SEARCH = "/access/v1/search/action"


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with open_house(asked_company(), CONFIGURATION) as opened:
        yield opened


@pytest.mark.parametrize("token", [None, "", "ostiary_unknown", "ostiary_expired", ASKER + "x", ASKER[:-1], "é"])
def test_without_a_token_that_works_nobody_learns_anything(house: House, token: str | None) -> None:
    for path in (EVALUATION, EVALUATIONS, SEARCH):
        answer = ask(house, path, question(), token=token)
        assert answer.status == 401
        assert answer.one("www-authenticate").startswith('Bearer realm="ostiary"')


@pytest.mark.parametrize("gateway", [False, True])
def test_a_token_that_does_not_work_is_on_record_and_so_is_where_it_came_from(house: House, gateway: bool) -> None:
    before = len(house.events())
    said = (("x-ostiary-peer", "192.0.2.7:4711"), ("user-agent", "nightly/1"))
    for token in (None, "ostiary_expired"):
        assert ask(house, EVALUATION, question(), token=token, gateway=gateway, headers=said).status == 401
    (event,) = house.events()[before:]
    assert (event["status_code"], event["http_response"]["code"]) == ("unauthenticated", 401)
    assert event["src_endpoint"]["ip"] == ("192.0.2.7" if gateway else "127.0.0.1"), (
        "what anybody may write is no proof"
    )
    assert event["http_request"]["url"]["path"] == EVALUATION
    assert event["http_request"]["user_agent"] == "nightly/1"
    assert "ostiary_expired" not in json.dumps(event)


def test_the_disk_is_not_filled_from_outside() -> None:
    with open_house(asked_company(), CONFIGURATION) as house:
        assert house.parts is not None
        tries = int(BURST) + 50
        answers = ask_together(house, *[send(house, EVALUATION, {}, token="guess") for _ in range(tries)])
        assert {one.status for one in answers} == {401}
        assert len(house.events()) + house.parts.metrics.unrecorded == tries
        assert house.parts.metrics.unrecorded > 0


def test_what_is_said_for_all_of_a_list_does_not_swell_the_record(house: House) -> None:
    facts = {f"{number:02}": "x" * 160 for number in range(50)}
    said = {"device": facts, "authentications": [{"strength": "otp"}] * 16, "address": "192.0.2.7"}
    asked = {**question("a" * 512, path="/" + "p" * 4095, **said), "evaluations": [{}] * 100}
    asked["subject"]["id"] = "p-anna"
    before = len(house.events())
    assert ask(house, EVALUATIONS, asked, headers=(("user-agent", "u" * 9000),)).status == 200
    sizes = [len(json.dumps(event)) for event in house.events()[before:]]
    assert len(sizes) == 100
    assert max(sizes) < 32 * 1024


def test_of_two_tokens_none_counts(house: House) -> None:
    for first, second in ((ASKER, "wrong"), ("wrong", ASKER), (ASKER, ASKER)):
        twice = (("authorization", f"Bearer {second}"),)
        assert ask(house, EVALUATION, question(), token=first, headers=twice).status == 401


@pytest.mark.parametrize("header", ["Basic YTpi", f"Bearer {ASKER} x", f"Token {ASKER}", ASKER, f"Bearer,{ASKER}"])
def test_only_a_bearer_token_is_one(house: House, header: str) -> None:
    answer = ask(house, EVALUATION, question(), token=None, headers=(("authorization", header),))
    assert answer.status == 401


def test_the_scheme_is_read_in_any_case() -> None:
    assert bearer_token(f"bearer {ASKER}") == bearer_token(f"BEARER  {ASKER}") == ASKER


def test_a_revoked_token_is_refused_from_the_next_request_on() -> None:
    with open_house(asked_company(), CONFIGURATION) as house:
        assert decide(house, question())["decision"] is True
        house.publish(asked_company(2, clients=CLIENTS[1:]))
        assert ask(house, EVALUATION, question()).status == 401


def test_a_token_revoked_while_the_body_is_on_its_way_is_refused() -> None:
    with open_house(asked_company(), CONFIGURATION) as house:

        async def slowly() -> AsyncIterator[bytes]:
            body = json.dumps(question()).encode()
            yield body[:20]
            house.publish(asked_company(2, clients=()))
            yield body[20:]

        items = [("authorization", f"Bearer {ASKER}"), ("content-type", "application/json")]
        scope = scope_of("POST", EVALUATION, items)
        assert house.parts is not None
        answer = house.loop.run_until_complete(house.parts.authzen.answer(scope, slowly(), origin=""))
        assert answer.status == 401


def test_a_body_that_never_ends_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "BODY_SECONDS", 0.01)

    async def never() -> AsyncIterator[bytes]:
        await house.loop.create_future()
        yield b""

    items = [("authorization", f"Bearer {ASKER}"), ("content-type", "application/json")]
    scope = scope_of("POST", EVALUATION, items)
    assert house.parts is not None
    assert house.loop.run_until_complete(house.parts.authzen.answer(scope, never(), origin="")).status == 400


def test_searching_needs_leave_of_its_own(house: House) -> None:
    asked = {key: value for key, value in question().items() if key != "action"}
    assert ask(house, SEARCH, asked).status == 403
    assert ask(house, SEARCH, asked, token=SEARCHER).status == 200


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b"[]", "Expected `object`"),
        (b"null", "Expected `object`"),
        (b"{}", "missing required field `subject`"),
        (b'{"subject": {"type": "person"}}', "missing required field `id`"),
        (json.dumps(question()).replace("p", "\\ud800", 1).encode(), ""),
        (json.dumps({**question(), "subject": "anna"}).encode(), "$.subject"),
        (json.dumps({**question(), "action": {"name": 3}}).encode(), "$.action.name"),
        (json.dumps(question(path="/")).replace('"/"', "null").encode(), "$.resource.properties.path"),
        (json.dumps(question("a" * 513)).encode(), "$.subject.id"),
        (json.dumps(question(risk=101)).encode(), "$.context.risk"),
        (json.dumps(question(risk="high")).encode(), "$.context.risk"),
        (json.dumps(question(country="de")).encode(), "$.context.country"),
        (json.dumps(question(country="DE\n")).encode(), "$.context.country"),
        (json.dumps(question(path="/" + "%41" * 6000)).encode(), "$.resource.properties.path"),
        (json.dumps(question(address="at home")).encode(), "`context.address` is no IP address"),
        (json.dumps(question(address="fe80::1%eth0")).encode(), "`context.address` is no IP address"),
        (json.dumps(question(device={"managed": "yes"})).encode(), "`context.device.managed` must be true or false"),
        (json.dumps(question(device={"os": 1.5})).encode(), "$.context.device"),
        (json.dumps(question(device={"os": "x" * 513})).encode(), "$.context.device"),
        (json.dumps(question(device={f"f{number}": 1 for number in range(51)})).encode(), "$.context.device"),
        (json.dumps(question(device={f"{number:02}": "x" * 500 for number in range(17)})).encode(), "8192 characters"),
        (
            json.dumps(question(authentications=[{"strength": "good"}])).encode(),
            "$.context.authentications[0].strength",
        ),
        (
            json.dumps(question(authentications=[{"strength": "otp", "age_seconds": -1}])).encode(),
            "$.context.authentications[0].age_seconds",
        ),
        (json.dumps(question(session="s", authentications=[{"strength": "otp"}])).encode(), "not both"),
        (b'{"subject": 1, "subject": 2}', ""),
        (json.dumps(question()).replace('"view"', '"view", "name": "delete"').encode(), "`name` stands twice"),
        (json.dumps({**question(), "more": float("nan")}).encode(), "not JSON"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "not JSON"),
    ],
)
def test_what_is_no_question_is_refused_with_the_place(house: House, body: bytes, words: str) -> None:
    for path in (EVALUATION, EVALUATIONS):
        answer = ask(house, path, body)
        assert answer.status == 400, answer.text
        assert words in answer.text
        assert answer.one("content-type").startswith("text/plain")


def test_members_that_are_not_known_are_ignored(house: House) -> None:
    asked = question(time="1985-10-26T01:22-07:00", other={"a": [1, 2.5, None]})
    asked["subject"]["properties"] = {"department": "Sales"}
    asked["action"]["properties"] = {"method": "GET"}
    asked["extra"] = [[]]
    assert decide(house, asked)["decision"] is True


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_another_content_type_is_refused(house: House, content_type: str) -> None:
    assert ask(house, EVALUATION, question(), content_type=content_type).status == 400


def test_the_content_type_may_say_more(house: House) -> None:
    assert ask(house, EVALUATION, question(), content_type="Application/JSON; charset=utf-8").status == 200


def test_a_body_has_an_end(house: House) -> None:
    body = json.dumps({**question(), "more": "x" * requests.MAX_BODY_BYTES}).encode()
    assert ask(house, EVALUATION, body).status == 413
    said = (("content-length", str(requests.MAX_BODY_BYTES + 1)),)
    assert ask(house, EVALUATION, question(), headers=said).status == 413
    assert ask(house, EVALUATION, question(), headers=(("content-length", "9" * 40),)).status == 413


def test_other_methods_and_addresses(house: House) -> None:
    answer = ask(house, EVALUATION, method="GET")
    assert (answer.status, answer.one("allow")) == (405, "POST")
    assert ask(house, "/.well-known/authzen-configuration").status == 405
    assert ask(house, "/access/v1/other", question()).status == 404
    assert ask(house, EVALUATION + "/", question()).status == 404


def test_a_number_of_the_request_comes_back_with_every_answer(house: House) -> None:
    number = (("x-request-id", "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"),)
    for answer in (
        ask(house, EVALUATION, question(), headers=number),
        ask(house, EVALUATION, b"{", headers=number),
        ask(house, EVALUATION, question(), headers=number, token=None),
        ask(house, "/access/v1/other", headers=number),
        ask(house, "/.well-known/authzen-configuration", headers=number, method="GET"),
    ):
        assert answer.one("x-request-id") == number[0][1]
    assert not ask(house, EVALUATION, question()).all("x-request-id")
    (event,) = [one for one in house.events() if one["http_request"].get("uid")][:1]
    assert event["http_request"]["uid"] == number[0][1]


def test_several_questions_share_what_is_said_for_all_of_them(house: House) -> None:
    asked = {
        **question(),
        "evaluations": [
            {},
            {"resource": {"type": "app", "id": "files", "properties": {"path": "/public/a"}}},
            {"action": {"name": "delete"}},
            {"subject": {"type": "person", "id": "ben@example.test"}},
        ],
    }
    answer = ask(house, EVALUATIONS, asked).json
    assert list(answer) == ["evaluations"]
    assert [one["decision"] for one in answer["evaluations"]] == [True, True, False, False]
    references = {one["context"]["reference"] for one in answer["evaluations"]}
    assert len(references & {one["metadata"]["uid"] for one in house.events()}) == 4


@pytest.mark.parametrize(
    ("semantic", "expected"),
    [
        ("execute_all", [True, False, True]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_when_to_stop(house: House, semantic: str, expected: list[bool]) -> None:
    asked = {
        **question(),
        "evaluations": [{}, {"action": {"name": "delete"}}, {}],
        "options": {"evaluations_semantic": semantic, "another_option": "value"},
    }
    before = len(house.events())
    answer = ask(house, EVALUATIONS, asked).json
    assert [one["decision"] for one in answer["evaluations"]] == expected
    assert len(house.events()) == before + len(expected)


def test_without_a_list_one_question_is_answered_as_one(house: House) -> None:
    for asked in (question(), {**question(), "evaluations": []}):
        assert ask(house, EVALUATIONS, asked).json["decision"] is True


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"evaluations": [{}]}, "`evaluations[0]` has no `subject`"),
        ({**question(), "options": {"evaluations_semantic": "all"}, "evaluations": [{}]}, "evaluations_semantic"),
        ({**question(), "evaluations": [{}] * 101}, "length <= 100"),
        ({**question(), "evaluations": [{}, {"action": {}}]}, "$.evaluations[1].action"),
        ({**question(), "evaluations": [{}, {"context": {"address": "x"}}]}, "in `evaluations[1]`"),
        ({**question(), "evaluations": [{}, {"context": None}]}, "$.evaluations[1].context"),
        ({**question(), "evaluations": [{"subject": None}]}, "$.evaluations[0].subject"),
        ({**question(), "subject": None, "evaluations": [question()]}, "$.subject"),
    ],
)
def test_one_question_that_is_none_spoils_the_list(house: House, asked: dict[str, Any], words: str) -> None:
    before = len(house.events())
    answer = ask(house, EVALUATIONS, asked)
    assert answer.status == 400
    assert words in answer.text
    assert len(house.events()) == before


def test_who_asks_too_much_waits() -> None:
    slow = CONFIGURATION.replace("100000", "1")
    with open_house(asked_company(), slow) as house:
        assert ask(house, EVALUATIONS, {**question(), "evaluations": [{}] * 50}).status == 200
        waiting = ask(house, EVALUATION, question())
        assert waiting.status == 429
        assert 40 <= int(waiting.one("retry-after")) <= 48
        assert ask(house, EVALUATION, question(), token=SEARCHER).status == 200, "each has an allowance of its own"


def test_what_cannot_be_read_counts_too() -> None:
    with open_house(asked_company(), CONFIGURATION.replace("100000", "1")) as house:
        answers = [ask(house, path, b"{", token=SEARCHER).status for path in (EVALUATION, EVALUATIONS, SEARCH) * 2]
        assert answers == [400] * 4 + [429] * 2


def test_no_more_bodies_are_on_the_way_than_may_be_asked_with() -> None:
    with open_house(asked_company(), CONFIGURATION.replace("100000", "1")) as house:
        answers = ask_together(house, *[send(house, EVALUATION, question()) for _ in range(10)])
        assert sorted(one.status for one in answers) == [200] * 4 + [429] * 6
        assert sum(one.begun for one in answers) == 4


def test_a_name_that_stands_twice_is_found_in_one_walk() -> None:
    compared = 0

    class Name(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    names = [*map(str, range(5000)), "4999"]
    with pytest.raises(UnusableMessage, match="`4999` stands twice"):
        reading._unique([(Name(name), None) for name in names])
    assert compared < 10 * len(names)


def test_many_questions_of_one_keep_nobody_waiting(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "TURN_SECONDS", 0)
    several = {**question(), "evaluations": [{}] * 100}
    judged: list[str] = []

    def judge(asked: Evaluation, *args: Any, **more: Any) -> Verdict:
        judged.append(asked.action.name)
        return judging.judge(asked, *args, **more)

    monkeypatch.setattr(door, "judge", judge)
    ask_together(house, send(house, EVALUATIONS, several), send(house, EVALUATION, question(action="edit")))
    assert judged.index("edit") < 10
    assert len(judged) == 101


def test_an_allowance_fills_steadily() -> None:
    allowances = Allowances(per_second=10)
    assert allowances.wait("a", 0) == 0
    allowances.charge("a", 41, 0)
    assert allowances.wait("a", 0) == pytest.approx(0.2)
    assert allowances.wait("a", 0.2) == pytest.approx(0)
    assert allowances.wait("b", 0) == 0
    allowances.charge("c", 40, 0)
    assert allowances.wait("c", 0) == pytest.approx(0.1)
    assert allowances.wait("c", 0, counted=1) == 0, "the last one is its own"
    allowances.charge("a", 40, 100)
    assert allowances.wait("a", 100) == pytest.approx(0.1), "no more than the burst was saved"


def test_a_token_is_worth_nothing_from_its_end_on() -> None:
    clients = (client("a", "t", expires_at=100),)
    assert find_client("t", clients, 99.9) == clients[0]
    assert find_client("t", clients, 100) is None
    assert find_client("", clients, 0) is None
    assert find_client("t", (), 0) is None


def test_without_facts_nothing_is_decided() -> None:
    with open_house(None, CONFIGURATION) as house:
        answer = ask(house, EVALUATION, question())
        assert answer.status == 503
        assert answer.one("retry-after")


def test_on_facts_that_nobody_confirms_nothing_is_decided(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert house.parts is not None
    monkeypatch.setattr(house.parts.authzen, "_clock", lambda: time.time() + 3600)
    assert ask(house, EVALUATION, question()).status == 503


def test_on_rules_that_cannot_be_used_nothing_is_decided() -> None:
    with open_house(asked_company(rules="version: 9"), CONFIGURATION) as house:
        for path in (EVALUATION, EVALUATIONS, SEARCH):
            assert ask(house, path, question(), token=SEARCHER).status == 503
        assert house.events() == []
        assert ask(house, EVALUATION, question(), token="wrong").status == 401


def test_what_cannot_be_put_on_record_is_not_answered(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert house.parts is not None

    def full(*_: object) -> None:
        raise RecordUnavailable("The disk is full.")

    monkeypatch.setattr(house.parts.audit, "append", full)
    several = {**question(), "evaluations": [{}] * 3}
    asked = {key: value for key, value in question().items() if key != "action"}
    for path, content in ((EVALUATION, question()), (EVALUATIONS, several), (SEARCH, asked)):
        answer = ask(house, path, content, token=SEARCHER)
        assert answer.status == 503
        assert b"true" not in answer.body


def test_the_discovery_document_names_the_address_it_was_asked_at(house: House) -> None:
    here = ask(house, "/.well-known/authzen-configuration", method="GET", token=None)
    assert here.json["policy_decision_point"] == f"http://127.0.0.1:{PORT}"
    there = ask(house, "/.well-known/authzen-configuration", method="GET", token=None, gateway=True)
    assert there.json["policy_decision_point"] == f"https://id.{DOMAIN}"
    assert there.json["access_evaluations_endpoint"] == f"https://id.{DOMAIN}/access/v1/evaluations"
    assert len(there.json) == 6


def test_the_gateway_s_door_is_the_sign_in_host_alone(house: House) -> None:
    assert ask(house, EVALUATION, question(), gateway=True).json["decision"] is True
    items = [("host", f"wiki.{DOMAIN}"), ("authorization", f"Bearer {ASKER}")]
    assert house.send(EVALUATION, items, "POST").status == 404


def test_what_is_switched_off_is_not_there() -> None:
    off = f'domain = "{DOMAIN}"\n[decisions]\nforward_auth_port = {PORT}\n'
    loopback_only = off + "[authzen]\nenabled = true\n"
    for configuration, at_loopback in ((off, 404), (loopback_only, 200)):
        with open_house(asked_company(), configuration) as house:
            assert ask(house, EVALUATION, question()).status == at_loopback
            assert ask(house, EVALUATION, question(), gateway=True).status == 404


def test_whoever_asked_long_ago_is_not_remembered_for_ever() -> None:
    allowances = Allowances(per_second=10)
    for number in range(MAX_CLIENTS):
        allowances.charge(f"address-{number}", 1, now=0.0)
    for _ in range(50):
        allowances.charge("busy", 1, now=99.0)
    allowances.charge("last", 1, now=100.0)
    assert set(allowances._left) == {"busy", "last"}
    assert allowances.wait("busy", 99.0) > 0, "who still owes is not forgiven"
