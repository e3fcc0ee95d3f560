"""Every page of sign-in and portal has no violation that axe-core finds, light and dark, on a phone and on a desk."""

import json
import time
from collections.abc import Iterator

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright
from tests.signin_site import RunningSite, Site

pytestmark = pytest.mark.e2e

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage")
PASSWORD = "violet tram engine lantern"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with RunningSite() as running:
        yield running


@pytest.fixture
def page(site: Site) -> Iterator[Page]:
    with sync_playwright() as player:
        browser = player.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[*FLAGS, f"--ignore-certificate-errors-spki-list={site.key_digest}"],
        )
        page = browser.new_page()
        page.set_default_timeout(60_000)
        yield page
        browser.close()


def look(page: Page) -> None:
    """Fail with what axe-core finds, and when the page is wider than a phone."""
    for scheme, width in (("light", 1280), ("dark", 390)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(200)  # a change of colours may be under way
        found = Axe().run(
            page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
        )
        assert found.violations_count == 0, f"{page.url} {scheme}\n{found.generate_report()}"
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide, f"{page.url} scrolls sideways at {width} px"


def test_pages_from_the_invitation_to_the_portal(site: Site, page: Page) -> None:
    for path in ("/sign-in", "/sign-in/forgotten", "/sign-in/switched-off", "/nothing", "/invitation"):
        page.goto(site.url + path)
        look(page)
    page.goto(site.url + "/sign-in")
    page.fill("#id_email", "nobody@example.test")
    page.fill("#id_password", "nothing at all")
    page.locator("form[action='/sign-in'] button").click()
    look(page)

    page.goto(site.command("user", "invite", "dora@example.test", "--name", "Dora Maar"))
    look(page)
    page.fill("#id_password", "dora@example.test")
    page.locator("form[action='/invitation/password'] button").click()
    look(page)
    page.fill("#id_password", PASSWORD)
    page.locator("form[action='/invitation/password'] button").click()
    page.wait_for_url("**/set-up")
    look(page)
    page.goto(site.url + "/set-up/passkey")
    look(page)
    page.goto(site.url + "/set-up/app")
    look(page)
    secret = (page.locator("code.secret").text_content() or "").replace(" ", "")
    page.fill("#id_code", pyotp.TOTP(secret).now())
    page.locator("main form button").click()
    page.wait_for_url("**/set-up/recovery-codes")
    look(page)
    page.locator("main form button").click()
    page.wait_for_selector("[data-codes]")
    look(page)
    for path in (
        "/", "/sessions", "/authenticators", "/authenticators/password", "/profile", "/tokens", "/tokens/new", "/sign-out", "/prove",
        "/devices", "/devices/enrol",
        "/set-up/recovery-codes", "/set-up/app", "/recoveries",
    ):  # fmt: skip
        page.goto(site.url + path)
        look(page)
    site.command("app", "oidc", "add", "books", "--redirect-uri", "https://books.example.test/callback", "--no-pkce")
    asked = "response_type=code&client_id=books&redirect_uri=https://books.example.test/callback&scope=openid"
    page.goto(f"{site.url}/oidc/authorize?{asked}&ostiary_person=p_somebody_else")
    assert "Another account is meant" in page.content()
    look(page)
    site.command("app", "add", "vault", "--upstream", "http://127.0.0.1:9")
    page.goto(site.url + "/step-up?need=phishing-resistant&fresh=1&app=vault&return=/")
    page.get_by_role("button", name="Sign in again").wait_for()
    look(page)
    page.goto(site.url + "/step-up?need=otp&app=vault&return=/&then=tab")
    page.fill("#id_code", pyotp.TOTP(secret).at(time.time(), counter_offset=1))
    page.locator("form:has(#id_code) button").first.click()
    page.get_by_role("heading", name="Confirmed").wait_for()
    look(page)
    page.goto(site.url + "/sign-out")
    page.locator("main form button").click()
    page.wait_for_url("**/sign-in")
    page.fill("#id_email", "dora@example.test")
    page.fill("#id_password", PASSWORD)
    page.locator("form[action='/sign-in'] button").click()
    page.wait_for_url("**/second-step")
    page.locator("summary").click()
    look(page)
    page.get_by_role("link", name="Ask somebody to confirm").click()
    look(page)
    page.get_by_role("button", name="Ask somebody to confirm").click()
    page.get_by_role("heading", name="Somebody was asked").wait_for()
    look(page)
    (asked,) = json.loads(site.command("user", "recovery", "list", "--json"))
    confirmed = site.command("user", "recovery", "confirm", asked["id"], "--reason", "she came by", "--yes", "--json")
    page.goto(json.loads(confirmed)["link"])
    look(page)
    page.fill("#id_password", PASSWORD)
    page.locator("main form button").click()
    page.wait_for_url("**/set-up")
    look(page)


def test_the_emergency_page(site: Site, page: Page) -> None:
    page.goto(site.command("admin", "recover", "--yes"))
    look(page)
