"""Asks one vendor: proves who we are, waits as long as it asks for, follows no one elsewhere, and takes only so much.

Source: RFC 6749, section 4.4 (client credentials); RFC 9110, section 10.2.3 (`Retry-After`).
"""

from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from ostiary.mdm.domain import fleet, intune, jamf
from ostiary.mdm.domain.connections import Described, Kind, UnusableConnection
from ostiary.mdm.domain.records import Page, Record, UnreadableAnswer
from ostiary.outgoing.addresses import Unreachable, split_url
from ostiary.outgoing.asking import Answer, ask

MAX_PAGE_BYTES: Final = 8_000_000
MAX_PAGES: Final = 1000
MAX_TOKEN_CHARACTERS: Final = 20_000
TRIES: Final = 4
LONGEST_WAIT_SECONDS: Final = 60.0
MAY_READ: Final[dict[Kind, str]] = {
    Kind.FLEET: "Give the token's account the role Observer.",
    Kind.INTUNE: "Grant the application DeviceManagementManagedDevices.Read.All, with an administrator's consent.",
    Kind.JAMF: "Give the client's role the privilege Read Computers.",
}

Wait = Callable[[float], None]


class Busy(Unreachable):
    """A vendor asks to be left alone for longer than we wait. `later`: for how many seconds."""

    def __init__(self, words: str, *, later: float) -> None:
        super().__init__(words)
        self.later = later


class Asked:
    """One vendor, for as long as one import lasts.

    Args:
        described: where and what it is.
        secret: its token, or the client's secret.
        authority: a file (PEM) with the authority that vouches for it, besides those the system trusts.
        wait: waits so many seconds.
    """

    def __init__(self, described: Described, secret: str, *, authority: str, wait: Wait) -> None:
        self._described = described
        self._secret = secret
        self._authority = authority
        self._wait = wait
        self._token = secret if described.kind is Kind.FLEET else ""

    def pages(self) -> Iterator[Page]:
        """Ask for one page after the other.

        Raises:
            Unreachable: when it does not answer as it should.
            UnreadableAnswer: when it answers with something else.
            UnusableConnection: when it does not let us in.
        """
        first, read = {
            Kind.FLEET: (fleet.first_page, fleet.read_hosts),
            Kind.INTUNE: (intune.first_page, intune.read_devices),
            Kind.JAMF: (jamf.first_page, jamf.read_computers),
        }[self._described.kind]
        more = first()
        for _ in range(MAX_PAGES):
            page = read(self._json(more), more)
            yield page
            more = page.more
            if not more:
                return
        raise UnreadableAnswer(f"It has more than {MAX_PAGES} pages of devices, or never ends.")

    def complete(self, record: Record) -> Record:
        """Return a record with what the list leaves out of it."""
        if self._described.kind is not Kind.FLEET or "disk_encrypted" in record.facts:
            return record
        found = fleet.read_detail(self._json(fleet.detail(record.there)))
        return found if found is not None and found.there == record.there else record

    def _json(self, path: str) -> Any:
        url = self._within(path)
        renewed, tries = False, 0
        while True:
            headers = {"Authorization": f"Bearer {self._bearer()}", "Accept": "application/json"}
            answer = ask("GET", url, headers=headers, authority=self._authority, most_bytes=MAX_PAGE_BYTES)
            if answer.status == 200:
                return _read(answer)
            if answer.status == 401 and not renewed and self._described.kind is not Kind.FLEET:
                renewed, self._token = True, ""
            elif answer.status == 429 or answer.status >= 500:
                tries += 1
                self._rest(answer, tries)
            else:
                raise self._refusal(answer.status)

    def _within(self, path: str) -> str:
        """Return the whole address of a page, which is at the address that an administrator entered and nowhere else."""
        if path.startswith("/"):
            return self._described.address + path
        parts = split_url(path)
        if parts is None or f"{parts.scheme}://{parts.netloc.lower()}" != self._described.address:
            raise UnreadableAnswer("It names another host for its next page, and nothing is sent there.")
        return path

    def _bearer(self) -> str:
        if not self._token:
            self._token = self._new_token()
        return self._token

    def _new_token(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._described.client_id,
            "client_secret": self._secret,
        }
        if self._described.kind is Kind.INTUNE:
            form["scope"] = f"{self._described.address}/.default"
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        answer = ask(
            "POST",
            self._described.token_address,
            headers=headers,
            body=urlencode(form).encode(),
            authority=self._authority,
        )
        if answer.status in {400, 401, 403}:
            raise UnusableConnection(
                f"{self._described.kind.words} does not accept the client or its secret.",
                hint="Has the secret expired there? Connect anew with a fresh one.",
            )
        if answer.status != 200:
            raise Unreachable(f"Where tokens are had it answers {answer.status}.")
        found = answer.json()
        token = found.get("access_token") if isinstance(found, dict) else None
        if not isinstance(token, str) or not usable_secret(token, MAX_TOKEN_CHARACTERS):
            raise UnreadableAnswer("Where tokens are had it answers with none.")
        return token

    def _rest(self, answer: Answer, tries: int) -> None:
        seconds = answer.later if answer.later is not None else float(2**tries)
        words = "is asked too often" if answer.status == 429 else f"answers {answer.status}"
        if tries >= TRIES or seconds > LONGEST_WAIT_SECONDS:
            raise Busy(f"{self._described.kind.words} {words}.", later=seconds)
        self._wait(seconds)

    def _refusal(self, status: int) -> Exception:
        what = self._described.kind
        if status == 401:
            return UnusableConnection(f"{what.words} does not accept the token.", hint="Connect anew with a fresh one.")
        if status == 403:
            return UnusableConnection(f"{what.words} does not let us read devices.", hint=MAY_READ[what])
        if 300 <= status < 400:
            return Unreachable(
                f"{what.words} leads elsewhere ({status}).", hint="Connect anew with the address it leads to."
            )
        return Unreachable(f"{what.words} answers {status}.", hint="Is the address that of the product itself?")


def usable_secret(text: str, most: int) -> bool:
    """Tell whether a text can be sent as a token."""
    return 0 < len(text) <= most and text.isascii() and text.isprintable() and " " not in text


def _read(answer: Answer) -> Any:
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise UnreadableAnswer("The answer is not JSON.") from None
