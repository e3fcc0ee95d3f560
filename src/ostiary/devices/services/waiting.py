"""What is told a computer that waits to be confirmed."""

import hashlib
from typing import Final

from django.conf import settings

from ostiary.devices.domain.answers import Challenge, Started
from ostiary.devices.domain.devices import shown_code

ENROL_SECONDS: Final = 600
INTERVAL_SECONDS: Final = 2
ENROL_PATH: Final = "/devices/enrol"


def shown_start(device_code: str, user_code: str, *, challenge: Challenge | None = None) -> Started:
    """Return the answer to whoever asked to be enrolled: the code for people, or what its TPM has to prove before there is one."""
    instance = settings.INSTANCE
    return Started(
        device_code=device_code,
        user_code="" if challenge is not None else shown_code(user_code),
        verification_uri=instance.url(instance.identity_host, ENROL_PATH),
        expires_in=ENROL_SECONDS,
        interval=INTERVAL_SECONDS,
        challenge=challenge,
    )


def digest_of(device_code: str) -> str:
    """Return the form in which a device code is kept."""
    return hashlib.sha256(device_code.encode("utf-8", "surrogatepass")).hexdigest()
