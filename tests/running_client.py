"""A person's browser at a running instance: hosts by their short names, the real forms, passkeys in software."""

import re
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pyotp

from ostiary.demo.notes import Account
from ostiary.demo.walk.browser import Browser, form_with, words_of
from ostiary.demo.walk.passkey import Passkey
from ostiary.demo.walk.person import Visitor
from tests.running_operator import Made

if TYPE_CHECKING:
    from tests.running_instance import RunningInstance

CODE_SECONDS = 30


class Client:
    """One browser of one person: `Browser` of the walk, with names of hosts instead of addresses."""

    def __init__(self, running: "RunningInstance", account: Made | None = None) -> None:
        self.running = running
        self.account = account
        self.browser = Browser(running.authority)
        self._last_step = 0

    def send(self, method: str, name: str, path: str = "/", **options: Any) -> httpx.Response:
        """Send one request and follow nothing; `cookies=False` leaves this browser's cookies out."""
        if options.pop("cookies", True) is False:
            options["headers"] = {"cookie": "", **options.get("headers", {})}
        return self.browser.send(method, self.running.url(name, path), **options)

    def get(self, name: str, path: str = "/", **options: Any) -> httpx.Response:
        return self.send("GET", name, path, **options)

    def api(self, name: str, path: str = "/", method: str = "GET", **headers: str) -> httpx.Response:
        """Ask as a program does: a refusal is problem+json, not a redirect."""
        return self.send(method, name, path, headers={"accept": "application/json", **headers})

    def open(self, name: str, path: str = "/") -> httpx.Response:
        """Open a page and follow where it leads."""
        return self.browser.open(self.running.url(name, path))

    def cookies(self, name: str) -> dict[str, str]:
        """Return this browser's cookies for a host; the dictionary is live."""
        return self.browser._cookies.setdefault(self.running.host(name), {})

    def next_code(self) -> str:
        """Return the next code of this person's authenticator app; each is good once, and two at a time are good."""
        assert self.account is not None
        step = max(self._last_step + 1, int(time.time()) // CODE_SECONDS)
        while step > int(time.time()) // CODE_SECONDS + 1:
            time.sleep(0.2)
        self._last_step = step
        return pyotp.TOTP(self.account.seed).at(step * CODE_SECONDS)

    def give_password(self, page: httpx.Response | None = None) -> httpx.Response:
        """Type address and password; the page asked for by default is the sign-in page."""
        assert self.account is not None
        page = page or self.open("id", "/sign-in")
        form = form_with(page, "email", "password")
        return self.browser.submit(page, form, email=self.account.email, password=self.account.password)

    def give_code(self, page: httpx.Response, code: str = "") -> httpx.Response:
        return self.browser.submit(page, form_with(page, "code"), code=code or self.next_code())

    def sign_in(self) -> "Client":
        """Sign in at the portal, with password and code."""
        landed = self.give_code(self.give_password())
        assert landed.status_code == 200, words_of(landed)
        assert urlsplit(str(landed.request.url)).path == "/", words_of(landed)
        return self

    def enter(self, *names: str) -> "Client":
        """Open apps so that this browser has their sessions, and grants where there are any."""
        for name in names:
            page = self.open(name, "/public/x" if name == "files" else "/")
            assert page.status_code == 200, words_of(page)
            assert page.request.url.host == self.running.host(name), words_of(page)
        return self

    @property
    def visitor(self) -> Visitor:
        assert self.account is not None
        made = self.account
        account = Account(name="", email=made.email, story="", password=made.password, totp=made.seed)
        return Visitor(self.browser, account, self.running.url("id"))

    def add_passkey(self) -> Passkey:
        """Set a passkey up; the browser is signed in and proved itself lately."""
        passkey = Passkey(self.running.folder / f"passkey-{uuid.uuid4().hex}.json")
        self.visitor.give_passkey(self.open("id", "/set-up/passkey"), passkey)
        assert passkey.exists
        return passkey

    def make_recovery_codes(self) -> list[str]:
        """Make recovery codes and return them; the browser is signed in and proved itself lately."""
        page = self.open("id", "/set-up/recovery-codes")
        shown = self.post("id", "/set-up/recovery-codes", page)
        codes = re.findall(r"<li[^>]*>\s*(?:<code[^>]*>)?\s*([0-9 ]{10,})\s*<", shown.text)
        assert codes, words_of(shown)
        return [code.replace(" ", "") for code in codes]

    def passkey_answer(self, passkey: Passkey, options_path: str) -> str:
        """Fetch a challenge and return the credential that answers it."""
        origin = self.running.url("id").rstrip("/")
        options = self.get("id", options_path, headers={"accept": "application/json"}).json()["publicKey"]
        return passkey.answer(options, origin)

    def post(self, name: str, path: str, page: httpx.Response | None = None, /, **fields: str) -> httpx.Response:
        """Post a form as a page of that host would, with the token of `page` or of the sign-in page; follow nothing."""
        if page is None and name in {"id", "admin"}:
            page = self.get(name, "/sign-in" if name == "id" else "/")
        token = {"csrfmiddlewaretoken": token_of(page)} if page is not None else {}
        url = self.running.url(name, path)
        origin = self.running.url(name).rstrip("/")
        return self.browser.send(
            "POST",
            url,
            data={**token, **fields},
            headers={"origin": origin, "referer": url, "sec-fetch-site": "same-origin"},
        )

    def close(self) -> None:
        self.browser.close()


def token_of(page: httpx.Response) -> str:
    """Return the form token of a page, empty when it has none."""
    _, found, rest = page.text.partition('name="csrfmiddlewaretoken" value="')
    return rest.partition('"')[0] if found else ""
