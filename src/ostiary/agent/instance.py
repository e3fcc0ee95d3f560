"""How the agent speaks with its instance: over HTTPS, to one origin, without redirects; refusals become sentences."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from ostiary import __version__
from ostiary.agent.https import Https, Unreachable, UnusableAddress
from ostiary.devices.domain.answers import Certified, Judged, Kept, Left, Nonce, Polled, Problem, Started, Taken
from ostiary.devices.domain.keys import jwk_of
from ostiary.devices.domain.messages import (
    Enrol,
    Inventory,
    Leave,
    Message,
    Poll,
    Prove,
    Quote,
    Quoted,
    Renew,
    Report,
    SigningKey,
    TpmClaim,
    sign_message,
)
from ostiary.devices.domain.posture import Reported
from ostiary.errors import OstiaryError

PATH: Final = "/devices/agent/"

T = TypeVar("T", Certified, Judged, Kept, Left, Nonce, Polled, Started, Taken)


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

    def start(
        self,
        key: SigningKey,
        *,
        name: str,
        platform: str,
        in_tpm: bool = False,
        claim: Callable[[str], TpmClaim] | None = None,
    ) -> Started:
        """Ask to be enrolled. Raises `Unreachable` and `Refused`, as every method here.

        Args:
            key: the device's.
            name: what it is called.
            platform: what it runs on.
            in_tpm: whether the key lies in the TPM, as that says itself.
            claim: returns what its TPM says, with the number it is given; `None` where there is none.
        """
        nonce, at = self._nonce()
        message = Enrol(
            audience=self.origin,
            nonce=nonce,
            at=at,
            name=name,
            platform=platform,
            key_protection="tpm" if in_tpm else "file",
            key=jwk_of(key.public_key()),
            tpm=None if claim is None else claim(nonce),
        )
        return self._send("start", message, key, Started)

    def prove(self, key: SigningKey, device_code: str, secret: bytes) -> Started:
        """Tell the secret that was sealed to the TPM."""
        nonce, at = self._nonce()
        message = Prove(audience=self.origin, nonce=nonce, at=at, device_code=device_code, secret=secret)
        return self._send("prove", message, key, Started)

    def poll(self, key: SigningKey, device_code: str) -> Polled:
        """Ask what became of the enrolment."""
        nonce, at = self._nonce()
        message = Poll(audience=self.origin, nonce=nonce, at=at, device_code=device_code)
        return self._send("poll", message, key, Polled)

    def renew(self, key: SigningKey, *, device: str, holds: str) -> Certified:
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
        self,
        key: SigningKey,
        *,
        device: str,
        taken_at: int,
        facts: Sequence[Reported],
        inventory: str = "",
        nonce: str = "",
    ) -> Taken:
        """Say what is true of the device.

        Args:
            key: the device's.
            device: its identifier.
            taken_at: when that was looked at (seconds since the epoch).
            facts: all of it.
            inventory: the digest of what is installed; empty where that is not said.
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
            inventory=inventory,
            agent=__version__,
        )
        return self._send("report", message, key, Taken)

    def quote(self, key: SigningKey, *, device: str, said: Callable[[str], Quoted], log: bytes) -> Judged:
        """Tell how the device started.

        Args:
            key: the device's.
            device: its identifier.
            said: returns what its TPM says, with the number it is given.
            log: the firmware's; empty where it cannot be read.
        """
        nonce, at = self._nonce()
        message = Quote(audience=self.origin, nonce=nonce, at=at, device=device, quoted=said(nonce))
        body = msgspec.json.encode({"message": sign_message(message, key), "log": log})
        return self._ask("quote", body, Judged)

    def leave(self, key: SigningKey, *, device: str) -> Left:
        """Say that the device is given up."""
        nonce, at = self._nonce()
        return self._send("leave", Leave(audience=self.origin, nonce=nonce, at=at, device=device), key, Left)

    def send_inventory(self, key: SigningKey, *, device: str, digest: str, packed: bytes) -> Kept:
        """Send what is installed.

        Args:
            key: the device's.
            device: its identifier.
            digest: of the inventory, which is what is signed.
            packed: the inventory as it is sent.
        """
        nonce, at = self._nonce()
        message = Inventory(audience=self.origin, nonce=nonce, at=at, device=device, digest=digest)
        body = {"message": sign_message(message, key), "content": packed}
        return self._ask("inventory", msgspec.json.encode(body), Kept)

    def _nonce(self) -> tuple[str, int]:
        return self._ask("nonce", b"{}", Nonce).nonce, int(time.time())

    def _send(self, what: str, message: Message, key: SigningKey, kind: type[T]) -> T:
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
