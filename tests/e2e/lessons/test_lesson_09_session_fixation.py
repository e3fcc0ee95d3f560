"""Lesson 9: whoever completes a sign-in that another began gives that other nothing, and gets nothing that is theirs."""

from urllib.parse import parse_qs, urlsplit

import pytest
from tests.running_instance import Client, RunningInstance, location, received
from tests.running_recovery import recovery_of

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
SESSION = "__Host-ostiary-session"


@pytest.fixture(scope="module")
def victim(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff"))


@pytest.fixture(scope="module")
def attacker(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff"))


def begin(client: Client, app: str = "wiki") -> str:
    """Begin at the app and return the address on the sign-in host."""
    where = location(client.get(app))
    assert urlsplit(where).path == "/continue"
    return where


def test_a_victim_who_completes_gives_the_attacker_nothing(victim: Client, attacker: Client) -> None:
    stranger = attacker.running.client()
    link = begin(stranger)
    code = victim.browser.send("GET", link)
    assert code.status_code == 302
    refused = victim.browser.send("GET", location(code))
    assert refused.status_code == 400
    assert SESSION not in victim.cookies("wiki")
    assert stranger.api("wiki").status_code == 401


def test_an_attackers_code_makes_nobody_the_attacker(victim: Client, attacker: Client) -> None:
    fresh = attacker.running.client(attacker.account)
    code = attacker.browser.send("GET", begin(fresh))
    refused = victim.browser.send("GET", location(code))
    assert refused.status_code == 400
    assert SESSION not in victim.cookies("wiki")
    taken = fresh.browser.send("GET", location(code))
    assert taken.status_code == 303, "in the browser that began it is good, and the victim did not use it up"
    assert received(fresh.api("wiki"), "remote-user") == [attacker.account.email]


def test_a_code_is_good_once_and_at_its_own_app_only(victim: Client) -> None:
    running = victim.running
    fresh = running.client(victim.account)
    link = begin(fresh)
    code = location(victim.browser.send("GET", link))
    begin_value = fresh.cookies("wiki")["__Host-ostiary-begin"]
    for other in ("files", "payroll", "vault", "admin"):
        elsewhere = code.replace(running.host("wiki"), running.host(other))
        answer = fresh.browser.send("GET", elsewhere, headers={"cookie": f"__Host-ostiary-begin={begin_value}"})
        assert answer.status_code == 400, other
        assert not answer.headers.get_list("set-cookie"), other
    assert fresh.browser.send("GET", code).status_code == 303
    again = running.client()
    answer = again.browser.send("GET", code, headers={"cookie": f"__Host-ostiary-begin={begin_value}"})
    assert answer.status_code == 400
    assert SESSION not in again.cookies("wiki")


def test_a_planted_browser_session_is_not_the_one_that_is_signed_in(running: RunningInstance) -> None:
    attacker = running.client()
    attacker.get("id", "/sign-in/passkey", headers={"accept": "application/json"})
    planted = attacker.cookies("id").get("__Host-ostiary-id")
    assert planted
    victim = running.client(running.make_person("staff"))
    victim.cookies("id")["__Host-ostiary-id"] = planted
    victim.sign_in()
    assert victim.cookies("id")["__Host-ostiary-id"] != planted
    assert victim.get("id", "/profile").status_code == 200
    assert attacker.get("id", "/profile").status_code == 302


def test_a_planted_browser_session_is_not_the_one_that_recovers_an_account(running: RunningInstance) -> None:
    """A recovery's link and the password, typed into a browser session that somebody else knows, sign that one in nowhere."""
    attacker = running.client()
    attacker.get("id", "/sign-in/passkey", headers={"accept": "application/json"})
    planted = attacker.cookies("id").get("__Host-ostiary-id")
    assert planted
    ada, link = recovery_of(running)
    victim = running.client(ada.account)
    victim.cookies("id")["__Host-ostiary-id"] = planted
    page = victim.browser.open(link)
    assert location(victim.post("id", "/recovery", page, password=ada.account.password)) == running.url("id", "/set-up")
    assert victim.cookies("id")["__Host-ostiary-id"] != planted
    assert victim.get("id", "/set-up").status_code == 200
    assert location(attacker.get("id", "/set-up")).startswith(running.url("id", "/sign-in"))


def test_a_planted_begin_cookie_helps_nobody_without_the_victims_code(victim: Client, attacker: Client) -> None:
    """A sibling could plant a cookie only without the prefix; even with the value known, the code is not."""
    running = victim.running
    stranger = running.client()
    link = begin(stranger)
    bind = parse_qs(urlsplit(link).query)["bind"][0]
    mine = running.client(victim.account)
    mine.browser._cookies[running.host("id")] = dict(victim.cookies("id"))
    mine.cookies("wiki")["__Host-ostiary-begin"] = stranger.cookies("wiki")["__Host-ostiary-begin"]
    assert mine.open("wiki").status_code == 200
    assert stranger.api("wiki").status_code == 401
    forged = stranger.get("wiki", f"/.ostiary/callback?code={bind}")
    assert forged.status_code == 400


def test_doubled_and_missing_codes_are_refused(victim: Client) -> None:
    fresh = victim.running.client()
    code = location(victim.browser.send("GET", begin(fresh)))
    value = parse_qs(urlsplit(code).query)["code"][0]
    for query in (
        "",
        "?code=",
        f"?code={value}&code={value}",
        f"?code=x&code={value}",
        f"?CODE={value}",
        f"?code={value}x",
    ):
        assert fresh.get("wiki", f"/.ostiary/callback{query}").status_code == 400, query
    for method in ("POST", "PUT", "DELETE"):
        assert fresh.send(method, "wiki", f"/.ostiary/callback?code={value}").status_code == 405
    assert SESSION not in fresh.cookies("wiki")
    assert fresh.browser.send("GET", code).status_code == 303
