"""The TPM's part in what the agent does: making the key, proving at enrolment where it lies, and saying how the computer started."""

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ostiary.agent.folder import Folder
from ostiary.agent.https import Unreachable
from ostiary.agent.instance import InstanceClient, Refused
from ostiary.agent.pace import pause_seconds
from ostiary.agent.tpm import UnusableTpm, chosen_tpm, usable_here
from ostiary.agent.tpm_key import TpmKeys, claim_of, make_tpm_keys, open_challenge, quote_of, read_event_log
from ostiary.devices.domain.answers import Judged, Started
from ostiary.devices.domain.messages import SigningKey
from ostiary.errors import OstiaryError

QUOTE_EVERY_SECONDS: Final = 12 * 3600.0
"""What is said of the start counts for a day at the instance."""

Say = Callable[[str], None]


class NoTpm(OstiaryError):
    """No TPM speaks for this computer."""


class Quoting:
    """Has the TPM say how this computer started: when the agent starts, and twice a day."""

    def __init__(self, folder: Folder, client: Callable[[], InstanceClient], say: Say) -> None:
        """Be due at once where a TPM speaks for this computer; `client` speaks with the instance."""
        self._folder, self._client, self._say = folder, client, say
        self._failures, self._due_at = 0, 0.0

    def act(self, now: float) -> None:
        """Say it if it is due; `now` in seconds since the epoch. Whatever goes wrong is said, and tried again later."""
        if now < self._due_at <= now + QUOTE_EVERY_SECONDS or self._folder.tpm() is None:
            return
        try:
            judged = quote(self._folder, self._client())
        except (UnusableTpm, Unreachable, Refused) as error:
            if self._failures == 0:
                self._say(f"How this computer started was not told: {error.message}")
            self._failures += 1
            self._due_at = time.time() + pause_seconds(failures=self._failures, chance=random.random())  # noqa: S311 - spreads load
        else:
            self._failures, self._due_at = 0, now + QUOTE_EVERY_SECONDS
            self._say(boot_words(judged))


def quote(folder: Folder, client: InstanceClient) -> Judged:
    """Have the TPM tell the instance how this computer started.

    Args:
        folder: of an enrolled computer for which a TPM speaks.
        client: speaks with its instance.

    Raises:
        NotEnrolled, NoTpm, UnusableFolder, UnusableTpm, Unreachable, Refused: when it was not told.
    """
    with folder.held():
        enrolled, keys = folder.enrolled(), folder.tpm()
        if keys is None:
            raise NoTpm("No TPM was enrolled with this computer.", hint="Only a TPM can say how it started.")
        return client.quote(
            folder.key(),
            device=enrolled.device,
            said=lambda nonce: quote_of(keys, nonce, device=enrolled.device),
            log=read_event_log(),
        )


def begin(
    folder: Folder, instance: InstanceClient, *, tpm: str, attest: str, name: str, platform: str, say: Say
) -> tuple[SigningKey, Started]:
    """Make the device's key and ask to be enrolled. A TPM that nobody asked for and that does not do as it should is left out.

    Args:
        folder: where the key is kept.
        instance: where to enrol.
        tpm: as for `make_key`, like `attest`.
        attest: see there.
        name: what the computer is called.
        platform: what it runs on.
        say: is told where the key lies.

    Raises:
        UnusableFolder, UnusableTpm, Unreachable, Refused: when nothing waits to be confirmed.
    """
    key = make_key(folder, tpm, attest, say)
    try:
        return key, start(folder, instance, key, name=name, platform=platform)
    except (UnusableTpm, Refused) as error:
        keys = folder.tpm()
        if attest or keys is None or keys.device is not None:
            raise
        say(f"The TPM ({keys.address}) does not say how this computer starts after all: {error.message}")
        key = folder.make_key()
        return key, start(folder, instance, key, name=name, platform=platform)


def make_key(folder: Folder, tpm: str, attest: str, say: Say) -> SigningKey:
    """Make the device's key: in a TPM where that is asked for, else in a file; a TPM may then say how the computer starts.

    Args:
        folder: where it is kept.
        tpm: as for `chosen_tpm`.
        attest: the same for one that does not hold the key; empty for this computer's own where that can be used.
        say: is told where the key lies.

    Raises:
        UnusableFolder, UnusableTpm: when that is not possible.
    """
    if address := chosen_tpm(tpm):
        key = folder.keep_tpm(make_tpm_keys(address))
        say(f"The key lies in the TPM ({address}) and cannot leave it.")
        return key
    address = chosen_tpm(attest) if attest else usable_here()
    if not address:
        return folder.make_key()
    try:
        key = folder.keep_tpm(make_tpm_keys(address, device_too=False))
    except UnusableTpm as error:
        if attest:
            raise
        say(f"The TPM ({address}) does not say how this computer starts: {error.message}")
        return folder.make_key()
    say(f"The key lies in a file; the TPM ({address}) says how this computer starts.")
    return key


def start(folder: Folder, instance: InstanceClient, key: SigningKey, *, name: str, platform: str) -> Started:
    """Ask to be enrolled, and prove what is said of a TPM where one is used. Errors as `make_key` and `InstanceClient`."""
    keys = folder.tpm()
    if keys is None:
        return instance.start(key, name=name, platform=platform)
    started = instance.start(
        key, name=name, platform=platform, in_tpm=keys.device is not None, claim=lambda nonce: claim_of(keys, nonce)
    )
    if started.challenge is None:
        raise Unreachable("The instance asks for no proof of the TPM.", hint="Tell an administrator.")
    return instance.prove(key, started.device_code, open_challenge(keys, started.challenge))


def boot_words(judged: Judged) -> str:
    """Return what an instance made of the TPM's word, for people."""
    if judged.secure_boot is None:
        return f"Whether Secure Boot was on cannot be told. {judged.why}"
    return f"Secure Boot was {'on' if judged.secure_boot else 'off'} when this computer started, as its TPM says."


def key_place(file: Path, tpm: TpmKeys | None, key_protection: str) -> str:
    """Return where the key lies and how far that was proven, for people.

    Args:
        file: of a key that lies in one.
        tpm: what is kept of the TPM; `None` for none.
        key_protection: as the instance has it; empty while it has not said.
    """
    if tpm is None:
        return f"a file: {file}"
    if tpm.device is None:
        return f"a file: {file}; the TPM at {tpm.address} says how this computer starts"
    proven = {"tpm": "; its maker is known", "tpm_unverified": "; no known maker vouches for it"}.get(
        key_protection, ""
    )
    return f"in the TPM at {tpm.address}; it cannot leave it{proven}"
