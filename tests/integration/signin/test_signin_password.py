"""Signing in with a password and a second step."""

import pytest
from tests.identity_people import PASSWORD, Browser, SteppedTotp, make_person, make_person_with_app, row_of

from ostiary.identity.facade import list_sessions
from ostiary.policy.request import AuthStrength

pytestmark = pytest.mark.django_db


def test_password_and_code_sign_in_and_go_on_to_the_page_wanted() -> None:
    person_id, secret = make_person_with_app()
    browser = Browser()
    answer = browser.get("/sessions")
    assert answer.status_code == 302
    assert answer["Location"] == "/sign-in?next=%2Fsessions"

    answer = browser.password_step("Ada@Example.test", next="/sessions")
    assert answer["Location"] == "/sign-in/second-step"
    answer = browser.code_step(SteppedTotp(secret).code())
    assert answer["Location"] == "/sessions"
    assert browser.is_signed_in()

    session = list_sessions(person_id=person_id).items[0]
    assert session.complete
    assert [one.method for one in session.authentications] == ["password", "totp"]
    assert [one.strength for one in session.authentications] == [AuthStrength.SINGLE, AuthStrength.OTP]
    assert session.address == "192.0.2.7"
    assert session.browser == "Firefox on Windows"


def test_wrong_password_and_unknown_address_are_answered_alike() -> None:
    make_person_with_app()
    known = Browser().password_step("ada@example.test", "not the password at all")
    unknown = Browser(address="192.0.2.8").password_step("nobody@example.test", "not the password at all")
    assert known.status_code == unknown.status_code == 200

    def page(answer: object, email: str) -> str:
        text = answer.content.decode()  # type: ignore[attr-defined]
        return "\n".join(line for line in text.replace(email, "").splitlines() if "csrfmiddlewaretoken" not in line)

    assert page(known, "ada@example.test") == page(unknown, "nobody@example.test")
    assert "The e-mail address or the password is not right." in known.content.decode()


def test_between_the_steps_nothing_is_open() -> None:
    _person, _secret = make_person_with_app()
    browser = Browser()
    browser.password_step("ada@example.test")
    for path in ("/", "/sessions", "/authenticators", "/set-up", "/set-up/app", "/prove", "/profile"):
        answer = browser.get(path)
        assert answer.status_code == 302, path
        assert answer["Location"].startswith("/sign-in"), path


def test_lesson_14_an_empty_or_wrong_second_step_stays_where_it_is() -> None:
    person_id, _secret = make_person_with_app()
    browser = Browser()
    browser.password_step("ada@example.test")
    for fields in (
        {},
        {"code": ""},
        {"code": "000000x"},
        {"credential": ""},
        {"credential": "[]"},
        {"credential": "{}"},
    ):
        answer = browser.post("/sign-in/second-step", **fields)
        assert answer.status_code in {200, 429}, fields
    assert not browser.is_signed_in()
    assert list_sessions(person_id=person_id).total == 0


def test_second_step_without_a_first_leads_to_the_start() -> None:
    make_person_with_app()
    answer = Browser().code_step("123456")
    assert answer["Location"] == "/sign-in"


def test_a_code_works_once() -> None:
    _person, secret = make_person_with_app()
    code = SteppedTotp(secret).code()
    first = Browser()
    first.password_step("ada@example.test")
    assert first.code_step(code).status_code == 302
    second = Browser()
    second.password_step("ada@example.test")
    assert second.code_step(code).status_code == 200
    assert not second.is_signed_in()


def test_an_older_code_does_not_work_after_a_newer_one() -> None:
    _person, secret = make_person_with_app()
    app = SteppedTotp(secret)
    first = Browser()
    first.password_step("ada@example.test")
    assert first.code_step(app.code(1)).status_code == 302
    second = Browser()
    second.password_step("ada@example.test")
    assert second.code_step(app.code(-1)).status_code == 200


def test_spaces_in_a_code_are_forgiven() -> None:
    _person, secret = make_person_with_app()
    code = SteppedTotp(secret).code()
    browser = Browser()
    browser.password_step("ada@example.test")
    assert browser.code_step(f"{code[:3]} {code[3:]}").status_code == 302


def test_without_a_second_step_only_set_up_and_sign_out_are_open() -> None:
    person_id = make_person()
    browser = Browser()
    answer = browser.password_step("ada@example.test", next="/sessions")
    assert answer["Location"] == "/sessions"
    assert browser.get("/sessions")["Location"] == "/set-up"
    for path in ("/", "/sessions", "/authenticators", "/profile", "/continue", "/step-up", "/back"):
        assert browser.get(path)["Location"] == "/set-up", path
    assert browser.get("/set-up").status_code == 200
    assert browser.get("/sign-out").status_code == 200
    assert not list_sessions(person_id=person_id).items[0].complete


def test_signing_out_ends_the_session_and_the_cookie_is_worthless() -> None:
    person_id, secret = make_person_with_app()
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    stolen = browser.client.cookies["__Host-ostiary-id"].value
    assert browser.get("/sign-out").status_code == 200
    assert list_sessions(person_id=person_id).total == 1
    assert browser.post("/sign-out")["Location"] == "/sign-in"
    assert list_sessions(person_id=person_id).total == 0
    thief = Browser()
    thief.client.cookies["__Host-ostiary-id"] = stolen
    assert not thief.is_signed_in()


def test_the_cookie_changes_when_somebody_signs_in() -> None:
    """Lesson 9: a cookie known before signing in is of no use afterwards."""
    _person, secret = make_person_with_app()
    browser = Browser()
    browser.get("/sign-in/passkey")
    before = browser.client.cookies["__Host-ostiary-id"].value
    browser.sign_in("ada@example.test", secret)
    assert browser.client.cookies["__Host-ostiary-id"].value != before
    attacker = Browser()
    attacker.client.cookies["__Host-ostiary-id"] = before
    assert not attacker.is_signed_in()


def test_signing_in_as_somebody_else_ends_the_earlier_session() -> None:
    ada, ada_secret = make_person_with_app()
    ben, ben_secret = make_person_with_app("ben@example.test", name="Ben")
    browser = Browser()
    browser.sign_in("ada@example.test", ada_secret)
    browser.client.post("/sign-out")
    browser.sign_in("ben@example.test", ben_secret)
    assert list_sessions(person_id=ada).total == 0
    assert list_sessions(person_id=ben).total == 1


def test_somebody_signed_in_is_sent_on() -> None:
    _person, secret = make_person_with_app()
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    assert browser.get("/sign-in", next="/sessions")["Location"] == "/sessions"
    assert browser.get("/sign-in/second-step")["Location"] == "/sign-in"


def test_starting_over_forgets_the_first_step() -> None:
    _person, secret = make_person_with_app()
    browser = Browser()
    browser.password_step("ada@example.test")
    assert browser.post("/sign-in/start-over")["Location"] == "/sign-in"
    assert browser.code_step(SteppedTotp(secret).code())["Location"] == "/sign-in"


def test_the_password_is_kept_as_argon2id_at_the_owasp_parameters() -> None:
    stored = row_of(make_person()).password
    assert stored.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in stored
