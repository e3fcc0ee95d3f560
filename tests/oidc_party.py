"""An application that signs people in at a running instance by OpenID Connect, played step by step; nothing is checked for it."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx

from tests.running_instance import Client, RunningInstance

CALLBACK = "https://books.elsewhere.test/callback"
FACADE = "ostiary.oidc.facade"


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Party:
    """One client of the provider.

    Args:
        running: the instance.
        client_id: what it is called there.
        secret: by which it proves itself; empty for a public one.
    """

    running: RunningInstance
    client_id: str
    secret: str = ""
    redirect_uri: str = CALLBACK
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def issuer(self) -> str:
        return self.running.url("id").rstrip("/")

    def request(self, **changes: str | None) -> str:
        """Return the path of a request for a code; a parameter given as `None` is left out."""
        given: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid profile email groups roles offline_access",
            "state": "a state",
            "nonce": "a nonce",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            **changes,
        }
        return f"/oidc/authorize?{urlencode({name: value for name, value in given.items() if value is not None})}"

    def go(self, browser: Client, path: str = "") -> httpx.Response:
        """Send the browser to the provider and follow until a page is shown or the application is reached."""
        response = browser.get("id", path or self.request())
        for _ in range(10):
            location = response.headers.get("location", "")
            if not location or location.startswith(self.redirect_uri):
                return response
            response = browser.browser.send("GET", urljoin(str(response.request.url), location))
        raise AssertionError("redirects without end")

    def come_back(self, response: httpx.Response) -> dict[str, str]:
        """Return what the application was told at its redirect URI."""
        location = response.headers.get("location", "")
        assert location.startswith(self.redirect_uri), (response.status_code, location, response.text[:500])
        return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}

    def code_for(self, browser: Client, **changes: str | None) -> str:
        return self.come_back(self.go(browser, self.request(**changes)))["code"]

    def post(self, path: str, form: dict[str, str], **headers: str) -> httpx.Response:
        """Send a form as a program does; the secret goes with it."""
        browser = self.running.client()
        proof = {"client_id": self.client_id} | ({"client_secret": self.secret} if self.secret else {})
        try:
            return browser.send("POST", "id", path, data={**proof, **form}, headers=headers)
        finally:
            browser.close()

    def exchange(self, code: str, /, **changes: str) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        return self.post("/oidc/token", {**form, **changes})

    def refresh(self, token: str) -> httpx.Response:
        return self.post("/oidc/token", {"grant_type": "refresh_token", "refresh_token": token})

    def userinfo(self, access: str) -> httpx.Response:
        browser = self.running.client()
        try:
            return browser.api("id", "/oidc/userinfo", authorization=f"Bearer {access}")
        finally:
            browser.close()

    def sign_in(self, browser: Client, **changes: str | None) -> dict[str, Any]:
        """Sign the person of a browser in and return the tokens."""
        answer = self.exchange(self.code_for(browser, **changes))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens


def add_party(running: RunningInstance, app: str, /, **more: Any) -> Party:
    """Register an application at the instance; rules still have to let people in."""
    given = {"redirect_uris": [CALLBACK], **more}
    added = running.operator(f"{FACADE}:add_client", app, **given)
    return Party(running, app, added["secret"], redirect_uri=given["redirect_uris"][0])
