"""A client with cookies that trusts the demo's authority alone and finds every name on this machine."""

import html
import re
import ssl
import time
from pathlib import Path
from urllib.parse import urljoin

import httpx

from ostiary.demo.walk.forms import Form, read_forms
from ostiary.errors import OstiaryError

PAGE_HEADERS = {"accept": "text/html,application/xhtml+xml", "accept-language": "en", "user-agent": "Ostiary demo walk"}
PATIENT_TRIES = 20
PATIENCE_SECONDS = 0.5
MAX_REDIRECTS = 12


Proof = tuple[Path, Path]


class WalkFailed(OstiaryError):
    """Something was not as it must be."""


class _ThisMachine(httpx.HTTPTransport):
    """Connects every host to the loopback address; the names in TLS and in `Host` stay what they are."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        request.url = request.url.copy_with(host="127.0.0.1")
        return super().handle_request(request)


def trusting(authority: Path, proof: Proof | None = None) -> ssl.SSLContext:
    """Return a TLS context that believes nobody but the demo's own authority, and proves a device where there is one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority)
    if proof is not None:
        context.load_cert_chain(*proof)
    return context


class Browser:
    """One person's browser. Told that it asks too often, it waits as a person would.

    Args:
        authority: whom it trusts.
        proof: files with the device's certificate and key (PEM), shown to whoever asks; `None` where it runs on no device of ours.
    """

    def __init__(self, authority: Path, proof: Proof | None = None) -> None:
        self.authority = authority
        self.proof = proof
        self._clients: dict[str, httpx.Client] = {}
        self._cookies: dict[str, dict[str, str]] = {}

    def close(self) -> None:
        """Let go of the connections."""
        for client in self._clients.values():
            client.close()

    def cookie_header(self, host: str) -> str:
        """Return what this browser would send as `Cookie` to a host."""
        return "; ".join(f"{name}={value}" for name, value in self._cookies.get(host, {}).items())

    def send(
        self, method: str, url: str, *, headers: dict[str, str] | None = None, **content: object
    ) -> httpx.Response:
        """Send one request with this browser's cookies and keep those that come back; follow nothing."""
        host = httpx.URL(url).host
        cookie = self.cookie_header(host)
        sent = {**({"cookie": cookie} if cookie else {}), **(headers or {})}
        for _ in range(PATIENT_TRIES):
            response = self.client_for(host).request(method, url, headers=sent, **content)  # type: ignore[arg-type]
            if response.status_code != httpx.codes.TOO_MANY_REQUESTS:
                break
            time.sleep(PATIENCE_SECONDS)
        response.request.url = httpx.URL(url)
        self._keep(host, response)
        return response

    def open(self, url: str, **options: object) -> httpx.Response:
        """Open a page and follow where it leads."""
        return self._follow(self.send("GET", url, **options))  # type: ignore[arg-type]

    def submit(self, page: httpx.Response, form: Form, **filled: str) -> httpx.Response:
        """Fill a form in, send it, and follow where it leads."""
        target = urljoin(str(page.request.url), form.action)
        origin = f"https://{page.request.url.netloc.decode()}"
        headers = {"origin": origin, "referer": str(page.request.url)}
        data = {**form.values, **filled}
        return self._follow(self.send(form.method.upper(), target, headers=headers, data=data))

    def client_for(self, host: str) -> httpx.Client:
        """Return the connections to one host: each host has its own, as its name in TLS must be its own."""
        if host not in self._clients:
            transport = _ThisMachine(verify=trusting(self.authority, self.proof), http2=True)
            self._clients[host] = httpx.Client(transport=transport, headers=PAGE_HEADERS, timeout=30, trust_env=False)
        return self._clients[host]

    def _follow(self, response: httpx.Response) -> httpx.Response:
        for _ in range(MAX_REDIRECTS):
            if response.status_code not in (301, 302, 303, 307, 308):
                return response
            response = self.send("GET", urljoin(str(response.request.url), response.headers["location"]))
        raise WalkFailed(f"{response.request.url} redirects without end.")

    def _keep(self, host: str, response: httpx.Response) -> None:
        jar = self._cookies.setdefault(host, {})
        for line in response.headers.get_list("set-cookie"):
            name, _, rest = line.partition("=")
            value, _, attributes = rest.partition(";")
            if re.search(r"max-age=0\b|expires=Thu, 01 Jan 1970", attributes, re.IGNORECASE):
                jar.pop(name.strip(), None)
            else:
                jar[name.strip()] = value


def form_with(page: httpx.Response, *names: str) -> Form:
    """Return the form of a page that has all of these fields.

    Raises:
        WalkFailed: when the page has none.
    """
    for form in read_forms(page.text):
        if all(name in form.values for name in names):
            return form
    raise WalkFailed(f"{page.request.url} ({page.status_code}) has no form with {', '.join(names)}: {words_of(page)}")


def words_of(page: httpx.Response, limit: int = 200) -> str:
    """Return the beginning of what a page says, without its markup."""
    text = re.sub(r"<(script|style|head)\b.*?</\1>", " ", page.text, flags=re.DOTALL | re.IGNORECASE)
    text = html.unescape(re.sub(r"<[^>]+>", " ", text))
    return re.sub(r"\s+", " ", text).strip().removeprefix("Skip to the content ")[:limit]
