"""The console in a real browser: accessible in light and dark, usable by keyboard, and whole without scripts."""

import re
import time
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from tests.console_addresses import company_addresses
from tests.console_company import RULES, Company, grow_old, make_company
from tests.console_server import asked_elsewhere, chromium, serve_console

from ostiary.config.places import Instance
from ostiary.identity.facade import find_person
from ostiary.identity.models import SignInSession
from ostiary.rulebook.facade import get_current
from ostiary.web.console.looking import LOOKS

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
    """Start last and end first: while Playwright runs, this thread has an event loop and no database."""
    with chromium() as started:
        yield started


def open_page(
    browser: Browser, address: str, *, scheme: str = "light", width: int = 1280, scripts: bool = True
) -> Page:
    """Open a page whose console must stay silent."""
    context = browser.new_context(
        viewport={"width": width, "height": 860},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=scripts,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
    page.goto(address)
    return page


NO_PAGES = frozenset(
    {
        "apps_export",
        "audit_download",
        "audit_export",
        "clients_export",
        "decision_event",
        "decisions_export",
        "devices_export",
        "software_export",
        "group_export",
        "hygiene_export",
        "overview_part",
        "people_export",
        "people_table",
        "requests_export",
        "review_report",
        "reviews_export",
        "rules_replay",
        "rules_roll_back",
        "rules_unused_export",
        "rules_unused_review",
        "saml_export",
        "sessions_export",
    }
)
"""Files, parts of pages, and addresses that only take forms."""

ONE_OF_A_KIND_IS_LOOKED_AT = frozenset(
    {
        "person_enable",
        "baseline_remove",
        "device_deny",
        "device_quarantine",
        "device_release",
        "device_retire",
        "person_invite_again",
        "recovery_answer",
        "request_answer",
        "request_review",
        "review_remind",
        "rules_proposal",
        "saml_change",
        "service_enable",
        "service_key_remove",
        "service_trust_remove",
    }
)
"""Made of the same parts as others that are looked at: each page costs seconds."""


@pytest.fixture
def every_page(company: Company) -> list[str]:
    """Return every page of the URL configuration, and what some look like when they are asked for more.

    Tests name this before the browser: while Playwright runs, there is no database.
    """
    left_out = NO_PAGES | ONE_OF_A_KIND_IS_LOOKED_AT
    addresses = company_addresses(company)
    assert left_out <= addresses.keys(), "left out here and no page"
    alice, bruno = company.people["alice_meyer"].id, company.people["bruno_costa"].id
    return [
        *(address for name, address in addresses.items() if name not in left_out),
        "/search?q=alice",
        "/search?q=zzzz",
        "/apps/saml?q=zzzz",
        "/apps/clients?q=zzzz",
        f"/people/{alice}/",
        f"/people/{company.people['dana_novak'].id}/",
        "/people/to-tidy-up?q=zzzz",
        "/scim/?q=zzzz",
        "/recoveries/?q=zzzz",
        "/requests/?kind=emergency",
        "/groups/contractors/",
        "/roles/?q=zzzz",
        "/requests/?q=zzzz",
        "/reviews/?q=zzzz",
        f"/reviews/{company.review}/?q=zzzz",
        "/services/?q=zzzz",
        "/devices/?q=zzzz",
        f"/devices/{company.waiting_device}/",
        "/signals/?q=zzzz",
        "/signals/events/?q=zzzz",
        "/rules/unused?q=zzzz",
        "/rules/unused?days=180",
        "/decisions/?q=zzzz",
        f"/explain/?person={bruno}&app=payroll&device=managed",
        f"/explain/?person={bruno}&app=payroll",
        f"/explain/?person={bruno}&app=wiki",
        "/nothing",
    ]


def test_no_page_has_an_accessibility_violation_or_is_wider_than_a_telephone(
    every_page: list[str], browser: Browser, console: str
) -> None:
    """Each page is opened once: everything is looked at in the light, in the dark what colours can break, and its width."""
    page = open_page(browser, console)
    found = []
    for address in every_page:
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(console + address)
        violations = Axe().run(page, options={"runOnly": STANDARD}).response["violations"]
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        violations += Axe().run(page, options={"runOnly": ["color-contrast"]}).response["violations"]
        found += [
            (address, violation["id"], [node["html"][:200] for node in violation["nodes"]][:3])
            for violation in violations
        ]
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
    assert not found


def grow_stale(company: Company) -> None:
    """Have the administrator's passkey used long ago."""
    row = SignInSession.objects.get(pk=company.sessions["ada_admin"].id)
    row.authentications = [["webauthn", 3, time.time() - 2000]]
    row.save(update_fields=["authentications"])


def test_the_page_that_holds_a_form_is_accessible_and_sends_it_again(
    browser: Browser, company: Company, console: str
) -> None:
    page = open_page(browser, f"{console}/groups/staff/owner")
    asked_elsewhere(lambda: grow_stale(company))
    page.fill("[name=owner]", "alice.meyer@example.test")
    page.get_by_role("button", name="Save the owner").click()
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    for scheme, width in (("light", 1280), ("dark", 390)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 800})
        found = Axe().run(page, options={"runOnly": STANDARD})
        assert found.violations_count == 0, found.generate_report()
        assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    held = page.locator("textarea[name=owner]").input_value()
    assert held == "alice.meyer@example.test", "still held, and not changed by being held twice"


LISTS = (
    "/people/",
    "/groups/",
    "/groups/staff/",
    "/roles/",
    "/apps/",
    "/apps/clients",
    "/requests/",
    "/reviews/",
    "/services/",
    "/sessions/",
    "/signals/",
    "/signals/receivers/",
    "/signals/events/",
    "/decisions/",
    "/audit/",
    "/rules/history",
    "/rules/unused",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_choice_of_columns_is_accessible_on_every_list(browser: Browser, console: str, scheme: str) -> None:
    page = open_page(browser, console, scheme=scheme, width=390)
    found = []
    for address in LISTS:
        page.goto(console + address)
        page.locator(".column-choice summary").click()
        for box in page.locator(".column-choice input[type=checkbox]:enabled").all():
            box.check()
        page.get_by_role("button", name="Show these columns").click()
        page.wait_for_url(console + address)
        page.locator(".column-choice summary").click()
        expect(page.locator(".column-choice input[type=checkbox]:not(:checked)")).to_have_count(0)
        result = Axe().run(page, options={"runOnly": STANDARD})
        found += [
            (address, violation["id"], [node["html"][:200] for node in violation["nodes"]][:3])
            for violation in result.response["violations"]
        ]
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
    assert not found


@pytest.mark.parametrize("scripts", [True, False])
def test_columns_are_chosen_by_keyboard_and_remembered(browser: Browser, console: str, scripts: bool) -> None:
    page = open_page(browser, f"{console}/people/?group=staff&q=example", scripts=scripts)
    headings = page.locator(".table thead th")
    expect(headings).to_have_text(["Person", "State", "Groups", "Authenticators", "Last sign-in"])
    choice = page.locator(".column-choice summary")
    choice.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="Columns to show")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Person")).to_be_disabled()
    page.keyboard.press("Tab")
    expect(page.get_by_role("checkbox", name="State")).to_be_focused()
    page.keyboard.press("Space")
    for _ in range(4):
        page.keyboard.press("Tab")
    expect(page.get_by_role("checkbox", name="Created")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    wanted = ["Person", "Groups", "Authenticators", "Last sign-in", "Created"]
    expect(headings).to_have_text(wanted)
    assert page.url == f"{console}/people/?group=staff&q=example"
    page.get_by_label("Contains").fill("bruno")
    page.get_by_role("button", name="Filter").click()
    expect(headings).to_have_text(wanted)
    expect(page.locator(".table tbody tr")).to_have_count(1)
    page.goto(f"{console}/groups/")
    page.goto(f"{console}/people/")
    expect(headings).to_have_text(wanted)
    choice.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Show the usual ones").press("Enter")
    expect(headings).to_have_text(["Person", "State", "Groups", "Authenticators", "Last sign-in"])


def test_the_keyboard_goes_everywhere(browser: Browser, console: str) -> None:
    page = open_page(browser, console)
    for key, address in (("p", "/people/"), ("a", "/apps/"), ("d", "/decisions/"), ("r", "/rules/"), ("o", "/")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(console + address)
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.keyboard.type("gp alice")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{console}/search?q=gp+alice")
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#shortcuts")).to_be_hidden()


def test_shortcuts_can_be_switched_off(browser: Browser, console: str) -> None:
    page = open_page(browser, console)
    page.keyboard.press("?")
    page.locator("[data-shortcuts-on]").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).not_to_be_focused()
    page.keyboard.press("g")
    page.keyboard.press("p")
    assert page.url == f"{console}/"


def test_the_first_tab_leads_past_the_navigation_and_focus_is_seen(browser: Browser, console: str) -> None:
    page = open_page(browser, f"{console}/people/")
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_the_overview_refreshes_itself_and_says_when_it_cannot(browser: Browser, console: str) -> None:
    page = open_page(browser, console)
    with page.expect_response(lambda answer: "/parts/overview" in answer.url, timeout=60_000) as refreshed:
        pass
    assert refreshed.value.ok
    page.route("**/parts/overview*", lambda route: route.abort())
    expect(page.locator("[data-stale]")).to_be_visible(timeout=60_000)


def test_rules_are_changed_with_the_editor(browser: Browser, console: str) -> None:
    page = open_page(browser, f"{console}/rules/edit")
    editor = page.locator("#id_document")
    editor.fill(RULES.replace("group:finance", "group:finanse"))
    page.get_by_role("button", name="Review the change").click()
    wrong = page.locator("[data-gutter] .wrong")
    expect(wrong).to_have_text("11")
    page.get_by_role("link", name="Line 11").click()
    expect(editor).to_be_focused()
    assert page.evaluate("document.getSelection().toString()").strip() == "allow: group:finanse"
    editor.fill(RULES.replace("mfa: phishing-resistant", "mfa: otp"))
    page.get_by_label("What this changes, and why").fill("Phones suffice")
    page.get_by_role("button", name="Review the change").click()
    expect(page.get_by_role("heading", name="What would change")).to_be_visible()
    expect(page.get_by_label("What this changes, and why")).to_have_value("Phones suffice")
    page.get_by_role("button", name="Change the text").click()
    expect(editor).to_have_value(RULES.replace("mfa: phishing-resistant", "mfa: otp"))
    page.get_by_role("button", name="Review the change").click()
    page.get_by_role("button", name="Apply to 1 person").click()
    page.wait_for_url(f"{console}/rules/")
    assert asked_elsewhere(get_current).comment == "Phones suffice"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_way_of_a_change_has_no_accessibility_violation(browser: Browser, console: str, scheme: str) -> None:
    """Review, trial and the banner on every page; then back."""
    page = open_page(browser, f"{console}/rules/edit", scheme=scheme)

    def violations() -> list[tuple[str, str]]:
        found = Axe().run(page, options={"runOnly": STANDARD}).response["violations"]
        return [(one["id"], node["html"][:200]) for one in found for node in one["nodes"]]

    page.locator("#id_document").fill(RULES.rstrip() + "\n    when:\n      networks: [198.51.100.0/24]\n")
    page.get_by_role("button", name="Review the change").click()
    expect(page.get_by_text("They are safe to try")).to_be_visible()
    assert violations() == []
    page.get_by_role("button", name="Try them for 5 minutes").click()
    expect(page.get_by_role("heading", name="are on trial")).to_be_visible()
    assert violations() == []
    page.goto(f"{console}/people/")
    expect(page.locator("[data-left]")).to_have_text(re.compile(r"[0-4]:\d\d"))
    assert violations() == []
    page.get_by_role("button", name="Confirm: let them stay").click()
    expect(page.get_by_text("These rules would not let you in")).to_be_visible()
    page.goto(f"{console}/people/")
    page.get_by_role("button", name="Roll back now").click()
    page.wait_for_url(f"{console}/rules/")
    assert asked_elsewhere(get_current).document == RULES
    page.goto(f"{console}/rules/history")
    expect(page.get_by_text("Rolled back", exact=True)).to_be_visible()
    assert violations() == []


@pytest.mark.parametrize("scripts", [True, False])
def test_a_question_is_asked_and_answered_by_keyboard(
    browser: Browser, company: Company, console: str, scripts: bool
) -> None:
    page = open_page(browser, f"{console}/explain/" if not scripts else console, scripts=scripts)
    if scripts:
        page.keyboard.press("g")
        page.keyboard.press("e")
        page.wait_for_url(f"{console}/explain/")
    page.get_by_label("Person").fill("bruno.costa@example.test")
    page.get_by_label("App", exact=True).select_option("payroll")
    page.get_by_label("Person").press("Enter")
    expect(page.get_by_role("heading", name="The least that would open it")).to_be_visible()
    expect(page.get_by_text("Join the group finance")).to_be_visible()
    seen = page.get_by_role("region", name="What finance-opens-payroll asked and saw")
    expect(seen).to_be_hidden()
    summary = page.locator("summary", has_text="finance-opens-payroll")
    summary.focus()
    page.keyboard.press("Enter")
    expect(seen).to_be_visible()
    expect(page.get_by_label("Person")).to_have_value("bruno.costa@example.test")


def test_a_role_is_made_and_somebody_comes_changes_jobs_and_goes(browser: Browser, console: str) -> None:
    page = open_page(browser, f"{console}/roles/")
    page.get_by_role("link", name="Create a role").click()
    page.get_by_label("Name").fill("Clerk")
    page.get_by_label("Identifier").fill("clerk")
    page.get_by_label("Who answers for it").fill("max.admin@example.test")
    page.get_by_label("Finance").check()
    page.get_by_role("button", name="Create the role").click()
    page.wait_for_url(f"{console}/roles/clerk/")
    page.goto(f"{console}/people/invite")
    page.get_by_label("Name").fill("Nia New")
    page.get_by_label("E-mail address").fill("nia@example.test")
    page.get_by_label("Clerk").check()
    page.get_by_label("Employed or contracted").select_option("contractor")
    page.get_by_label("Until").fill("2030-12-31")
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_text("Gets the role clerk")).to_be_visible()
    assert violations_of(page) == []
    page.get_by_role("link", name="Open their page").click()
    held = page.get_by_role("region", name="What they hold and why")
    expect(held.get_by_role("link", name="Finance")).to_be_visible()
    page.get_by_role("link", name="Another job").click()
    page.get_by_label("Clerk").uncheck()
    page.get_by_label("Accountant").check()
    page.get_by_label("Job title").fill("Accountant")
    page.get_by_role("button", name="Show what changes").click()
    expect(page.get_by_text("Loses the role clerk")).to_be_visible()
    assert violations_of(page) == []
    page.get_by_role("button", name="Change the job").click()
    expect(page.get_by_role("heading", name="Nia New has another job")).to_be_visible()
    assert violations_of(page) == []
    page.get_by_role("link", name="Open their page").click()
    page.get_by_role("link", name="Leave", exact=True).click()
    page.get_by_label("Who takes over").fill("max.admin@example.test")
    page.get_by_role("button", name="Go on").click()
    assert violations_of(page) == []
    page.get_by_role("button", name="Let Nia New go").click()
    expect(page.get_by_text("Every door shuts for nia@example.test")).to_be_visible()
    assert violations_of(page) == []
    person = asked_elsewhere(lambda: find_person("nia@example.test"))
    assert (person.active, person.roles, person.groups) == (False, (), ())


def test_a_file_of_people_is_looked_at_and_imported(browser: Browser, console: str) -> None:
    page = open_page(browser, f"{console}/people/import", width=390)
    content = b"email,name,title,roles\nnia@example.test,Nia New,Clerk,accountant\nbruno.costa@example.test,,Driver,\n"
    page.get_by_label("CSV file").set_input_files({"name": "p.csv", "mimeType": "text/csv", "buffer": content})
    page.get_by_label("Also change people who have an account").check()
    page.get_by_role("button", name="Show what it would change").click()
    expect(page.get_by_role("heading", name="1 person changes")).to_be_visible()
    assert violations_of(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Import the file").click()
    page.wait_for_url(f"{console}/people/")
    assert asked_elsewhere(lambda: find_person("nia@example.test")).roles == ("accountant",)


def violations_of(page: Page) -> list[tuple[str, str]]:
    """Return what is not accessible on the page that is open."""
    found = Axe().run(page, options={"runOnly": STANDARD}).response["violations"]
    return [(one["id"], node["html"][:200]) for one in found for node in one["nodes"]]


def test_everything_works_without_scripts(browser: Browser, company: Company, console: str) -> None:
    page = open_page(browser, f"{console}/rules/edit", scripts=False)
    page.locator("#id_document").fill(RULES.replace("mfa: phishing-resistant", "mfa: otp"))
    page.get_by_role("button", name="Review the change").click()
    page.get_by_role("button", name="Apply to 1 person").click()
    page.wait_for_url(f"{console}/rules/")
    assert asked_elsewhere(get_current).document != RULES
    page.goto(f"{console}/people/{company.people['bruno_costa'].id}/disable")
    page.get_by_label("Reason").fill("Left")
    page.get_by_role("button", name="Disable Bruno Costa").click()
    expect(page.get_by_text("Bruno Costa is disabled and signed out everywhere.")).to_be_visible()
