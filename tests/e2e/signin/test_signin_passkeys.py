"""Passkeys in a real browser: set up from an invitation, the only factor, a second factor, a step-up, removed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, expect, sync_playwright
from tests.signin_site import RunningSite, Site

pytestmark = pytest.mark.e2e

WAIT_MILLISECONDS = 60_000
PASSWORD = "violet tram engine lantern"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with RunningSite() as running:
        yield running


class Device:
    """A browser on a device of its own, with an authenticator built in.

    The authenticator says yes to everything at once, the quiet offer in the e-mail field included; so that a test can
    say when a passkey is used, that offer is switched off unless asked for.
    """

    def __init__(self, page: Page, site: Site, *, offers: bool = False) -> None:
        self.page = page
        if not offers:
            page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false;")
        self.site = site
        self.cdp = page.context.new_cdp_session(page)
        self.cdp.send("WebAuthn.enable")
        self.authenticator = self.add_authenticator()

    def add_authenticator(self) -> str:
        options = {
            "protocol": "ctap2",
            "ctap2Version": "ctap2_1",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        added: dict[str, Any] = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return str(added["authenticatorId"])

    def is_user_verified(self, verified: bool) -> None:
        self.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self.authenticator, "isUserVerified": verified})

    def credentials(self) -> list[dict[str, Any]]:
        found: dict[str, Any] = self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.authenticator})
        return list(found["credentials"])

    def open(self, path: str) -> None:
        self.page.goto(path if path.startswith("https:") else self.site.url + path)

    def use_passkey(self) -> None:
        self.page.locator("form[data-passkey] button").click()

    def arrives(self, path: str) -> None:
        self.page.wait_for_url(self.site.url + path, timeout=WAIT_MILLISECONDS)

    def sign_out(self) -> None:
        self.open("/sign-out")
        self.page.locator("main form button").click()
        self.arrives("/sign-in")

    def sign_in_with_password(self, email: str) -> None:
        self.open("/sign-in")
        self.page.fill("#id_email", email)
        self.page.fill("#id_password", PASSWORD)
        self.page.locator("form[action='/sign-in'] button").click()


@pytest.fixture
def new_device(site: Site) -> Iterator[Callable[..., Device]]:
    with ExitStack() as stack:
        player = stack.enter_context(sync_playwright())

        def make(*, offers: bool = False) -> Device:
            browser = player.chromium.launch(
                executable_path="/usr/bin/chromium",
                args=[*FLAGS, f"--ignore-certificate-errors-spki-list={site.key_digest}"],
            )
            stack.callback(browser.close)
            page = browser.new_page()
            page.set_default_timeout(WAIT_MILLISECONDS)
            page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
            return Device(page, site, offers=offers)

        yield make


def invite(site: Site, email: str) -> str:
    return site.command("user", "invite", email, "--name", "Dora Maar")


def make_person_with_app(site: Site, email: str) -> str:
    return site.python(
        "from ostiary.identity.facade import create_person, unsafe_provision_totp\n"
        "from ostiary.visibility.facade import Actor\n"
        "actor = Actor(kind='machine', id='root', label='root')\n"
        f"person = create_person(email={email!r}, name='Ada', password={PASSWORD!r}, actor=actor)\n"
        "print(unsafe_provision_totp(person_id=person, actor=actor))"
    ).splitlines()[-1]


def accept_with_passkey(device: Device, email: str) -> None:
    device.open(invite(device.site, email))
    device.use_passkey()
    device.arrives("/set-up/recovery-codes")


def test_a_passkey_from_the_invitation_is_the_only_factor_ever_needed(
    site: Site, new_device: Callable[..., Device]
) -> None:
    device = new_device()
    accept_with_passkey(device, "dora@example.test")
    device.page.locator("main form button").click()
    expect(device.page.locator("[data-codes] li")).to_have_count(10)
    device.page.get_by_text("I have kept them").click()
    device.arrives("/")
    (credential,) = device.credentials()
    assert credential["isResidentCredential"]
    assert credential["rpId"] == "id.signin.localhost", "a passkey belongs to the sign-in host alone"

    device.sign_out()
    device.use_passkey()
    device.arrives("/")
    device.open("/sessions")
    expect(device.page.locator(".thing")).to_have_count(1)
    assert '"webauthn"' in site.command("session", "list", "--person", "dora@example.test", "--json")
    assert site.command("user", "show", "dora@example.test").count("password") == 0


def test_a_passkey_signs_nobody_in_who_is_disabled(site: Site, new_device: Callable[..., Device]) -> None:
    device = new_device()
    accept_with_passkey(device, "eve@example.test")
    device.sign_out()
    site.command("user", "disable", "eve@example.test", "--yes")
    device.use_passkey()
    device.arrives("/sign-in/switched-off")
    device.open("/")
    device.arrives("/sign-in")
    site.command("user", "enable", "eve@example.test")
    device.use_passkey()
    device.arrives("/")


def test_without_checking_the_owner_a_passkey_is_refused(site: Site, new_device: Callable[..., Device]) -> None:
    device = new_device()
    device.is_user_verified(False)
    device.open(invite(site, "frank@example.test"))
    device.use_passkey()
    expect(device.page.locator("[data-problem]")).to_be_visible()
    assert device.credentials() == []
    assert "invited" in site.command("user", "show", "frank@example.test")


def test_a_passkey_added_in_the_portal_serves_as_second_step_and_for_step_up(
    site: Site, new_device: Callable[..., Device]
) -> None:
    secret = make_person_with_app(site, "ada@example.test")
    device = new_device()
    device.sign_in_with_password("ada@example.test")
    device.arrives("/sign-in/second-step")
    device.page.fill("#id_code", pyotp.TOTP(secret).now())
    device.page.locator("main form button").first.click()
    device.arrives("/")
    device.open("/set-up/passkey")
    device.page.fill("#passkey_name", "Work laptop")
    device.use_passkey()
    device.arrives("/set-up/recovery-codes")
    device.open("/authenticators")
    expect(device.page.get_by_role("heading", name="Work laptop")).to_be_visible()

    site.python(
        "from ostiary.applications.facade import add_app\n"
        "from ostiary.visibility.facade import Actor\n"
        "add_app('wiki', upstream='http://127.0.0.1:9', actor=Actor(kind='machine', id='root', label='root'))"
    )
    wiki = site.url.replace("https://id.", "https://wiki.")
    device.open("/step-up?need=phishing-resistant&within=60&app=wiki&return=%2Fdeep%3Fa%3D1")
    device.use_passkey()
    device.page.wait_for_url(wiki + "/deep?a=1", timeout=WAIT_MILLISECONDS)

    device.sign_out()
    device.sign_in_with_password("ada@example.test")
    device.arrives("/sign-in/second-step")
    device.use_passkey()
    device.arrives("/")


def test_somebody_elses_passkey_is_no_second_step(site: Site, new_device: Callable[..., Device]) -> None:
    make_person_with_app(site, "victim@example.test")
    thief = new_device()
    accept_with_passkey(thief, "thief@example.test")
    thief.sign_out()
    # The thief knows the victim's password and answers the challenge meant for the victim with their own passkey.
    thief.sign_in_with_password("victim@example.test")
    thief.arrives("/sign-in/second-step")
    answer = thief.page.evaluate(
        """async () => {
          const options = (await (await fetch('/sign-in/second-step/options')).json()).publicKey;
          const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
          const credential = await navigator.credentials.get({publicKey: {
            challenge: bytes(options.challenge), rpId: options.rpId, userVerification: 'required', allowCredentials: []}});
          const token = document.querySelector('[name=csrfmiddlewaretoken]').value;
          const answer = await fetch('/sign-in/second-step', {method: 'POST', redirect: 'manual',
            headers: {'Content-Type': 'application/x-www-form-urlencoded'},
            body: new URLSearchParams({csrfmiddlewaretoken: token, credential: JSON.stringify(credential.toJSON())})});
          return answer.status;
        }"""
    )
    assert answer == 200, "the page again, with the refusal"
    thief.open("/")
    thief.page.wait_for_url("**/sign-in", timeout=WAIT_MILLISECONDS)


def test_an_answer_to_a_challenge_works_once(site: Site, new_device: Callable[..., Device]) -> None:
    device = new_device()
    accept_with_passkey(device, "gina@example.test")
    device.sign_out()
    sent: list[str] = []
    device.page.on(
        "request", lambda request: sent.append(request.post_data or "") if request.method == "POST" else None
    )
    device.use_passkey()
    device.arrives("/")
    (body,) = [one for one in sent if "credential=" in one]
    device.sign_out()
    status = device.page.evaluate(
        """async (body) => {
          const token = document.querySelector('[name=csrfmiddlewaretoken]').value;
          const fields = new URLSearchParams(body);
          fields.set('csrfmiddlewaretoken', token);
          const answer = await fetch('/sign-in/passkey', {method: 'POST', body: fields});
          return new URL(answer.url).pathname;
        }""",
        body,
    )
    assert status == "/sign-in"


def test_the_last_way_in_stays_and_another_one_may_go(site: Site, new_device: Callable[..., Device]) -> None:
    device = new_device()
    accept_with_passkey(device, "hana@example.test")
    device.open("/authenticators")
    expect(device.page.get_by_role("link", name="Remove")).to_have_count(0)
    device.open("/authenticators/password")
    device.page.fill("#id_password", PASSWORD)
    device.page.locator("main form button").click()
    device.arrives("/authenticators")
    expect(device.page.get_by_role("link", name="Remove")).to_have_count(1)
    device.page.get_by_role("link", name="Remove").click()
    device.page.locator("main form button").click()
    device.arrives("/authenticators")
    expect(device.page.get_by_role("heading", name="Password")).to_have_count(0)


def test_the_browser_offers_the_passkey_in_the_address_field(site: Site, new_device: Callable[..., Device]) -> None:
    device = new_device(offers=True)
    accept_with_passkey(device, "ines@example.test")
    device.open("/sign-out")
    device.page.locator("main form button").click()
    device.arrives("/")
    expect(device.page.get_by_role("heading", name="My apps")).to_be_visible()
