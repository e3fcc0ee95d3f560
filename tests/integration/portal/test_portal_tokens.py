"""My access tokens: made after a fresh proof, shown once, listed, revoked; nobody else's."""

import re
import time

import pytest
from tests.identity_people import MACHINE, Browser, make_person, make_person_with_app

from ostiary.applications.facade import add_app, ensure_builtin_apps
from ostiary.identity.models import Person
from ostiary.policy.identifiers import AppId, PersonId
from ostiary.rulebook.facade import apply_rules
from ostiary.workloads.facade import get_token, list_tokens, make_token

pytestmark = pytest.mark.django_db
RULES = """version: 1
rules:
  - name: staff-wiki
    allow: group:staff
    to: app:wiki
    do: [view, edit]
"""


@pytest.fixture
def ada() -> tuple[Browser, PersonId]:
    ensure_builtin_apps()
    for app in ("wiki", "ledger"):
        add_app(app, upstream="http://127.0.0.1:8080", name=app.title(), actor=MACHINE)
    _person, secret = make_person_with_app("ada@example.test", groups=("staff",))
    apply_rules(document=RULES, actor=MACHINE)
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    return browser, PersonId(Person.objects.get(email="ada@example.test").id)


def test_a_token_is_made_shown_once_and_revoked(ada: tuple[Browser, PersonId]) -> None:
    browser, person = ada
    assert "My access tokens" in browser.get("/profile").content.decode()
    assert "You have no tokens" in browser.get("/tokens").content.decode()
    form = browser.get("/tokens/new").content.decode()
    assert 'value="wiki"' in form
    assert 'value="ledger"' not in form, "what no rule opens is not offered"
    assert 'value="console"' not in form
    made = browser.post("/tokens/new", name="Report", apps="wiki", days="7")
    (secret,) = re.findall(r"ostiary_pat_[0-9a-f]{64}", made.content.decode())
    assert "no-store" in made["Cache-Control"]
    (token,) = list_tokens(person=person)
    assert (token.name, token.apps, token.edit) == ("Report", ("wiki",), False)
    assert token.expires_at == pytest.approx(time.time() + 7 * 86_400, abs=60)
    page = browser.get("/tokens").content.decode()
    assert "Report" in page
    assert secret not in page
    assert "refused from their next request" in browser.get(f"/tokens/{token.id}/revoke").content.decode()
    assert get_token(token.id).revoked_at is None
    assert browser.post(f"/tokens/{token.id}/revoke")["Location"] == "/tokens"
    assert get_token(token.id).revoked_at is not None


def test_what_cannot_be_made_is_said(ada: tuple[Browser, PersonId]) -> None:
    browser, person = ada
    for wrong in ({"apps": "console"}, {"apps": "ledger"}, {"days": "366"}, {"days": "0"}, {"name": ""}, {"apps": ""}):
        answer = browser.post("/tokens/new", **{"name": "x", "apps": "wiki", "days": "7", **wrong})
        assert answer.status_code == 200, wrong
        assert "ostiary_pat_" not in answer.content.decode()
    assert list_tokens(person=person) == ()


def test_a_token_needs_a_fresh_proof(ada: tuple[Browser, PersonId], monkeypatch: pytest.MonkeyPatch) -> None:
    browser, person = ada
    monkeypatch.setattr("ostiary.web.signin.prove.FRESH_SECONDS", -60.0)
    for answer in (browser.get("/tokens/new"), browser.post("/tokens/new", name="x", apps="wiki", days="7")):
        assert answer["Location"].startswith("/prove?next=")
    assert list_tokens(person=person) == ()


def test_somebody_elses_token_does_not_exist(ada: tuple[Browser, PersonId]) -> None:
    browser, _person = ada
    ben = PersonId(str(make_person("ben@example.test", groups=("staff",))))
    theirs = make_token(person_id=ben, name="Theirs", apps=[AppId("wiki")], days=1, actor=MACHINE).token
    assert "Theirs" not in browser.get("/tokens").content.decode()
    for answer in (browser.get(f"/tokens/{theirs.id}/revoke"), browser.post(f"/tokens/{theirs.id}/revoke")):
        assert answer["Location"] == "/tokens"
    assert get_token(theirs.id).revoked_at is None


def make_one(person: PersonId, name: str) -> None:
    make_token(person_id=person, name=name, apps=[AppId("wiki")], days=1, actor=MACHINE)


def working(person: PersonId) -> list[str]:
    return [one.name for one in list_tokens(person=person) if one.works(time.time())]


def test_signing_out_everywhere_ends_tokens_in_the_same_click(ada: tuple[Browser, PersonId]) -> None:
    browser, person = ada
    assert "Revoke access tokens" not in browser.get("/sessions").content.decode(), "there are none"
    make_one(person, "Backup")
    page = browser.get("/sessions").content.decode()
    assert "Scripts that use them stop: Backup." in page
    assert re.search(r"<input[^>]*name=\"tokens\"[^>]*checked", page), "ended unless somebody says otherwise"
    browser.post("/sessions/end-all", tokens="on")
    assert not browser.is_signed_in()
    assert working(person) == []


def test_signing_out_everywhere_leaves_tokens_where_that_is_said(ada: tuple[Browser, PersonId]) -> None:
    browser, person = ada
    make_one(person, "Backup")
    browser.post("/sessions/end-all")
    assert not browser.is_signed_in()
    assert working(person) == ["Backup"]


def test_a_new_password_says_which_tokens_go_on_and_can_end_them(ada: tuple[Browser, PersonId]) -> None:
    browser, person = ada
    for number in range(7):
        make_one(person, f"Script {number}")
    page = browser.get("/authenticators/password").content.decode()
    assert "Script 4 and 2 more" in page
    assert not re.search(r"<input[^>]*name=\"tokens\"[^>]*checked", page)
    browser.post("/authenticators/password", password="amber canyon velvet harbor")
    assert "These access tokens go on: Script 0" in browser.get("/authenticators").content.decode()
    assert len(working(person)) == 7
    browser.post("/authenticators/password", password="copper lantern meadow quartz", tokens="on")
    assert "Your access tokens are revoked" in browser.get("/authenticators").content.decode()
    assert working(person) == []
