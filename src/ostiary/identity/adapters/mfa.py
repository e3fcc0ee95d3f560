"""django-allauth's hooks for authenticators: what is stored encrypted, and the name passkeys belong to."""

import base64

from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Seeds are encrypted with a key made from `django.key`; passkeys belong to the sign-in host alone.

    The sign-in host, not the domain: a page on another host under the domain, an app somebody broke into for
    instance, can then not even ask for a passkey.
    """

    def encrypt(self, text: str) -> str:
        """Return the text encrypted, for the database."""
        return _cipher().encrypt(text.encode()).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        """Return what `encrypt` was given."""
        return _cipher().decrypt(encrypted_text.encode("ascii")).decode()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return the relying party: fixed by configuration, never taken from the request."""
        return {"id": settings.INSTANCE.identity_host, "name": settings.INSTANCE.display_name}

    def get_totp_issuer(self) -> str:
        """Return what the authenticator app shows above the code."""
        return settings.INSTANCE.display_name


def _cipher() -> Fernet:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"ostiary authenticator seeds").derive(
        settings.SECRET_KEY.encode()
    )
    return Fernet(base64.urlsafe_b64encode(key))
