"""Invitations by link, and setting up the first authenticators."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from tests.identity_people import MACHINE, PASSWORD, Browser, SteppedTotp, invite, link_in, make_person_with_app

from ostiary.identity.adapters.mail import wait_until_sent
from ostiary.identity.facade import AlreadyExists, find_person, invite_person, list_sessions, reset_sign_in
from ostiary.identity.models import OneTimeLink

pytestmark = pytest.mark.django_db


def open_invitation(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 302
    assert answer["Location"] == "/invitation", "the secret leaves the address bar"
    assert browser.get("/invitation").status_code == 200


def secret_on(page: str) -> str:
    return page.split('<code class="secret">')[1].split("</code>", maxsplit=1)[0].replace(" ", "")


def test_from_the_link_to_the_portal_with_a_password_and_an_app() -> None:
    browser = Browser()
    open_invitation(browser, invite("new@example.test", groups=("staff",)))
    answer = browser.post("/invitation/password", password=PASSWORD)
    assert answer["Location"] == "/set-up"
    assert "Set up your second step" in browser.get("/set-up").content.decode()
    assert browser.get("/")["Location"] == "/set-up"

    page = browser.get("/set-up/app").content.decode()
    assert 'src="data:image/svg+xml;base64,' in page
    app = SteppedTotp(secret_on(page))
    wrong = browser.post("/set-up/app", code="000000")
    assert "This code is not right" in wrong.content.decode()
    assert secret_on(wrong.content.decode()) == secret_on(page), "the picture already scanned stays good"
    assert browser.post("/set-up/app", code=app.code())["Location"] == "/set-up/recovery-codes"

    shown = browser.post("/set-up/recovery-codes").content.decode()
    assert shown.count("<li><code>") == 10
    assert browser.get("/set-up/done")["Location"] == "/"
    assert browser.get("/").status_code == 200

    person = find_person("new@example.test")
    assert person.methods == ("password", "recovery_codes", "totp")
    assert person.groups == ("staff",)
    assert not person.invited


def test_the_page_wanted_first_is_reached_after_set_up() -> None:
    browser = Browser()
    browser.get(invite())
    browser.post("/invitation/password", password=PASSWORD)
    assert browser.get("/sessions")["Location"] == "/set-up"
    app = SteppedTotp(secret_on(browser.get("/set-up/app").content.decode()))
    browser.post("/set-up/app", code=app.code())
    assert browser.get("/set-up/done")["Location"] == "/sessions"


def test_a_link_works_once() -> None:
    path = invite()
    first = Browser()
    first.get(path)
    late = Browser()
    late.get(path)
    assert first.post("/invitation/password", password=PASSWORD).status_code == 302
    assert late.post("/invitation/password", password="another long passphrase here").status_code == 404
    assert Browser().get(path).status_code == 404


def test_looking_at_a_link_uses_nothing_up() -> None:
    path = invite()
    for _ in range(3):
        assert Browser().get(path).status_code == 302
    assert Browser().client.head(path).status_code == 302


def test_a_link_expires() -> None:
    path = invite()
    OneTimeLink.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert Browser().get(path).status_code == 404


def test_a_refused_password_does_not_use_the_link_up() -> None:
    browser = Browser()
    browser.get(invite("new@example.test"))
    for bad in ("short", "password1234", "new@example.test", "aaaaaaaaaaaaaaaa"):
        answer = browser.post("/invitation/password", password=bad)
        assert answer.status_code == 200, bad
        assert find_person("new@example.test").invited
    assert browser.post("/invitation/password", password=PASSWORD).status_code == 302


def test_the_secret_of_a_link_is_not_stored() -> None:
    token = invite().removeprefix("/link/")
    assert not any(token in str(row) for row in OneTimeLink.objects.values_list())


def test_only_the_mailed_link_confirms_the_address() -> None:
    handed = invite("handed@example.test")
    mail.outbox.clear()
    invite("mailed@example.test")
    mailed = link_in(mail.outbox[0])
    for path in (handed, mailed):
        browser = Browser()
        browser.get(path)
        browser.post("/invitation/password", password=PASSWORD)
    assert not find_person("handed@example.test").email_confirmed
    assert find_person("mailed@example.test").email_confirmed


def test_inviting_again_withdraws_the_earlier_link() -> None:
    first = invite()
    second = invite()
    assert Browser().get(first).status_code == 404
    assert Browser().get(second).status_code == 302


def test_somebody_who_signed_in_before_is_not_invited_again() -> None:
    make_person_with_app("ada@example.test")
    with pytest.raises(AlreadyExists):
        invite_person(email="ADA@example.test", actor=MACHINE)


def test_links_are_for_one_purpose() -> None:
    browser = Browser()
    browser.get(invite())
    for path in ("/new-password", "/confirm-address", "/emergency"):
        assert browser.post(path, password=PASSWORD).status_code == 404, path


def test_without_a_link_the_pages_behind_it_are_closed() -> None:
    for path in ("/invitation", "/new-password", "/confirm-address", "/emergency", "/invitation/passkey"):
        assert Browser().get(path).status_code == 404, path
    for path in ("/invitation/password", "/new-password", "/confirm-address", "/emergency", "/invitation/passkey"):
        assert Browser().post(path, password=PASSWORD).status_code == 404, path


def test_there_is_no_sign_up() -> None:
    for path in ("/signup", "/sign-up", "/accounts/signup/", "/register"):
        assert Browser().get(path).status_code == 404


def test_a_reset_takes_every_means_away_and_begins_anew() -> None:
    person_id, secret = make_person_with_app()
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    link = reset_sign_in(person_id=person_id, reason="lost phone", actor=MACHINE).link
    assert not browser.is_signed_in()
    assert list_sessions(person_id=person_id).total == 0
    assert Browser().password_step("ada@example.test").status_code == 200
    assert find_person("ada@example.test").methods == ()
    fresh = Browser()
    fresh.get("/link/" + link.rsplit("/", 1)[1])
    assert fresh.post("/invitation/password", password="quite another passphrase 7")["Location"] == "/set-up"


def test_a_forgotten_password_is_replaced_by_mail_and_the_second_step_stays() -> None:
    person_id, secret = make_person_with_app()
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    mail.outbox.clear()
    stranger = Browser(address="192.0.2.99")
    assert "on its way" in stranger.post("/sign-in/forgotten", email="Ada@example.test").content.decode()
    wait_until_sent(seconds=30)
    path = link_in(mail.outbox[0])
    assert stranger.get(path)["Location"] == "/new-password"
    assert stranger.post("/new-password", password="short").status_code == 200
    assert stranger.post("/new-password", password="a quite new passphrase 42")["Location"] == "/sign-in"
    assert not browser.is_signed_in(), "every sign-in ended"
    assert list_sessions(person_id=person_id).total == 0
    assert stranger.get(path).status_code == 404
    assert stranger.password_step("ada@example.test").status_code == 200
    answer = stranger.password_step("ada@example.test", "a quite new passphrase 42")
    assert answer["Location"] == "/sign-in/second-step"


def test_asking_for_a_password_link_tells_nobody_who_has_an_account() -> None:
    make_person_with_app()
    invite("waiting@example.test")
    mail.outbox.clear()
    pages = []
    for number, email in enumerate(("ada@example.test", "nobody@example.test", "waiting@example.test")):
        answer = Browser(address=f"192.0.2.{number + 20}").post("/sign-in/forgotten", email=email)
        pages.append((answer.status_code, answer.content.decode().replace(email, "")))
    wait_until_sent(seconds=30)
    assert len({status for status, _page in pages}) == 1
    assert len({page for _status, page in pages}) == 1
    assert [message.to for message in mail.outbox] == [["ada@example.test"]]
