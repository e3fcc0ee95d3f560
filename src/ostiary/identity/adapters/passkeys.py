"""Passkeys by django-allauth and python-fido2. The challenge is kept in the browser's session on this host.

This is the one module that reaches into allauth's inner modules for passkeys; the version is pinned.
"""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.core.exceptions import ValidationError
from django.db import DataError

from ostiary.errors import OstiaryError
from ostiary.identity.models import Person

MAX_CREDENTIAL_ID_BYTES = 1023


class PasskeyRefused(OstiaryError):
    """What the browser sent does not prove possession of a passkey that belongs here."""


def begin_registration(person: Person) -> dict[str, Any]:
    """Return what the browser needs to make a passkey: discoverable, with the owner verified by PIN or biometrics."""
    options: dict[str, Any] = auth.begin_registration(person, True)
    return options


def complete_registration(credential: object) -> dict[str, Any]:
    """Return the credential when it answers the challenge; the challenge is used up.

    Raises:
        PasskeyRefused: for anything else, malformed input included.
    """
    answer = _as_answer(credential)
    try:
        auth.parse_registration_response(answer)
        binding = auth.complete_registration(answer)
        credential_id = binding.credential_data.credential_id if binding.credential_data else b""
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _refused(error) from None
    if not binding.is_user_verified() or not 0 < len(credential_id) <= MAX_CREDENTIAL_ID_BYTES:
        raise PasskeyRefused("This key did not check that it is you.", hint="Set a PIN on it, or use another one.")
    return answer


def begin_authentication(person: Person | None) -> dict[str, Any]:
    """Return what the browser needs to use a passkey: one of this person's, or, without a person, any it has."""
    options: dict[str, Any] = auth.begin_authentication(person)
    return options


def complete_authentication(person: Person | None, credential: object) -> Authenticator:
    """Return the authenticator that answered the challenge; its `user` is who it is.

    Args:
        person: who it must belong to; `None` takes the owner from the signed answer.
        credential: what the browser sent.

    Raises:
        PasskeyRefused: for anything that proves nothing, malformed input included.
    """
    answer = _as_answer(credential)
    try:
        auth.parse_authentication_response(answer)
        owner = person if person is not None else auth.extract_user_from_response(answer)
        return auth.complete_authentication(owner, answer)
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError, DataError) as error:
        raise _refused(error) from None
    finally:
        auth.clear_state()


def _as_answer(credential: object) -> dict[str, Any]:
    if not isinstance(credential, dict) or not isinstance(credential.get("response"), dict):
        raise PasskeyRefused("The browser sent no passkey.", hint="Try again.")
    return credential


def _refused(error: Exception) -> PasskeyRefused:
    return PasskeyRefused("This passkey was not accepted.", hint="Try again, or use another one.", detail=repr(error))
