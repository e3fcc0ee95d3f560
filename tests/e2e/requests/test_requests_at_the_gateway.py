"""Refused, asked, granted by another, let in, and out again at the end: through the real gateway, from outside."""

import html
import re
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.running_instance import IDENTITY, RULES, Client, OperatorRefused, RunningInstance, reached

from ostiary.demo.walk.browser import words_of
from ostiary.demo.walk.forms import read_forms

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
REQUESTS = "ostiary.requests.facade"
ARCHIVE = """\
  - name: archive-opens-the-vault
    allow: group:archive
    to: app:vault
    do: any
"""


@pytest.fixture(scope="module")
def archive(running: RunningInstance) -> Iterator[Client]:
    """Have a group that opens the vault; return the browser of whoever answers for it."""
    owner = running.make_person("staff", name="Olga Owner")
    running.operator(f"{IDENTITY}:create_group", id="archive", name="Archive")
    running.operator(f"{IDENTITY}:set_group_owner", group_id="archive", owner=owner.email)
    with running.rules(RULES + ARCHIVE):
        yield running.signed_in(owner)


def newcomer(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person(name="Nadja New"))


def test_refused_asked_granted_by_another_and_the_next_request_is_let_in(
    running: RunningInstance, archive: Client
) -> None:
    nadja = newcomer(running)
    refused = nadja.open("vault", "/books?year=2026")
    assert refused.status_code == 403
    href = html.unescape(re.findall(r'href="([^"]+)"[^>]*>Ask for access<', refused.text)[0])
    target = urlsplit(href)
    assert f"{target.scheme}://{target.netloc}" == running.url("id", "")
    assert parse_qs(target.query) == {"app": ["vault"], "return": ["/books?year=2026"]}
    assert nadja.api("vault", "/books").json()["remedy"]["kind"] == "ask"

    page = nadja.open("id", f"{target.path}?{target.query}")
    form = next(one for one in read_forms(page.text) if "reason" in one.values)
    sent = nadja.browser.submit(page, form, group="archive", hours="1", reason="Counting the silver")
    assert sent.status_code == 200, words_of(sent)
    path = sent.request.url.path
    assert nadja.open("vault").status_code == 403, "asking opens nothing"

    assert "Waiting for you" in archive.open("id", "/requests").text
    shown = archive.open("id", path)
    for words in ("Nadja New", "Counting the silver", "Vault", "never"):
        assert words in shown.text
    answer = next(one for one in read_forms(shown.text) if "comment" in one.values)
    done = archive.browser.submit(shown, answer, answer="approve", comment="Until tonight")
    assert done.status_code == 200, words_of(done)
    running.in_force()
    assert nadja.open("vault", "/books").status_code == 200
    own = nadja.open("id", path)
    assert f'href="{running.url("vault", "/books?year=2026")}"' in own.text

    back = next(one for one in read_forms(own.text) if one.action.endswith("/hand-back"))
    nadja.browser.submit(own, back)
    running.in_force()
    assert nadja.open("vault", "/books").status_code == 403


def test_what_was_granted_ends_at_its_moment(running: RunningInstance, archive: Client) -> None:
    assert archive.account is not None
    nadja = newcomer(running)
    assert nadja.account is not None
    given = {"person_id": nadja.account.id, "group_id": "archive", "seconds": 20, "reason": "For a moment"}
    asked = running.operator(f"{REQUESTS}:ask", **given)
    ends_at = running.operator(f"{REQUESTS}:approve", request_id=asked["id"])["ends_at"]
    running.in_force()
    nadja.enter("vault")
    last_let_in, began = 0.0, time.time()
    while reached(nadja.api("vault")):
        last_let_in, began = began, time.time()
    assert last_let_in < ends_at, "a request that began after the end was let in"
    assert time.time() >= ends_at, "it ended before its time"


def test_nobody_else_and_never_oneself(running: RunningInstance, archive: Client) -> None:
    nadja, other = newcomer(running), newcomer(running)
    assert nadja.account is not None
    given = {"person_id": nadja.account.id, "group_id": "archive", "seconds": 3600, "reason": "Please"}
    path = f"/requests/{running.operator(f'{REQUESTS}:ask', **given)['id']}"
    for who, status in ((nadja, 422), (other, 404)):
        home = who.open("id", "/")
        form = next(one for one in read_forms(home.text) if "csrfmiddlewaretoken" in one.values)
        form.action = f"{path}/answer"
        answer = who.browser.submit(home, form, answer="approve", comment="")
        assert answer.status_code == status, words_of(answer)
    assert other.get("id", path).status_code == 404, "it does not exist for others"
    with pytest.raises(OperatorRefused, match="console"):
        running.operator(f"{REQUESTS}:ask", **{**given, "group_id": "administrators"})
    assert nadja.open("vault").status_code == 403
    assert archive.get("id", path).status_code == 200


def test_a_return_path_never_leads_elsewhere(running: RunningInstance, archive: Client) -> None:
    nadja = newcomer(running)
    evil = "/requests/new?app=vault&return=https://evil.example/"
    page = nadja.open("id", evil)
    form = next(one for one in read_forms(page.text) if "reason" in one.values)
    sent = nadja.browser.submit(page, form, group="archive", hours="1", reason="Please")
    path = sent.request.url.path
    running.operator(f"{REQUESTS}:approve", request_id=path.rsplit("/", 1)[1])
    own = nadja.open("id", path).text
    assert "evil.example" not in own
    assert f'href="{running.url("vault", "/")}"' in own
    assert nadja.get("id", "/requests/new?app=console").status_code == 404
    assert nadja.get("id", "/requests/new?group=administrators").status_code == 404
    assert running.client().get("id", evil).status_code == 302, "one has to sign in"
    assert archive.account is not None
