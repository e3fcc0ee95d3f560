"""Sign-in by SAML on its pages: what stands before the rules, and signing in anew where there is nothing else to prove."""

import time
from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.mfa.models import Authenticator
from tests.identity_people import MACHINE, Browser, make_person_with_app
from tests.saml_material import CONSUMER, NOW, authn_request, metadata, query

from ostiary.identity.client import Client
from ostiary.identity.entrance import add_proof
from ostiary.identity.facade import list_sessions
from ostiary.identity.models import SignInSession
from ostiary.policy.request import Authentication, AuthStrength
from ostiary.saml.domain.contexts import PASSWORD, AskedContext, Comparison
from ostiary.saml.facade import Asked, add_provider, own_address, read_metadata
from ostiary.supervisor.diagnosis.finding import Level
from ostiary.supervisor.diagnosis.programs import check_saml
from ostiary.web.signin.saml import ASKED_SALT, seal

pytestmark = pytest.mark.django_db


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
