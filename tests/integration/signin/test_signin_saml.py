"""Sign-in by SAML on its pages: what stands before the rules, and signing in anew where there is nothing else to prove."""

import base64
import html
import re
import secrets
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pyotp
import pytest
from allauth.mfa.models import Authenticator
from lxml import etree
from tests.identity_people import MACHINE, Browser, make_person_with_app
from tests.saml_material import CONSUMER, NOW, authn_request, metadata, query

from ostiary.identity.client import Client
from ostiary.identity.entrance import add_proof
from ostiary.identity.facade import list_sessions, unsafe_provision_totp
from ostiary.identity.models import SignInSession
from ostiary.policy.identifiers import PersonId
from ostiary.policy.request import Authentication, AuthStrength
from ostiary.saml.domain.contexts import PASSWORD, AskedContext, Comparison
from ostiary.saml.facade import Asked, AskedOut, add_provider, get_provider, own_address, read_metadata
from ostiary.saml.models import KeptRelayState
from ostiary.saml.services import relay_states
from ostiary.supervisor.diagnosis.finding import Level
from ostiary.supervisor.diagnosis.programs import check_saml
from ostiary.web.signin.saml import ASKED_SALT
from ostiary.web.signin.saml_messages import seal
from ostiary.web.signin.saml_sign_out import ASKED_OUT_SALT

pytestmark = pytest.mark.django_db
LOGOUT = "https://sp.example/saml/logout"


@pytest.fixture(autouse=True)
def crm() -> None:
    add_provider("crm", described=read_metadata(metadata(), now=NOW), actor=MACHINE)


def asked(**more: Any) -> str:
    given = {"provider": "crm", "id": "_a", "consumer": CONSUMER, "at": time.time(), **more}
    return seal(Asked(**given), ASKED_SALT)


def someone() -> tuple[Browser, str]:
    person_id, secret = make_person_with_app("ada@example.test")
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    return browser, person_id


def test_a_request_leads_whoever_is_not_signed_in_to_the_sign_in_and_back() -> None:
    document = authn_request(at=time.time(), destination=own_address("/saml/sign-in"))
    browser = Browser()
    begun = browser.client.get(f"/saml/sign-in?{query(document)}")["Location"]
    assert begun.startswith("/saml/continue?asked=")
    assert browser.client.get(begun)["Location"] == f"/sign-in?{urlencode({'next': begun})}"


def test_people_without_a_factor_here_sign_in_anew_when_an_application_insists() -> None:
    browser, person_id = someone()
    page = f"/saml/continue?asked={asked(force=True)}"
    assert browser.get("/saml/continue", asked=asked(force=True))["Location"].startswith("/step-up?need=any&app=crm")
    Authenticator.objects.filter(user_id=person_id).delete()
    shown = browser.client.get(page)
    assert b"Sign in anew" in shown.content
    assert list_sessions(person_id=person_id).total == 1, "nothing happens by looking"  # type: ignore[arg-type]
    gone = browser.post("/saml/again", asked=asked(force=True))
    assert gone["Location"].startswith("/sign-in?next=%2Fsaml%2Fcontinue")
    assert list_sessions(person_id=person_id).total == 0  # type: ignore[arg-type]


def test_an_application_that_insists_is_told_of_proofs_given_since() -> None:
    """A passkey of this morning is not what somebody proved just now by typing a code."""
    browser, person_id = someone()
    session = list_sessions(person_id=person_id).items[0]  # type: ignore[arg-type]
    at = time.time()
    for method, strength, given in (("webauthn", 3, at - 3600), ("totp", 2, at + 1)):
        add_proof(
            session_id=session.id,
            authentication=Authentication(method, AuthStrength(strength), given),
            client=Client("192.0.2.7", "Firefox"),
        )
    wanted = AskedContext(classes=("https://refeds.org/profile/mfa/phishing-resistant",))
    sent = browser.get("/saml/continue", asked=asked(force=True, at=at, context=wanted))
    assert sent["Location"].startswith("/step-up?need=phishing-resistant&app=crm")


def test_an_application_that_wants_more_than_a_password_leads_to_a_second_factor() -> None:
    browser, _person = someone()
    SignInSession.objects.update(authentications=[["password", 0, time.time()]], complete=True)
    wanted = AskedContext(classes=(PASSWORD,), comparison=Comparison.BETTER)
    sent = browser.get("/saml/continue", asked=asked(context=wanted))
    assert sent["Location"].startswith("/step-up?need=otp&app=crm")


def test_what_was_not_sealed_here_or_is_named_otherwise_goes_no_further() -> None:
    browser, _person = someone()
    for text in ("", "x", asked()[:-2], asked(provider="other"), asked(consumer="https://evil.example/acs")):
        assert browser.get("/saml/continue", asked=text).status_code == 400
        assert browser.get("/saml/quietly", asked=text).status_code == 400
        assert browser.post("/saml/again", asked=text).status_code == 400
    assert browser.get("/saml/continue", asked=asked(passive=True)).status_code == 400
    other = browser.get(
        "/saml/continue", asked=asked(name_format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient")
    )
    assert other.status_code == 400
    assert b"name ID format transient" in other.content
    assert browser.get("/saml/open/crm").status_code == 404
    assert browser.get("/saml/open/nothing").status_code == 404


def test_doctor_says_when_the_certificate_ends() -> None:
    (finding,) = check_saml(time.time())
    assert finding.level is Level.OK
    for days, words in ((5 * 365 - 30, "ends in"), (5 * 365 + 2, "has ended")):
        (finding,) = check_saml(time.time() + days * 86400)
        assert finding.level is Level.WARNING
        assert words in finding.words
        assert "rotate-certificate" in finding.mend


def asked_out(name: str, index: str = "", request_id: str = "_l1") -> str:
    given = AskedOut(provider="crm", id=request_id, consumer=LOGOUT, name=name, session_index=index)
    return seal(given, ASKED_OUT_SALT)


def told(browser: Browser, sealed: str) -> list[str]:
    """Return the status codes, the outer first, that the application is sent."""
    page = browser.get("/saml/signed-out", asked=sealed)
    assert page.status_code == 200, page.content[:300]
    (message,) = re.findall(r'name="SAMLResponse" value="([^"]+)"', page.content.decode())
    root = etree.fromstring(base64.b64decode(html.unescape(message)))
    return [
        one.get("Value").rpartition(":")[2] for one in root.iter("{urn:oasis:names:tc:SAML:2.0:protocol}StatusCode")
    ]


def signed_in_at(app: str, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> str:
    """Sign the browser's person in to an application; return the index that it is told."""
    monkeypatch.setattr("ostiary.web.signin.saml.refused_admission", lambda *_args, **_more: None)
    consumer = get_provider(app).described.consumers[0].url
    page = browser.get("/saml/continue", asked=asked(provider=app, consumer=consumer, id=f"_{time.time_ns()}"))
    (message,) = re.findall(r'name="SAMLResponse" value="([^"]+)"', page.content.decode())
    (index,) = re.findall(rb'SessionIndex="([^"]+)"', base64.b64decode(html.unescape(message)))
    return index.decode()


def test_a_sign_out_that_names_another_sign_in_ends_none_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    first, person_id = someone()
    index = signed_in_at("crm", first, monkeypatch)
    second = Browser(address="192.0.2.8")
    secret = unsafe_provision_totp(person_id=PersonId(person_id), actor=MACHINE)
    second.sign_in("ada@example.test", secret)
    assert told(second, asked_out("ada@example.test", index, "_l1")) == ["Requester", "RequestDenied"]
    assert told(Browser(), asked_out("ada@example.test", index, "_l2")) == ["Requester", "RequestDenied"]
    assert told(first, asked_out("bea@example.test", index, "_l3")) == ["Requester", "UnknownPrincipal"]
    assert told(first, asked_out("ada@example.test", "_never_told", "_l4")) == ["Requester", "RequestDenied"]
    assert first.is_signed_in()
    assert second.is_signed_in()
    assert told(first, asked_out("ada@example.test", index, "_l5")) == ["Success"]
    assert not first.is_signed_in()
    assert told(second, asked_out("ada@example.test", index, "_l6")) == ["Success"], "that one is over already"
    assert second.is_signed_in()


def test_an_index_of_another_application_is_none_of_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    add_provider(
        "other", described=read_metadata(metadata(entity="https://other.example/saml"), now=NOW), actor=MACHINE
    )
    browser, _person = someone()
    index = signed_in_at("other", browser, monkeypatch)
    assert told(browser, asked_out("ada@example.test", index)) == ["Requester", "RequestDenied"]
    assert browser.is_signed_in()


def test_a_sign_out_is_answered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Brought again, it ends nothing: the person has signed in anew meanwhile."""
    browser, person_id = someone()
    sealed = asked_out("ada@example.test", signed_in_at("crm", browser, monkeypatch))
    assert told(browser, sealed) == ["Success"]
    browser.sign_in("ada@example.test", unsafe_provision_totp(person_id=PersonId(person_id), actor=MACHINE))
    again = browser.get("/saml/signed-out", asked=asked_out("ada@example.test"))
    assert (again.status_code, browser.is_signed_in()) == (400, True)


def test_applications_that_go_on_are_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not passed on by SAML, and the standard has a word for that (core, 3.7.3.2)."""
    add_provider(
        "other", described=read_metadata(metadata(entity="https://other.example/saml"), now=NOW), actor=MACHINE
    )
    browser, _person = someone()
    signed_in_at("other", browser, monkeypatch)
    index = signed_in_at("crm", browser, monkeypatch)
    assert told(browser, asked_out("ada@example.test", index)) == ["Success", "PartialLogout"]
    assert not browser.is_signed_in()


@pytest.mark.parametrize("length", [80, 900, 2048])
def test_a_relay_state_of_any_usual_length_comes_back(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when somebody has to sign in first: the way back must not become the portal's first page."""
    monkeypatch.setattr("ostiary.web.signin.saml.refused_admission", lambda *_args, **_more: None)
    state = "".join(secrets.choice("abcdefghij0123456789/?=&é") for _ in range(length))
    while len(state.encode()) > length:
        state = state[:-1]
    _person, secret = make_person_with_app("ada@example.test")
    document = authn_request(at=time.time(), destination=own_address("/saml/sign-in"))
    browser = Browser()
    begun = browser.client.get(f"/saml/sign-in?{query(document, relay_state=state)}")["Location"]
    sign_in = browser.client.get(begun)["Location"]
    (target,) = parse_qs(urlsplit(sign_in).query)["next"]
    browser.password_step("ada@example.test", next=target)
    back = browser.code_step(pyotp.TOTP(secret).now())["Location"]
    assert back == begun
    page = browser.client.get(back).content.decode()
    (returned,) = re.findall(r'name="RelayState" value="([^"]*)"', page)
    assert html.unescape(returned) == state


def test_what_is_kept_for_people_who_never_come_is_little_and_soon_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_states, "KEPT_AT_MOST", 3)
    at = 1_800_000_000.0
    keys = [relay_states.keep_relay_state("x" * 300, at + number) for number in range(5)]
    assert [relay_states.kept_relay_state(key, at + 5) is not None for key in keys] == [False, False, True, True, True]
    assert relay_states.keep_relay_state("short", at) == ""
    relay_states.keep_relay_state("y" * 300, at + 3600)
    assert KeptRelayState.objects.count() == 1
    gone = asked(relay_key=keys[4])
    browser, _person = someone()
    assert browser.get("/saml/continue", asked=gone).status_code == 400
