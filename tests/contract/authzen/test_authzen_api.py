"""What the AuthZEN Authorization API 1.0 asks of a policy decision point, over HTTP against the decision service itself.

The questions are those of the specification's examples, with our kinds of things in place of its documents and accounts:
`alice` is Anna, who is on the staff; document `1` is the wiki, `2` payroll, `3` the files; `can_read` is `view`.
"""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from tests.authzen_asking import ASKER, CLIENTS, SEARCHER
from tests.contract.authzen.authzen_process import Answering
from tests.contract.visibility.ocsf_rules import problems_of
from tests.decider_company import ANNA, BEN, person

ALICE = {"type": "user", "id": "anna@example.test"}
WIKI, PAYROLL = {"type": "app", "id": "wiki"}, {"type": "app", "id": "payroll"}
PUBLIC = {"type": "app", "id": "files", "properties": {"path": "/public/boxcarring.md"}}
READ, EDIT = {"name": "view"}, {"name": "edit"}
NOON = {"time": "2024-05-31T15:22-07:00"}
EVALUATION, EVALUATIONS = "/access/v1/evaluation", "/access/v1/evaluations"
SUBJECTS, RESOURCES, ACTIONS = (f"/access/v1/search/{kind}" for kind in ("subject", "resource", "action"))
NUMBER = "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def pdp() -> Iterator[Answering]:
    process = Answering()
    try:
        yield process
    finally:
        process.stop()


def is_decision(value: Any) -> bool:
    """Section 5.5: `decision` is a boolean; `context`, where it is there, an object."""
    return (
        isinstance(value, dict) and type(value.get("decision")) is bool and isinstance(value.get("context", {}), dict)
    )


def is_search_response(value: Any, kind: str | None) -> bool:
    """Section 8.3: entities of the kind that was searched for, and a page that says whether there is more."""
    page = value["page"]
    entities = all(
        isinstance(one["name"], str) if kind is None else (one["type"], type(one["id"])) == (kind, str)
        for one in value["results"]
    )
    return entities and isinstance(page["next_token"], str) and page["count"] == len(value["results"])


class TestEvaluation:
    """Section 6."""

    def test_a_minimal_question_is_answered(self, pdp: Answering) -> None:
        answer = pdp.ask(EVALUATION, {"subject": ALICE, "action": READ, "resource": WIKI})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert is_decision(answer.json())
        assert answer.json()["decision"] is True

    def test_properties_and_context_of_other_kinds_are_no_obstacle(self, pdp: Answering) -> None:
        asked = {
            "subject": {**ALICE, "properties": {"department": "Sales", "ip_address": "172.217.22.14"}},
            "resource": {**WIKI, "properties": {"library_record": {"title": "AuthZEN in Action"}}},
            "action": {"name": "view", "properties": {"method": "GET"}},
            "context": {"time": "1985-10-26T01:22-07:00", "schema": "https://schema.example.com/request.json"},
            "another": {"a": 1},
        }
        assert pdp.ask(EVALUATION, asked).json()["decision"] is True

    def test_a_refusal_is_a_success_of_the_transport(self, pdp: Answering) -> None:
        answer = pdp.ask(EVALUATION, {"subject": ALICE, "action": READ, "resource": PAYROLL})
        assert answer.status_code == 200
        assert is_decision(answer.json())
        assert answer.json()["decision"] is False
        context = answer.json()["context"]
        assert set(context["reason_admin"]) == set(context["reason_user"]) == {"403"}

    @pytest.mark.parametrize("absent", ["subject", "action", "resource"])
    def test_what_is_required_is_required(self, pdp: Answering, absent: str) -> None:
        whole = {"subject": ALICE, "action": READ, "resource": WIKI}
        answer = pdp.ask(EVALUATION, {key: value for key, value in whole.items() if key != absent})
        assert answer.status_code == 400
        assert absent in answer.text

    @pytest.mark.parametrize(
        ("entity", "absent"),
        [("subject", "type"), ("subject", "id"), ("resource", "type"), ("resource", "id"), ("action", "name")],
    )
    def test_so_are_the_keys_of_each_entity(self, pdp: Answering, entity: str, absent: str) -> None:
        asked: dict[str, Any] = {"subject": dict(ALICE), "action": dict(READ), "resource": dict(WIKI)}
        del asked[entity][absent]
        assert pdp.ask(EVALUATION, asked).status_code == 400


class TestEvaluations:
    """Section 7."""

    def test_questions_without_defaults(self, pdp: Answering) -> None:
        each = [
            {"subject": ALICE, "action": READ, "resource": resource, "context": NOON}
            for resource in (WIKI, PAYROLL, PUBLIC)
        ]
        answer = pdp.ask(EVALUATIONS, {"evaluations": each}).json()
        assert [one["decision"] for one in answer["evaluations"]] == [True, False, True]
        assert "decision" not in answer

    def test_defaults_are_taken_and_overridden(self, pdp: Answering) -> None:
        asked = {
            "subject": ALICE,
            "context": NOON,
            "action": READ,
            "evaluations": [{"resource": WIKI}, {"resource": PUBLIC}, {"action": EDIT, "resource": PUBLIC}],
        }
        answer = pdp.ask(EVALUATIONS, asked).json()
        assert [one["decision"] for one in answer["evaluations"]] == [True, True, False]
        assert all(map(is_decision, answer["evaluations"]))

    @pytest.mark.parametrize(
        ("semantic", "expected"),
        [
            (None, [True, False, True]),
            ("execute_all", [True, False, True]),
            ("deny_on_first_deny", [True, False]),
            ("permit_on_first_permit", [True]),
        ],
    )
    def test_the_three_semantics(self, pdp: Answering, semantic: str | None, expected: list[bool]) -> None:
        asked: dict[str, Any] = {
            "subject": ALICE,
            "action": READ,
            "evaluations": [{"resource": WIKI}, {"resource": PAYROLL}, {"resource": PUBLIC}],
            "options": {"another_option": "value", **({"evaluations_semantic": semantic} if semantic else {})},
        }
        answer = pdp.ask(EVALUATIONS, asked).json()
        assert [one["decision"] for one in answer["evaluations"]] == expected

    def test_without_a_list_it_is_the_single_question(self, pdp: Answering) -> None:
        asked = {"subject": ALICE, "action": READ, "resource": WIKI}
        for more in ({}, {"evaluations": []}):
            answer = pdp.ask(EVALUATIONS, {**asked, **more}).json()
            assert answer["decision"] is True
            assert "evaluations" not in answer

    def test_one_that_is_not_known_is_closed_and_says_why_beside_the_others(self, pdp: Answering) -> None:
        asked = {
            "subject": ALICE,
            "action": READ,
            "evaluations": [{"resource": WIKI}, {"resource": {"type": "document", "id": "nothing"}}],
        }
        first, second = pdp.ask(EVALUATIONS, asked).json()["evaluations"]
        assert first["decision"] is True
        assert second["decision"] is False
        assert second["context"]["reason"] == "unknown_resource"
        assert "404" in second["context"]["reason_user"]


class TestSearch:
    """Section 8."""

    def test_subjects(self, pdp: Answering) -> None:
        asked = {"subject": {"type": "user"}, "action": READ, "resource": WIKI, "context": NOON}
        answer = pdp.search(SUBJECTS, asked).json()
        assert is_search_response(answer, "user")
        assert [one["id"] for one in answer["results"]] == [ANNA.id]
        assert next(iter(answer)) == "page", "programs show progress by it"

    def test_an_identifier_of_what_is_searched_for_is_ignored(self, pdp: Answering) -> None:
        asked = {"subject": {"type": "user", "id": "ben@example.test"}, "action": READ, "resource": WIKI}
        assert [one["id"] for one in pdp.search(SUBJECTS, asked).json()["results"]] == [ANNA.id]
        asked = {"subject": ALICE, "action": READ, "resource": PAYROLL}
        assert [one["id"] for one in pdp.search(RESOURCES, asked).json()["results"]] == ["wiki"]

    def test_resources(self, pdp: Answering) -> None:
        answer = pdp.search(RESOURCES, {"subject": ALICE, "action": READ, "resource": {"type": "app"}}).json()
        assert is_search_response(answer, "app")
        assert [one["id"] for one in answer["results"]] == ["wiki"]

    def test_actions(self, pdp: Answering) -> None:
        answer = pdp.search(ACTIONS, {"subject": ALICE, "resource": WIKI, "context": NOON}).json()
        assert is_search_response(answer, None)
        assert [one["name"] for one in answer["results"]] == ["edit", "view"]

    def test_every_result_is_permitted_when_it_is_asked_about(self, pdp: Answering) -> None:
        for subject in pdp.search(SUBJECTS, {"subject": {"type": "user"}, "action": READ, "resource": WIKI}).json()[
            "results"
        ]:
            assert pdp.ask(EVALUATION, {"subject": subject, "action": READ, "resource": WIKI}).json()["decision"]
        for resource in pdp.search(RESOURCES, {"subject": ALICE, "action": READ, "resource": {"type": "app"}}).json()[
            "results"
        ]:
            assert pdp.ask(EVALUATION, {"subject": ALICE, "action": READ, "resource": resource}).json()["decision"]
        for action in pdp.search(ACTIONS, {"subject": ALICE, "resource": WIKI}).json()["results"]:
            assert pdp.ask(EVALUATION, {"subject": ALICE, "action": action, "resource": WIKI}).json()["decision"]

    def test_three_results_in_pages_of_two(self, pdp: Answering) -> None:
        more = tuple(person(name) for name in ("dora", "emil"))
        pdp.generation += 1
        pdp.publish(pdp.generation, people=(ANNA, BEN, *more))
        asked: dict[str, Any] = {"subject": {"type": "user"}, "action": READ, "resource": WIKI, "page": {"limit": 2}}
        first = pdp.search(SUBJECTS, asked).json()
        assert first["page"]["count"] == 2
        assert first["page"]["next_token"]
        second = pdp.search(SUBJECTS, {**asked, "page": {"token": first["page"]["next_token"]}}).json()
        assert second["page"] == {"next_token": "", "count": 1}
        assert [one["id"] for one in first["results"] + second["results"]] == [ANNA.id, "p-dora", "p-emil"]
        changed = {**asked, "action": EDIT, "page": {"token": first["page"]["next_token"]}}
        assert pdp.search(SUBJECTS, changed).status_code == 400


class TestMetadata:
    """Section 9."""

    def test_the_document_leads_to_every_endpoint(self, pdp: Answering) -> None:
        answer = pdp.http.get("/.well-known/authzen-configuration")
        assert answer.headers["content-type"] == "application/json"
        assert "max-age" in answer.headers["cache-control"]
        found = answer.json()
        assert found.pop("policy_decision_point") == pdp.base, "what it was asked at, or programs must not use it"
        assert set(found) == {
            "access_evaluation_endpoint",
            "access_evaluations_endpoint",
            "search_subject_endpoint",
            "search_resource_endpoint",
            "search_action_endpoint",
        }
        for address in found.values():
            assert address.startswith(pdp.base)
            assert pdp.search(address, {}).status_code == 400


class TestTransport:
    """Section 10."""

    def test_the_number_of_a_request_comes_back(self, pdp: Answering) -> None:
        asked = {"subject": ALICE, "action": READ, "resource": WIKI}
        assert pdp.ask(EVALUATION, asked, x_request_id=NUMBER).headers["x-request-id"] == NUMBER
        assert pdp.ask(EVALUATION, {}, x_request_id="any string").headers["x-request-id"] == "any string"

    def test_the_order_of_members_means_nothing(self, pdp: Answering) -> None:
        asked = {"resource": dict(reversed(WIKI.items())), "action": READ, "subject": dict(reversed(ALICE.items()))}
        assert pdp.ask(EVALUATION, asked).json()["decision"] is True

    @pytest.mark.parametrize(
        "body",
        [
            b"[]",
            b'{"subject":{"type":"user","id":"a","id":"b"},"action":{"name":"view"},"resource":{"type":"app","id":"wiki"}}',
            b'{"subject":{"type":"user","id":"\\ud800"},"action":{"name":"view"},"resource":{"type":"app","id":"wiki"}}',
            b'{"subject":{"type":"user","id":"\xff"},"action":{"name":"view"},"resource":{"type":"app","id":"wiki"}}',
        ],
        ids=["not an object", "a member twice", "half a surrogate", "not UTF-8"],
    )
    def test_json_that_could_be_read_in_two_ways_is_refused(self, pdp: Answering, body: bytes) -> None:
        headers = {"authorization": f"Bearer {ASKER}", "content-type": "application/json"}
        answer = pdp.http.post(EVALUATION, content=body, headers=headers)
        assert answer.status_code == 400
        assert answer.text.strip()

    def test_a_program_that_does_not_say_who_it_is_is_told_how(self, pdp: Answering) -> None:
        answer = pdp.http.post(EVALUATION, json={"subject": ALICE, "action": READ, "resource": WIKI})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="ostiary"'
        wrong = pdp.ask(EVALUATION, {}, token="mF_9.B5f-4.1JqM")
        assert wrong.status_code == 401
        assert 'error="invalid_token"' in wrong.headers["www-authenticate"]

    def test_a_search_without_leave_is_forbidden(self, pdp: Answering) -> None:
        asked = {"subject": {"type": "user"}, "action": READ, "resource": WIKI}
        assert pdp.ask(SUBJECTS, asked).status_code == 403

    @pytest.mark.parametrize(("path", "status"), [(EVALUATION, 401), ("/access/v1/nothing", 404)])
    def test_who_is_refused_before_the_body_is_read_keeps_the_connection(
        self, pdp: Answering, path: str, status: int
    ) -> None:
        head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n"
        with socket.create_connection(("127.0.0.1", pdp.port), timeout=60) as raw:
            for _ in range(20):
                raw.sendall(head.encode())
                raw.sendall(b"{}")
                answer = raw.recv(65536)
                assert answer.startswith(f"HTTP/1.1 {status} ".encode())
                assert b"connection: close" not in answer

    def test_who_is_refused_before_a_long_body_is_told_that_the_connection_ends(self, pdp: Answering) -> None:
        head = f"POST {EVALUATION} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9000000\r\n\r\n"
        with socket.create_connection(("127.0.0.1", pdp.port), timeout=60) as raw:
            raw.sendall(head.encode())
            answer = _all(raw)
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert b"connection: close\r\n" in answer

    def test_who_is_answered_keeps_the_connection(self, pdp: Answering) -> None:
        asked = json.dumps({"subject": ALICE, "action": READ, "resource": WIKI}).encode()
        head = (
            f"POST {EVALUATION} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {ASKER}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(asked)}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", pdp.port), timeout=60) as raw:
            for _ in range(3):
                raw.sendall(head.encode() + asked)
                answer = raw.recv(65536)
                assert answer.startswith(b"HTTP/1.1 200 ")
                assert b"connection: close" not in answer

    def test_a_body_without_end_is_cut_off(self, pdp: Answering) -> None:
        head = (
            f"POST {EVALUATION} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {ASKER}\r\n"
            "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", pdp.port), timeout=60) as raw:
            raw.sendall(head.encode())
            answer = b""
            try:
                for _ in range(64):
                    raw.sendall(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
                while part := raw.recv(65536):
                    answer += part
            except (BrokenPipeError, ConnectionResetError):
                answer += _rest(raw)
        assert b" 200 " not in answer
        assert answer == b"" or answer.startswith(b"HTTP/1.1 413")

    def test_everything_is_on_record_and_obeys_the_schema(self, pdp: Answering) -> None:
        asked = {"subject": ALICE, "action": READ, "resource": WIKI}
        references = [
            pdp.ask(EVALUATION, asked).json()["context"]["reference"],
            pdp.ask(EVALUATION, {**asked, "subject": {"type": "user", "id": "nobody"}}).json()["context"]["reference"],
            pdp.ask(EVALUATION, {**asked, "action": {"name": "can_read"}}).json()["context"]["reference"],
            pdp.search(ACTIONS, asked).json()["context"]["reference"],
        ]
        lines = b"".join(path.read_bytes() for path in (pdp.instance.audit / "decisions").glob("*.jsonl")).splitlines()
        events = [json.loads(line) for line in lines]
        events = [one.get("event", one) for one in events]
        for reference in references:
            (event,) = [one for one in events if one.get("metadata", {}).get("uid") == reference]
            assert problems_of(event) == []
            assert "asker" in json.dumps(event["actor"]) or "searcher" in json.dumps(event["actor"])

    def test_a_revoked_client_is_not_answered_again(self, pdp: Answering) -> None:
        asked = {"subject": ALICE, "action": READ, "resource": WIKI}
        assert pdp.ask(EVALUATION, asked).status_code == 200
        pdp.generation += 1
        pdp.publish(pdp.generation, clients=[one for one in CLIENTS if one.name != "asker"])
        assert [pdp.ask(EVALUATION, asked).status_code for _ in range(20)] == [401] * 20
        assert pdp.ask(EVALUATION, asked, token=SEARCHER).status_code == 200
        pdp.generation += 1
        pdp.publish(pdp.generation)
        assert pdp.ask(EVALUATION, asked).status_code == 200


def _all(raw: socket.socket) -> bytes:
    answer = b""
    while part := raw.recv(65536):
        answer += part
    return answer


def _rest(raw: socket.socket) -> bytes:
    try:
        return raw.recv(65536)
    except OSError:
        return b""
