"""Whether a message is meant for this instance, now, and for the first time."""

import secrets
from datetime import UTC, datetime
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import IntegrityError, transaction

from ostiary.config.secrets import read_secret
from ostiary.devices.domain.answers import AgentRefused, Code, Nonce
from ostiary.devices.domain.messages import CLOCK_SECONDS, Message
from ostiary.devices.domain.nonces import NONCE_SECONDS, REPORT_NONCE_SECONDS, make_nonce, nonce_moment
from ostiary.devices.models import UsedNonce


def require_enabled() -> None:
    """Raise `AgentRefused` where the instance enrols no devices."""
    if not settings.INSTANCE.configuration.devices.enabled:
        raise AgentRefused(Code.SWITCHED_OFF, "This instance has no devices.", hint="Ask whoever runs it.")


def give_nonce(*, now: float) -> Nonce:
    """Return a number for a device to sign. Nothing is kept of it.

    Raises:
        AgentRefused: where devices are switched off.
    """
    require_enabled()
    return Nonce(nonce=fresh_nonce(now=now), expires_in=NONCE_SECONDS)


def fresh_nonce(*, now: float) -> str:
    """Return a number for a device to sign, where devices are known to be on."""
    return make_nonce(_key(), now=now, random=secrets.token_bytes(16))


def audience() -> str:
    """Return what messages for this instance name: the origin of its sign-in host."""
    instance = settings.INSTANCE
    origin: str = instance.url(instance.identity_host, "")
    return origin


def judge_message(message: Message, *, now: float, seconds: int = NONCE_SECONDS) -> float:
    """Return when the message's nonce was given out.

    Args:
        message: whose signature was checked.
        now: seconds since the epoch.
        seconds: for how long a nonce is good here.

    Raises:
        AgentRefused: when it is for somebody else, its sender's clock is wrong, or the nonce is over or none of ours.
    """
    if message.audience != audience():
        raise AgentRefused(
            Code.OTHER_INSTANCE,
            f"The message is for {message.audience}, and this is {audience()}.",
            hint=f"Enrol with exactly this address: ostiary-agent enrol {audience()}",
        )
    if abs(message.at - now) > CLOCK_SECONDS:
        raise AgentRefused(
            Code.CLOCK,
            f"The clock of this computer is {abs(message.at - now) / 60:.0f} minutes {'ahead' if message.at > now else 'behind'}.",
            hint="Set it, for instance with: timedatectl set-ntp true",
        )
    given_at = nonce_moment(_key(), message.nonce, now=now, seconds=seconds)
    if given_at is None:
        raise AgentRefused(Code.STALE, "The number that was signed is over.", hint="Try again.")
    return given_at


def accept_message(message: Message, *, now: float) -> None:
    """Take a message whose signature was checked, once. Use outside a transaction: used is used, whatever comes of it.

    Raises:
        AgentRefused: as `judge_message`, and when it was taken before.
    """
    ends_at = datetime.fromtimestamp(judge_message(message, now=now) + NONCE_SECONDS, UTC)
    try:
        with transaction.atomic():
            UsedNonce.objects.create(nonce=message.nonce, ends_at=ends_at)
    except IntegrityError:
        raise already_sent() from None


def judge_report(message: Message, *, now: float, seconds: int = REPORT_NONCE_SECONDS) -> int:
    """Return the place of a message among a device's of its kind: each has to come after the one before.

    Arguments and errors as `judge_message`. What is counted is when its number was given out, in microseconds: nothing has to be kept of numbers that were used.
    """
    return round(judge_message(message, now=now, seconds=seconds) * 1_000_000)


def already_sent() -> AgentRefused:
    """Return the refusal of a message that was taken before."""
    return AgentRefused(Code.STALE, "This message was sent before.", hint="Try again.")


@lru_cache(maxsize=1)
def _key() -> bytes:
    session = read_secret(settings.INSTANCE.secrets, "session.key").reveal()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"ostiary device nonce").derive(session)
