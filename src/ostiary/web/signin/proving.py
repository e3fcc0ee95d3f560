"""Checks one proof of somebody who is known already: a code or a passkey. What follows from it is up to the page."""

import time

from django.http import HttpRequest
from django.utils.translation import gettext as _

from ostiary.errors import OstiaryError
from ostiary.identity.entrance import (
    WEBAUTHN,
    PasskeyRefused,
    PersonRow,
    account_mark,
    attempt,
    check_code,
    code_limits,
    complete_authentication,
    passkey_limits,
)
from ostiary.identity.facade import TooManyAttempts, client_of
from ostiary.policy.identifiers import PersonId
from ostiary.web.signin.forms import CredentialForm
from ostiary.web.signin.known_browser import mark_of


class ProofRefused(OstiaryError):
    """The proof did not hold; `status` is what the page answers with."""

    def __init__(self, message: str, *, status: int = 200) -> None:
        super().__init__(message)
        self.status = status


def prove_by_code(request: HttpRequest, person: PersonRow, code: str) -> str:
    """Return the method that a typed code proves: `totp` or `recovery_code`.

    Raises:
        ProofRefused: when it proves nothing, or too many were tried.
    """
    address = client_of(request).address
    limits = code_limits(person=person.id, address=address, known_browser=mark_of(request, person.email))
    try:
        with attempt(limits, marks=(account_mark(person.email),)) as under_way:
            method = check_code(person_id=PersonId(person.id), code=code, now=time.time())
            if method is not None:
                under_way.succeeded()
    except TooManyAttempts as error:
        raise ProofRefused(f"{error.message} {error.hint}", status=429) from None
    if method is None:
        raise ProofRefused(_("This code is not right. Codes change every 30 seconds and work once."))
    return method


def prove_by_passkey(request: HttpRequest, person: PersonRow) -> str:
    """Return `webauthn` when the posted credential is one of this person's passkeys.

    Raises:
        ProofRefused: when it is not.
    """
    form = CredentialForm(request.POST)
    try:
        with attempt(passkey_limits(address=client_of(request).address)) as under_way:
            row = complete_authentication(person, form.cleaned_data["credential"] if form.is_valid() else None)
            under_way.succeeded()
    except PasskeyRefused as refused:
        raise ProofRefused(str(refused)) from None
    except TooManyAttempts as error:
        raise ProofRefused(str(error), status=429) from None
    if row.user_id != person.pk:
        raise ProofRefused(_("This passkey belongs to somebody else."))
    row.record_usage()
    return WEBAUTHN
