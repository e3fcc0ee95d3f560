"""Guesses are limited, and no guess made elsewhere shuts the owner out."""

import pytest
from tests.identity_people import Browser, SteppedTotp, make_person, make_person_with_app, row_of

from ostiary.identity.facade import get_person
from ostiary.identity.models import FailedProof

pytestmark = pytest.mark.django_db

WRONG = "wrong wrong wrong wrong"


def fail(browser: Browser, times: int, email: str = "ada@example.test") -> list[int]:
    return [browser.password_step(email, WRONG).status_code for _ in range(times)]


def test_the_sixth_guess_from_one_place_is_not_looked_at() -> None:
    _person, _secret = make_person_with_app()
    attacker = Browser(address="203.0.113.5")
    assert fail(attacker, 5) == [200] * 5
    assert fail(attacker, 1) == [429]
    assert attacker.password_step("ada@example.test").status_code == 429, "not even the right one"


def test_an_unknown_address_is_limited_alike() -> None:
    assert fail(Browser(address="203.0.113.5"), 6, "nobody@example.test") == [200] * 5 + [429]


def test_guessing_elsewhere_does_not_shut_the_owner_out() -> None:
    _person, secret = make_person_with_app()
    fail(Browser(address="203.0.113.5"), 7)
    owner = Browser(address="192.0.2.7")
    owner.sign_in("ada@example.test", secret)
    assert owner.is_signed_in()


def test_guessing_from_the_same_office_does_not_shut_a_known_browser_out() -> None:
    _person, secret = make_person_with_app()
    owner = Browser(address="192.0.2.7")
    owner.sign_in("ada@example.test", secret)
    owner.get("/")
    assert "__Host-ostiary-known" in owner.client.cookies
    owner.post("/sign-out")
    fail(Browser(address="192.0.2.7"), 7)
    assert owner.password_step("ada@example.test").status_code == 302


def test_a_hundred_guesses_from_everywhere_close_strange_browsers_only() -> None:
    _person, secret = make_person_with_app()
    owner = Browser(address="192.0.2.7")
    owner.sign_in("ada@example.test", secret)
    owner.get("/")
    owner.post("/sign-out")
    for network in range(20):
        fail(Browser(address=f"203.0.113.{network}"), 5)
    stranger = Browser(address="198.51.100.1")
    assert stranger.password_step("ada@example.test").status_code == 429
    assert stranger.get("/sign-in/passkey").status_code == 200, "passkeys stay possible"
    assert owner.password_step("ada@example.test").status_code == 302


def test_one_network_trying_many_accounts_is_limited() -> None:
    sprayer = Browser(address="203.0.113.5")
    answers = [fail(sprayer, 1, f"person{number}@example.test")[0] for number in range(52)]
    assert answers[:50] == [200] * 50
    assert answers[50:] == [429, 429]


def test_ipv6_addresses_of_one_network_count_together() -> None:
    make_person()
    answers = [fail(Browser(address=f"2001:db8:1:2::{number}"), 1)[0] for number in range(1, 8)]
    assert answers == [200] * 5 + [429] * 2
    assert fail(Browser(address="2001:db8:1:3::1"), 1) == [200]


def test_a_right_password_takes_back_only_its_own_attempt() -> None:
    _person, _secret = make_person_with_app()
    attacker = Browser(address="203.0.113.5")
    fail(attacker, 4)
    assert attacker.password_step("ada@example.test").status_code == 302
    attacker.post("/sign-in/start-over")
    assert fail(attacker, 2) == [200, 429], "a right one in between does not begin the count anew"


def test_codes_are_limited_over_all_strange_browsers_and_known_ones_go_on() -> None:
    _person, secret = make_person_with_app()
    owner = Browser(address="192.0.2.7")
    owner.sign_in("ada@example.test", secret)
    owner.get("/")
    owner.post("/sign-out")
    statuses = []
    for network in range(5):
        thief = Browser(address=f"203.0.113.{network}")
        thief.password_step("ada@example.test")
        statuses += [thief.code_step("000000").status_code for _ in range(5)]
    assert statuses.count(429) == 5
    assert statuses[-5:] == [429] * 5
    owner.password_step("ada@example.test")
    assert owner.code_step(SteppedTotp(secret).code(1)).status_code == 302


def test_somebody_who_is_being_guessed_at_is_shown_as_such() -> None:
    person_id, _secret = make_person_with_app()
    assert not get_person(person_id).locked
    fail(Browser(address="203.0.113.5"), 5)
    assert get_person(person_id).locked


def test_what_is_counted_names_nobody() -> None:
    person_id, _secret = make_person_with_app()
    fail(Browser(address="203.0.113.5"), 2)
    stored = " ".join(FailedProof.objects.values_list("key", flat=True))
    assert row_of(person_id).email not in stored
    assert "203.0.113" not in stored


def test_a_forged_known_browser_cookie_is_worth_nothing() -> None:
    _person, _secret = make_person_with_app()
    attacker = Browser(address="203.0.113.5")
    attacker.client.cookies["__Host-ostiary-known"] = "eyJhIjoiYiJ9:1x:forged"
    assert fail(attacker, 6) == [200] * 5 + [429]


def test_asking_for_mails_is_limited_without_telling_who_has_an_account() -> None:
    make_person_with_app()
    for email in ("ada@example.test", "nobody@example.test"):
        browser = Browser(address="203.0.113.5")
        assert [browser.post("/sign-in/forgotten", email=email).status_code for _ in range(4)] == [200] * 3 + [429]
