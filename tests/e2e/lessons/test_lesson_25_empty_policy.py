"""Lesson 25: no rules, or rules that cannot be used, let nobody in; the emergency account of the machine reaches the
console, nothing else, and is on record."""

import json

import pytest
from tests.running_instance import IDENTITY, RULES, Client, RunningInstance, location, reached

from ostiary.demo.walk.browser import form_with, words_of

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
EMPTY = ("version: 1\n", "version: 1\nrules: []\n", "")
BROKEN = "version: 1\nrules:\n  - nonsense: [\n"
LOCKED_OUT = "version: 1\nrules:\n  - name: nobody\n    deny: anyone\n    to: anything\n"
GENEROUS = "version: 1\nrules:\n  - name: everybody\n    allow: anyone\n    to: anything\n    do: any\n"


@pytest.fixture(scope="module")
def ada(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff")).enter("wiki", "files", "vault")


@pytest.fixture(scope="module")
def admin(running: RunningInstance) -> Client:
    return running.administrator()


def emergency(running: RunningInstance) -> Client:
    """Return a browser in which an emergency link was used."""
    link = running.operator(f"{IDENTITY}:recover_administrator", email="emergency@corp.test")["link"]
    client = running.client()
    page = client.browser.open(link)
    assert page.request.url.path == "/emergency"
    assert client.post("id", "/emergency", page).status_code == 302
    return client


@pytest.mark.parametrize("document", EMPTY)
def test_without_rules_nobody_enters(running: RunningInstance, ada: Client, admin: Client, document: str) -> None:
    assert reached(ada.enter("wiki").api("wiki"))
    with running.rules(document):
        for name, path in (("wiki", "/"), ("files", "/public/x"), ("vault", "/")):
            assert ada.api(name, path).status_code == 403, name
        assert admin.api("admin", "/").status_code == 403
        assert running.signed_in(running.make_person("staff", "administrators")).open("wiki").status_code == 403
        assert ada.get("id", "/profile").status_code == 200, "signing in and the portal go on"
    assert reached(ada.api("wiki"))


def test_with_rules_that_cannot_be_used_nobody_enters(running: RunningInstance, ada: Client, admin: Client) -> None:
    with running.rules(BROKEN, unchecked=True):
        for name, path in (("wiki", "/"), ("files", "/public/x"), ("vault", "/")):
            assert ada.api(name, path).status_code == 503, name
        assert admin.api("admin", "/").status_code == 503
    assert reached(ada.api("wiki"))


@pytest.mark.parametrize(
    ("document", "unchecked"), [("", False), (LOCKED_OUT, False), (GENEROUS, False), (BROKEN, True)]
)
def test_the_emergency_link_opens_the_console_and_nothing_else(
    running: RunningInstance, document: str, unchecked: bool
) -> None:
    with running.rules(document, unchecked=unchecked):
        someone = emergency(running)
        page = someone.open("admin")
        assert page.status_code == 200, page.text
        assert page.request.url.host == running.host("admin")
        for path in ("/rules/", "/rules/edit", "/people/", "/apps/", "/groups/", "/decisions/", "/audit/"):
            assert someone.get("admin", path).status_code == 200, path
        assert "__Host-ostiary-grant" not in someone.cookies("admin")
        for name in ("wiki", "files", "vault", "payroll"):
            ended = someone.open(name, "/public/x")
            assert not reached(ended), name
            assert ended.status_code in {403, 503}, name
            forged = {"cookie": f"__Host-ostiary-session={someone.cookies('admin')['__Host-ostiary-session']}"}
            assert someone.api(name, "/public/x", **forged).status_code in {401, 403, 503}
        last = [one for one in running.decisions() if one["http_request"]["url"]["hostname"] == running.host("admin")][
            -1
        ]
        assert "break-glass" in json.dumps(last), last


def test_the_rules_are_mended_from_there(running: RunningInstance, ada: Client) -> None:
    """What it is for: somebody locked everybody out, and the machine's owner puts it right in the console."""
    with running.rules(LOCKED_OUT):
        assert ada.api("wiki").status_code == 403
        someone = emergency(running)
        someone.open("admin")
        page = someone.get("admin", "/rules/edit")
        form = form_with(page, "document")
        landed = someone.browser.submit(page, form, document=RULES, comment="mended", apply="1")
        assert landed.request.url.path == "/rules/", words_of(landed)
        running.in_force()
        assert reached(ada.api("wiki"))


def test_the_link_works_once_and_only_from_the_machine(running: RunningInstance) -> None:
    link = running.operator(f"{IDENTITY}:recover_administrator", email="emergency@corp.test")["link"]
    first, second = running.client(), running.client()
    page = first.browser.open(link)
    also = second.browser.open(link)
    assert also.request.url.path == "/emergency", "looking uses nothing up"
    assert first.post("id", "/emergency", page).status_code == 302
    assert second.post("id", "/emergency", also).status_code == 404
    assert second.open("admin").request.url.host == running.host("id")
    assert running.client().browser.open(link).status_code == 404
    events = running.control_events()
    assert any("recover" in json.dumps(one) and "emergency@corp.test" in json.dumps(one) for one in events)
    assert any("break_glass" in json.dumps(one) for one in events)


def test_an_emergency_sign_in_can_be_ended_like_any_other(running: RunningInstance) -> None:
    someone = emergency(running)
    assert someone.open("admin").status_code == 200
    claims = running.session_claims(someone.cookies("admin")["__Host-ostiary-session"])
    running.operator(f"{IDENTITY}:revoke_session", session_id=claims["sid"], reason="done")
    running.in_force()
    assert location(someone.get("admin")).startswith(running.url("id", "/continue"))
    assert someone.api("admin").status_code == 401
