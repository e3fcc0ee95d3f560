"""Devices of a benchmark: they are enrolled all at once, and then speak for themselves, signed, as their agents would.

`python -m bench.laptops`, with `OSTIARY_HOME` set, reads JSON lines of `NewLaptop` and enrols them: the one thing here that a
person would do by hand. Certificates and reports go through the gateway.
"""

import base64
import hashlib
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bench.browser import LoopbackConnection
from bench.instance import Gateway
from bench.load import InvalidRun
from ostiary.cli.django import setup
from ostiary.devices.domain.certificates import fingerprint_of
from ostiary.devices.domain.keys import Jwk, jwk_of
from ostiary.devices.domain.messages import Message, Renew, Report, sign_message
from ostiary.devices.domain.posture import Reported, Value

_BATCH = 1000


class NewLaptop(msgspec.Struct, frozen=True):
    """One device to enrol: its identifier, whose it is, its public key, how many certificates it was given, what it has said."""

    id: str
    owner: str
    key: Jwk
    given: int
    facts: dict[str, Value] = {}


class Laptop:
    """One device: a key, and a connection when it is asked to speak. Ten of them share an address.

    Args:
        gateway: where it is enrolled.
        number: makes its identifier.
        owner: identifier of whom it belongs to.
        key: its own; made when it is not given. Devices of a load may share one: only the instance tells them apart.
        given: how many certificates it was given before it came here, one every twelve hours.
    """

    def __init__(
        self,
        gateway: Gateway,
        number: int,
        owner: str,
        key: ec.EllipticCurvePrivateKey | None = None,
        *,
        given: int = 0,
    ) -> None:
        self.id = f"dev-{number:012d}"
        self.owner = owner
        self.given = given
        self._holds = _fingerprint(self.id, given) if given else ""
        self._address = f"127.1.{number // 2500}.{1 + number // 10 % 250}"
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self._gateway = gateway
        self._tls = _trusting(str(gateway.authority))
        self._connection: LoopbackConnection | None = None
        self._nonce = ""

    @property
    def audience(self) -> str:
        """Whom its messages are for."""
        return self._gateway.portal_url.rstrip("/")

    def ready(self) -> None:
        """Connect anew, for a connection that was idle is shut, and get a number to sign: what is measured after it is one request."""
        self.close()
        self._nonce = str(self._ask("nonce", {})["nonce"])

    def report(self, **facts: Value) -> dict[str, object]:
        """Say what is true of it, with the number that is there."""
        now = int(time.time())
        said = tuple(Reported(name=name, value=value, at=now) for name, value in facts.items())
        message = Report(
            audience=self.audience, nonce=self._nonce, at=now, device=self.id, taken_at=now, facts=said, agent="bench"
        )
        answer = self._send("report", message)
        self._nonce = str(answer["next_nonce"])
        return answer

    def renew(self) -> str:
        """Get a certificate, and return it with its chain (PEM)."""
        self.ready()
        message = Renew(
            audience=self.audience, nonce=self._nonce, at=int(time.time()), device=self.id, holds=self._holds
        )
        chain = str(self._send("renew", message)["chain"])
        self._holds = fingerprint_of(x509.load_pem_x509_certificate(chain.encode()))
        return chain

    def certificate(self, folder: Path) -> Path:
        """Get a certificate, and return a file with it and the key (PEM)."""
        chain = self.renew()
        private = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = folder / f"{self.id}.pem"
        path.write_bytes(private + chain.encode())
        return path

    def close(self) -> None:
        """Let its connection go, as an agent's does between two reports."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _send(self, what: str, message: Message) -> dict[str, object]:
        return self._ask(what, {"message": sign_message(message, self.key)})

    def _ask(self, what: str, body: Mapping[str, str]) -> dict[str, object]:
        if self._connection is None:
            host = self._gateway.instance.identity_host
            self._connection = LoopbackConnection(host, self._gateway.https_port, self._tls, self._address)
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", f"/devices/agent/{what}", json.dumps(body), headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise InvalidRun(f"A device's {what} was answered {answer.status}: {content[:200]!r}.")
        said: dict[str, object] = json.loads(content)
        return said


@lru_cache(maxsize=1)
def _trusting(authority: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority)


def enrol_all(
    gateway: Gateway, laptops: Iterable[Laptop], facts: Callable[[Laptop], dict[str, Value]] | None = None
) -> None:
    """Enrol devices, in one process.

    Args:
        gateway: where.
        laptops: the devices.
        facts: returns what one has said already; `None` where none has said anything.

    Raises:
        InvalidRun: when that fails.
    """
    lines = b"\n".join(
        msgspec.json.encode(
            NewLaptop(one.id, one.owner, jwk_of(one.key.public_key()), one.given, facts(one) if facts else {})
        )
        for one in laptops
    )
    done = subprocess.run(
        [sys.executable, "-m", "bench.laptops"],
        input=lines,
        capture_output=True,
        check=False,
        env={**os.environ, "OSTIARY_HOME": str(gateway.instance.home)},
    )
    if done.returncode != 0:
        raise InvalidRun(f"Devices were not enrolled: {done.stderr.decode()[-1500:]}")


def _store(new: Sequence[NewLaptop]) -> None:
    """Keep devices whose enrolment nobody has to wait for; a key that several share is told apart by its number here."""
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415 - Django must be set up first

    from django.db import transaction  # noqa: PLC0415

    from ostiary.changes import announce_change  # noqa: PLC0415
    from ostiary.devices.facade import Evidence, take_facts  # noqa: PLC0415
    from ostiary.devices.models import DeviceCertificate, GivenCertificate, StoredDevice  # noqa: PLC0415
    from ostiary.devices.services.renewing import make_given_section  # noqa: PLC0415

    now = datetime.now(UTC)
    rows = [
        StoredDevice(
            id=one.id,
            name=f"Laptop {one.id[4:].lstrip('0') or '0'}",
            platform="Debian GNU/Linux 12 (bookworm), x86_64",
            owner_id=one.owner,
            state="active",
            key=msgspec.to_builtins(one.key),
            thumbprint=_numbered(one.id),
            key_protection="file",
            enrolled_at=now,
            approved_at=now,
            newest=_fingerprint(one.id, one.given) if one.given else "",
        )
        for one in new
    ]
    with transaction.atomic():
        StoredDevice.objects.bulk_create(rows, batch_size=_BATCH)
        for one in new:
            began = [now - timedelta(hours=12 * number) for number in range(one.given)]
            GivenCertificate.objects.bulk_create(
                GivenCertificate(fingerprint=_fingerprint(one.id, one.given - n), device_id=one.id, begins_at=at)
                for n, at in enumerate(began)
            )
            DeviceCertificate.objects.bulk_create(
                DeviceCertificate(
                    fingerprint=_fingerprint(one.id, one.given - n),
                    device_id=one.id,
                    serial=str(n),
                    begins_at=at,
                    ends_at=at + timedelta(hours=24),
                )
                for n, at in enumerate(began[:2])
            )
        announce_change("devices", takes_away=False)
    make_given_section(now=now.timestamp(), anew=True)
    for one in new:
        if one.facts:
            said = [Reported(name=name, value=value, at=now.timestamp()) for name, value in one.facts.items()]
            take_facts(
                device=one.id,
                source="agent",
                evidence=Evidence.SELF_REPORTED,
                facts=said,
                taken_at=now.timestamp(),
                lasts=3600.0,
                now=now.timestamp(),
            )


def _fingerprint(device: str, number: int) -> str:
    """Return what stands for a certificate that nobody shows."""
    return hashlib.sha256(f"{device} {number}".encode()).hexdigest()


def _numbered(device: str) -> str:
    return base64.urlsafe_b64encode(device.encode().ljust(32, b"-")).rstrip(b"=").decode()


if __name__ == "__main__":
    setup()
    _store([msgspec.json.decode(line, type=NewLaptop) for line in sys.stdin.buffer if line.strip()])
