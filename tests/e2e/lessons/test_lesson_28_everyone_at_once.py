"""Lesson 28: a change of rules that takes something from more than a fifth of the people is applied only when their number
is said; what is taken from one is never held."""

from pathlib import Path

import pytest
from tests.running_instance import RULES, Client, RunningInstance, reached
from tests.running_rules import people_losing, review

from ostiary.demo.walk.browser import form_with, words_of

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
TAKING = RULES.replace("allow: group:staff\n    to: [app:wiki", "allow: group:misled\n    to: [app:wiki")
FACADE = "ostiary.rulebook.facade"


@pytest.fixture(scope="module")
def staff(running: RunningInstance) -> list[Client]:
    return [running.signed_in(running.make_person("staff")).enter("wiki") for _ in range(4)]


@pytest.fixture(scope="module")
def admin(running: RunningInstance, staff: list[Client]) -> Client:
    return running.administrator()


def in_force(running: RunningInstance) -> dict:
    found: dict = running.operator(f"{FACADE}:get_current", acting=False)
    return found


def test_a_click_alone_takes_nothing_from_many(running: RunningInstance, admin: Client, staff: list[Client]) -> None:
    shown = review(admin, TAKING)
    assert staff[0].account.email in shown.text
    assert f"Take access from {people_losing(shown)} people" in shown.text
    form = form_with(shown, "document", "people")
    for wrong in ("", "1", "nobody", str(int(people_losing(shown)) + 1)):
        answer = admin.browser.submit(shown, form, apply="1", people=wrong)
        assert answer.status_code == 422, wrong
    assert in_force(running)["document"] == RULES
    assert all(reached(one.api("wiki")) for one in staff)
    told = running.command_any("rules", "apply", str(_file(running)), "--yes")
    assert told.returncode == 3
    assert f"--takes-from {people_losing(shown)}" in told.stderr
    assert in_force(running)["document"] == RULES


def test_by_their_number_it_is_done(running: RunningInstance, admin: Client, staff: list[Client]) -> None:
    with running.rules(RULES):
        shown = review(admin, TAKING)
        landed = admin.browser.submit(
            shown, form_with(shown, "document", "people"), apply="1", people=people_losing(shown)
        )
        assert landed.request.url.path == "/rules/", words_of(landed)
        assert in_force(running)["document"] == TAKING
        running.in_force()
        assert {one.api("wiki").status_code for one in staff} == {403}


def test_what_is_taken_from_one_is_never_held(running: RunningInstance, admin: Client, staff: list[Client]) -> None:
    one, others = staff[0], staff[1:]
    deny = RULES + f"  - {{name: out, deny: person:{one.account.email}, to: anything}}\n"
    with running.rules(RULES):
        shown = review(admin, deny)
        assert people_losing(shown) == "1"
        form = form_with(shown, "document")
        assert "people" not in form.values
        assert admin.browser.submit(shown, form, apply="1").request.url.path == "/rules/"
        running.in_force()
        assert one.api("wiki").status_code == 403
        assert all(reached(other.api("wiki")) for other in others)


def _file(running: RunningInstance) -> Path:
    path = running.folder / "taking.yaml"
    path.write_text(TAKING)
    return path
