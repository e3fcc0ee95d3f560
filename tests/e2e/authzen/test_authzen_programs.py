"""Programs at a running instance: a token from the command line, questions at the gateway and on the machine, revoked."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
import pytest
from tests.running_instance import RunningInstance

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
EVALUATION = "/access/v1/evaluation"
NUMBER = "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"


@contextmanager
def program(running: RunningInstance, name: str, *more: str) -> Iterator[str]:
    """Add a client for a while; give its token."""
    token = running.command("authzen", "client", "add", name, *more).strip()
    try:
        yield token
    finally:
        known = json.loads(running.command("authzen", "client", "list", "--json"))
        if any(one["name"] == name and one["state"] == "works" for one in known):
            running.command("authzen", "client", "revoke", name, "--yes")


def ask(
    running: RunningInstance, token: str, content: Any, path: str = EVALUATION, *, host: str = "id", **headers: str
) -> httpx.Response:
    """Ask at the gateway."""
    given = {"authorization": f"Bearer {token}", **{name.replace("_", "-"): text for name, text in headers.items()}}
    with closing(running.client()) as client:
        return client.send("POST", host, path, json=content, headers=given)


def ask_here(running: RunningInstance, token: str, content: Any, path: str = EVALUATION) -> httpx.Response:
    """Ask on the machine itself."""
    address = f"http://127.0.0.1:{running.forward_auth_port}{path}"
    return httpx.post(address, json=content, headers={"authorization": f"Bearer {token}"}, timeout=60)


def wiki(who: str, **context: Any) -> dict[str, Any]:
    proof = {"authentications": [{"strength": "otp", "age_seconds": 30}], **context}
    return {
        "subject": {"type": "person", "id": who},
        "action": {"name": "view"},
        "resource": {"type": "app", "id": "wiki"},
        "context": proof,
    }


def test_a_program_is_told_what_the_gateway_would_do(running: RunningInstance) -> None:
    ada, eve = running.make_person("staff"), running.make_person("finance")
    with program(running, "asker") as token:
        for asking in (ask, ask_here):
            allowed = asking(running, token, wiki(ada.email)).json()
            assert allowed["decision"] is True
            assert allowed["context"]["rules"] == ["staff-use-wiki"]
            assert asking(running, token, wiki(eve.email)).json()["decision"] is False
            refused = asking(running, token, wiki(ada.email, authentications=[])).json()
            assert refused["context"]["reason"] == "conditions_unmet"
        events = {one["metadata"]["uid"]: one for one in running.decisions()}
        event = events[refused["context"]["reference"]]
        assert event["actor"]["app_name"] == "asker"
        assert event["actor"]["user"]["uid"] == ada.id
        shown = running.command("audit", "show", refused["context"]["reference"])
        assert "asker, a program" in shown


def test_a_session_is_asked_about_as_it_stands_and_ends_here_as_everywhere(running: RunningInstance) -> None:
    ada = running.make_person("staff")
    browser = running.signed_in(ada)
    assert browser.open("wiki").status_code == 200
    claims = running.session_claims(browser.cookies("wiki")["__Host-ostiary-session"])
    asked = wiki(ada.email)
    del asked["context"]
    with program(running, "asker") as token:
        assert ask(running, token, asked).json()["decision"] is False, "nothing is proved"
        asked["subject"]["properties"] = {"session": claims["sid"]}
        assert ask(running, token, asked).json()["decision"] is True
        running.operator("ostiary.identity.facade:revoke_session", session_id=claims["sid"], reason="lost")
        assert ask(running, token, asked).json()["context"]["reason"] == "session_ended"


def test_who_is_disabled_or_leaves_a_group_is_refused_by_the_next_answer(running: RunningInstance) -> None:
    ada = running.make_person("staff")
    with program(running, "asker") as token:
        assert ask(running, token, wiki(ada.id)).json()["decision"] is True
        running.operator("ostiary.identity.facade:disable_person", person_id=ada.id, reason="left")
        assert ask(running, token, wiki(ada.id)).json()["context"]["reason"] == "person_disabled"


def test_revoking_a_client_stops_it_while_it_asks(running: RunningInstance) -> None:
    ada = running.make_person("staff")
    with program(running, "steady") as token, program(running, "other") as other:
        revoked, seen = threading.Event(), []

        def steadily() -> None:
            while not revoked.is_set():
                seen.append(ask_here(running, token, wiki(ada.email)).status_code)

        asking = threading.Thread(target=steadily)
        asking.start()
        running.eventually(lambda: len(seen) > 20, "it asks")
        running.command("authzen", "client", "revoke", "steady", "--yes", "--reason", "it leaked")
        after = [asking_(running, token, wiki(ada.email)).status_code for _ in range(20) for asking_ in (ask, ask_here)]
        revoked.set()
        asking.join()
        assert after == [401] * 40
        assert 200 in seen
        assert sorted(seen) == seen, "once refused, never answered again"
        assert ask(running, other, wiki(ada.email)).status_code == 200
        assert any("it leaked" in json.dumps(event) for event in running.control_events())


def test_trying_a_token_that_does_not_work_is_on_record_with_who_tried(running: RunningInstance) -> None:
    ada = running.make_person("staff")
    before = len(running.decisions())
    for asking in (ask, ask_here):
        assert asking(running, "ostiary_guessed", wiki(ada.email)).status_code == 401
    seen = [one for one in running.decisions()[before:] if one["http_request"]["url"]["path"] == EVALUATION]
    assert [one["status_code"] for one in seen] == ["unauthenticated"] * 2
    assert [one["http_request"]["url"]["scheme"] for one in seen] == ["https", "http"]
    assert [one["src_endpoint"]["ip"] for one in seen] == ["127.0.0.1"] * 2
    assert all(one["src_endpoint"]["port"] for one in seen)
    assert "ostiary_guessed" not in json.dumps(seen)
    shown = running.command("audit", "show", seen[0]["metadata"]["uid"])
    assert "127.0.0.1" in shown.partition("Address")[2].splitlines()[0]


def test_a_name_given_again_has_another_token(running: RunningInstance) -> None:
    ada = running.make_person("staff")
    with program(running, "twice") as first:
        pass
    with program(running, "twice") as second:
        assert ask(running, first, wiki(ada.email)).status_code == 401
        assert ask(running, second, wiki(ada.email)).status_code == 200


def test_the_number_of_a_request_comes_back_through_the_gateway(running: RunningInstance) -> None:
    ada = running.make_person("staff")
    with program(running, "asker") as token:
        answer = ask(running, token, wiki(ada.email), x_request_id=NUMBER)
        assert answer.headers.get_list("x-request-id") == [NUMBER]
        event = next(
            one for one in running.decisions() if one["metadata"]["uid"] == answer.json()["context"]["reference"]
        )
        assert event["http_request"]["uid"] == NUMBER
        forged = ask(running, token, wiki(ada.email), request_number="forged", x_ostiary_request_id="forged")
        assert "x-request-id" not in forged.headers
        assert ask(running, token, {}, x_request_id=NUMBER).headers["x-request-id"] == NUMBER


def test_no_app_sees_a_number_that_was_kept_for_programs(running: RunningInstance) -> None:
    browser = running.signed_in(running.make_person("staff"))
    assert browser.open("wiki").status_code == 200
    given = {"x-request-id": NUMBER, "request-number": "forged", "x-ostiary-request-id": "forged"}
    reached = browser.get("wiki", "/page", headers=given).text
    assert NUMBER not in reached
    assert "forged" not in reached
    assert "request-number" not in reached.lower()


def test_the_discovery_document_is_at_the_sign_in_host(running: RunningInstance) -> None:
    found = running.client().get("id", "/.well-known/authzen-configuration").json()
    assert found["policy_decision_point"] == running.url("id").rstrip("/")
    assert found["access_evaluation_endpoint"] == running.url("id", EVALUATION)
    with program(running, "asker") as token:
        assert ask(running, token, {}, EVALUATION).status_code == 400


def test_there_is_no_such_door_at_an_app_s_host(running: RunningInstance) -> None:
    ada = running.make_person("staff")
    with program(running, "asker") as token:
        for host in ("wiki", "admin"):
            answer = ask(running, token, wiki(ada.email), host=host)
            assert answer.status_code in {401, 403}
            assert "decision" not in answer.text


def test_a_browser_s_cookies_open_nothing_here(running: RunningInstance) -> None:
    admin = running.administrator()
    answer = admin.send("POST", "id", EVALUATION, json={})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_searching_takes_leave_and_finds_who_may(running: RunningInstance) -> None:
    ada = running.make_person("staff")
    asked = {**wiki(ada.email), "subject": {"type": "person"}}
    with program(running, "asker") as token, program(running, "searcher", "--may-search") as leave:
        path = "/access/v1/search/subject"
        assert ask(running, token, asked, path).status_code == 403
        found, page = set(), {"limit": 3}
        while True:
            answer = ask(running, leave, {**asked, "page": page}, path).json()
            found |= {one["id"] for one in answer["results"]}
            if not answer["page"]["next_token"]:
                break
            page = {"token": answer["page"]["next_token"]}
        assert ada.id in found
        assert all(ask(running, token, wiki(one)).json()["decision"] for one in found)
