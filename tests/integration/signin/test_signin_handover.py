"""Handing a sign-in over to an app, and stepping up for one."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from tests.identity_people import MACHINE, Browser, SteppedTotp, make_person, make_person_with_app

from ostiary.applications.facade import add_app, ensure_builtin_apps
from ostiary.config.secrets import read_secret
from ostiary.gateway.tokens import HandoverClaims, bind_of, read_handover
from ostiary.identity.facade import list_sessions, recover_administrator, remove_member
from ostiary.policy.identifiers import AppId, GroupId
from ostiary.policy.request import AuthStrength

pytestmark = pytest.mark.django_db

BIND = bind_of("what the app's host put into the begin cookie")


@pytest.fixture(autouse=True)
def apps() -> None:
    ensure_builtin_apps()
    add_app("wiki", upstream="http://127.0.0.1:8080", actor=MACHINE)


def claims_of(location: str, app: str = "wiki") -> HandoverClaims:
    code = parse_qs(urlsplit(location).query)["code"][0]
    key = read_secret(settings.INSTANCE.secrets, "handover.key").reveal()
    return read_handover(key, code, app=AppId(app), now=time.time())


def test_a_complete_sign_in_is_handed_over_bound_to_the_browser_that_asked() -> None:
    person_id, secret = make_person_with_app()
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    answer = browser.get("/continue", app="wiki", bind=BIND, **{"return": "/page?a=1&b=%2Fx"})
    assert answer.status_code == 302
    assert answer["Location"].startswith("https://wiki.example.test/.ostiary/callback?code=")
    claims = claims_of(answer["Location"])
    session = list_sessions(person_id=person_id).items[0]
    assert (claims.person, claims.session, claims.app) == (person_id, session.id, "wiki")
    assert (claims.bind, claims.return_path) == (BIND, "/page?a=1&b=%2Fx")
    assert claims.expires_at - claims.issued_at == 30


def test_every_code_is_another() -> None:
    _person, secret = make_person_with_app()
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    codes = {claims_of(browser.get("/continue", app="wiki", bind=BIND)["Location"]).jti for _ in range(3)}
    assert len(codes) == 3


def test_without_a_sign_in_one_signs_in_first_and_then_goes_on() -> None:
    _person, secret = make_person_with_app()
    browser = Browser()
    answer = browser.get("/continue", app="wiki", bind=BIND, **{"return": "/page"})
    assert answer["Location"].startswith("/sign-in?next=%2Fcontinue%3F")
    target = parse_qs(urlsplit(answer["Location"]).query)["next"][0]
    browser.password_step("ada@example.test", next=target)
    answer = browser.code_step(SteppedTotp(secret).code())
    assert answer["Location"] == target
    assert claims_of(browser.client.get(target)["Location"]).return_path == "/page"


def test_lesson_14_no_code_before_the_second_step() -> None:
    make_person("plain@example.test")
    _person, _secret = make_person_with_app()
    between = Browser()
    between.password_step("ada@example.test")
    without = Browser()
    without.password_step("plain@example.test")
    for browser in (Browser(), between, without):
        answer = browser.get("/continue", app="wiki", bind=BIND)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/s"), "sign-in or set-up, on this host"
        assert "code=" not in answer["Location"]


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "https:evil.example",
        "data:text/html,x",
        "javascript:alert(1)",
        "/%5Cevil.example",
        "/%09/evil.example",
        "/\t/evil.example",
        "/ /evil.example",
        "/%0d%0aSet-Cookie: a=b",
        "/x\r\nLocation: https://evil.example",
        "@evil.example",
        ".evil.example",
        "",
    ],
)
def test_lesson_8_a_return_that_could_lead_elsewhere_becomes_the_first_page(path: str) -> None:
    _person, secret = make_person_with_app()
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    answer = browser.get("/continue", app="wiki", bind=BIND, **{"return": path})
    assert claims_of(answer["Location"]).return_path == "/"
    assert browser.get("/back", app="wiki", **{"return": path})["Location"] == "https://wiki.example.test/"
    assert browser.get("/sign-in", next=path)["Location"] == "/"


@pytest.mark.parametrize(
    "app", ["", "nothing", "Wiki", "wiki/", "wiki.evil.example", "id", "ẃiki", "w" * 5000, "wi\x00ki"]
)
def test_an_app_that_does_not_exist_gets_no_code(app: str) -> None:
    _person, secret = make_person_with_app()
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    assert browser.get("/continue", app=app, bind=BIND).status_code == 400
    assert browser.get("/step-up", app=app, need="otp").status_code == 400
    assert browser.get("/back", app=app)["Location"] == "/"


@pytest.mark.parametrize("bind", ["", "short", "a" * 42, "a" * 44, "a" * 42 + "=", "a" * 42 + "\n", "é" * 43])
def test_a_malformed_binding_gets_no_code(bind: str) -> None:
    _person, secret = make_person_with_app()
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    assert browser.get("/continue", app="wiki", bind=bind).status_code == 400


def test_the_host_in_the_request_never_decides_where_to() -> None:
    _person, secret = make_person_with_app()
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    answer = browser.client.get(
        "/continue",
        {"app": "wiki", "bind": BIND},
        HTTP_X_FORWARDED_HOST="evil.example",
        HTTP_FORWARDED="host=evil.example",
        HTTP_REFERER="https://evil.example/",
    )
    assert answer["Location"].startswith("https://wiki.example.test/")


def test_administrators_need_a_passkey_for_the_console() -> None:
    person_id, secret = make_person_with_app("boss@example.test", groups=("administrators",))
    make_person_with_app("other@example.test", groups=("administrators",))
    browser = Browser()
    browser.sign_in("boss@example.test", secret)
    answer = browser.get("/continue", app="console", bind=BIND)
    assert answer["Location"].startswith("/step-up?need=phishing-resistant&app=console")
    page = browser.client.get(answer["Location"]).content.decode()
    assert "You need a passkey for this" in page
    assert "/set-up/passkey" in page
    assert browser.get("/continue", app="wiki", bind=BIND)["Location"].startswith("https://wiki.")
    remove_member(group_id=GroupId("administrators"), person_id=person_id, actor=MACHINE)
    assert browser.get("/continue", app="console", bind=BIND)["Location"].startswith("https://admin.")


def test_stepping_up_asks_again_and_returns_to_the_very_page() -> None:
    person_id, secret = make_person_with_app()
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    url = "/step-up?need=otp&within=300&app=wiki&return=%2Fsecret%3Fa%3D1"
    page = browser.client.get(url)
    assert page.status_code == 200, "although a code was given a moment ago"
    assert browser.client.post(url, {"code": "000000"}).status_code == 200
    assert browser.client.post(url, {}).status_code == 200
    answer = browser.client.post(url, {"code": SteppedTotp(secret).code(1)})
    assert answer["Location"] == "https://wiki.example.test/secret?a=1"
    proofs = list_sessions(person_id=person_id).items[0].authentications
    assert [one.method for one in proofs] == ["password", "totp", "totp"]
    assert proofs[-1].at > proofs[-2].at


def test_a_recovery_code_is_no_one_time_code_and_no_passkey() -> None:
    person_id, secret = make_person_with_app()
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    page = browser.post("/set-up/recovery-codes").content.decode()
    code = page.split("<li><code>")[1].split("</code>")[0]
    for need in ("otp", "phishing-resistant"):
        answer = browser.client.post(f"/step-up?need={need}&app=wiki&return=/", {"code": code})
        assert answer.status_code == 200, need
    proofs = list_sessions(person_id=person_id).items[0].authentications
    assert [one.method for one in proofs] == ["password", "totp"]
    assert all(one.strength < AuthStrength.PHISHING_RESISTANT for one in proofs)


def test_a_step_up_that_makes_no_sense_is_refused() -> None:
    _person, secret = make_person_with_app()
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    for need in ("", "password", "none", "0", "phishing-resistant\x00"):
        assert browser.get("/step-up", app="wiki", need=need).status_code == 400, need


def test_a_missing_passkey_is_set_up_and_the_page_is_remembered() -> None:
    _person, secret = make_person_with_app()
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    page = browser.get("/step-up", need="phishing-resistant", app="wiki", **{"return": "/deep"}).content.decode()
    assert "/set-up/passkey" in page
    assert browser.session["ostiary_pending"] == "/back?app=wiki&return=%2Fdeep"


def test_an_emergency_sign_in_reaches_the_console_and_nothing_else() -> None:
    link = recover_administrator(actor=MACHINE).link
    browser = Browser()
    assert browser.get("/link/" + link.rsplit("/", 1)[1])["Location"] == "/emergency"
    assert browser.get("/emergency").status_code == 200
    assert browser.post("/emergency")["Location"] == "https://admin.example.test/"
    answer = browser.get("/continue", app="console", bind=BIND)
    assert answer["Location"].startswith("https://admin.example.test/.ostiary/callback?code=")
    claims_of(answer["Location"], "console")
    assert browser.get("/continue", app="wiki", bind=BIND).status_code == 403
    session = list_sessions().items[0]
    assert [one.method for one in session.authentications] == ["break_glass"]
    assert session.authentications[0].strength is AuthStrength.SINGLE
    assert session.expires_at - session.created_at <= 3600
    assert Browser().get("/link/" + link.rsplit("/", 1)[1]).status_code == 404
