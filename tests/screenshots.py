"""`python -m tests.screenshots`: starts the demo in a folder of its own, visits it with Chromium, and takes its picture.

Every picture is of the running system: through the gateway, signed in with a passkey, after the demo's own walk.
"""

import argparse
import base64
import contextlib
import hashlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyotp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from playwright.sync_api import BrowserContext, Page, sync_playwright

from ostiary.config.loader import load_instance
from ostiary.config.places import Instance
from ostiary.demo.notes import Account, Notes, read_notes
from ostiary.demo.walk.passkey import StoredPasskey
from ostiary.supervisor.status_file import NotRunning, read_status
from tests.ports import free_port

CHROMIUM = "/usr/bin/chromium"
START_SECONDS = 240
CODE_SECONDS = 30
CARELESS_EDIT = ("allow: group:staff\n    to: [app:files", "allow: [group:workshop, group:sales]\n    to: [app:files")
ASK_FOR_PAYROLL = "/requests/new?app=payroll"
SIGN_IN_HOST = (
    "sign-in", "portal", "portal-devices", "portal-mend", "refusal", "refusal-device", "portal-ask", "portal-requests",
)  # fmt: skip
REVIEWS = (("rules-review", "Review the change"), ("rules-replay", "Try on what happened"))
CONSOLE = {
    "overview": "/?span=hour",
    "decisions": "/decisions/",
    "decision": "{decision}",
    "apps": "/apps/",
    "clients": "/apps/clients",
    "client-add": "/apps/clients/add",
    "saml": "/apps/saml",
    "saml-add": "/apps/saml/add",
    "saml-certificate": "/apps/saml/certificate",
    "people": "/people/",
    "person": "{person}",
    "move": "{person}move",
    "leave": "{person}leave",
    "untidy": "/people/to-tidy-up",
    "recoveries": "/recoveries/",
    "join": "/people/invite",
    "roles": "/roles/",
    "reviews": "/reviews/",
    "reviews-start": "/reviews/start",
    "services": "/services/",
    "devices": "/devices/",
    "baselines": "/devices/baselines/",
    "baseline-edit": "/devices/baselines/standard/edit",
    "software": "/software/",
    "sources": "/devices/sources/",
    "devices-overview": "/devices/overview",
    "devices-seen": "/devices/seen",
    "device": "{device}",
    "device-history": "{device}history",
    "requests": "/requests/",
    "administrators": "/groups/administrators/only-when-needed",
    "rules": "/rules/",
    "rules-edit": "/rules/edit",
    "rules-unused": "/rules/unused",
    "explain": "/explain/?person=mateo.rossi%40lindenhof.example&app=payroll&do=view",
    "audit": "/audit/",
}
"""The console's pages, with a decision, a person and a device that exist put in."""

NAMES = (*SIGN_IN_HOST, *(f"console-{name}" for name in (*CONSOLE, *dict(REVIEWS))))
VIEWS = (("light", 1280, 860), ("dark", 1280, 860), ("telephone", 390, 844))


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("docs/screenshots"), help="where the pictures go")
    parser.add_argument(
        "--only", nargs="*", default=(), metavar="NAME", help="take these pictures alone: console-rules …"
    )
    said = parser.parse_args()
    unknown = sorted(set(said.only) - set(NAMES))
    if unknown:
        parser.error(f"no picture is called {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    folder: Path = said.folder
    folder.mkdir(parents=True, exist_ok=True)
    with running_demo() as instance:
        notes = read_notes(instance.home)
        assert notes is not None
        take_all(instance, notes, Album(folder, frozenset(said.only)))


@dataclass(frozen=True)
class Album:
    """Where pictures go.

    Args:
        folder: of the files.
        only: names of the pictures that are wanted; empty for all.
    """

    folder: Path
    only: frozenset[str] = frozenset()

    def wants(self, name: str) -> bool:
        """Tell whether a picture is wanted."""
        return not self.only or name in self.only


@contextlib.contextmanager
def running_demo() -> Iterator[Instance]:
    """Start the demo on a free port, walk through it once, and stop it at the end."""
    home = Path(tempfile.mkdtemp(prefix="ost-"))
    command = [sys.executable, "-m", "ostiary.demo", "--home", str(home)]
    demo = subprocess.Popen([*command, "--port", str(free_port())], stdout=subprocess.DEVNULL)
    try:
        _wait_until_ready(home, demo)
        subprocess.run([*command, "--check"], check=True)
        time.sleep(CODE_SECONDS + 1)  # a code that the walk gave is not taken twice
        yield load_instance(home)
    finally:
        demo.terminate()
        demo.wait()
        shutil.rmtree(home, ignore_errors=True)


def take_all(instance: Instance, notes: Notes, album: Album) -> None:
    """Take each page in each view.

    Args:
        instance: the running demo.
        notes: its accounts.
        album: where the pictures go.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", f"--ignore-certificate-errors-spki-list={key_hash(instance)}"],
        )
        nadia = browser.new_context(viewport={"width": 1280, "height": 860})
        visitor = browser.new_context(viewport={"width": 1280, "height": 860})
        sign_in_with_passkey(nadia, instance, notes.account("Nadia"))
        picture(visitor, album, "sign-in", instance.url(instance.identity_host))
        sign_in(visitor.new_page(), instance, notes.account("Mateo"))
        picture(visitor, album, "portal", instance.url(instance.identity_host))
        picture(visitor, album, "portal-devices", instance.url(instance.identity_host, "/devices"))
        picture(visitor, album, "portal-mend", instance.url(instance.identity_host, "/devices/mend"))
        for name, app in (("refusal", "payroll"), ("refusal-device", "readings")):
            picture(visitor, album, name, instance.url(f"{app}.{instance.configuration.domain}", "/"))
        picture(visitor, album, "portal-ask", instance.url(instance.identity_host, ASK_FOR_PAYROLL))
        ask_for_payroll(visitor, instance)
        picture(visitor, album, "portal-requests", instance.url(instance.identity_host, "/requests"))
        for name, path in console_pages(nadia, instance).items():
            picture(nadia, album, f"console-{name}", instance.url(instance.console_host, path))
        edit = instance.url(instance.console_host, "/rules/edit")
        for name, button in REVIEWS:
            with contextlib.closing(nadia.new_page()) as page:
                page.goto(edit)
                text = page.locator("textarea[name=document]")
                text.fill(text.input_value().replace(*CARELESS_EDIT))
                page.get_by_role("button", name=button).click()
                page.wait_for_load_state("networkidle")
                views(page, album, f"console-{name}")
        browser.close()


def console_pages(context: BrowserContext, instance: Instance) -> dict[str, str]:
    """Return the console's pages to take, with a decision, a person and a device that exist."""
    page = context.new_page()
    page.goto(instance.url(instance.console_host, "/decisions/?outcome=refused"))
    decision = page.locator("a.sentence").first.get_attribute("href") or "/decisions/"
    page.goto(instance.url(instance.console_host, "/people/?q=priya"))
    person = page.locator("a.subject").first.get_attribute("href") or "/people/"
    page.goto(instance.url(instance.console_host, "/devices/?q=macbook"))
    device = page.locator("a.subject").first.get_attribute("href") or "/devices/"
    page.close()
    return {name: path.format(decision=decision, person=person, device=device) for name, path in CONSOLE.items()}


def ask_for_payroll(context: BrowserContext, instance: Instance) -> None:
    """Ask for access, so that there is a request to show."""
    page = context.new_page()
    page.goto(instance.url(instance.identity_host, ASK_FOR_PAYROLL))
    page.locator("#id_reason").fill("Helping out at the month's end")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_load_state("networkidle")
    page.close()


def picture(context: BrowserContext, album: Album, name: str, address: str) -> None:
    """Take one page in every view, if it is wanted."""
    if not album.wants(name):
        return
    page = context.new_page()
    page.goto(address)
    views(page, album, name)
    page.close()


def views(page: Page, album: Album, name: str) -> None:
    """Take the page that is open in every view, if it is wanted."""
    if not album.wants(name):
        return
    for view, width, height in VIEWS:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if view == "dark" else "light", reduced_motion="reduce")
        page.screenshot(path=album.folder / f"{name}-{view}.png")


def sign_in(page: Page, instance: Instance, account: Account) -> None:
    """Sign in with password and one-time code."""
    page.goto(instance.url(instance.identity_host))
    page.locator("input[type=email]").fill(account.email)
    page.locator("input[type=password]").fill(account.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/second-step*")
    page.locator("#id_code").fill(pyotp.TOTP(account.totp).now())
    page.keyboard.press("Enter")
    page.wait_for_url(instance.url(instance.identity_host))


def sign_in_with_passkey(context: BrowserContext, instance: Instance, account: Account) -> None:
    """Sign in, and prove to the console the passkey that the demo's walk set up."""
    page = context.new_page()
    sign_in(page, instance, account)
    keys = context.new_cdp_session(page)
    keys.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    authenticator = keys.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
    credential = walk_passkey(instance)
    keys.send("WebAuthn.addCredential", {"authenticatorId": authenticator, "credential": credential})
    page.goto(instance.url(instance.console_host))
    page.get_by_role("button").filter(has_text="passkey").first.click()
    page.wait_for_url(instance.url(instance.console_host))


def walk_passkey(instance: Instance) -> dict[str, object]:
    """Return the passkey of the walk in the form in which Chromium takes it."""
    stored = msgspec.json.decode((instance.home / "walk-passkey.json").read_bytes(), type=StoredPasskey)
    key = load_pem_private_key(stored.key.encode(), password=None)
    encoded = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return {
        "credentialId": base64.b64encode(stored.credential).decode(),
        "isResidentCredential": True,
        "rpId": instance.identity_host,
        "privateKey": base64.b64encode(encoded).decode(),
        "userHandle": base64.b64encode(stored.user).decode(),
        "signCount": stored.count + 1000,
    }


def key_hash(instance: Instance) -> str:
    """Return what tells Chromium to believe the gateway's certificate, as an imported authority would."""
    port = instance.configuration.gateway.https_port
    pem = ssl.get_server_certificate(("127.0.0.1", port), ca_certs=str(instance.authority_certificate))
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(encoded).digest()).decode()


def _wait_until_ready(home: Path, demo: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and demo.poll() is None:
        with contextlib.suppress(NotRunning):
            status = read_status(home / "run")
            if status.ready and status.pid == demo.pid:
                return
        time.sleep(0.2)
    raise SystemExit("The demo did not become ready. See why with: make demo")


if __name__ == "__main__":
    main()
