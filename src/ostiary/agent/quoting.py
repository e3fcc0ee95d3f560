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
from ostiary.agent.tpm import UnusableTpm, chosen_tpm
from ostiary.agent.tpm_key import TpmKey, TpmKeys, claim_of, make_tpm_keys, open_challenge, quote_of, read_event_log
from ostiary.devices.domain.answers import Judged, Started
from ostiary.devices.domain.messages import SigningKey
from ostiary.errors import OstiaryError

QUOTE_EVERY_SECONDS: Final = 12 * 3600.0
"""What is said of the start counts for a day at the instance."""

Say = Callable[[str], None]


class NoTpm(OstiaryError):
    """This computer's key lies in no TPM."""


class Quoting:
    """Has the TPM say how this computer started: when the agent starts, and twice a day."""

    def __init__(self, folder: Folder, client: Callable[[], InstanceClient], say: Say) -> None:
        """Be due at once where the key lies in a TPM; `client` speaks with the instance."""
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
        folder: of an enrolled computer whose key lies in a TPM.
        client: speaks with its instance.

    Raises:
        NotEnrolled, NoTpm, UnusableFolder, UnusableTpm, Unreachable, Refused: when it was not told.
    """
    with folder.held():
        enrolled, keys = folder.enrolled(), folder.tpm()
        if keys is None:
            raise NoTpm("The key of this computer lies in a file.", hint="Only a TPM can say how it started.")
        return client.quote(
            TpmKey(keys),
            device=enrolled.device,
            said=lambda nonce: quote_of(keys, nonce, device=enrolled.device),
            log=read_event_log(),
        )


def make_key(folder: Folder, tpm: str, say: Say) -> SigningKey:
    """Make the device's key: in a TPM where that is asked for, else in a file.

    Args:
        folder: where it is kept.
        tpm: as for `chosen_tpm`.
        say: is told where the key lies.

    Raises:
        UnusableFolder, UnusableTpm: when that is not possible.
    """
    address = chosen_tpm(tpm)
    if not address:
        return folder.make_key()
    key = folder.keep_tpm(make_tpm_keys(address))
    say(f"The key lies in the TPM ({address}) and cannot leave it.")
    return key


def start(instance: InstanceClient, key: SigningKey, *, name: str, platform: str) -> Started:
    """Ask to be enrolled, and prove that the key lies in its TPM where it does. Errors as `make_key` and `InstanceClient`."""
    if not isinstance(key, TpmKey):
        return instance.start(key, name=name, platform=platform)
    started = instance.start(key, name=name, platform=platform, claim=lambda nonce: claim_of(key.keys, nonce))
    if started.challenge is None:
        raise Unreachable("The instance asks for no proof of the TPM.", hint="Tell an administrator.")
    return instance.prove(key, started.device_code, open_challenge(key.keys, started.challenge))


def boot_words(judged: Judged) -> str:
    """Return what an instance made of the TPM's word, for people."""
    if judged.secure_boot is None:
        return f"Whether Secure Boot was on cannot be told. {judged.why}"
    return f"Secure Boot was {'on' if judged.secure_boot else 'off'} when this computer started, as its TPM says."


def key_place(file: Path, tpm: TpmKeys | None, key_protection: str) -> str:
    """Return where the key lies and how far that was proven, for people.

    Args:
        file: of a key that lies in one.
        tpm: what is kept of the TPM; `None` for a file.
        key_protection: as the instance has it; empty while it has not said.
    """
    if tpm is None:
        return f"a file: {file}"
    proven = {"tpm": "; its maker is known", "tpm_unverified": "; no known maker vouches for it"}.get(
        key_protection, ""
    )
    return f"in the TPM at {tpm.address}; it cannot leave it{proven}"
