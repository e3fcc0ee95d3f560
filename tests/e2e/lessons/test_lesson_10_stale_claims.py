"""Lesson 10: what was true once is not true for good: memberships, and proofs of who somebody is."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest
from tests.running_instance import IDENTITY, RULES, Client, RunningInstance, unix_request

from ostiary.demo.walk.browser import words_of
from ostiary.demo.walk.passkey import Passkey
from ostiary.web import urls_identity
from ostiary.web.sensitive import PORTAL_SENSITIVE

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
CATALOGUE = "ostiary.applications.facade"
PAGE = "/report?month=11"
SENDING = {"accept": "text/html", "sec-fetch-mode": "navigate", "sec-fetch-site": "same-origin"}
TRANSFERS = """
  - name: staff-transfer-freshly
    allow: group:staff
    to: app:vault
    do: [edit]
    paths: [/transfer]
    when:
      mfa: {method: phishing-resistant, within: 5m}
"""


@pytest.fixture
def ada(running: RunningInstance) -> tuple[Client, Passkey]:
    client = running.signed_in(running.make_person("staff"))
    passkey = client.add_passkey()
    return client.enter("wiki"), passkey


@contextmanager
def limits(running: RunningInstance, **given: str) -> Iterator[None]:
    """Give the wiki limits of its own for a while."""
    running.operator(f"{CATALOGUE}:change_app", "wiki", **given)
    try:
        running.in_force()
        yield
    finally:
        running.operator(f"{CATALOGUE}:change_app", "wiki", **dict.fromkeys(given, "none"))
        running.in_force()


def age(client: Client, app: str, *, minutes: float) -> None:
    """Have what was proved lie further back."""
    sid = client.running.session_claims(client.cookies(app)["__Host-ostiary-session"])["sid"]
    client.running.operator("tests.running_operator:age_proofs", sid, minutes * 60, acting=False)
    client.running.in_force()


def confirm(client: Client, page: httpx.Response, passkey: Passkey) -> httpx.Response:
    """Click the one button of a refusal, use the passkey, and return where that leads."""
    href = next(part.partition('"')[0] for part in page.text.split('href="') if "/step-up?" in part.partition('"')[0])
    asked = client.browser.open(href.replace("&amp;", "&"))
    return client.visitor.give_passkey(asked, passkey)


def test_who_left_a_group_is_refused_with_the_next_request(running: RunningInstance) -> None:
    bob = running.signed_in(running.make_person("staff")).enter("wiki")
    assert bob.account is not None
    assert bob.get("wiki").status_code == 200
    running.operator(f"{IDENTITY}:remove_member", group_id="staff", person_id=bob.account.id, reason="new job")
    running.in_force()
    assert bob.get("wiki").status_code == 403


def test_an_idle_app_asks_again_and_leads_back_to_the_very_page(
    running: RunningInstance, ada: tuple[Client, Passkey]
) -> None:
    client, passkey = ada
    with limits(running, idle="15m"):
        assert client.get("wiki", PAGE).status_code == 200
        assert "__Host-ostiary-grant" not in client.get("wiki", PAGE).headers.get("set-cookie", "")
        age(client, "wiki", minutes=20)
        assert client.get("wiki", PAGE).status_code == 200, "it is in use"
        forget_uses(running)
        refused = client.get("wiki", PAGE, headers=SENDING)
        assert refused.status_code == 403
        assert "not used Wiki for 15 minutes" in words_of(refused, 400)
        assert client.api("wiki", PAGE).json()["reason"] == "session_idle"
        back = confirm(client, refused, passkey)
        assert back.status_code == 200
        assert str(back.request.url) == running.url("wiki", PAGE)
        assert client.get("files", "/public/x").status_code != 403, "other apps have no such limit"


def forget_uses(running: RunningInstance) -> None:
    """Lose the moments of the last uses with the decision service: what is not known is no use."""
    restart(running)
    assert (running.instance.state / "last-use.msgpack").exists(), "kept over a restart"
    (running.instance.state / "last-use.msgpack").unlink()
    restart(running, signal.SIGKILL)


def test_what_was_used_is_known_after_a_restart(running: RunningInstance, ada: tuple[Client, Passkey]) -> None:
    client, _ = ada
    with limits(running, idle="15m"):
        assert client.get("wiki").status_code == 200
        age(client, "wiki", minutes=20)
        restart(running)
        assert client.get("wiki").status_code == 200


def test_a_proof_is_good_for_so_long_however_the_app_is_used(
    running: RunningInstance, ada: tuple[Client, Passkey]
) -> None:
    client, passkey = ada
    with limits(running, longest="8h"):
        assert client.get("wiki", PAGE).status_code == 200
        age(client, "wiki", minutes=8 * 60)
        refused = client.get("wiki", PAGE, headers=SENDING)
        assert refused.status_code == 403, "no grant from before outlives it"
        back = confirm(client, refused, passkey)
        assert str(back.request.url) == running.url("wiki", PAGE)
        assert back.status_code == 200


def test_a_sensitive_action_wants_a_fresh_proof_and_nothing_that_was_typed_is_lost(
    running: RunningInstance, ada: tuple[Client, Passkey]
) -> None:
    client, passkey = ada
    with running.rules(RULES + TRANSFERS):
        client.enter("vault")
        assert send(client).status_code == 200
        age(client, "vault", minutes=6)
        assert client.get("vault").status_code == 200, "looking needs no proof that fresh"
        refused = send(client)
        assert refused.status_code == 403
        assert "has not received what you sent, and this page still holds it" in words_of(refused, 600)
        assert 'target="_blank"' in refused.text
        done = confirm(client, refused, passkey)
        assert "Reload it there" in words_of(done, 400)
        sent_again = send(client)
        assert sent_again.status_code == 200
        assert sent_again.json()["body_bytes"] == len("amount=7")


def test_a_form_that_was_sent_after_the_sign_in_ended_is_not_lost(
    running: RunningInstance, ada: tuple[Client, Passkey]
) -> None:
    client, _ = ada
    sid = running.session_claims(client.cookies("wiki")["__Host-ostiary-session"])["sid"]
    running.operator(f"{IDENTITY}:revoke_session", session_id=sid, reason="lost")
    running.in_force()
    refused = client.send("POST", "wiki", "/edit", headers=SENDING, content=b"text=long")
    assert refused.status_code == 401
    assert "has not received what you sent" in words_of(refused, 400)
    assert client.send("POST", "wiki", "/edit", headers={"accept": "application/json"}).status_code == 401


def test_who_has_no_second_factor_signs_in_again(running: RunningInstance, ada: tuple[Client, Passkey]) -> None:
    client, _ = ada
    refused = client.get("id", "/step-up?need=any&fresh=1&app=wiki&return=/x")
    assert "Confirm that it is you" in words_of(refused), "whoever has one proves it"
    page = client.get("id", "/sign-out")
    answer = client.post("id", "/sign-in/again", page, **{"app": "wiki", "return": PAGE})
    assert answer.headers["location"] == running.url("wiki", PAGE)
    assert client.get("wiki").status_code in {302, 303, 401}


def test_changing_how_one_signs_in_wants_a_fresh_proof(running: RunningInstance, ada: tuple[Client, Passkey]) -> None:
    client, _ = ada
    age(client, "wiki", minutes=16)
    page = client.get("id", "/profile")
    paths = {
        name: reverse_of(name) for name in PORTAL_SENSITIVE - {"portal_recovery", "portal_request_answer"}
    }  # these are there only for whoever may answer
    for name, path in paths.items():
        answer = client.post("id", path, page)
        assert answer.status_code == 302, name
        assert answer.headers["location"].startswith("/prove?"), name


def reverse_of(name: str) -> str:
    """Return the address of a page of the sign-in host; whatever it names need not exist."""
    pattern = next(one for one in urls_identity.urlpatterns if one.name == name)
    return "/" + re.sub(r"<[^>]+>", "nothing", str(pattern.pattern))


def send(client: Client) -> httpx.Response:
    origin = {"origin": client.running.url("vault").rstrip("/"), "content-type": "application/x-www-form-urlencoded"}
    return client.send("POST", "vault", "/transfer", headers={**SENDING, **origin}, content=b"amount=7")


def restart(running: RunningInstance, how: signal.Signals = signal.SIGTERM) -> None:
    """Restart the decision service, and wait for it."""
    before = running.pid_of("decider")
    os.kill(before, how)

    def is_back() -> bool:
        with suppress(OSError, StopIteration):
            if running.pid_of("decider") != before:
                return bool(unix_request(running.instance.decider_socket, "GET", "/health").status == 200)
        return False

    running.eventually(is_back, "the decision service is back")
    running.in_force()
