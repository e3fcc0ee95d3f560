"""Emergency access and administrators only when needed: through the real gateway, from the page that refuses."""

import html
import re
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from tests.running_instance import IDENTITY, RULES, Client, RunningInstance

from ostiary.demo.walk.browser import words_of
from ostiary.demo.walk.forms import read_forms
from ostiary.demo.walk.passkey import Passkey

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
REQUESTS = "ostiary.requests.facade"
PUMP = """\
  - name: pumpers-open-the-vault
    allow: group:pumpers
    to: app:vault
    do: any
"""


@pytest.fixture(scope="module")
def pump(running: RunningInstance) -> Iterator[Client]:
    """Have a group that opens the vault; return the browser of whoever answers for it."""
    owner = running.make_person("staff", name="Pia Pump")
    running.operator(f"{IDENTITY}:create_group", id="pumpers", name="Pumpers")
    running.operator(f"{IDENTITY}:set_group_owner", group_id="pumpers", owner=owner.email)
    with running.rules(RULES + PUMP):
        yield running.signed_in(owner)


def link(page: httpx.Response, words: str) -> str:
    """Return the path that a link of the page leads to, on the sign-in host."""
    found = re.findall(rf'href="([^"]+)"[^>]*>{words}', page.text)
    assert found, words_of(page)
    target = urlsplit(html.unescape(found[0]))
    return f"{target.path}?{target.query}"


def proved(client: Client, page: httpx.Response, passkey: Passkey | None) -> httpx.Response:
    """Give the proof that a page asks for, when it asks for one."""
    if passkey is not None and "data-passkey" in page.text and "reason" not in page.text:
        return client.visitor.give_passkey(page, passkey)
    return client.give_code(page) if 'name="code"' in page.text else page


def test_emergency_access_is_used_at_once_told_and_reviewed_by_somebody_else(
    running: RunningInstance, pump: Client
) -> None:
    ned = running.signed_in(running.make_person("on-call", name="Ned Night"))
    other = running.signed_in(running.make_person(name="Otto Other"))
    assert "Emergency access" not in other.open("vault").text
    assert other.get("id", "/requests/emergency?app=vault").status_code == 403
    refused = ned.open("vault", "/pump?now=1")
    assert refused.status_code == 403
    path = link(refused, "Emergency access<")
    page = proved(ned, ned.open("id", path), None)
    form = next(one for one in read_forms(page.text) if "reason" in one.values)
    assert "told at once" in page.text
    assert ned.open("vault").status_code == 403, "looking at the page opens nothing"
    sent = ned.browser.submit(page, form, group="pumpers", reason="The cellar is under water")
    assert sent.status_code == 200, words_of(sent, 3000)
    running.in_force()
    assert ned.open("vault", "/pump").status_code == 200
    request_path = sent.request.url.path
    for own in (ned.open("id", request_path), ned.open("id", "/requests")):
        assert "/extend" not in own.text, "it cannot be prolonged"

    assert "For you to review" in pump.open("id", "/requests").text
    shown = pump.open("id", request_path)
    assert "The cellar is under water" in shown.text
    for who, status in ((ned, 422), (other, 404)):
        home = who.open("id", "/")
        forged = next(one for one in read_forms(home.text) if "csrfmiddlewaretoken" in one.values)
        forged.action = f"{request_path}/review"
        answer = who.browser.submit(home, forged, justified="yes", words="Fine")
        assert answer.status_code == status, words_of(answer)
    form = next(one for one in read_forms(shown.text) if one.action.endswith("/review"))
    done = pump.browser.submit(shown, form, justified="no", words="It was dry")
    assert done.status_code == 200, words_of(done)
    running.in_force()
    assert ned.open("vault", "/pump").status_code == 403, "what was not justified ends at once"
    said = [
        one for one in running.control_events() if one.get("entity", {}).get("uid") == request_path.rsplit("/", 1)[1]
    ]
    assert {one["entity"]["type"] for one in said} == {"access request", "emergency access review"}


def test_a_sign_in_of_long_ago_is_not_proof_enough(running: RunningInstance, pump: Client) -> None:
    ned = running.signed_in(running.make_person("on-call", name="Ned Night"))
    assert ned.account is not None
    held = running.operator(f"{IDENTITY}:list_sessions", person_id=ned.account.id, acting=False)["items"]
    running.operator("tests.running_operator:age_proofs", held[0]["id"], 3600, acting=False)
    page = ned.open("id", "/requests/emergency?app=vault")
    assert "reason" not in {name for form in read_forms(page.text) for name in form.values}
    assert "needs a fresh proof" in page.text
    forged = ned.post("id", "/requests/emergency?app=vault", page, group="pumpers", reason="Let me in")
    assert forged.status_code == 302
    assert ned.open("vault").status_code == 403
    again = ned.give_code(page)
    assert "reason" in {name for form in read_forms(again.text) for name in form.values}, words_of(again)
    assert pump.account is not None


def test_somebody_who_may_becomes_an_administrator_on_the_page_that_refuses_them_and_it_ends(
    running: RunningInstance,
) -> None:
    eli = running.signed_in(running.make_person("administrators-eligible", name="Eli Able"))
    passkey = eli.add_passkey()
    refused = eli.open("admin", "/people/")
    assert refused.status_code == 403, words_of(refused)
    page = eli.open("id", link(refused, "Become administrator for 1 h<"))
    page = proved(eli, page, passkey)
    form = next(one for one in read_forms(page.text) if "reason" in one.values)
    sent = eli.browser.submit(page, form, reason="A new colleague")
    assert sent.status_code == 200, words_of(sent)
    running.in_force()
    console = eli.open("admin", "/people/")
    assert console.status_code == 200, words_of(console)
    assert running.url("admin", "/people/") in sent.text, "it leads back to the page that was wanted"

    request_id = sent.request.url.path.rsplit("/", 1)[1]
    ends_at = time.time() + 2
    running.operator("tests.running_operator:end_access", request_id, ends_at, acting=False)
    running.in_force()
    running.eventually(lambda: eli.open("admin", "/people/").status_code == 403, "it is over", seconds=60)
    assert time.time() >= ends_at
    assert "Become administrator" in eli.open("admin").text
    group = running.operator(f"{IDENTITY}:get_person", eli.account.id, acting=False)["groups"]  # type: ignore[union-attr]
    assert "administrators-eligible" in group


def test_a_code_is_not_enough_to_become_an_administrator(running: RunningInstance) -> None:
    eli = running.signed_in(running.make_person("administrators-eligible"))
    page = eli.open("id", "/requests/administrator")
    assert "You need a passkey for this" in page.text
    token = eli.open("id", "/requests")
    forged = eli.post("id", "/requests/administrator", token, reason="Let me in")
    assert "You need a passkey for this" in forged.text, words_of(forged)
    assert eli.open("admin").status_code == 403
    nobody = running.signed_in(running.make_person())
    assert nobody.get("id", "/requests/administrator").status_code == 403
    assert "Become administrator" not in nobody.open("admin").text
