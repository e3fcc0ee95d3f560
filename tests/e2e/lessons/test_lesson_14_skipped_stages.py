"""Lesson 14: no step of a sign-in can be left out, repeated or taken out of order."""

import pytest
from tests.running_instance import Client, RunningInstance, location, reached, token_of
from tests.running_recovery import recovery_of

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
INSIDE = ("/", "/profile", "/sessions", "/authenticators", "/authenticators/password")
BIND = "B" * 43
POSTS = (
    "/sign-in",
    "/sign-in/second-step",
    "/sign-in/passkey",
    "/sign-in/start-over",
    "/sign-in/forgotten",
    "/sign-in/lost",
    "/recovery",
    "/invitation/password",
    "/invitation/passkey",
    "/new-password",
    "/confirm-address",
    "/emergency",
    "/prove",
    "/step-up?need=otp&app=vault",
    "/set-up/app",
    "/set-up/passkey",
    "/set-up/recovery-codes",
    "/sessions/end-all",
    "/authenticators/password",
    "/authenticators/password/remove",
    "/profile/confirm-address",
    "/sign-out",
)


def is_outside(client: Client) -> None:
    """Check that this browser opens nothing, and is handed over nowhere."""
    for path in INSIDE:
        answer = client.get("id", path)
        assert answer.status_code == 302, path
        assert location(answer).startswith(
            (client.running.url("id", "/sign-in"), client.running.url("id", "/set-up"))
        ), path
    answer = client.get("id", f"/continue?app=wiki&bind={BIND}&return=/")
    assert "/.ostiary/callback" not in location(answer)
    assert client.api("wiki").status_code == 401


def test_a_password_alone_opens_nothing(running: RunningInstance) -> None:
    ada = running.client(running.make_person("staff"))
    page = ada.give_password()
    is_outside(ada)
    for path in ("/set-up", "/set-up/app", "/set-up/passkey", "/set-up/recovery-codes", "/prove"):
        assert location(ada.get("id", path)).startswith(running.url("id", "/sign-in")), path
    assert ada.give_code(page).status_code == 200
    assert ada.get("id", "/profile").status_code == 200


@pytest.mark.parametrize("path", POSTS)
def test_an_empty_post_is_no_step(running: RunningInstance, path: str) -> None:
    nobody = running.client()
    answer = nobody.post("id", path)
    assert answer.status_code in {200, 302, 400, 403, 404}, answer
    is_outside(nobody)
    ada = running.client(running.make_person("staff"))
    page = ada.give_password()
    answer = ada.post("id", path, page)
    assert answer.status_code in {200, 302, 400, 403, 404, 405}, answer
    is_outside(ada)


def test_a_post_without_its_token_is_no_step(running: RunningInstance) -> None:
    ada = running.client(running.make_person("staff"))
    page = ada.give_password()
    code = ada.next_code()
    url = running.url("id", "/sign-in/second-step")
    origin = {"origin": running.url("id").rstrip("/"), "referer": url}
    evil = {"origin": "https://evil.test", "referer": "https://evil.test/"}
    sibling = {"origin": running.url("wiki").rstrip("/"), "referer": running.url("wiki")}
    token = token_of(page)
    assert ada.browser.send("POST", url, data={"code": code}, headers=origin).status_code == 403
    for headers in (evil, sibling):
        answer = ada.browser.send("POST", url, data={"code": code, "csrfmiddlewaretoken": token}, headers=headers)
        assert answer.status_code == 403, headers
    is_outside(ada)
    assert ada.give_code(page, code).status_code == 200
    assert ada.get("id", "/profile").status_code == 200


def test_the_second_step_without_the_first_is_none(running: RunningInstance) -> None:
    made = running.make_person("staff")
    ada = running.client(made)
    for fields in (
        {"code": ada.next_code()},
        {"code": ada.next_code(), "email": made.email, "password": made.password},
    ):
        answer = ada.post("id", "/sign-in/second-step", **fields)
        assert location(answer) == running.url("id", "/sign-in")
    is_outside(ada)


def test_a_code_is_good_once(running: RunningInstance) -> None:
    made = running.make_person("staff")
    ada = running.client(made)
    code = ada.next_code()
    ada.give_code(ada.give_password(), code)
    assert ada.get("id", "/profile").status_code == 200
    thief = running.client(made)
    thief.give_code(thief.give_password(), code)
    is_outside(thief)


def test_one_persons_code_is_not_anothers(running: RunningInstance) -> None:
    ada, eve = (running.client(running.make_person("staff")) for _ in range(2))
    page = eve.give_password()
    eve.give_code(page, ada.next_code())
    is_outside(eve)


def test_a_first_step_does_not_carry_over_to_another_account(running: RunningInstance) -> None:
    """Password of one, then password of the other, then the code of the first."""
    ada, eve = (running.make_person("staff") for _ in range(2))
    browser = running.client(ada)
    browser.give_password()
    code = browser.next_code()
    page = browser.give_password(running.client(eve).open("id", "/sign-in"))
    browser.account = eve
    page = browser.give_password(browser.open("id", "/sign-in"))
    browser.give_code(page, code)
    is_outside(browser)


def test_whoever_has_no_second_factor_sets_one_up_first(running: RunningInstance) -> None:
    newcomer = running.client(running.make_person("staff", code_app=False))
    page = newcomer.give_password()
    assert page.request.url.path == "/set-up"
    is_outside(newcomer)
    for path in ("/set-up/recovery-codes", "/set-up/done"):
        newcomer.post("id", path, page)
    is_outside(newcomer)


def test_a_passkeys_answer_is_good_once_and_for_its_own_challenge(running: RunningInstance) -> None:
    ada = running.signed_in(running.make_person("staff"))
    passkey = ada.add_passkey()
    mine = running.client(ada.account)
    page = mine.open("id", "/sign-in")
    answer = mine.passkey_answer(passkey, "/sign-in/passkey")
    assert location(mine.post("id", "/sign-in/passkey", page, credential=answer)) == running.url("id", "/")
    assert mine.get("id", "/profile").status_code == 200
    for thief in (running.client(), running.client()):
        page = thief.open("id", "/sign-in")
        thief.get("id", "/sign-in/passkey", headers={"accept": "application/json"})
        thief.post("id", "/sign-in/passkey", page, credential=answer)
        is_outside(thief)
    unasked = running.client()
    unasked.post("id", "/sign-in/passkey", credential=answer)
    is_outside(unasked)


def test_a_recovery_link_opens_nothing_before_the_new_factor_is_set_up(running: RunningInstance) -> None:
    """Neither the link alone, nor with the password, nor once more: only what is set up in place of the lost factor."""
    ada, link = recovery_of(running)
    thief = running.client()
    page = thief.browser.open(link)
    thief.post("id", "/recovery", page, password="not the password at all")
    is_outside(thief)
    owner = running.client(ada.account)
    page = owner.browser.open(link)
    assert location(owner.post("id", "/recovery", page, password=ada.account.password)) == running.url("id", "/set-up")
    is_outside(owner)
    page = owner.get("id", "/set-up")
    for path in ("/set-up/recovery-codes", "/set-up/done", "/prove", "/authenticators/password", "/sessions/end-all"):
        owner.post("id", path, page)
        is_outside(owner)
    again = running.client(ada.account)
    assert again.browser.open(link).status_code == 404, "it works once"
    is_outside(again)


def test_a_weaker_proof_is_no_step_up(running: RunningInstance) -> None:
    """A step-up to a passkey is not finished by a code, nor by coming back."""
    ada = running.signed_in(running.make_person("staff", "finance"))
    passkey = ada.add_passkey()
    again = running.client(ada.account)
    again._last_step = ada._last_step
    page = again.give_code(again.give_password(), ada.make_recovery_codes()[0])
    assert page.status_code == 200
    refused = again.open("payroll")
    assert refused.request.url.host == running.host("id"), "the way to the app leads over the passkey"
    path = "/step-up?need=phishing-resistant&app=payroll&return=/"
    assert again.post("id", path, refused, code=again.next_code()).status_code == 200
    assert again.post("id", path, refused).status_code == 200
    again.get("id", "/back?app=payroll&return=/")
    assert again.api("payroll").status_code in {401, 403}
    answer = again.passkey_answer(passkey, "/prove/options")
    assert location(again.post("id", path, refused, credential=answer)) == running.url("payroll")
    assert again.open("payroll").status_code == 200
    assert reached(again.api("payroll"))
