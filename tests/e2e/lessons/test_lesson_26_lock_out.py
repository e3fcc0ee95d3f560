"""Lesson 26: a change of rules that would lock out whoever makes it is on trial, and rolls back by itself unless it is
confirmed from a fresh request that the new rules let in."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from tests.console_server import chromium
from tests.running_instance import RULES, Client, RunningInstance, token_of
from tests.running_rules import change, confirm, move, people_losing, review

from ostiary.demo.walk.browser import form_with, words_of

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
CONSOLE = "    to: app:console\n    do: any\n    when: {mfa: phishing-resistant}\n"
CLOSED = RULES.replace("allow: group:administrators", "allow: group:finance")
OFFICE = "127.0.0.2"
ELSEWHERE = RULES.replace(CONSOLE, CONSOLE.replace("resistant}", f"resistant, networks: {OFFICE}/32}}"))
FACADE = "ostiary.rulebook.facade"


@pytest.fixture
def admin(running: RunningInstance) -> Iterator[Client]:
    yield running.administrator()
    hold = running.operator(f"{FACADE}:get_hold", acting=False)
    if hold:
        running.operator(f"{FACADE}:roll_back", number=hold["number"])
    running.apply_rules(RULES)


def in_force(running: RunningInstance) -> dict:
    found: dict = running.operator(f"{FACADE}:get_current", acting=False)
    return found


def said_of_rules(running: RunningInstance) -> list[dict]:
    return [one for one in running.control_events() if one.get("entity", {}).get("type") == "rules"]


def test_a_change_that_locks_out_rolls_back_by_itself(running: RunningInstance, admin: Client) -> None:
    before = in_force(running)
    shown = review(admin, CLOSED)
    assert "These rules shut you out" in shown.text
    assert "These rules shut every administrator out" in shown.text
    page = change(admin, CLOSED, "Tidying up")
    assert page.status_code == 200, words_of(page)
    assert "are on trial" in page.text
    held = in_force(running)
    assert held["document"] == CLOSED
    assert admin.api("admin", "/rules/").status_code == 403, "the new rules hold from the next request on"
    forged = admin.post("admin", "/rules/confirm", page, number=str(held["number"]))
    assert forged.status_code in {302, 403}, "the gateway refuses, or asks for a step that does not help"
    assert in_force(running)["hold"]["outcome"] == ""
    running.eventually(lambda: admin.api("admin", "/rules/").status_code == 200, "the rules before are back")
    after = in_force(running)
    assert (after["document"], after["version"], after["cedar"]) == (before["document"], before["version"], "")
    assert (after["applied_by"], after["restores"]) == ("Ostiary", before["number"])
    events = said_of_rules(running)[-2:]
    assert [one["actor"]["user"]["name"] for one in events] == [admin.account.email, "Ostiary"]
    assert events[0]["entity_result"]["data"]["held"]["reasons"] == ["own_lock_out", "administrators_lock_out"]
    assert "nobody confirmed them in time" in events[1]["comment"]


def test_a_request_from_where_the_new_rules_let_in_confirms(running: RunningInstance, admin: Client) -> None:
    """Somebody ties the console to another network than the one they are in, goes there, is let in, and confirms."""
    page = change(admin, ELSEWHERE, "From the office only")
    assert "are on trial" in page.text, words_of(page, 2000)
    assert admin.api("admin", "/rules/").status_code == 403
    move(admin, OFFICE)
    let_in = admin.get("admin", "/people/")
    assert let_in.status_code == 200, words_of(let_in)
    assert "roll back at" in let_in.text
    landed = confirm(admin, let_in)
    assert landed.status_code == 200, words_of(landed)
    assert "roll back at" not in landed.text
    rules = in_force(running)
    assert (rules["document"], rules["hold"]["outcome"]) == (ELSEWHERE, "confirmed")
    assert said_of_rules(running)[-1]["actor"]["user"]["name"] == admin.account.email


def test_another_administrator_does_not_confirm_and_rolls_back(running: RunningInstance, admin: Client) -> None:
    other = running.administrator()
    move(other, OFFICE)
    change(admin, ELSEWHERE)
    number = str(in_force(running)["number"])
    page = other.get("admin", "/rules/")
    assert page.status_code == 200, words_of(page)
    assert "Roll back now" in page.text
    assert "Confirm: let them stay" not in page.text
    refused = other.post("admin", "/rules/confirm", page, number=number)
    assert refused.status_code == 422
    assert f"must be confirmed by {admin.account.email}" in refused.text
    assert other.post("admin", "/rules/roll-back", page, number=number).status_code == 302
    assert in_force(running)["document"] == RULES
    assert admin.api("admin", "/rules/").status_code == 200


def test_nothing_else_is_applied_while_a_change_is_on_trial(running: RunningInstance, admin: Client) -> None:
    shown = review(admin, CLOSED)
    form = form_with(shown, "document")
    named = {"people": people_losing(shown)} if "people" in form.values else {}
    assert admin.browser.submit(shown, form, apply="1", **named).status_code == 200
    second = running.command_any("rules", "revert", "--yes")
    assert second.returncode == 1
    assert "are held: they roll back by themselves" in second.stderr
    running.command("rules", "roll-back")
    assert admin.api("admin", "/rules/").status_code == 200
    assert token_of(admin.get("admin", "/rules/edit"))


def test_in_a_real_browser(running: RunningInstance, admin: Client) -> None:
    """The same as a person sees it: apply, refused on the next page, after the time everything as before."""
    admin.open("admin", "/rules/edit")
    cookies = [
        {"name": name, "value": value, "url": running.url("admin"), "secure": True}
        for name, value in admin.cookies("admin").items()
        if name in {"__Host-ostiary-session", "__Host-ostiary-csrf"}
    ]
    losing = people_losing(review(admin, CLOSED))
    with chromium() as browser:
        context = browser.new_context(ignore_https_errors=True, reduced_motion="reduce")
        context.add_cookies(cookies)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(running.url("admin", "/rules/edit"))
        page.locator("#id_document").fill(CLOSED)
        page.get_by_role("button", name="Review the change").click()
        expect(page.get_by_text("They are safe to try")).to_be_visible()
        if page.locator("#id_people").count():
            page.locator("#id_people").fill(losing)
        page.get_by_role("button", name="Try them for 30 seconds").click()
        expect(page.get_by_role("heading", name="are on trial")).to_be_visible()
        answer = page.goto(running.url("admin", "/rules/"))
        assert answer is not None
        assert answer.status == 403
        running.eventually(lambda: in_force(running)["document"] == RULES, "the rules before are back")
        answer = page.goto(running.url("admin", "/rules/history"))
        assert answer is not None
        assert answer.status == 200
        expect(page.get_by_text("Rolled back", exact=True).first).to_be_visible()
        expect(page.get_by_role("cell", name="Ostiary", exact=True).first).to_be_visible()
        record = running.url("admin", "/audit/?q=rules")
        said = page.get_by_text("nobody confirmed them in time")
        running.eventually(lambda: page.goto(record) and said.count(), "the record can be searched that far")
