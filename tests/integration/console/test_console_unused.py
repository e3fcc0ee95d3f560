"""What nobody used, in the console: listed, chosen, reviewed with its replay as any change is, applied; and what is not known."""

import dataclasses
import html
import json
import re
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.console_company import OPERATOR, RULES, Company, grow_old
from tests.console_fixtures import Visit, text_of

from ostiary.config.places import Instance
from ostiary.policy.request import ActionClass
from ostiary.policy.rules.reader import read_rules
from ostiary.rulebook.facade import Standing, UnusedPermissions, apply_rules, find_unused, get_current
from ostiary.rulebook.models import AppliedRulesRow
from ostiary.web.console.looking import LOOKS, Looks

pytestmark = pytest.mark.django_db
WIKI_EDIT, PAYROLL = "staff-use-wiki do edit", "finance-opens-payroll rule"


@pytest.fixture
def used(company: Company, console_instance: Instance) -> Company:
    """The company after a hundred days: the wiki was viewed, the calendar too, payroll never opened."""
    LOOKS.forget()
    grow_old(console_instance)
    return company


def keys(page: str) -> list[str]:
    return [html.unescape(key) for key in re.findall(r'name="part" value="([^"]*)"', page)]


def shown(visit: Visit, query: str = "", who: str = "ada_admin") -> str:
    answer = visit(who).get(f"/rules/unused{query}")
    assert answer.status_code == 200
    return text_of(answer)


def review(visit: Visit, *parts: str, **more: str) -> Any:
    return visit().post("/rules/unused/review", {"part": list(parts), "days": "90", **more})


def fields(page: str) -> dict[str, str]:
    """Return what the form of a review sends."""
    form = page[page.index("decide") :]
    sent = dict(re.findall(r'<input type="(?:hidden|text)" name="(\w+)" value="([^"]*)"', form))
    text = re.search(r'<textarea name="document" hidden>\n(.*?)</textarea>', form, re.DOTALL)
    assert text
    return {name: html.unescape(value) for name, value in {**sent, "document": text[1]}.items()}


def test_what_nobody_used_is_listed_by_group_and_app(used: Company, visit: Visit) -> None:
    page = shown(visit)
    assert keys(page) == [
        WIKI_EDIT,
        PAYROLL,
        "staff-keep-calendars do edit",
        "staff-keep-calendars do delete",
        "staff-keep-calendars do connect",
    ]
    assert "<td><code>group:finance</code></td><td><code>app:payroll</code></td><td>view, edit</td>" in page.replace(
        "</td> <td>", "</td><td>"
    )
    assert "Only part of that time is on record" in page
    assert "administrators-open-the-console" not in page
    assert 'href="/rules/unused"' in text_of(visit().get("/rules/"))


def test_what_is_chosen_is_reviewed_with_its_replay_and_applied(used: Company, visit: Visit) -> None:
    answer = review(visit, PAYROLL, WIKI_EDIT)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "On what happened in the last 90 days" in page
    assert "Nothing would have changed" in page
    assert "Review the change" in page
    assert get_current().document == RULES
    sent = fields(page)
    assert sent["comment"] == "Without what nobody used in 90 days: staff-use-wiki, finance-opens-payroll"
    assert visit().post("/rules/edit", {**sent, "apply": "1"}).status_code == 302
    current = get_current()
    assert (current.comment, current.applied_by) == (sent["comment"], "ada.admin@example.test")
    rules = {rule.name: rule for rule in read_rules(current.document).rules}
    assert "finance-opens-payroll" not in rules
    assert rules["staff-use-wiki"].do == (ActionClass.VIEW,)
    assert rules["staff-keep-calendars"].do is None


def test_everything_that_is_shown_can_be_reviewed_at_once(used: Company, visit: Visit) -> None:
    sent = fields(review(visit, all="1", q="calendar").content.decode())
    rules = {rule.name: rule for rule in read_rules(sent["document"]).rules}
    assert rules["staff-keep-calendars"].do == (ActionClass.VIEW,)
    assert "finance-opens-payroll" in rules


def test_nothing_chosen_and_nonsense_change_nothing(used: Company, visit: Visit) -> None:
    for answer in (review(visit), review(visit, "administrators-open-the-console rule"), review(visit, "<b>")):
        assert answer.status_code == 422
        assert "Choose at least one thing to take out." in text_of(answer)
    assert visit().get("/rules/unused/review?days=30")["Location"] == "/rules/unused?days=30"
    assert get_current().document == RULES


def test_rules_that_came_meanwhile_are_looked_at_afresh(used: Company, visit: Visit) -> None:
    shown(visit)
    apply_rules(RULES + "\n# reviewed\n", actor=OPERATOR)
    sent = fields(review(visit, PAYROLL).content.decode())
    assert "# reviewed" in sent["document"]


def test_an_auditor_sees_and_exports_but_chooses_nothing(used: Company, visit: Visit) -> None:
    page = shown(visit, who="audrey_audit")
    assert "finance-opens-payroll" in page
    assert not keys(page)
    assert "Review taking out" not in page
    rows = json.loads(visit("audrey_audit").get("/rules/unused/export?export=json&q=payroll").content)
    assert [(row["rule"], row["takes_out"], row["who"]) for row in rows] == [
        ("finance-opens-payroll", "rule", "group:finance")
    ]


def test_the_list_is_paged_and_filtered(used: Company, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.web.console.unused.PAGE_SIZE", 2)
    assert keys(shown(visit, "?page=2")) == ["staff-keep-calendars do edit", "staff-keep-calendars do delete"]
    assert "5–5 of 5" in shown(visit, "?page=9")
    assert keys(shown(visit, "?q=FINANCE+view")) == [PAYROLL]
    assert "Nothing matches" in shown(visit, "?q=zzzz")
    assert keys(shown(visit, "?days=nonsense")) == [WIKI_EDIT, PAYROLL]


def test_without_a_record_nothing_is_said(company: Company, visit: Visit) -> None:
    LOOKS.forget()
    page = shown(visit)
    assert "Nothing of that time is kept" in page
    assert "Review taking out" not in page


def test_young_rules_are_left_alone_and_said_to_be(used: Company, console_instance: Instance, visit: Visit) -> None:
    assert "It is too early to say" in shown(visit, "?days=180")
    apply_rules(RULES.replace("[view, edit]\n    when:\n      mfa: any", "view"), actor=OPERATOR)
    page = shown(visit)
    assert "1 rule did not stand like this for the whole time" in page
    assert PAYROLL in keys(page)
    assert WIKI_EDIT not in keys(page)


def test_when_everything_was_used_it_says_so(company: Company, console_instance: Instance, visit: Visit) -> None:
    LOOKS.forget()
    apply_rules(RULES[: RULES.index("  - name: finance")].replace("[view, edit]", "view"), actor=OPERATOR)
    grow_old(console_instance)
    assert "Everything was used" in shown(visit)


def test_where_rules_come_from_a_repository_nothing_is_chosen_here(
    used: Company, console_instance: Instance, visit: Visit, settings: Any
) -> None:
    instance = settings.INSTANCE
    rules = msgspec.structs.replace(instance.configuration.rules, follow="https://git.example.test/rules")
    configuration = msgspec.structs.replace(instance.configuration, rules=rules)
    settings.INSTANCE = dataclasses.replace(instance, configuration=configuration)
    page = shown(visit)
    assert "take out there what is listed here" in page
    assert not keys(page)
    assert review(visit, PAYROLL).status_code == 302


def test_a_long_look_says_how_far_it_is(used: Company, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    told, go_on = threading.Event(), threading.Event()

    def find(standing: Standing, until: float, progress: Callable[[float], None]) -> UnusedPermissions:
        progress(0.42)
        told.set()
        assert go_on.wait(60)
        return find_unused(since=standing.since, until=until, standing=standing)

    looks = Looks(find)
    monkeypatch.setattr("ostiary.web.console.unused.LOOKS", looks)
    monkeypatch.setattr("ostiary.web.console.looking.SHORT_SECONDS", 0.0)
    visit().get("/rules/unused")
    assert told.wait(60)
    page = shown(visit)
    assert "Looking at what was used: 42 % done." in page
    assert review(visit, PAYROLL).status_code == 200
    assert visit().get("/rules/unused/export?export=csv").status_code == 302
    part = visit().get("/rules/unused?days=90", headers={"HX-Request": "true"})
    assert "<html" not in text_of(part)
    assert "42 %" in text_of(part)
    looking = looks.of(90, get_current().number)
    go_on.set()
    assert looking.ended.wait(60)
    done = visit().get("/rules/unused?days=90&q=payroll", headers={"HX-Request": "true"})
    assert done["HX-Redirect"] == "/rules/unused?days=90&q=payroll"
    assert keys(shown(visit, "?q=payroll")) == [PAYROLL]


def test_rules_of_then_that_cannot_be_read_are_said(used: Company, visit: Visit) -> None:
    apply_rules(RULES + "\n# later\n", actor=OPERATOR)
    AppliedRulesRow.objects.filter(number=used.rules).update(document="version: 9", parsed=b"")
    page = shown(visit)
    assert "version" in page
    assert "Review taking out" not in page
    assert review(visit, PAYROLL).status_code == 200


def test_what_cannot_be_read_is_said(used: Company, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(_standing: Standing, _until: float, _progress: Callable[[float], None]) -> UnusedPermissions:
        raise PermissionError(13, "Permission denied", "/state/replay")

    monkeypatch.setattr("ostiary.web.console.unused.LOOKS", Looks(find))
    assert "/state/replay cannot be read (Permission denied)." in shown(visit)
