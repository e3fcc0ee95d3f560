"""What browsers and programs are answered at the provider's own pages, where no rule is asked yet."""

import base64
import json
import time
from urllib.parse import urlencode

import pytest
from tests.identity_people import Browser, make_person_with_app

from ostiary.applications.facade import add_app
from ostiary.identity.facade import list_sessions
from ostiary.oidc.facade import add_client
from ostiary.oidc.signing import sign_id_token
from ostiary.visibility.facade import Actor
from ostiary.web.oidc import authorize

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


def test_a_proof_counts_for_a_request_only_shortly_after_it_was_made() -> None:
    """Somebody turned away, and proved who they are hours later for something else: that is no answer to this request."""
    _person_id, secret = make_person_with_app()
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    page = asked(prompt="login")
    session = browser.session
    session[authorize.ASKED_FRESH] = [page, time.time() - authorize.FRESH_SECONDS - 1]
    session.save()
    assert browser.client.get(page)["Location"].startswith("/prove?")


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
