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
