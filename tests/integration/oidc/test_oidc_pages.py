"""What browsers and programs are answered at the provider's own pages, where no rule is asked yet."""

import base64
import html
import json
import re
import time
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import msgspec
import pyotp
import pytest
from django.conf import settings
from tests.identity_people import PASSWORD, Browser, make_person, make_person_with_app

from ostiary.applications.facade import add_app
from ostiary.gateway.sign_in import SignInReply
from ostiary.identity.facade import list_sessions
from ostiary.identity.models import SignInSession
from ostiary.oidc.facade import add_client
from ostiary.oidc.models import Grant
from ostiary.oidc.signing import sign_id_token
from ostiary.policy.decision import Deny, ReasonCode
from ostiary.policy.identifiers import Generation, PersonId, PolicyVersion
from ostiary.visibility.facade import Actor
from ostiary.web.oidc import authorize
from ostiary.web.signin.asked_anew import SECONDS, mark_of

pytestmark = pytest.mark.django_db
ADMIN = Actor(kind="machine", id="root", label="root")
CALLBACK = "https://books.example.org/callback"
BYE = "https://books.example.org/bye"


@pytest.fixture(autouse=True)
def books() -> None:
    add_client("books", redirect_uris=[CALLBACK], post_logout_redirect_uris=[BYE], pkce=False, actor=ADMIN)


def asked(**more: str) -> str:
    given = {"response_type": "code", "client_id": "books", "redirect_uri": CALLBACK, "scope": "openid", **more}
    return f"/oidc/authorize?{urlencode(given)}"


def test_signing_out_by_a_form_at_the_app_ends_the_sign_in_too() -> None:
    """A form of another site brings no cookie: answering it at once would leave the person signed in."""
    person_id, secret = make_person_with_app()
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    session = list_sessions(person_id=person_id).items[0]
    hint = sign_id_token({"aud": "books", "sub": person_id, "sid": session.id}, access_token="x", now=time.time())
    form = {"id_token_hint": hint, "post_logout_redirect_uri": BYE, "state": "s&1", "other": "x"}
    posted = Browser().post("/oidc/end-session", **form)
    assert posted.status_code == 303
    assert posted["Location"].startswith("/oidc/end-session?")
    assert "other" not in posted["Location"]
    out = browser.client.get(posted["Location"])
    assert (out.status_code, out["Location"]) == (303, f"{BYE}?state=s%261")
    assert list_sessions(person_id=person_id).total == 0


def test_after_a_step_up_an_app_behind_the_gateway_is_asked_for_here_again() -> None:
    """The request for a code is a page of this host; every other path is one of the app's own."""
    add_app("wiki", upstream="http://192.0.2.80", actor=ADMIN)
    add_client("wiki", redirect_uris=["https://wiki.example.org/callback"], actor=ADMIN)
    _person_id, secret = make_person_with_app()
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    for path, stays in (
        (asked(client_id="wiki"), True),
        (asked(client_id="books"), False),
        ("/oidc/authorize", False),
        ("/page?client_id=wiki", False),
    ):
        location = browser.get("/back", app="wiki", **{"return": path})["Location"]
        assert (location == path) is stays, location
        assert stays or location.startswith("https://wiki."), location


def signed_in() -> tuple[Browser, PersonId, str]:
    person_id, secret = make_person_with_app()
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    return browser, person_id, secret


def with_mark(page: str, at: float) -> str:
    return f"{page}&{urlencode({authorize.ASKED_ANEW: mark_of(page, at)})}"


def location_of(answer: Any) -> dict[str, str]:
    """Return what the client is told."""
    assert answer["Location"].startswith(CALLBACK), answer["Location"]
    return dict(parse_qsl(urlsplit(answer["Location"]).query))


def let_in(patched: pytest.MonkeyPatch) -> None:
    """Let the rules allow everybody: the decision service does not run here."""
    patched.setattr(authorize, "refused_admission", lambda *_args, **_more: None)


def test_a_proof_counts_for_a_request_only_shortly_after_it_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody turned away, and proved who they are hours later for something else: that is no answer to this request."""
    let_in(monkeypatch)
    browser, _person, _secret = signed_in()
    page, now = asked(prompt="login"), time.time()
    for stale in (
        page,
        with_mark(page, now - SECONDS - 1),
        with_mark(asked(prompt="login", state="x"), now - 60).replace("&state=x", ""),
        f"{page}&{authorize.ASKED_ANEW}=forged",
    ):
        assert browser.client.get(stale)["Location"].startswith("/prove?"), stale
    assert "code" in location_of(browser.client.get(with_mark(page, now - 60)))


def test_whoever_signs_in_for_a_request_that_wants_a_proof_is_not_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    let_in(monkeypatch)
    _person, secret = make_person_with_app()
    browser = Browser()
    begun = browser.client.get(asked(prompt="login"))["Location"]
    assert begun.startswith("/sign-in?")
    (page,) = parse_qs(urlsplit(begun).query)["next"]
    browser.password_step("ada@example.test", next=page)
    back = browser.code_step(pyotp.TOTP(secret).now())["Location"]
    assert back == page
    assert "code" in location_of(browser.client.get(back))


def test_a_link_elsewhere_ends_no_sign_in_of_somebody_who_has_only_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    let_in(monkeypatch)
    person_id = make_person()
    browser = Browser()
    sign_in = msgspec.structs.replace(settings.INSTANCE.configuration.sign_in, require_second_factor=False)
    monkeypatch.setattr(
        "ostiary.identity.services.sessions.settings",
        SimpleNamespace(INSTANCE=SimpleNamespace(configuration=SimpleNamespace(sign_in=sign_in))),
    )
    browser.password_step("ada@example.test")
    prove = browser.client.get(asked(prompt="login"))["Location"]
    assert prove.startswith("/prove?"), prove
    assert list_sessions(person_id=person_id).total == 1
    assert b"Type your password once more" in browser.client.get(prove).content
    wrong = browser.client.post(prove, {"password": "not this one at all"})
    assert b"The password is not right." in wrong.content
    right = browser.client.post(prove, {"password": PASSWORD})
    assert "code" in location_of(browser.client.get(right["Location"]))
    grant = Grant.objects.get()
    assert (grant.acr, grant.amr) == ("single", ["pwd"])
    assert list_sessions(person_id=person_id).total == 1


def test_whoever_can_prove_nothing_here_is_asked_before_the_sign_in_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another directory vouched for them: only a press of theirs ends the sign-in, and the way on is kept."""
    let_in(monkeypatch)
    person_id = make_person()
    browser = Browser()
    browser.password_step("ada@example.test")
    SignInSession.objects.update(complete=True, authentications=[["directory", 1, time.time()]])
    shown = browser.client.get(asked(prompt="login"))
    assert b"Sign in again" in shown.content
    assert list_sessions(person_id=person_id).total == 1
    (path,) = re.findall(r'name="return" value="([^"]+)"', shown.content.decode())
    gone = browser.client.post("/sign-in/again", {"app": "books", "return": html.unescape(path)})
    assert list_sessions(person_id=person_id).total == 0
    assert browser.client.get(gone["Location"])["Location"].startswith("/sign-in?")


def test_id_and_strength_of_a_fresh_proof_stand_in_what_is_issued(monkeypatch: pytest.MonkeyPatch) -> None:
    """A passkey of this morning is not what somebody proved a minute ago by a code."""
    let_in(monkeypatch)
    browser, _person, _secret = signed_in()
    now = time.time()
    proofs = [["password", 0, now - 7200], ["webauthn", 3, now - 7200], ["totp", 2, now - 60]]
    SignInSession.objects.update(authentications=proofs)
    for page, told in (
        (asked(), (now - 60, "phr", ["mfa", "otp", "pop", "pwd", "user"])),
        (asked(max_age="3600"), (now - 60, "mfa", ["otp"])),
        (with_mark(asked(prompt="login"), now - 120), (now - 60, "mfa", ["otp"])),
    ):
        assert "code" in location_of(browser.client.get(page)), page
        grant = Grant.objects.latest("created_at")
        assert (grant.auth_time, grant.acr, grant.amr) == told


def hint(person: str, *, client: str = "books") -> str:
    claims = {"aud": client, "sub": person, "sid": "s_1"}
    return sign_id_token(claims, access_token="x", now=time.time() - 86400)


def test_a_hint_that_names_the_person_signed_in_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    let_in(monkeypatch)
    browser, person_id, _secret = signed_in()
    assert "code" in location_of(browser.client.get(asked(id_token_hint=hint(person_id))))


def test_a_hint_that_names_somebody_else_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    let_in(monkeypatch)
    browser, person_id, _secret = signed_in()
    other = make_person("bea@example.test", name="Bea")
    silent = location_of(browser.client.get(asked(id_token_hint=hint(other), prompt="none")))
    assert silent["error"] == "login_required"
    shown = browser.client.get(asked(id_token_hint=hint(other)))
    page = shown.content.decode()
    assert "ada@example.test" in page
    assert "bea@example.test" not in page, "a client's token tells nobody else's address"
    assert list_sessions(person_id=person_id).total == 1, "a link from elsewhere ends nothing"
    (path,) = re.findall(r'name="return" value="([^"]+)"', page)
    again = browser.client.get(html.unescape(path))
    assert b"expects somebody else" in again.content, "it is known on the way back, without the token"
    assert "id_token_hint" not in html.unescape(path)


@pytest.mark.parametrize("prompt", ["", "none"])
def test_a_hint_that_is_not_the_clients_is_refused(prompt: str) -> None:
    browser, person_id, _secret = signed_in()
    good = hint(person_id)
    for bad in (hint(person_id, client="other"), f"{good[:-8]}AAAAAAAA", "x", "e30.e30."):
        given = {"id_token_hint": bad, **({"prompt": prompt} if prompt else {})}
        assert location_of(browser.client.get(asked(**given)))["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        (ReasonCode.SESSION_IDLE, "login_required"),
        (ReasonCode.PROOF_TOO_OLD, "login_required"),
        (ReasonCode.STALE_FACTS, "temporarily_unavailable"),
        (ReasonCode.NO_RULE_APPLIES, "access_denied"),
    ],
)
def test_what_a_proof_would_lift_is_no_refusal_for_good(
    monkeypatch: pytest.MonkeyPatch, reason: ReasonCode, error: str
) -> None:
    """A limit of the app (idle, longest) is told a client that allows no question as what it is: a proof is wanted."""
    deny = Deny(reason=reason, policy_version=PolicyVersion("v"), generation=Generation(1))
    monkeypatch.setattr(authorize, "decide_admission", lambda *_args: SignInReply(decision=deny, reference="R"))
    browser, _person, _secret = signed_in()
    assert location_of(browser.client.get(asked(prompt="none")))["error"] == error


def test_both_descriptions_are_one() -> None:
    """Whoever looks at either address finds the same token endpoint, and every grant that it answers."""
    browser = Browser()
    found = browser.get("/.well-known/openid-configuration").json()
    assert browser.get("/.well-known/oauth-authorization-server").json() == found
    assert {"authorization_code", "refresh_token", "client_credentials"} <= set(found["grant_types_supported"])
    path = urlsplit(found["token_endpoint"]).path
    form = urlencode({"grant_type": "client_credentials"})
    answer = browser.client.post(path, form, content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "signed assertion" in answer.json()["error_description"], "a service's grant is answered there"


@pytest.mark.parametrize("subject", ["\ud800", "nobody", ""])
def test_an_assertion_of_nobody_is_refused_in_the_usual_words(subject: str) -> None:
    parts = ({"alg": "RS256"}, {"sub": subject})
    text = ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in parts)
    form = {
        "grant_type": "authorization_code",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": f"{text}.AAAA",
    }
    answer = Browser().client.post("/oidc/token", urlencode(form), content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
