"""How the agent speaks with its instance: over HTTPS, to one origin, without redirects; refusals become sentences."""

import ssl
import time
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from ostiary.devices.domain.answers import Certified, Left, Nonce, Polled, Problem, Started
from ostiary.devices.domain.keys import jwk_of
from ostiary.devices.domain.messages import Enrol, Leave, Message, Poll, Renew, sign_message
from ostiary.errors import OstiaryError

PATH: Final = "/devices/agent/"
TIMEOUT_SECONDS: Final = 30.0
MAX_ANSWER_BYTES: Final = 64 * 1024

T = TypeVar("T", Certified, Left, Nonce, Polled, Started)


class UnusableAddress(OstiaryError):
    """This cannot be the address of an instance."""


class Unreachable(OstiaryError):
    """The instance did not answer, or not as one does."""


class Refused(OstiaryError):
    """The instance answered, and refused. `code` says why, for programs."""

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


def read_origin(text: str) -> str:
    """Return the origin of an instance's sign-in host from what somebody typed.

    Raises:
        UnusableAddress: for anything but a plain HTTPS address.
    """
    typed = text.strip()
    try:
        parts = urlsplit(typed if "://" in typed else f"https://{typed}")
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    plain = parts.scheme == "https" and parts.hostname and not (parts.username or parts.password)
    if not plain or parts.path not in {"", "/"} or parts.query or parts.fragment or not typed.isascii():
        raise UnusableAddress(
            f"{typed[:80]!r} is no address of an instance.", hint="Write it as https://id.example.com"
        )
    return f"https://{parts.hostname}" + (f":{port}" if port not in {None, 443} else "")


class InstanceClient:
    """One instance, as a device speaks with it."""

    def __init__(self, origin: str, authority: Path | None) -> None:
        """Connect to nothing yet.

        Args:
            origin: of the sign-in host, as `read_origin` gives it; every message is for it alone.
            authority: a file (PEM) with whom to trust besides the system.

        Raises:
            UnusableAddress: when that file cannot be used.
        """
        self.origin = origin
        context = ssl.create_default_context()
        if authority is not None:
            try:
                context.load_verify_locations(cafile=authority)
            except (OSError, ssl.SSLError) as error:
                raise UnusableAddress(f"{authority} holds no certificate ({error}).", hint="Give a PEM file.") from None
        self._http = httpx.Client(verify=context, timeout=TIMEOUT_SECONDS, follow_redirects=False)

    def start(self, key: ec.EllipticCurvePrivateKey, *, name: str, platform: str) -> Started:
        """Ask to be enrolled. Raises `Unreachable` and `Refused`, as every method here."""
        nonce, at = self._nonce()
        message = Enrol(
            audience=self.origin,
            nonce=nonce,
            at=at,
            name=name,
            platform=platform,
            key_protection="file",
            key=jwk_of(key.public_key()),
        )
        return self._send("start", message, key, Started)

    def poll(self, key: ec.EllipticCurvePrivateKey, device_code: str) -> Polled:
        """Ask what became of the enrolment."""
        nonce, at = self._nonce()
        message = Poll(audience=self.origin, nonce=nonce, at=at, device_code=device_code)
        return self._send("poll", message, key, Polled)

    def renew(self, key: ec.EllipticCurvePrivateKey, *, device: str, holds: str) -> Certified:
        """Ask for a certificate.

        Args:
            key: the device's.
            device: its identifier.
            holds: the fingerprint of the newest certificate there is; empty for none.
        """
        nonce, at = self._nonce()
        message = Renew(audience=self.origin, nonce=nonce, at=at, device=device, holds=holds)
        return self._send("renew", message, key, Certified)

    def leave(self, key: ec.EllipticCurvePrivateKey, *, device: str) -> Left:
        """Say that the device is given up."""
        nonce, at = self._nonce()
        return self._send("leave", Leave(audience=self.origin, nonce=nonce, at=at, device=device), key, Left)

    def _nonce(self) -> tuple[str, int]:
        return self._ask("nonce", b"{}", Nonce).nonce, int(time.time())

    def _send(self, what: str, message: Message, key: ec.EllipticCurvePrivateKey, kind: type[T]) -> T:
        return self._ask(what, msgspec.json.encode({"message": sign_message(message, key)}), kind)

    def _ask(self, what: str, body: bytes, kind: type[T]) -> T:
        try:
            answer = self._http.post(
                f"{self.origin}{PATH}{what}", content=body, headers={"content-type": "application/json"}
            )
        except httpx.InvalidURL:
            raise UnusableAddress(f"{self.origin} is no address.", hint="Write it as https://id.example.com") from None
        except httpx.HTTPError as error:
            raise _in_words(self.origin, error) from None
        content = answer.content[:MAX_ANSWER_BYTES]
        try:
            if answer.status_code == 200:
                return msgspec.json.decode(content, type=kind)
            problem = msgspec.json.decode(content, type=Problem)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise Unreachable(
                f"{self.origin} answered {answer.status_code}, and not as Ostiary does.",
                hint="Is this the address of the sign-in page?",
            ) from None
        raise Refused(problem.error, problem.message, hint=problem.hint)


def _in_words(origin: str, error: httpx.HTTPError) -> Unreachable:
    said = str(error)
    if "not yet valid" in said or "has expired" in said:
        return Unreachable(
            f"The certificate of {origin} is not good now.", hint="Is the clock of this computer right? See: date"
        )
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return Unreachable(
            f"Nobody this computer trusts vouches for {origin}.",
            hint="Ask an administrator for authority.pem, and say: --ca authority.pem",
        )
    return Unreachable(f"{origin} cannot be reached ({said or type(error).__name__}).", hint="Is there a connection?")
