"""Lesson 11: somebody who is disabled gets in by no door. And who may see which page."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.urls import URLPattern, get_resolver
from tests.identity_people import (
    MACHINE,
    PASSWORD,
    Browser,
    SteppedTotp,
    invite,
    make_person,
    make_person_with_app,
    path_of,
    row_of,
)

from ostiary.applications.facade import add_app
from ostiary.errors import OstiaryError
from ostiary.identity.adapters.mail import wait_until_sent
from ostiary.identity.facade import (
    disable_person,
    enable_person,
    expire_sessions,
    find_person,
    get_group,
    get_person,
    get_session,
    list_people,
    list_sessions,
    recover_administrator,
    revoke_session,
    revoke_sessions_of,
)
from ostiary.identity.facts import read_sessions
from ostiary.identity.models import OneTimeLink, SignInSession
from ostiary.identity.services.links import make_link
from ostiary.visibility.facade import RecordUnavailable
from ostiary.web.signin.gate import ASKED_BY_APPS, ENTRANCE, PROGRAMS, UNFINISHED

pytestmark = pytest.mark.django_db
BIND = "a" * 43


def signed_in_browser(email: str = "ada@example.test") -> tuple[Browser, str, str]:
    person_id, secret = make_person_with_app(email)
    browser = Browser()
    browser.sign_in(email, secret)
    return browser, person_id, secret


def test_disabled_password_is_refused_after_it_was_right_and_like_any_other_before() -> None:
    person_id = make_person()
    disable_person(person_id=person_id, reason="", actor=MACHINE)
    assert Browser().password_step("ada@example.test")["Location"] == "/sign-in/switched-off"
    wrong = Browser().password_step("ada@example.test", "something else entirely")
    assert wrong.status_code == 200
    assert list_sessions().total == 0


def test_disabled_between_the_steps() -> None:
    person_id, secret = make_person_with_app()
    browser = Browser()
    browser.password_step("ada@example.test")
    disable_person(person_id=person_id, reason="", actor=MACHINE)
    answer = browser.code_step(SteppedTotp(secret).code())
    assert answer["Location"] == "/sign-in/switched-off"
    assert list_sessions().total == 0


def test_disabled_session_cookie_handover_and_step_up() -> None:
    add_app("wiki", upstream="http://127.0.0.1:8080", actor=MACHINE)
    browser, person_id, secret = signed_in_browser()
    assert browser.get("/continue", app="wiki", bind=BIND)["Location"].startswith("https://wiki.")
    disable_person(person_id=person_id, reason="", actor=MACHINE)  # type: ignore[arg-type]
    for path in ("/", "/sessions", f"/continue?app=wiki&bind={BIND}", "/step-up?need=otp&app=wiki&return=/", "/prove"):
        answer = browser.client.get(path)
        assert answer.status_code == 302, path
        assert answer["Location"].startswith("/sign-in"), path
    answer = browser.client.post("/step-up?need=otp&app=wiki&return=/", {"code": SteppedTotp(secret).code(1)})
    assert answer["Location"].startswith("/sign-in")
    assert read_sessions().sessions == {}


def test_disabled_and_enabled_again_the_old_session_stays_dead() -> None:
    browser, person_id, _secret = signed_in_browser()
    disable_person(person_id=person_id, reason="", actor=MACHINE)  # type: ignore[arg-type]
    enable_person(person_id=person_id, actor=MACHINE)  # type: ignore[arg-type]
    assert not browser.is_signed_in()


def test_disabled_recovery_code() -> None:
    browser, person_id, _secret = signed_in_browser()
    page = browser.post("/set-up/recovery-codes").content.decode()
    code = page.split("<li><code>")[1].split("</code>")[0]
    other = Browser()
    other.password_step("ada@example.test")
    disable_person(person_id=person_id, reason="", actor=MACHINE)  # type: ignore[arg-type]
    assert other.code_step(code)["Location"] == "/sign-in/switched-off"


def test_a_recovery_code_signs_in_once() -> None:
    browser, _person, _secret = signed_in_browser()
    page = browser.post("/set-up/recovery-codes").content.decode()
    code = page.split("<li><code>")[1].split("</code>")[0]
    first = Browser(address="192.0.2.20")
    first.password_step("ada@example.test")
    assert first.code_step(code).status_code == 302
    second = Browser(address="192.0.2.21")
    second.password_step("ada@example.test")
    assert second.code_step(code).status_code == 200


def test_disabled_invitation_password_and_emergency_links() -> None:
    make_person("boss@example.test", groups=("administrators",))
    invitation = invite("new@example.test")
    person = row_of(find_person("new@example.test").id)
    password, _end = make_link(person=person, purpose=OneTimeLink.Purpose.PASSWORD, seconds=600)
    emergency = recover_administrator(email="new@example.test", actor=MACHINE).link
    confirmation, _end = make_link(person=person, purpose=OneTimeLink.Purpose.CONFIRM_EMAIL, seconds=600)
    waiting = Browser()
    waiting.get(invitation)
    disable_person(person_id=find_person("new@example.test").id, reason="", actor=MACHINE)
    assert waiting.post("/invitation/password", password=PASSWORD).status_code == 404
    for path in (invitation, *map(path_of, (password, emergency, confirmation))):
        assert Browser().get(path).status_code == 404
    assert Browser().password_step("new@example.test").status_code == 200
    Browser().post("/sign-in/forgotten", email="new@example.test")
    wait_until_sent(seconds=30)
    assert not OneTimeLink.objects.filter(used_at=None).exists()


def test_lesson_13_a_revoked_session_is_refused_at_every_page() -> None:
    browser, person_id, _secret = signed_in_browser()
    revoke_sessions_of(person_id=person_id, reason="lost laptop", actor=MACHINE)  # type: ignore[arg-type]
    for name, path in every_page():
        if name not in ENTRANCE | PROGRAMS | ASKED_BY_APPS:
            for answer in (browser.client.get(path), browser.client.post(path, {})):
                assert answer.status_code == 302, path
                assert answer["Location"].startswith("/sign-in"), path


def every_page() -> list[tuple[str, str]]:
    """Return the name of every page and an address that leads to it."""
    filled = {"<str:session_id>": "s_1", "<str:authenticator_id>": "1", "<str:token>": "t",
        "<str:link_id>": "1", "<str:request_id>": "r_1", "<slug:provider_id>": "work", "<path:rest>": "Users",
        "<slug:stream_id>": "s", "<slug:name>": "okta", "<slug:app_id>": "crm",
        "<str:item_id>": "i_1",
        "<str:token_id>": "t_1", "<str:device_id>": "dev-1", "<slug:check>": "disk",
    }  # fmt: skip
    pages = []
    for pattern in get_resolver("ostiary.web.urls_identity").url_patterns:
        assert isinstance(pattern, URLPattern)
        path = str(pattern.pattern)
        for parameter, value in filled.items():
            path = path.replace(parameter, value)
        pages.append((str(pattern.name), f"/{path}"))
    return pages


def test_the_tables_of_open_pages_are_reviewed() -> None:
    names = {name for name, _path in every_page()}
    assert names >= ENTRANCE
    assert names >= UNFINISHED
    assert not ENTRANCE & UNFINISHED
    assert {
        "scim", "workload_token", "workload_metadata", "oidc_token", "oidc_userinfo", "oidc_revocation",
        "oidc_keys", "oidc_configuration", "ssf_configuration", "ssf_keys", "ssf_token", "ssf_streams",
        "ssf_status", "ssf_add_subject", "ssf_remove_subject", "ssf_verify", "ssf_poll", "ssf_event",
        "directory_keys", "directory_logout",
        "device_nonce", "device_start", "device_prove", "device_poll", "device_renew", "device_report", "device_quote",
        "device_inventory", "device_leave",
        "osquery_enroll", "osquery_config", "osquery_log", "osquery_read", "osquery_write",
    } == PROGRAMS  # fmt: skip
    assert {
        "saml_metadata", "saml_sign_in", "saml_quietly", "saml_sign_out", "saml_signed_out",
        "oidc_authorize", "oidc_end_session",
    } == ASKED_BY_APPS  # fmt: skip
    assert names - ENTRANCE - UNFINISHED - PROGRAMS - ASKED_BY_APPS == {
        "portal_apps", "portal_sessions", "portal_end_session", "portal_end_all_sessions", "portal_authenticators",
        "portal_password", "portal_remove_password", "portal_rename", "portal_remove", "portal_profile",
        "sign_in_again", "portal_devices", "portal_device_enrol", "portal_device_lost", "portal_device_retire", "portal_device_rename",
        "portal_mend_this", "portal_mend", "portal_check_again", "portal_more_time",
        "portal_tokens", "portal_token_new", "portal_token_revoke", "portal_confirm_address", "continue", "step_up", "back_to_app", "set_up_done",
        "portal_link", "portal_link_confirm", "portal_unlink",
        "portal_requests", "portal_ask", "portal_request_from_mail", "portal_request", "portal_request_answer",
        "portal_request_withdraw", "portal_request_hand_back", "portal_request_extend", "portal_request_prove",
        "portal_request_review", "portal_emergency", "portal_administrator",
        "saml_continue", "saml_again", "saml_open",
        "portal_reviews", "portal_reviews_confirm", "portal_review", "portal_review_hand_on",
        "portal_recoveries", "portal_recovery",
    }  # fmt: skip


def test_every_page_for_people_refuses_strangers_and_unfinished_sign_ins() -> None:
    make_person("unfinished@example.test")
    unfinished = Browser()
    unfinished.password_step("unfinished@example.test")
    for name, path in every_page():
        if name in ENTRANCE | PROGRAMS | ASKED_BY_APPS:
            continue
        stranger = Browser()
        assert stranger.client.get(path)["Location"].startswith("/sign-in"), path
        assert stranger.client.post(path, {})["Location"].startswith("/sign-in"), path
        if name not in UNFINISHED:
            assert unfinished.client.get(path)["Location"] == "/set-up", path
            assert unfinished.client.post(path, {})["Location"] == "/set-up", path


def test_no_sign_in_opens_what_is_for_programs() -> None:
    browser, _person, _secret = signed_in_browser()
    without_proof = {"scim": (404, 404), "workload_token": (405, 400), "workload_metadata": (200, 405),
        "oidc_token": (405, 400), "oidc_revocation": (405, 400), "oidc_userinfo": (401, 400),
        "oidc_keys": (200, 405), "oidc_configuration": (200, 405),
        "directory_keys": (404, 405), "directory_logout": (405, 404)}  # fmt: skip
    without_proof |= {name: (404, 404) for name in PROGRAMS if name.startswith(("ssf_", "osquery_"))}
    without_proof |= {name: (405, 400) for name in PROGRAMS if name.startswith("device_")}
    for name, path in every_page():
        if name in PROGRAMS:
            answers = (browser.client.get(path), browser.client.post(path, {}))
            assert tuple(answer.status_code for answer in answers) == without_proof[name], path
            assert not any("Location" in answer for answer in answers)


def test_who_does_not_say_which_app_asks_is_sent_nowhere() -> None:
    browser, _person, _secret = signed_in_browser()
    for visitor in (browser, Browser()):
        for address in ("/oidc/authorize", "/oidc/authorize?client_id=x&redirect_uri=https://evil.test/"):
            answer = visitor.client.get(address)
            assert (answer.status_code, "Location" in answer) == (400, False)
    assert browser.client.get("/oidc/end-session")["Location"] == "/sign-out", "asked first"


def test_somebody_elses_session_and_authenticator_do_not_exist() -> None:
    victim, victim_id, _secret = signed_in_browser("victim@example.test")
    theirs = list_sessions(person_id=victim_id).items[0]  # type: ignore[arg-type]
    browser, _person, _secret = signed_in_browser("ada@example.test")
    assert browser.post(f"/sessions/{theirs.id}/end")["Location"] == "/sessions"
    assert victim.is_signed_in()
    from allauth.mfa.models import Authenticator

    row = Authenticator.objects.get(user_id=victim_id, type="totp")
    assert browser.post(f"/authenticators/{row.pk}/remove")["Location"] == "/authenticators"
    assert Authenticator.objects.filter(pk=row.pk).exists()
    for odd in ("0", "-1", "x", "9" * 30, "1'"):
        assert browser.post(f"/authenticators/{odd}/remove").status_code == 302
        assert browser.get(f"/authenticators/{odd}/rename").status_code == 302


def test_a_session_ends_when_its_time_is_over_or_nobody_uses_it() -> None:
    from datetime import UTC, datetime, timedelta

    for field, value in (("expires_at", 0), ("last_seen_at", 240 * 60 + 1)):
        SignInSession.objects.all().delete()
        browser, person_id, _secret = signed_in_browser(f"{field.replace('_', '-')}@example.test")
        assert len(read_sessions().sessions) == 1
        SignInSession.objects.update(**{field: datetime.now(UTC) - timedelta(seconds=value)})
        assert read_sessions().sessions == {}
        assert not browser.is_signed_in()
        assert list_sessions(person_id=person_id).total == 0  # type: ignore[arg-type]
        assert expire_sessions(now=datetime.now(UTC).timestamp()) == 1


def test_facts_say_when_idle_time_ends() -> None:
    _browser, person_id, _secret = signed_in_browser()
    session = list_sessions(person_id=person_id).items[0]  # type: ignore[arg-type]
    fact = read_sessions().sessions[session.id]
    assert fact.expires_at == session.last_seen_at + 240 * 60
    assert fact.authentications == session.authentications


def test_an_unfinished_sign_in_is_in_no_facts() -> None:
    make_person()
    browser = Browser()
    browser.password_step("ada@example.test")
    assert list_sessions().total == 1
    assert read_sessions().sessions == {}


def test_revoking_one_session_leaves_the_others() -> None:
    first, _person_id, secret = signed_in_browser()
    second = Browser(address="192.0.2.9")
    second.password_step("ada@example.test")
    second.code_step(SteppedTotp(secret).code(1))
    mine = first.session["ostiary_session"]
    revoke_session(session_id=mine, reason="", actor=MACHINE)
    assert not first.is_signed_in()
    assert second.is_signed_in()


def test_without_a_record_nobody_signs_in(monkeypatch: pytest.MonkeyPatch) -> None:
    _person, secret = make_person_with_app()
    browser = Browser()
    browser.password_step("ada@example.test")

    def full(*_a: object, **_k: object) -> None:
        raise RecordUnavailable("the disk is full")

    monkeypatch.setattr("ostiary.identity.journal.record", full)
    assert browser.code_step(SteppedTotp(secret).code()).status_code == 503
    assert Browser().password_step("ada@example.test", "wrong wrong wrong").status_code == 503
    assert list_sessions().total == 0
    assert not browser.is_signed_in()


def test_hosts_that_are_not_ours_get_nothing() -> None:
    client = Browser().client
    for host in ("example.test", "wiki.example.test", "id.example.test.", "ID.example.test", "id.example.test:8443",
                 "evil.example", "id.example.test@evil.example", "", "id.example.test, evil.example"):  # fmt: skip
        assert client.get("/sign-in", HTTP_HOST=host).status_code == 404, host


def test_every_answer_carries_the_headers() -> None:
    browser, _person, _secret = signed_in_browser()
    for path in ("/", "/sign-in", "/nothing", "/sign-out"):
        answer = browser.get(path)
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["Strict-Transport-Security"].startswith("max-age=31536000")
        assert answer["Cache-Control"] == "no-store"
        assert "<script>" not in answer.content.decode()
        assert " style=" not in answer.content.decode()
        assert " onclick=" not in answer.content.decode()


def test_lesson_23_cookies_are_for_this_host_alone() -> None:
    browser, _person, _secret = signed_in_browser()
    browser.get("/")
    cookies = {name: morsel for name, morsel in browser.client.cookies.items() if morsel.value}
    assert set(cookies) == {"__Host-ostiary-id", "__Host-ostiary-csrf", "__Host-ostiary-known"}
    for morsel in cookies.values():
        assert (morsel["secure"], morsel["httponly"], morsel["path"]) == (True, True, "/")
        assert not morsel["domain"]
        assert morsel["samesite"] == "Lax"


def test_lesson_6_garbage_in_cookies_is_nobody() -> None:
    for value in ("garbage", "x" * 5000, "é", '"', "\x7f", "a=b; c"):
        browser = Browser()
        browser.client.cookies["__Host-ostiary-id"] = value
        browser.client.cookies["__Host-ostiary-known"] = value
        assert browser.get("/")["Location"] == "/sign-in"


def test_a_form_from_another_site_is_refused() -> None:
    from django.test import Client

    _person, _secret = make_person_with_app()
    client = Client(
        enforce_csrf_checks=True,
        HTTP_HOST="id.example.test",
        HTTP_X_FORWARDED_PROTO="https",
        HTTP_ORIGIN="https://evil.example",
    )
    answer = client.post("/sign-in", {"email": "ada@example.test", "password": PASSWORD})
    assert answer.status_code == 403
    assert "open too long" in answer.content.decode()


def test_plain_http_is_sent_to_https() -> None:
    answer = Browser().client.get("/sign-in", HTTP_X_FORWARDED_PROTO="http")
    assert answer.status_code == 301
    assert answer["Location"].startswith("https://id.example.test/")


@pytest.mark.parametrize("odd", ["\x00", "a\x00b", "\ud800", "é" * 300, "../../etc/passwd", "' OR '1'='1", "9" * 4000])
def test_lesson_24_odd_identifiers_find_nothing_and_break_nothing(odd: str) -> None:
    browser, _person, _secret = signed_in_browser()
    quoted = quote(odd, errors="surrogatepass")
    for path in (f"/sessions/{quoted}/end", f"/authenticators/{quoted}/rename", f"/authenticators/{quoted}/remove"):
        assert browser.client.post(path, {"name": odd.replace("\ud800", "?")}).status_code in {302, 404}, path
    assert browser.client.get(f"/link/{quoted}").status_code == 404
    looks: tuple[Callable[[Any], object], ...] = (get_person, get_session, get_group, find_person)
    for look in looks:
        with pytest.raises(OstiaryError):
            look(odd)
    assert list_people(text=odd).total == 0


def test_a_passkey_answer_that_is_nonsense_is_refused_politely() -> None:
    make_person_with_app()
    handles: list[Any] = [None, "", "AA", "AAAA", "cF8x", 7, [], {}, "é"]
    for handle in handles:
        browser = Browser()
        assert browser.get("/sign-in/passkey").status_code == 200
        response = {"clientDataJSON": "e30", "authenticatorData": "AA", "signature": "AA", "userHandle": handle}
        credential = {"id": "AA", "rawId": "AA", "type": "public-key", "response": response}
        answers: tuple[Any, ...] = (credential, {"response": {}}, {"response": []}, [], 1, "x", None, {})
        for answer in answers:
            sent = browser.post("/sign-in/passkey", credential=json.dumps(answer))
            assert sent["Location"].startswith("/sign-in?"), (handle, answer)
    assert Browser().post("/sign-in/passkey", credential="{" * 10).status_code == 302
    assert Browser().post("/sign-in/passkey", credential="[" * 30_000).status_code == 302
    assert Browser().post("/sign-in/passkey").status_code == 302
