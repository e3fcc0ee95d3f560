"""TPMs at enrolment: a claim that holds together is given a secret that only the one TPM it speaks of can read.

Until the secret comes back nobody can confirm the computer, and there is one try. So the order cannot be skipped: the code that a
person types is told only then.
"""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings

from ostiary.devices.adapters.tpm_makers import read_makers
from ostiary.devices.domain.answers import AgentRefused, Challenge, Code, Started
from ostiary.devices.domain.keys import Jwk, public_key
from ostiary.devices.domain.messages import Enrol, Prove, check_signature, read_message
from ostiary.devices.domain.tpm.claim import Claimed, check_claim
from ostiary.devices.domain.tpm.credential import SECRET_BYTES, make_credential
from ostiary.devices.domain.tpm.public import ATTESTATION, PublicArea, read_public
from ostiary.devices.domain.tpm.wire import sized
from ostiary.devices.models import DeviceTpm, Enrolment, StoredDevice
from ostiary.devices.services.freshness import accept_message, require_enabled
from ostiary.devices.services.waiting import digest_of, shown_start

UNPROVEN: Final = "unproven"
"""Where a key lies that has yet to be proven to be in a TPM."""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a claim until it is proven, and the secret to be sent back."""

    kept: dict[str, Any]
    challenge: Challenge


def require_taken(message: Enrol, *, now: float) -> Claimed | None:
    """Return what is claimed of a TPM, when it holds together; `None` where none is, and none has to be.

    Args:
        message: signature checked.
        now: seconds since the epoch.

    Raises:
        UnreadableTpm, UnprovenTpm: when the claim does not hold together.
        AgentRefused: when it says one thing and shows another, or such a key is not taken here.
    """
    in_tpm = message.key_protection == "tpm"
    if in_tpm and message.tpm is None:
        raise AgentRefused(Code.INVALID, "A key in a TPM brings its proof.")
    claimed = None
    if message.tpm is not None:
        claimed = check_claim(
            message.tpm,
            key=public_key(message.key) if in_tpm else None,
            nonce=message.nonce,
            makers=read_makers(settings.INSTANCE),
            now=datetime.fromtimestamp(now, UTC),
        )
    if settings.INSTANCE.configuration.devices.tpm == "verified":
        _require_verified(claimed)
    return claimed


def open_challenge(claimed: Claimed) -> Opened:
    """Return a secret for one TPM, and what has to be kept."""
    secret = secrets.token_bytes(SECRET_BYTES)
    sealed = make_credential(
        claimed.endorsement_key,
        name=claimed.attestation.name,
        secret=secret,
        seed=secrets.token_bytes(SECRET_BYTES),
        ephemeral=ec.generate_private_key(ec.SECP256R1()),
    )
    kept = {
        "protection": claimed.protection,
        "endorsement": hashlib.sha256(claimed.endorsement_key.content).hexdigest(),
        "attestation": sized(claimed.attestation.content).hex(),
        "maker": claimed.endorsement.maker,
        "why": claimed.endorsement.why,
        "secret": hashlib.sha256(secret).hexdigest(),
    }
    return Opened(kept=kept, challenge=Challenge(blob=sealed.blob, seed=sealed.seed))


def prove_tpm(text: str, *, now: float) -> Started:
    """Let a computer wait for its person, once its TPM has told the secret. A wrong one ends the enrolment.

    Args:
        text: the signed `Prove`.
        now: seconds since the epoch.

    Raises:
        UnreadableMessage: when it cannot be used.
        AgentRefused: when nothing waits for this, the message is stale, or the secret is not the one that was sealed.
    """
    require_enabled()
    message, received = read_message(text, Prove)
    waiting = Enrolment.objects.filter(
        pk=digest_of(message.device_code), ends_at__gt=datetime.fromtimestamp(now, UTC), proven=False
    )
    row = waiting.first()
    if row is None or row.tpm is None:
        raise AgentRefused(Code.EXPIRED, "Nothing waits for this proof.", hint="Start again.")
    check_signature(received, public_key(msgspec.convert(row.key, Jwk)))
    accept_message(message, now=now)
    if not hmac.compare_digest(hashlib.sha256(message.secret).hexdigest(), row.tpm["secret"]):
        waiting.delete()
        raise AgentRefused(
            Code.TPM_UNPROVEN,
            "The TPM could not read what was sealed to it: its keys are not in one TPM.",
            hint="Start again; if it stays so, tell an administrator.",
        )
    kept = {name: value for name, value in row.tpm.items() if name != "secret"}
    if not waiting.update(proven=True, tpm=kept, key_protection=kept["protection"]):
        raise AgentRefused(Code.EXPIRED, "Nothing waits for this proof.", hint="Start again.")
    return shown_start(message.device_code, row.user_code)


def keep_tpm(device: StoredDevice, kept: dict[str, Any] | None) -> None:
    """Keep what was proven of a TPM with the device that was made of its enrolment."""
    if kept is not None:
        DeviceTpm.objects.create(
            device=device,
            endorsement=kept["endorsement"],
            attestation=bytes.fromhex(kept["attestation"]),
            maker=kept["maker"],
            why=kept["why"][:250],
        )


def attestation_key_of(row: DeviceTpm) -> PublicArea:
    """Return the key that a device's TPM signs with what it says itself."""
    return read_public(bytes(row.attestation), ATTESTATION)


def _require_verified(claimed: Claimed | None) -> None:
    if claimed is None or not claimed.holds_key:
        raise AgentRefused(
            Code.TPM_REQUIRED,
            "This instance takes only keys that lie in a security chip (TPM).",
            hint="Enrol with it: ostiary-agent enrol ADDRESS --tpm auto",
        )
    if not claimed.endorsement.verified:
        raise AgentRefused(
            Code.TPM_REQUIRED,
            f"This instance takes only TPMs whose maker is known. {claimed.endorsement.why}",
            hint="Ask an administrator to add the maker's certificate; see the guide about devices.",
        )
