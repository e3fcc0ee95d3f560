"""Lesson 13: a revoked session opens nothing, at the gateway and at every door behind it, also while it is revoked."""

import http.client
import threading
import time
from collections import Counter
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.running_instance import IDENTITY, Client, RunningInstance, location, reached, received, unix_request
from tests.workload_asking import FACADE, SERVICE_RULES, Program

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
SESSION, GRANT = "__Host-ostiary-session", "__Host-ostiary-grant"
PORTAL = ("/", "/profile", "/sessions", "/authenticators", "/prove", "/set-up", "/set-up/app", "/set-up/recovery-codes")


def revoke(client: Client) -> None:
    running = client.running
    claims = running.session_claims(client.cookies("wiki")[SESSION])
    running.operator(f"{IDENTITY}:revoke_session", session_id=claims["sid"], reason="lost")


def test_a_revoked_session_is_refused_at_every_door(running: RunningInstance) -> None:
    ada, bob = (running.signed_in(running.make_person("staff")).enter("wiki", "files", "vault") for _ in range(2))
    prepared = {}
    for client in (ada, bob):
        fresh = running.client(client.account)
        code = location(client.browser.send("GET", location(fresh.get("wiki"))))
        (assertion,) = received(client.api("wiki"), "x-ostiary-assertion")
        prepared[client.account.id] = (fresh, code, assertion, dict(client.cookies("wiki")))
    revoke(ada)
    running.in_force()
    for client, alive in ((ada, False), (bob, True)):
        fresh, code, _, held = prepared[client.account.id]
        doors = {
            "slow path": reached(client.api("wiki", method="POST")),
            "another app": reached(client.api("vault")),
            "another path": reached(client.api("files", "/public/y")),
            "forward-auth": forward_auth(running, held[SESSION]) == 200,
            "decider": ask_decider(running, held[SESSION]) == 200,
            "grant that is held": alive or reached(only(client, GRANT, held)),
            "session cookie": reached(only(client, SESSION, held)),
            "handover code": fresh.browser.send("GET", code).status_code == 303,
            "new handover": "/.ostiary/callback"
            in location(client.get("id", f"/continue?app=wiki&bind={'C' * 43}&return=/")),
            "step-up": client.get("id", "/step-up?need=otp&app=vault&return=/").status_code == 200,
            **{f"portal {path}": client.get("id", path).status_code == 200 for path in PORTAL[:4]},
        }
        wrong = {name: opened for name, opened in doors.items() if opened is not alive}
        assert not wrong, f"{wrong} of {doors}"
    for path in PORTAL:
        assert location(ada.get("id", path)).startswith(running.url("id", "/sign-in")), path


def only(client: Client, name: str, held: dict[str, str]) -> object:
    return client.running.raw_path("wiki", "/", f"Cookie: {name}={held[name]}")


def forward_auth(running: RunningInstance, session: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", running.forward_auth_port, timeout=60)
    headers = {
        "X-Forwarded-Method": "GET",
        "X-Forwarded-Host": running.host("wiki"),
        "X-Forwarded-Uri": "/",
        "X-Forwarded-For": "192.0.2.9",
        "Cookie": f"{SESSION}={session}",
    }
    connection.request("GET", "/forward-auth/caddy", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def ask_decider(running: RunningInstance, session: str) -> int:
    headers = [("Host", running.host("wiki")), ("X-Ostiary-App", "wiki"), ("Cookie", f"{SESSION}={session}")]
    return unix_request(running.instance.decider_socket, "GET", "/check/", headers).status


def test_the_consoles_session_dies_with_its_sign_in_although_its_assertion_lives(running: RunningInstance) -> None:
    admin = running.administrator()
    claims = running.session_claims(admin.cookies("admin")[SESSION])
    assertion = running.sign_assertion({"sub": claims["sub"], "sid": claims["sid"], "aud": "console"})
    headers = [("Host", running.host("admin")), ("X-Forwarded-Proto", "https"), ("X-Ostiary-Assertion", assertion)]
    assert unix_request(running.instance.control_socket, "GET", "/people/", headers).status == 200
    assert admin.get("admin", "/people/").status_code == 200
    running.operator(f"{IDENTITY}:revoke_session", session_id=claims["sid"], reason="lost")
    assert unix_request(running.instance.control_socket, "GET", "/people/", headers).status == 403
    running.eventually(lambda: admin.get("admin", "/people/").status_code == 302, "the console is closed")


@pytest.mark.parametrize("how", ["revoked", "disabled", "signed out", "removed from the group"])
def test_once_refused_it_stays_refused_while_many_ask(running: RunningInstance, how: str) -> None:
    """Readers hammer both ways during the act; once it is in force nobody passes again, and nobody gets a new grant."""
    ada = running.signed_in(running.make_person("staff")).enter("wiki")
    held = dict(ada.cookies("wiki"))
    cookie = "; ".join(f"{name}={value}" for name, value in held.items())
    stop, in_force = threading.Event(), threading.Event()
    seen: Counter[tuple[bool, bool]] = Counter()
    lock = threading.Lock()

    def hammer(method: str, cookies: str) -> None:
        while not stop.is_set():
            began_after = in_force.is_set()
            answer = running.raw_path("wiki", "/", f"Cookie: {cookies}", method=method)
            with lock:
                seen[began_after, reached(answer)] += 1

    session_only = f"{SESSION}={held[SESSION]}"
    work = [("GET", cookie), ("GET", session_only), ("POST", session_only)]
    threads = [threading.Thread(target=hammer, args=one) for one in work]
    for thread in threads:
        thread.start()
    try:
        running.eventually(lambda: seen[False, True] >= 6, "requests pass")
        act(ada, how)
        running.eventually(lambda: all(refused(running, method, cookies) for method, cookies in work), "it is in force")
        in_force.set()
        after = lambda: sum(number for (late, _), number in seen.items() if late)  # noqa: E731
        running.eventually(lambda: after() >= 12, "requests are refused")
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert seen[True, True] == 0, seen


def refused(running: RunningInstance, method: str, cookies: str) -> bool:
    return not reached(running.raw_path("wiki", "/", f"Cookie: {cookies}", method=method))


def act(client: Client, how: str) -> None:
    running = client.running
    if how == "revoked":
        revoke(client)
    elif how == "disabled":
        running.operator(f"{IDENTITY}:disable_person", person_id=client.account.id, reason="left")
    elif how == "signed out":
        assert client.post("id", "/sign-out", client.get("id", "/sign-out")).status_code == 302
    else:
        running.operator(f"{IDENTITY}:remove_member", group_id="staff", person_id=client.account.id)


def test_the_refusal_comes_soon(running: RunningInstance) -> None:
    """How soon is measured by the benchmark; here it is only that nobody waits for a grant to run out."""
    ada = running.signed_in(running.make_person("staff")).enter("wiki")
    grant = ada.cookies("wiki")[GRANT]
    ends_at = running.unverified_claims(grant)["exp"]
    revoke(ada)
    running.eventually(lambda: not reached(only(ada, GRANT, {GRANT: grant})), "the grant is refused")
    assert time.time() < ends_at


def test_a_code_made_before_is_worthless_after(running: RunningInstance) -> None:
    ada = running.signed_in(running.make_person("staff")).enter("wiki")
    fresh = running.client(ada.account)
    code = location(ada.browser.send("GET", location(fresh.get("vault"))))
    assert parse_qs(urlsplit(code).query)["code"]
    revoke(ada)
    running.in_force()
    assert fresh.browser.send("GET", code).status_code == 403
    assert SESSION not in fresh.cookies("vault")


def test_a_services_token_is_refused_at_every_door_once_its_key_is_gone(running: RunningInstance) -> None:
    robot = Program(running, "robot", owner=running.make_person("staff").email)
    with running.rules(SERVICE_RULES):
        token = robot.token()
        carried = f"Authorization: Bearer {token}"
        sent = [("Authorization", f"Bearer {token}"), ("Host", running.host("wiki")), ("X-Ostiary-App", "wiki")]
        doors = {
            "gateway": lambda: running.raw_path("wiki", "/", carried).status,
            "stream": lambda: running.raw_path("wiki", "/", carried, "Accept: text/event-stream").status,
            "decider": lambda: unix_request(running.instance.decider_socket, "GET", "/check/", sent).status,
        }
        assert {name: door() for name, door in doors.items()} == dict.fromkeys(doors, 200)
        (key,) = running.operator(f"{FACADE}:get_service", "robot", acting=False)["keys"]
        running.operator(f"{FACADE}:remove_key", "robot", key["id"])
        running.in_force()
        assert {name: door() for name, door in doors.items()} == dict.fromkeys(doors, 401)
    running.operator(f"{FACADE}:remove_service", "robot")
