"""The instance's key for reports: the one that signs the record, so that one published key checks both."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from ostiary.config.places import Instance
from ostiary.config.secrets import AUDIT_KEY, read_secret
from ostiary.errors import OstiaryError
from ostiary.reviews.domain.report import NotSigned


def signing_key(instance: Instance) -> Ed25519PrivateKey:
    """Return the key that signs.

    Raises:
        MissingSecret: when it is not there.
    """
    key = load_pem_private_key(read_secret(instance.secrets, AUDIT_KEY).reveal(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise OstiaryError("The audit key is not an Ed25519 key.", hint="Restore audit.pem from a backup.")
    return key


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Return a public key from a PEM file.

    Raises:
        NotSigned: when the file holds none.
    """
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError):
        raise NotSigned(f"{path} holds no public key.", hint="Print it there with: ostiary audit public-key") from None
    if not isinstance(key, Ed25519PublicKey):
        raise NotSigned(f"{path} holds no Ed25519 key.", hint="Print it there with: ostiary audit public-key")
    return key
