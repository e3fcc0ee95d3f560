"""Rules tried on what happened, in a real browser: from the text to the decision, with progress, and accessible."""

import threading
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from tests.console_company import RULES, Company, make_company
from tests.console_server import asked_elsewhere, chromium, serve_console
from tests.replay_material import keep_past

from ostiary.config.places import Instance
from ostiary.policy.replay_report import ReplayReport
from ostiary.rulebook.facade import get_current
from ostiary.web.console.replaying import REPLAYS, Replaying

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CANDIDATE = RULES.replace("mfa: any", "mfa: phishing-resistant")


@pytest.fixture
def company(transactional_db: None, console_instance: Instance) -> Company:
    made = make_company()
    keep_past(console_instance)
    return made


@pytest.fixture
def console(company: Company) -> Iterator[str]:
    with serve_console(lambda: company.assertion("ada_admin")) as address:
        yield address


@pytest.fixture
def browser(console: str) -> Iterator[Browser]:
    """Start last and end first: while Playwright runs, this thread has an event loop and no database."""
    with chromium() as started:
        yield started


def open_page(browser: Browser, address: str, *, dark: bool = False, scripts: bool = True) -> Page:
    context = browser.new_context(
        viewport={"width": 1280, "height": 860},
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripts,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
    page.goto(address)
    return page


def faults(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": STANDARD}})
    return [f"{one['id']}: {node['html'][:120]}" for one in found.response["violations"] for node in one["nodes"]]


@pytest.mark.parametrize("scripts", [True, False])
def test_from_the_text_to_the_decision(browser: Browser, console: str, scripts: bool) -> None:
    page = open_page(browser, f"{console}/rules/replay/", scripts=scripts)
    page.get_by_label("Rules", exact=True).fill(CANDIDATE)
    page.get_by_role("button", name="Try these rules").click()
    expect(page.get_by_role("heading", name="What these rules would have done")).to_be_visible()
    while page.get_by_role("link", name="Look again").count():
        page.get_by_role("link", name="Look again").click()
    page.get_by_role("link", name="Alice Meyer").click()
    expect(page.get_by_role("cell", name="This needs a passkey").first).to_be_visible()
    page.locator("tbody a code").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Alice Meyer")


@pytest.mark.parametrize("dark", [False, True])
def test_the_pages_are_accessible(browser: Browser, console: str, dark: bool) -> None:
    page = open_page(browser, f"{console}/rules/replay/", dark=dark)
    assert faults(page) == []
    page.get_by_label("Rules", exact=True).fill(CANDIDATE)
    page.get_by_role("button", name="Try these rules").click()
    expect(page.get_by_role("link", name="Alice Meyer")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("link", name="Alice Meyer").click()
    expect(page.get_by_role("cell", name="This needs a passkey").first).to_be_visible()
    assert faults(page) == []


def test_a_long_replay_shows_how_far_it_is_and_ends_by_itself(browser: Browser, console: str, company: Company) -> None:
    go_on = threading.Event()

    def work(progress: Callable[[float], None]) -> ReplayReport:
        progress(0.42)
        assert go_on.wait(120)
        return ReplayReport(since=0, until=1, first_at=1.0, last_at=2.0, requests=3, people=1)

    replaying = Replaying(asked_by=company.people["ada_admin"].id, in_force=asked_elsewhere(get_current), days=7)
    REPLAYS.start(replaying, work)
    page = open_page(browser, f"{console}/rules/replay/?replay={replaying.id}")
    expect(page.get_by_role("status").get_by_text("42 % done")).to_be_visible()
    assert faults(page) == []
    go_on.set()
    expect(page.get_by_text("Nothing would have changed")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("status").get_by_text("% done")).to_have_count(0)
