"""What the agent does once: enrol, renew, leave. What it goes on doing is in `running`, how it is typed in `command`."""

import platform
import socket
import sys
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path

from cryptography import x509

from ostiary.agent.folder import Enrolled, Folder, NotEnrolled
from ostiary.agent.https import Unreachable, UnusableAddress
from ostiary.agent.instance import InstanceClient, Refused, read_origin
from ostiary.agent.inventory.keeping import InventoryKeeper
from ostiary.agent.quoting import begin
from ostiary.devices.domain.answers import Code, Polled, Started
from ostiary.devices.domain.certificates import fingerprint_of
from ostiary.devices.domain.devices import MAX_NAME_CHARACTERS, MAX_PLATFORM_CHARACTERS, shown_key
from ostiary.devices.domain.keys import jwk_of, thumbprint_of
from ostiary.devices.domain.messages import SigningKey
from ostiary.errors import OstiaryError

Say = Callable[[str], None]


class AlreadyEnrolled(OstiaryError):
    """This computer is enrolled."""


class Denied(OstiaryError):
    """Somebody looked, and said no."""


def enrol(
    folder: Folder,
    address: str,
    *,
    name: str,
    authority: Path | None,
    browser: bool,
    say: Say,
    tpm: str = "",
    attest: str = "",
) -> Enrolled:
    """Enrol this computer: make a key, show a code, wait for a person to confirm it, and get a certificate.

    Args:
        folder: where to keep things.
        address: of the instance's sign-in host.
        name: what to call the computer; empty for its host name.
        authority: a file (PEM) with whom to trust besides the system.
        browser: whether to open the page where the code is typed.
        say: is told each step, in words.
        tpm: where the TPM is that makes and keeps the key, as for `chosen_tpm`; empty for a key in a file.
        attest: where the TPM is that says how the computer starts, when the key lies in a file; as for `make_key`.

    Raises:
        AlreadyEnrolled, UnusableAddress, UnusableFolder, UnusableTpm, Unreachable, Refused, Denied: when it is not enrolled.
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
        name = (name or socket.gethostname())[:MAX_NAME_CHARACTERS]
        key, started = begin(folder, instance, tpm=tpm, attest=attest, name=name, platform=platform_words(), say=say)
        answer = _wait_for_person(instance, key, started, name=name, browser=browser, say=say)
        enrolled = Enrolled(origin=origin, device=answer.device, name=answer.name, owner=answer.owner)
        folder.forget_certificate()
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
        folder.require_room()
        answer = client_of(folder, enrolled).renew(key, device=enrolled.device, holds=holds)
        leaf = _leaf_of(answer.chain, key)
        folder.write_certificate(answer.chain)
        folder.write_enrolled(
            Enrolled(
                origin=enrolled.origin,
                device=enrolled.device,
                name=answer.name,
                owner=answer.owner,
                key_protection=answer.key_protection,
            )
        )
        return leaf


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
                client_of(folder, enrolled).leave(folder.key(to_leave=True), device=enrolled.device)
            except Refused as error:
                if error.code not in {Code.UNKNOWN, Code.ENDED}:
                    raise
        folder.forget()
        return enrolled


def send_inventory(folder: Folder, keeper: InventoryKeeper) -> str:
    """Send what is installed to the instance; return its digest.

    Args:
        folder: of an enrolled computer.
        keeper: what was found.

    Raises:
        NotEnrolled, UnusableFolder, Unreachable, Refused: when it was not sent.
    """
    enrolled, digest = folder.enrolled(), keeper.digest(now=time.time())
    instance = client_of(folder, enrolled)
    instance.send_inventory(folder.key(), device=enrolled.device, digest=digest, packed=keeper.packed())
    return digest


def platform_words() -> str:
    """Return what this computer runs on, in a few words."""
    if sys.platform == "darwin":
        system = f"macOS {platform.mac_ver()[0]}".strip()
    elif sys.platform == "win32":
        system = f"Windows {platform.release()}".strip()
    else:
        try:
            system = platform.freedesktop_os_release().get("PRETTY_NAME", "") or platform.system()
        except OSError:
            system = platform.system()
    return f"{system}, {platform.machine()}"[:MAX_PLATFORM_CHARACTERS]


def key_words(key: SigningKey) -> str:
    """Return the part of the key that people compare."""
    return shown_key(thumbprint_of(jwk_of(key.public_key())))


def _wait_for_person(
    instance: InstanceClient, key: SigningKey, started: Started, *, name: str, browser: bool, say: Say
) -> Polled:
    if not started.verification_uri.startswith(f"{instance.origin}/"):
        raise Unreachable("The instance names a page that is not its own.", hint="Tell an administrator.")
    say(f"Open {started.verification_uri} in a browser, sign in, and type this code:")
    say(f"\n    {started.user_code}\n")
    say(f"The page then shows the name {name} and the key {key_words(key)}. If it does not, say no there.")
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


def client_of(folder: Folder, enrolled: Enrolled) -> InstanceClient:
    """Return how to speak with the instance that a folder is enrolled at."""
    return InstanceClient(enrolled.origin, folder.authority_file if folder.authority_file.exists() else None)


def _leaf_of(chain: str, key: SigningKey) -> x509.Certificate:
    try:
        leaf = x509.load_pem_x509_certificates(chain.encode())[0]
    except ValueError:
        raise Unreachable("What came is no certificate.", hint="Tell an administrator.") from None
    if leaf.public_key() != key.public_key():
        raise Unreachable("The certificate is for another key.", hint="Tell an administrator.")
    return leaf


def _read(authority: Path | None) -> bytes:
    try:
        return authority.read_bytes() if authority is not None else b""
    except OSError as error:
        raise UnusableAddress(f"{authority} cannot be read ({error.strerror}).", hint="Give a PEM file.") from None
