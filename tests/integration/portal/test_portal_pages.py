"""My apps, my sessions, my authenticators, my profile."""

import time

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from tests.identity_people import MACHINE, Browser, SteppedTotp, link_in, make_person_with_app, row_of

from ostiary.applications.facade import SignIn, add_app, add_app_elsewhere, ensure_builtin_apps
from ostiary.identity.adapters.mail import wait_until_sent
from ostiary.identity.facade import find_person, list_sessions, recover_administrator
from ostiary.identity.models import Person, SignInSession
from ostiary.rulebook.facade import apply_rules

pytestmark = pytest.mark.django_db

RULES = """version: 1
rules:
  - name: staff-wiki
    allow: group:staff
    to: app:wiki
    do: [view, edit]
    when: {mfa: any}
  - name: staff-payroll
    allow: group:staff
    to: app:payroll
    do: [view]
    when: {mfa: phishing-resistant}
  - name: finance-ledger
    allow: group:finance
    to: app:ledger
    do: any
"""


def signed_in(email: str = "ada@example.test", groups: tuple[str, ...] = ("staff", "finance")) -> tuple[Browser, str]:
    _person, secret = make_person_with_app(email, groups=groups)
    browser = Browser()
    browser.sign_in(email, secret)
    return browser, secret


@pytest.fixture
def company() -> None:
    ensure_builtin_apps()
    for app in ("wiki", "payroll", "ledger"):
        add_app(app, upstream="http://127.0.0.1:8080", name=app.title(), actor=MACHINE)
    make_person_with_app("first@example.test", groups=("staff", "finance"))
    apply_rules(document=RULES, actor=MACHINE)


@pytest.mark.usefixtures("company")
def test_open_apps_are_links_and_the_rest_says_which_step_is_missing() -> None:
    browser, _secret = signed_in(groups=("staff",))
    page = browser.get("/").content.decode()
    assert 'href="https://wiki.example.test/"' in page
    waiting = page.split("One more step")[1]
    assert "Payroll" in waiting
    assert "/step-up?need=phishing-resistant&amp;app=payroll&amp;return=%2F" in waiting
    asked_for = page.split("You may ask for")[1]
    assert "Ledger" not in page.split("You may ask for")[0], "no rule leads there"
    assert '<a class="button" href="/requests/new?app=ledger">Ask for access' in asked_for
    assert "Console" not in page


@pytest.mark.usefixtures("company")
def test_an_app_that_is_not_behind_the_gateway_opens_at_its_own_address() -> None:
    add_app_elsewhere("cloud", sign_in=SignIn.OIDC, launch_url="https://cloud.example.org/start", actor=MACHINE)
    rule = "- name: staff-use-the-cloud\n  allow: group:staff\n  to: app:cloud\n  do: [view]\n"
    apply_rules(document=f"version: 1\nrules:\n{rule}", actor=MACHINE)
    browser, _secret = signed_in(groups=("staff",))
    assert 'href="https://cloud.example.org/start"' in browser.get("/").content.decode()


@pytest.mark.usefixtures("company")
def test_somebody_whom_no_rule_names_is_told_so() -> None:
    browser, _secret = signed_in(groups=())
    page = browser.get("/").content.decode()
    assert "No apps yet" in page
    assert "Wiki" not in page.split("You may ask for")[0]


def test_without_rules_nobody_has_an_app() -> None:
    add_app("wiki", upstream="http://127.0.0.1:8080", actor=MACHINE)
    browser, _secret = signed_in()
    page = browser.get("/").content.decode()
    assert "No apps yet" in page


@pytest.mark.usefixtures("company")
def test_an_emergency_sign_in_sees_the_console_only() -> None:
    link = recover_administrator(actor=MACHINE).link
    browser = Browser()
    browser.get("/link/" + link.rsplit("/", 1)[1])
    browser.post("/emergency")
    page = browser.get("/").content.decode()
    assert 'href="https://admin.example.test/"' in page
    assert "Wiki" not in page


def test_sessions_name_browsers_in_words_and_mark_this_one() -> None:
    browser, secret = signed_in()
    other = Browser(address="198.51.100.9", agent="Mozilla/5.0 (iPhone; CPU iPhone OS 19) Safari/604.1")
    other.password_step("ada@example.test")
    other.code_step(SteppedTotp(secret).code(1))
    page = browser.get("/sessions").content.decode()
    assert "Firefox on Windows" in page
    assert "Safari on iPhone" in page
    assert "198.51.100.9" in page
    assert page.index("This browser") < page.index("Safari on iPhone"), "this one first"
    session = next(one for one in list_sessions().items if one.address == "198.51.100.9")
    assert browser.post(f"/sessions/{session.id}/end")["Location"] == "/sessions"
    assert "Safari on iPhone is signed out." in browser.get("/sessions").content.decode()
    assert not other.is_signed_in()
    assert browser.is_signed_in()


def test_what_a_browser_calls_itself_is_never_markup() -> None:
    _person, secret = make_person_with_app()
    browser = Browser(agent='Firefox/1 Windows <script>alert("x")</script>')
    browser.sign_in("ada@example.test", secret)
    assert "<script>alert" not in browser.get("/sessions").content.decode()


def test_signing_out_everywhere_includes_this_browser() -> None:
    browser, secret = signed_in()
    other = Browser(address="198.51.100.9")
    other.password_step("ada@example.test")
    other.code_step(SteppedTotp(secret).code(1))
    assert browser.post("/sessions/end-all")["Location"] == "/sign-in"
    assert "You are signed out of 2 browsers." in browser.get("/sign-in").content.decode()
    assert not browser.is_signed_in()
    assert not other.is_signed_in()
    assert list_sessions().total == 0


def age_proofs(seconds: float) -> None:
    """Make every proof older than it is."""
    for row in SignInSession.objects.all():
        row.authentications = [[method, strength, at - seconds] for method, strength, at in row.authentications]
        row.save()


def test_changes_need_a_fresh_proof_as_strong_as_the_best_factor() -> None:
    browser, secret = signed_in()
    age_proofs(3600)
    for path in ("/set-up/passkey", "/set-up/app", "/authenticators/password", "/set-up/recovery-codes"):
        answer = browser.get(path)
        assert answer["Location"] == f"/prove?next={path.replace('/', '%2F')}", path
        assert browser.post(path, code="1", password="quite a long passphrase").status_code == 302
    assert browser.get("/set-up/passkey/options").status_code == 403
    answer = browser.client.post("/prove?next=%2Fauthenticators%2Fpassword", {"code": "000000"})
    assert answer.status_code == 200
    answer = browser.client.post("/prove?next=%2Fauthenticators%2Fpassword", {"code": SteppedTotp(secret).code(1)})
    assert answer["Location"] == "/authenticators/password"
    assert browser.get("/authenticators/password").status_code == 200
    assert [one.method for one in list_sessions().items[0].authentications] == ["password", "totp", "totp"]


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_lesson_8_a_fresh_proof_leads_nowhere_else(target: str) -> None:
    browser, secret = signed_in()
    answer = browser.client.post(f"/prove?next={target}", {"code": SteppedTotp(secret).code(1)})
    assert answer["Location"] == "/"


def test_the_last_required_factor_cannot_be_removed() -> None:
    browser, _secret = signed_in()
    row = Authenticator.objects.get(type="totp")
    page = browser.get(f"/authenticators/{row.pk}/remove").content.decode()
    assert "You could not sign in without it" in page
    assert browser.post(f"/authenticators/{row.pk}/remove").status_code == 302
    assert browser.post("/authenticators/password/remove").status_code == 302
    assert Authenticator.objects.filter(pk=row.pk).exists()
    assert find_person("ada@example.test").methods == ("password", "totp")


def test_a_changed_password_signs_other_browsers_out_and_keeps_this_one() -> None:
    browser, secret = signed_in()
    other = Browser(address="198.51.100.9")
    other.password_step("ada@example.test")
    other.code_step(SteppedTotp(secret).code(1))
    mail.outbox.clear()
    assert browser.post("/authenticators/password", password="too short").status_code == 200
    answer = browser.post("/authenticators/password", password="an altogether new passphrase")
    assert answer["Location"] == "/authenticators"
    assert browser.is_signed_in()
    assert not other.is_signed_in()
    assert row_of(find_person("ada@example.test").id).check_password("an altogether new passphrase")


def test_new_recovery_codes_replace_the_old_ones() -> None:
    browser, _secret = signed_in()
    first = browser.post("/set-up/recovery-codes").content.decode().split("<li><code>")[1].split("</code>")[0]
    assert "You have codes already" in browser.get("/set-up/recovery-codes").content.decode()
    second = browser.post("/set-up/recovery-codes").content.decode().split("<li><code>")[1].split("</code>")[0]
    other = Browser(address="192.0.2.30")
    other.password_step("ada@example.test")
    assert other.code_step(first).status_code == 200
    assert other.code_step(second).status_code == 302
    assert "9 of 10 left" in browser.get("/authenticators").content.decode()


def test_secrets_are_not_readable_in_the_database() -> None:
    browser, secret = signed_in()
    browser.post("/set-up/recovery-codes")
    stored = " ".join(str(data) for data in Authenticator.objects.values_list("data", flat=True))
    assert secret not in stored
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    for code in RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).generate_codes():
        assert code not in stored


def test_the_app_is_replaced_only_when_the_new_one_works() -> None:
    browser, secret = signed_in()
    browser.get("/set-up/app")
    assert browser.post("/set-up/app", code="000000").status_code == 200
    other = Browser(address="192.0.2.30")
    other.password_step("ada@example.test")
    assert other.code_step(SteppedTotp(secret).code(1)).status_code == 302


def test_administrators_without_a_passkey_are_told() -> None:
    browser, _secret = signed_in("boss@example.test", groups=("administrators",))
    for path in ("/authenticators", "/"):
        page = browser.get(path).content.decode()
        assert "You are an administrator and have no passkey." in page
        assert '<a href="/set-up/passkey">Set up a passkey</a>' in page


def test_the_profile_changes_the_name_and_confirms_the_address() -> None:
    browser, _secret = signed_in()
    Person.objects.update(email_confirmed_at=None)
    assert browser.post("/profile", name="Ada <b>Byron</b>")["Location"] == "/profile"
    assert find_person("ada@example.test").name == "Ada <b>Byron</b>"
    page = browser.get("/profile").content.decode()
    assert "<b>Byron" not in page
    assert "Not confirmed" in page
    assert browser.post("/profile", name="a\u202eb").status_code == 200
    mail.outbox.clear()
    browser.post("/profile/confirm-address")
    wait_until_sent(seconds=30)
    stranger = Browser(address="192.0.2.40")
    path = link_in(mail.outbox[0])
    assert stranger.get(path)["Location"] == "/confirm-address"
    assert not find_person("ada@example.test").email_confirmed, "looking confirms nothing"
    assert stranger.post("/confirm-address").status_code == 302
    assert find_person("ada@example.test").email_confirmed
    assert not stranger.is_signed_in(), "confirming an address signs nobody in"


def test_using_the_portal_keeps_a_session_from_growing_idle() -> None:
    from datetime import UTC, datetime, timedelta

    browser, _secret = signed_in()
    SignInSession.objects.update(last_seen_at=datetime.now(UTC) - timedelta(minutes=30))
    browser.get("/")
    assert time.time() - list_sessions().items[0].last_seen_at < 600
