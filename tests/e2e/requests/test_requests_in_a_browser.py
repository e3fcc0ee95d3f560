"""Refused, asked, granted by another, used, over, refused again: in two people's browsers, and with axe on each page."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.console_server import chromium
from tests.running_instance import IDENTITY, RULES, Client, RunningInstance

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
SHED = """\
  - name: gardeners-open-the-vault
    allow: group:gardeners
    to: app:vault
    do: any
"""
STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SHORT_SECONDS = 3


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as player:
        yield player


@contextmanager
def at_the_browser(browser: Browser, client: Client) -> Iterator[Page]:
    """Give a browser to somebody who is signed in."""
    context: BrowserContext = browser.new_context(ignore_https_errors=True, reduced_motion="reduce")
    address = client.running.url("id")
    cookies = [
        {"name": name, "value": value, "url": address, "secure": True} for name, value in client.cookies("id").items()
    ]
    context.add_cookies(cookies)  # type: ignore[arg-type]
    page = context.new_page()
    yield page
    context.close()


def look(page: Page) -> None:
    """Fail with what axe-core finds, light on a desk and dark on a telephone, and when the page scrolls sideways."""
    for scheme, width in (("light", 1280), ("dark", 390)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 844})
        found = Axe().run(page, options={"runOnly": STANDARD})
        assert found.violations_count == 0, f"{page.url} {scheme}\n{found.generate_report()}"
        assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"), (
            page.url
        )
    page.set_viewport_size({"width": 1280, "height": 844})


def test_from_the_refusal_to_the_end(running: RunningInstance, browser: Browser) -> None:
    owner = running.make_person("staff", name="Gerda Green")
    nadja = running.make_person(name="Nadja New")
    running.operator(f"{IDENTITY}:create_group", id="gardeners", name="Gardeners")
    running.operator(f"{IDENTITY}:set_group_owner", group_id="gardeners", owner=owner.email)
    vault = running.url("vault", "/books?year=2026")
    asks, answers = running.signed_in(nadja), running.signed_in(owner)
    with (
        running.rules(RULES + SHED),
        at_the_browser(browser, asks) as hers,
        at_the_browser(browser, answers) as theirs,
    ):
        answer = hers.goto(vault)
        assert answer is not None
        assert answer.status == 403
        hers.get_by_role("link", name="Ask for access").click()
        expect(hers.get_by_role("heading", name="Ask for access to Vault")).to_be_visible()
        look(hers)
        hers.get_by_label("For how long").select_option("1")
        hers.get_by_label("Why you need it").fill("Counting the silver")
        hers.get_by_role("button", name="Ask", exact=True).click()
        expect(hers.get_by_text("Your request is on its way")).to_be_visible()
        look(hers)
        request_id = hers.url.rsplit("/", 1)[1]

        theirs.goto(running.url("id", "/requests"))
        expect(theirs.get_by_role("heading", name="Waiting for you")).to_be_visible()
        look(theirs)
        theirs.get_by_role("link", name="Look and answer").click()
        expect(theirs.get_by_text("Counting the silver")).to_be_visible()
        look(theirs)
        theirs.get_by_label("Comment").fill("Until tonight")
        theirs.get_by_role("button", name="Grant").click()
        expect(theirs.get_by_text("Nadja New has access.")).to_be_visible()
        running.in_force()

        hers.reload()
        look(hers)
        hers.get_by_role("link", name="Open Vault").click()
        assert hers.url == vault, "to the page that was wanted"
        expect(hers.locator("body")).not_to_contain_text("Ask for access")
        hers.goto(running.url("id", "/requests"))
        expect(hers.get_by_role("heading", name="You have for a while")).to_be_visible()
        look(hers)

        ends_at = time.time() + SHORT_SECONDS
        running.operator("tests.running_operator:end_access", request_id, ends_at, acting=False)
        running.in_force()
        until = 0.0

        def is_refused() -> bool:
            nonlocal until
            began, seen = time.time(), hers.goto(vault)
            assert seen is not None
            if seen.status == 200:
                until = began
            return seen.status == 403

        running.eventually(is_refused, "it is over", seconds=60)
        assert time.time() >= ends_at, "it ended before its time"
        assert until < ends_at, "a page that was opened after the end was shown"
        expect(hers.get_by_role("link", name="Ask for access")).to_be_visible()
        hers.goto(running.url("id", f"/requests/{request_id}"))
        expect(hers.get_by_text("Over", exact=True)).to_be_visible()
        look(hers)


def test_an_emergency_and_its_review(running: RunningInstance, browser: Browser) -> None:
    owner, ned = running.make_person("staff", name="Gerda Green"), running.make_person("on-call", name="Ned Night")
    running.operator(f"{IDENTITY}:create_group", id="divers", name="Divers")
    running.operator(f"{IDENTITY}:set_group_owner", group_id="divers", owner=owner.email)
    vault = running.url("vault", "/pump")
    with (
        running.rules(RULES + SHED.replace("gardeners", "divers")),
        at_the_browser(browser, running.signed_in(ned)) as his,
        at_the_browser(browser, running.signed_in(owner)) as hers,
    ):
        his.goto(running.url("id"))
        look(his)
        his.goto(vault)
        his.get_by_role("link", name="Emergency access").click()
        expect(his.get_by_text("are told at once")).to_be_visible()
        look(his)
        his.get_by_label("By which group").select_option("divers")
        his.get_by_label("Why you need it").fill("The cellar is under water")
        his.get_by_role("button", name="Get in now for 1 hour").click()
        expect(his.get_by_text("You are in.")).to_be_visible()
        look(his)
        running.in_force()
        his.get_by_role("link", name="Open Vault").click()
        assert his.url == vault

        hers.goto(running.url("id", "/requests"))
        expect(hers.get_by_role("heading", name="For you to review")).to_be_visible()
        look(hers)
        hers.get_by_role("link", name="Look and review").click()
        look(hers)
        hers.get_by_label("Why", exact=True).fill("It was a flood")
        hers.get_by_role("button", name="It was justified").click()
        expect(hers.get_by_text("Your review stands on the record.")).to_be_visible()
        look(hers)


def test_an_administrator_for_an_hour(running: RunningInstance, browser: Browser) -> None:
    client = running.signed_in(running.make_person("administrators-eligible", name="Eli Able"))
    client.add_passkey()
    console = running.url("admin", "/groups/administrators/only-when-needed")
    with at_the_browser(browser, client) as page:
        page.goto(running.url("id", "/requests"))
        look(page)
        answer = page.goto(console)
        assert answer is not None
        assert answer.status == 403
        page.get_by_role("link", name="Become administrator for 1 h").click()
        expect(page.get_by_role("heading", name="Become administrator")).to_be_visible()
        look(page)
        page.get_by_label("Why you need it").fill("A new colleague")
        page.get_by_role("button", name="Become administrator for 1 hour").click()
        expect(page.get_by_text("You are an administrator for a while.")).to_be_visible()
        look(page)
        running.in_force()
        page.get_by_role("link", name="Open Console").click()
        assert page.url == console
        expect(page.get_by_role("heading", name="Administrators only when needed")).to_be_visible()
        row = page.get_by_role("row").filter(has_text=client.account.email)  # type: ignore[union-attr]
        expect(row).to_contain_text("administrator until")
