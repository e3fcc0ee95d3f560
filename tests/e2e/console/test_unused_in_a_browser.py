"""What nobody used, in a real browser: chosen, reviewed, applied, by keyboard and without scripts; and what is copied."""

import threading
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from tests.console_company import Company, grow_old, make_company
from tests.console_server import asked_elsewhere, chromium, serve_console

from ostiary.config.places import Instance
from ostiary.policy.rules.reader import read_rules
from ostiary.rulebook.facade import Standing, UnusedPermissions, find_unused, get_current
from ostiary.web.console.looking import LOOKS, Looks

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
def company(transactional_db: None, console_instance: Instance) -> Company:
    LOOKS.forget()
    made = make_company()
    grow_old(console_instance)
    return made


@pytest.fixture
def console(company: Company) -> Iterator[str]:
    with serve_console(lambda: company.assertion("ada_admin")) as address:
        yield address


@pytest.fixture
def browser(console: str) -> Iterator[Browser]:
    with chromium() as started:
        yield started


def open_page(browser: Browser, address: str, *, scripts: bool = True, dark: bool = False, copy: bool = True) -> Page:
    context = browser.new_context(
        viewport={"width": 1280, "height": 860},
        java_script_enabled=scripts,
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    if copy:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
    page.goto(address)
    return page


def faults(page: Page) -> list[tuple[str, str]]:
    found = Axe().run(page, options={"runOnly": STANDARD}).response["violations"]
    return [(one["id"], node["html"][:200]) for one in found for node in one["nodes"]]


@pytest.mark.parametrize("scripts", [True, False])
def test_what_nobody_used_is_taken_out(browser: Browser, console: str, scripts: bool) -> None:
    page = open_page(browser, f"{console}/rules/", scripts=scripts)
    page.get_by_role("link", name="Unused permissions").click()
    page.get_by_role("checkbox", name="The whole rule of finance-opens-payroll").focus()
    page.keyboard.press("Space")
    page.get_by_role("row", name="staff-use-wiki").get_by_text("Action edit").click()
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(2)
    page.get_by_role("button", name="Review taking out what is chosen").press("Enter")
    expect(page.get_by_role("heading", name="Review the change")).to_be_visible()
    expect(page.get_by_role("heading", name="On what happened in the last 90 days")).to_be_visible()
    expect(page.get_by_text("Nothing would have changed")).to_be_visible()
    expect(page.get_by_label("What this changes, and why")).to_have_value(
        "Without what nobody used in 90 days: staff-use-wiki, finance-opens-payroll"
    )
    page.get_by_role("button", name="Apply to 1 person").click()
    page.wait_for_url(f"{console}/rules/")
    names = [rule.name for rule in read_rules(asked_elsewhere(get_current).document).rules]
    assert "finance-opens-payroll" not in names
    assert "staff-use-wiki" in names


def test_nothing_chosen_is_said_and_the_way_back_is_there(browser: Browser, console: str) -> None:
    page = open_page(browser, f"{console}/rules/unused?q=calendar&days=30")
    page.get_by_role("button", name="Review taking out what is chosen").click()
    expect(page.get_by_role("alert").get_by_text("Choose at least one thing to take out.")).to_be_visible()
    assert faults(page) == []
    expect(page.get_by_label("Contains")).to_have_value("calendar")
    expect(page.get_by_role("checkbox", name="of staff-keep-calendars")).to_have_count(3)
    page.get_by_role("button", name="Review taking out all 3").click()
    expect(page.get_by_text("Members of staff may view calendar.")).to_be_visible()
    expect(page.get_by_role("heading", name="On what happened in the last 30 days")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True])
def test_a_long_look_shows_how_far_it_is_and_ends_by_itself(
    browser: Browser, console: str, monkeypatch: pytest.MonkeyPatch, dark: bool
) -> None:
    go_on = threading.Event()

    def find(standing: Standing, until: float, progress: Callable[[float], None]) -> UnusedPermissions:
        progress(0.42)
        assert go_on.wait(120)
        return find_unused(since=standing.since, until=until, standing=standing)

    monkeypatch.setattr("ostiary.web.console.unused.LOOKS", Looks(find))
    page = open_page(browser, f"{console}/rules/unused?q=payroll", dark=dark)
    expect(page.get_by_role("status").get_by_text("42 % done")).to_be_visible()
    assert faults(page) == []
    go_on.set()
    expect(page.get_by_role("checkbox", name="The whole rule of finance-opens-payroll")).to_be_visible(timeout=60_000)
    assert faults(page) == []


def test_a_test_and_a_reference_are_copied(browser: Browser, console: str, company: Company) -> None:
    reference = company.references[0]
    page = open_page(browser, f"{console}/decisions/{reference}/")
    page.get_by_role("button", name="Copy the reference").press("Enter")
    expect(page.get_by_text("Copied", exact=True)).to_have_count(1)
    assert page.evaluate("navigator.clipboard.readText()") == reference
    page.locator("summary", has_text="Keep as a test").click()
    page.get_by_role("button", name="Copy the test").click()
    expect(page.get_by_text("Copied", exact=True)).to_have_count(2)
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#kept-test").text_content()
    assert faults(page) == []


def test_where_copying_is_not_allowed_the_text_is_marked(browser: Browser, console: str, company: Company) -> None:
    page = open_page(browser, f"{console}/decisions/{company.references[0]}/", copy=False)
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed')); }")
    page.get_by_role("button", name="Copy the reference").click()
    expect(page.get_by_text("Marked: copy it with the keyboard")).to_be_visible()
    assert page.evaluate("document.getSelection().toString()") == company.references[0]


def test_without_scripts_no_button_promises_to_copy(browser: Browser, console: str, company: Company) -> None:
    page = open_page(browser, f"{console}/decisions/{company.references[0]}/", scripts=False)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
