"""Somebody at a browser: signs in, proves more when asked, as the pages lead."""

import time
from urllib.parse import urljoin

import httpx
import pyotp

from ostiary.demo.notes import Account
from ostiary.demo.walk.browser import Browser, WalkFailed, form_with, words_of
from ostiary.demo.walk.forms import read_forms
from ostiary.demo.walk.passkey import Passkey

CODE_SECONDS = 30


class Visitor:
    """One account in one browser."""

    def __init__(self, browser: Browser, account: Account, id_url: str) -> None:
        self.browser = browser
        self.account = account
        self._id_url = id_url

    def open(self, url: str) -> httpx.Response:
        """Open a page; sign in and prove more where the pages ask for it; return where it ends."""
        page = self.browser.open(url)
        if self._asks_for(page, "password"):
            form = form_with(page, "email", "password")
            page = self.browser.submit(page, form, email=self.account.email, password=self.account.password)
        return self.give_code(page)

    def give_code(self, page: httpx.Response) -> httpx.Response:
        """Type the present code where a page asks for one; wait for the next where this one was used already."""
        for _ in range(3):
            if not self._asks_for(page, "code"):
                return page
            before = str(page.request.url)
            page = self.browser.submit(page, form_with(page, "code"), code=pyotp.TOTP(self.account.totp).now())
            if self._asks_for(page, "code") and str(page.request.url).split("?")[0] == before.split("?", maxsplit=1)[0]:
                time.sleep(CODE_SECONDS - time.time() % CODE_SECONDS + 0.5)
        raise WalkFailed(f"No code was taken: {words_of(page)}")

    def give_passkey(self, page: httpx.Response, passkey: Passkey) -> httpx.Response:
        """Use a passkey, or create it, where a page asks for one."""
        for form in read_forms(page.text):
            if form.passkey == ("get" if passkey.exists else "create"):
                origin = self._id_url.rstrip("/")
                answer = self.browser.send("GET", urljoin(origin, form.options), headers={"accept": "application/json"})
                options = answer.json()["publicKey"]
                credential = passkey.answer(options, origin) if passkey.exists else passkey.create(options, origin)
                return self.browser.submit(page, form, credential=credential)
        raise WalkFailed(f"{page.request.url} asks for no passkey: {words_of(page)}")

    def _asks_for(self, page: httpx.Response, field: str) -> bool:
        at_sign_in = str(page.request.url).startswith(self._id_url)
        return at_sign_in and any(field in form.visible for form in read_forms(page.text))
