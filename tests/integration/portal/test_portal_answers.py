"""Answering requests in the portal: granting wants a fresh proof, refusing does not; a link of a mail that came too late."""

import pytest
from tests.identity_people import MACHINE, Browser, SteppedTotp
from tests.requests_firm import Firm, actor_for

from ostiary.applications.facade import ensure_builtin_apps
from ostiary.identity.facade import unsafe_provision_totp
from ostiary.requests.facade import State, get_request, refuse
from ostiary.requests.services.letters import answer_token

pytestmark = pytest.mark.django_db
FRESH = "ostiary.web.signin.prove.FRESH_SECONDS"


@pytest.fixture
def firm() -> Firm:
    ensure_builtin_apps()
    return Firm()


@pytest.fixture
def olga(firm: Firm) -> tuple[Browser, SteppedTotp]:
    """Return the browser of whoever answers."""
    secret = unsafe_provision_totp(person_id=firm.owner, actor=MACHINE)
    browser = Browser()
    browser.sign_in("olga@example.test", secret)
    return browser, SteppedTotp(secret)


def test_granting_wants_a_fresh_proof_and_keeps_what_was_written(
    firm: Firm, olga: tuple[Browser, SteppedTotp], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, app = olga
    asked = firm.ask()
    answer = f"/requests/{asked}/answer"
    monkeypatch.setattr(FRESH, -60.0)
    refused = browser.post(answer, answer="approve", comment="Until Friday")
    assert refused["Location"] == f"/prove?next=%2Frequests%2F{asked}"
    assert get_request(asked).state is State.WAITING
    monkeypatch.undo()
    assert browser.post(refused["Location"], code=app.code(1))["Location"] == f"/requests/{asked}"
    assert 'value="Until Friday"' in browser.get(f"/requests/{asked}").content.decode()
    assert 'value="Until Friday"' not in browser.get(f"/requests/{asked}").content.decode(), "once"
    browser.post(answer, answer="approve", comment="Until Friday")
    assert get_request(asked).state is State.GRANTED


def test_refusing_and_withdrawing_work_at_once(
    firm: Firm, olga: tuple[Browser, SteppedTotp], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = firm.ask()
    monkeypatch.setattr(FRESH, -60.0)
    assert olga[0].post(f"/requests/{asked}/answer", answer="refuse")["Location"] == "/requests"
    assert get_request(asked).state is State.REFUSED


def test_a_link_that_came_too_late_says_so_to_whom_it_was_sent(firm: Firm, olga: tuple[Browser, SteppedTotp]) -> None:
    browser, _app = olga
    asked = firm.ask()
    mine, others = (f"/requests/answer/{answer_token(asked, who)}" for who in (firm.owner, firm.boss))
    assert browser.get(mine).status_code == 200
    assert "for somebody else" in browser.get(others).content.decode()
    refuse(request_id=asked, actor=MACHINE)
    late = browser.get(mine)
    assert late.status_code == 404
    assert "does not wait for you any more" in late.content.decode()
    assert actor_for(firm.owner).label not in late.content.decode().split("<h1")[1]
