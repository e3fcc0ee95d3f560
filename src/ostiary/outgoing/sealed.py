"""Texts that have to be kept as they are, because they are sent to others: encrypted with a key made from `django.key`."""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def seal(text: str, *, purpose: str) -> str:
    """Return a text encrypted, for the database; nothing stays nothing.

    Args:
        text: what is sent.
        purpose: of which room it is; what one sealed no other unseals.
    """
    return _cipher(purpose).encrypt(text.encode()).decode("ascii") if text else ""


def unseal(sealed: str, *, purpose: str) -> str:
    """Return what `seal` was given; nothing where the key has changed since."""
    try:
        return _cipher(purpose).decrypt(sealed.encode("ascii")).decode() if sealed else ""
    except InvalidToken:
        return ""


def _cipher(purpose: str) -> Fernet:
    info = f"ostiary {purpose}".encode()
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(settings.SECRET_KEY.encode())
    return Fernet(base64.urlsafe_b64encode(key))
