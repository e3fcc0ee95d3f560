"""How the agent speaks with its instance: over HTTPS, to one origin, without redirects; refusals become sentences."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from ostiary import __version__
from ostiary.agent.https import Https, Unreachable, UnusableAddress
from ostiary.devices.domain.answers import Certified, Left, Nonce, Polled, Problem, Started, Taken
from ostiary.devices.domain.keys import jwk_of
from ostiary.devices.domain.messages import Enrol, Leave, Message, Poll, Renew, Report, sign_message
from ostiary.devices.domain.posture import Reported
from ostiary.errors import OstiaryError

PATH: Final = "/devices/agent/"

T = TypeVar("T", Certified, Left, Nonce, Polled, Started, Taken)


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
    if (
        not plain
        or ":" in str(parts.hostname)
        or parts.path not in {"", "/"}
        or parts.query
        or parts.fragment
        or not typed.isascii()
    ):
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
        self.ahead_seconds: float | None = None
        """How far this computer's clock was ahead of the instance's at the last answer, where that said."""
        self._https = Https(origin, authority)

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

    def report(
        self, key: ec.EllipticCurvePrivateKey, *, device: str, taken_at: int, facts: Sequence[Reported], nonce: str = ""
    ) -> Taken:
        """Say what is true of the device.

        Args:
            key: the device's.
            device: its identifier.
            taken_at: when that was looked at (seconds since the epoch).
            facts: all of it.
            nonce: as the last answer brought it; empty for another.
        """
        given, at = (nonce, int(time.time())) if nonce else self._nonce()
        message = Report(
            audience=self.origin,
            nonce=given,
            at=at,
            device=device,
            taken_at=taken_at,
            facts=tuple(facts),
            agent=__version__,
        )
        return self._send("report", message, key, Taken)

    def leave(self, key: ec.EllipticCurvePrivateKey, *, device: str) -> Left:
        """Say that the device is given up."""
        nonce, at = self._nonce()
        return self._send("leave", Leave(audience=self.origin, nonce=nonce, at=at, device=device), key, Left)

    def _nonce(self) -> tuple[str, int]:
        return self._ask("nonce", b"{}", Nonce).nonce, int(time.time())

    def _send(self, what: str, message: Message, key: ec.EllipticCurvePrivateKey, kind: type[T]) -> T:
        return self._ask(what, msgspec.json.encode({"message": sign_message(message, key)}), kind)

    def _ask(self, what: str, body: bytes, kind: type[T]) -> T:
        answer = self._https.post(f"{PATH}{what}", body)
        if answer.ahead_seconds is not None:
            self.ahead_seconds = answer.ahead_seconds
        try:
            if answer.status == 200:
                return msgspec.json.decode(answer.content, type=kind)
            problem = msgspec.json.decode(answer.content, type=Problem)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise Unreachable(
                f"{self.origin} answered {answer.status}, and not as Ostiary does.",
                hint="Is this the address of the sign-in page?",
            ) from None
        raise Refused(problem.error, problem.message, hint=problem.hint)
