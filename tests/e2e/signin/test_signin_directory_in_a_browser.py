"""Another directory, end to end: a real browser, a real OpenID provider, the real gateway with its rules."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from tests.running_directory import directory_of
from tests.running_instance import IDENTITY, RunningInstance

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
WAIT_MILLISECONDS = 60_000
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage")


@pytest.fixture
def page(running: RunningInstance) -> Iterator[Page]:
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))
        context = browser.new_context(ignore_https_errors=True)
        context.set_default_timeout(WAIT_MILLISECONDS)
        yield context.new_page()
        browser.close()


def sign_in(page: Page, name: str) -> None:
    """Press the button and sign in at the directory."""
    page.get_by_role("link", name="Sign in with Example Work").click()
    page.fill("input[name=name]", name)
    page.click("#in")


def status(page: Page, url: str) -> int:
    answer = page.goto(url)
    assert answer is not None
    return answer.status


def test_the_first_sign_in_makes_an_account_and_groups_decide_at_the_gateway(
    running: RunningInstance, page: Page
) -> None:
    there, provider = directory_of(running)
    person = {"email": "fay@corp.test", "email_verified": True, "name": "Fay", "amr": ["mfa"]}
    there.say("fay", {**person, "groups": ["colleagues"]})

    wiki = running.url("wiki")
    page.goto(wiki)
    sign_in(page, "fay")
    page.wait_for_url(wiki)
    assert status(page, wiki) == 200
    fay = running.operator(f"{IDENTITY}:find_person", "fay@corp.test", acting=False)
    assert (fay["name"], fay["groups"], fay["methods"]) == ("Fay", ["staff"], [])

    # The group is gone there. The next sign-in, in whatever browser, reads that; the first one's next request fails.
    there.say("fay", {**person, "groups": []})
    assert status(page, wiki) == 200
    other = page.context.browser.new_context(ignore_https_errors=True).new_page()  # type: ignore[union-attr]
    other.goto(running.url("id", "/sign-in"))
    sign_in(other, "fay")
    expect(other.get_by_role("heading", name="My apps")).to_be_visible(timeout=WAIT_MILLISECONDS)
    running.in_force()
    assert status(page, wiki) == 403

    events = [one for one in running.control_events() if "fay@corp.test" in json.dumps(one)]
    said = json.dumps(events)
    assert f"directory:{provider}" in said


def test_signing_out_here_leads_there_and_signing_out_there_ends_it_here(running: RunningInstance, page: Page) -> None:
    there, _provider = directory_of(running)
    person = {"email": "hal@corp.test", "email_verified": True, "name": "Hal", "amr": ["mfa"], "groups": ["colleagues"]}
    there.say("hal", person)
    wiki = running.url("wiki")
    page.goto(wiki)
    sign_in(page, "hal")
    page.wait_for_url(wiki)

    # The directory's word comes through the gateway, from a program of others, and the app's next request is refused.
    there.sign_out("hal")
    running.in_force()
    page.goto(wiki)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert any(
        "signed_out_at_directory" in json.dumps(one) for one in running.control_events() if "hal@" in json.dumps(one)
    )

    # Still signed in there, the browser comes in without a question; signing out here ends that too.
    page.get_by_role("link", name="Sign in with Example Work").click()
    page.wait_for_url(wiki)
    page.goto(running.url("id", "/sign-out"))
    expect(page.get_by_text("takes you to Example Work")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    expect(page.get_by_text("You are signed out here, in every app and at Example Work.")).to_be_visible()
    page.get_by_role("link", name="Sign in with Example Work").click()
    expect(page.locator("input[name=name]")).to_be_visible()


def test_cancelling_there_comes_back_to_words_and_a_way_on(running: RunningInstance, page: Page) -> None:
    directory_of(running)
    page.goto(running.url("id", "/sign-in"))
    page.get_by_role("link", name="Sign in with Example Work").click()
    page.click("#cancel")
    expect(page.get_by_role("heading", name="You did not sign in at Example Work")).to_be_visible()


def test_the_portal_links_an_account_after_a_yes_and_unlinks_it(running: RunningInstance, page: Page) -> None:
    there, _provider = directory_of(running)
    made = running.make_person("staff")
    there.say("gus", {"email": "gus@corp.test", "email_verified": True, "name": "Gus"})
    page.goto(running.url("id", "/sign-in"))
    page.fill("#id_email", made.email)
    page.fill("#id_password", made.password)
    page.locator("form[action='/sign-in'] button").click()
    page.fill("#id_code", running.client(made).next_code())
    page.locator("form:has(#id_code) button").click()
    page.goto(running.url("id", "/authenticators"))
    page.get_by_role("link", name="Link Example Work").click()
    page.fill("input[name=name]", "gus")
    page.click("#in")
    expect(page.get_by_text("gus@corp.test")).to_be_visible()
    page.get_by_role("button", name="Link this account").click()
    expect(page.get_by_role("heading", name="Example Work")).to_be_visible()
    page.get_by_role("link", name="Unlink").click()
    page.get_by_role("button", name="Unlink Example Work").click()
    expect(page.get_by_role("link", name="Link Example Work")).to_be_visible()


def test_the_commands_show_and_try_it_and_never_its_secret(running: RunningInstance) -> None:
    there, provider = directory_of(running)
    shown = running.command("directory", "provider", "show", provider)
    for path in (
        f"/sign-in/with/{provider}/callback",
        f"/sign-in/with/{provider}/signed-out",
        f"/oidc/back-channel/{provider}",
    ):
        assert running.url("id", path) in shown
    assert "not a secret" not in shown + running.command("directory", "provider", "show", provider, "--json")
    assert all(one["good"] for one in json.loads(running.command("directory", "provider", "test", provider, "--json")))
    for refused, words in (
        (("--preset", "google"), "every Google account in the world"),
        (("--preset", "entra"), "every organisation that uses Microsoft"),
        (("--issuer", there.issuer), "There is a directory with this issuer"),
        (("--issuer", "https://a.test", "--group", "x=administrators"), "opens the console"),
    ):
        done = running.command_any(
            "directory", "provider", "add", "more", *refused, "--client-id", "x", "--secret-file", __file__
        )
        assert done.returncode != 0
        assert words in done.stderr
