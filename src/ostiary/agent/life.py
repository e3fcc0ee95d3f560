"""What the agent does: enrol, renew, go on renewing, leave. How it is typed is in `command`."""

import platform
import random
import socket
import threading
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from ostiary.agent.folder import Enrolled, Folder, NotEnrolled
from ostiary.agent.https import Unreachable, UnusableAddress
from ostiary.agent.instance import InstanceClient, Refused, read_origin
from ostiary.agent.pace import pause_seconds, renewal_moment
from ostiary.devices.domain.answers import Code, Polled
from ostiary.devices.domain.certificates import fingerprint_of
from ostiary.devices.domain.devices import MAX_NAME_CHARACTERS, MAX_PLATFORM_CHARACTERS, shown_key
from ostiary.devices.domain.keys import jwk_of, thumbprint_of
from ostiary.errors import OstiaryError

LOOK_SECONDS: Final = 60.0
"""How often the clock is looked at while waiting: a computer that slept has missed moments."""
FINAL: Final = frozenset({Code.ENDED, Code.UNKNOWN, Code.OTHER_INSTANCE})
"""Refusals that no waiting mends."""

Say = Callable[[str], None]


class AlreadyEnrolled(OstiaryError):
    """This computer is enrolled."""


class Denied(OstiaryError):
    """Somebody looked, and said no."""


def enrol(folder: Folder, address: str, *, name: str, authority: Path | None, browser: bool, say: Say) -> Enrolled:
    """Enrol this computer: make a key, show a code, wait for a person to confirm it, and get a certificate.

    Args:
        folder: where to keep things.
        address: of the instance's sign-in host.
        name: what to call the computer; empty for its host name.
        authority: a file (PEM) with whom to trust besides the system.
        browser: whether to open the page where the code is typed.
        say: is told each step, in words.

    Raises:
        AlreadyEnrolled, UnusableAddress, UnusableFolder, Unreachable, Refused, Denied: when it is not enrolled.
    """
    origin = read_origin(address)
    with folder.held():
        try:
            before = folder.enrolled()
        except NotEnrolled:
            pass
        else:
            raise AlreadyEnrolled(
                f"This computer is enrolled at {before.origin} as {before.name}.",
                hint="To enrol it anew, give that up first: ostiary-agent leave",
            )
        instance = InstanceClient(origin, authority)
        folder.write_authority(_read(authority))
        key = folder.make_key()
        answer = _wait_for_person(instance, key, name=name or socket.gethostname(), browser=browser, say=say)
        enrolled = Enrolled(origin=origin, device=answer.device, name=answer.name, owner=answer.owner)
        folder.certificate_file.unlink(missing_ok=True)
        folder.write_enrolled(enrolled)
    say(f"This computer is enrolled as {enrolled.name} ({enrolled.device}), for {enrolled.owner}.")
    if answer.state == "waiting":
        say("An administrator has yet to approve it. Then `ostiary-agent run` gets its certificate by itself.")
    else:
        renew(folder)
        say("It has its certificate. Keep that fresh with: ostiary-agent run")
    return enrolled


def renew(folder: Folder) -> x509.Certificate:
    """Get a fresh certificate and keep it.

    Raises:
        NotEnrolled, UnusableFolder, Unreachable, Refused: when there is none; the one before stays.
    """
    with folder.held():
        enrolled, key, before = folder.enrolled(), folder.key(), folder.certificate()
        holds = fingerprint_of(before) if before is not None else ""
        answer = _client(folder, enrolled).renew(key, device=enrolled.device, holds=holds)
        leaf = _leaf_of(answer.chain, key)
        folder.write_certificate(answer.chain)
        folder.write_enrolled(
            Enrolled(origin=enrolled.origin, device=enrolled.device, name=answer.name, owner=answer.owner)
        )
        return leaf


def run(folder: Folder, *, stop: threading.Event, say: Say) -> None:
    """Keep the certificate fresh until told to stop.

    Args:
        folder: of an enrolled computer.
        stop: ends it.
        say: is told what happens.

    Raises:
        NotEnrolled, UnusableFolder, Refused: when there is nothing to keep fresh, or never will be again.
    """
    folder.enrolled()
    failures, due = 0, _due(folder)
    while not stop.is_set():
        if (left := due - time.time()) > 0:
            stop.wait(min(left, LOOK_SECONDS))
            continue
        try:
            leaf = renew(folder)
        except (Unreachable, Refused) as error:
            if isinstance(error, Refused) and error.code in FINAL:
                raise
            waiting = isinstance(error, Refused) and error.code == Code.WAITING
            if failures == 0 or not waiting:
                say(str(error))
            failures += 1
            due = time.time() + pause_seconds(failures=failures, chance=random.random(), waiting=waiting)  # noqa: S311 - spreads load
        else:
            failures, due = 0, _due(folder)
            say(f"The certificate is good until {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC.")


def leave(folder: Folder, *, only_here: bool = False) -> Enrolled:
    """Give the device up: the instance is told, and key and certificate are removed.

    Args:
        folder: of an enrolled computer.
        only_here: do not tell the instance, for one that is not there any more.

    Raises:
        NotEnrolled, UnusableFolder, Unreachable: when nothing was given up.
    """
    with folder.held():
        enrolled = folder.enrolled()
        if not only_here:
            try:
                _client(folder, enrolled).leave(folder.key(to_leave=True), device=enrolled.device)
            except Refused as error:
                if error.code not in {Code.UNKNOWN, Code.ENDED}:
                    raise
        folder.forget()
        return enrolled


def platform_words() -> str:
    """Return what this computer runs on, in a few words."""
    try:
        pretty = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        pretty = ""
    return f"{pretty or platform.system()}, {platform.machine()}"[:MAX_PLATFORM_CHARACTERS]


def key_words(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the part of the key that people compare."""
    return shown_key(thumbprint_of(jwk_of(key.public_key())))


def _wait_for_person(
    instance: InstanceClient, key: ec.EllipticCurvePrivateKey, *, name: str, browser: bool, say: Say
) -> Polled:
    started = instance.start(key, name=name[:MAX_NAME_CHARACTERS], platform=platform_words())
    if not started.verification_uri.startswith(f"{instance.origin}/"):
        raise Unreachable("The instance names a page that is not its own.", hint="Tell an administrator.")
    say(f"Open {started.verification_uri} in a browser, sign in, and type this code:")
    say(f"\n    {started.user_code}\n")
    say(
        f"The page then shows the name {name[:MAX_NAME_CHARACTERS]} and the key {key_words(key)}. If it does not, say no there."
    )
    if browser:
        webbrowser.open(started.verification_uri)
    until = time.time() + started.expires_in
    while time.time() < until:
        time.sleep(max(1, started.interval))
        try:
            answer = instance.poll(key, started.device_code)
        except Unreachable as error:
            say(str(error))
            continue
        except Refused as error:
            if error.code in {Code.SLOW_DOWN, Code.STALE, Code.UNAVAILABLE}:
                continue
            raise
        if answer.status == "denied":
            raise Denied("Whoever typed the code said no.", hint="If that was a mistake, start again.")
        if answer.status == "enrolled":
            return answer
    raise Denied("Nobody typed the code in time.", hint="Start again.")


def _client(folder: Folder, enrolled: Enrolled) -> InstanceClient:
    return InstanceClient(enrolled.origin, folder.authority_file if folder.authority_file.exists() else None)


def _leaf_of(chain: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    try:
        leaf = x509.load_pem_x509_certificates(chain.encode())[0]
    except ValueError:
        raise Unreachable("What came is no certificate.", hint="Tell an administrator.") from None
    if leaf.public_key() != key.public_key():
        raise Unreachable("The certificate is for another key.", hint="Tell an administrator.")
    return leaf


def _due(folder: Folder) -> float:
    leaf = folder.certificate()
    if leaf is None:
        return 0.0
    begins, ends = leaf.not_valid_before_utc.timestamp(), leaf.not_valid_after_utc.timestamp()
    return renewal_moment(begins_at=begins, ends_at=ends, chance=random.random())  # noqa: S311 - spreads load


def _read(authority: Path | None) -> bytes:
    try:
        return authority.read_bytes() if authority is not None else b""
    except OSError as error:
        raise UnusableAddress(f"{authority} cannot be read ({error.strerror}).", hint="Give a PEM file.") from None
