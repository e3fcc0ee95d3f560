"""Checks the whole record for the audit page with the instance's own key, not the one that lies beside the log."""

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ostiary.config.places import Instance
from ostiary.config.secrets import AUDIT_KEY, read_secret
from ostiary.errors import OstiaryError
from ostiary.visibility.facade import LogStatus, StreamReport, find_streams, verify_files

MAX_BYTES: Final = 256 * 1024 * 1024


class TooMuchToCheck(OstiaryError):
    """The record is so large that checking it belongs on the machine, not into a page."""


def check_record(instance: Instance, status: LogStatus) -> tuple[StreamReport, ...]:
    """Return what was found in each stream.

    Args:
        instance: whose record.
        status: its size.

    Raises:
        TooMuchToCheck: when it is larger than 256 MiB.
        NothingToVerify: when there is no record yet, or it cannot be read.
    """
    if sum(stream.size_bytes for stream in status.streams) > MAX_BYTES:
        raise TooMuchToCheck(
            "The record is too large to check while a page waits.", hint="Check it on the machine: ostiary audit verify"
        )
    private = load_pem_private_key(read_secret(instance.secrets, AUDIT_KEY).reveal(), password=None)
    key = private.public_key()
    if not isinstance(key, Ed25519PublicKey):
        raise OstiaryError("The audit key is not an Ed25519 key.", hint="Restore audit.pem from a backup.")
    return tuple(verify_files(instance.audit, stream, key) for stream in find_streams(instance.audit))
