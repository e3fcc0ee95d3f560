"""django-allauth's flow from the first proof to the sign-in: the one place that knows its inner modules for it.

A flow begun by a password waits at its second step in the browser's session, for a quarter of an hour at most, and
nothing else in that browser counts as signed in meanwhile.
"""

from typing import Final

import msgspec
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_login, perform_password_login, record_authentication
from allauth.account.internal.stagekit import clear_login
from allauth.account.models import Login
from allauth.account.stages import LoginStage, LoginStageController
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.webauthn.internal.flows import perform_passwordless_login
from django.http import HttpRequest, HttpResponse

from ostiary.identity.domain.federation import DIRECTORY, Origin
from ostiary.identity.domain.proofs import RECOVERY_CODE, TOTP, WEBAUTHN
from ostiary.identity.models import Person

_RECORD_TYPES: Final = {TOTP: "totp", WEBAUTHN: "webauthn", RECOVERY_CODE: "recovery_codes"}


def check_password(request: HttpRequest, *, email: str, password: str) -> Person | None:
    """Return who has this address and password, disabled people included, or `None`.

    An unknown address costs as much time as a known one.
    """
    person: Person | None = get_adapter(request).authenticate(request, email=email.strip(), password=password)
    return person


def go_on_after_password(request: HttpRequest, person: Person, *, target: str) -> HttpResponse:
    """Note the password as proved and go to the second step, or sign in where there is none."""
    login = Login(user=person, redirect_url=target)
    response: HttpResponse = perform_password_login(request, {"email": person.email}, login)
    return response


def go_on_after_passkey(request: HttpRequest, authenticator: Authenticator, *, target: str) -> HttpResponse:
    """Note the passkey as proved and sign in."""
    login = Login(user=authenticator.user, redirect_url=target)
    response: HttpResponse = perform_passwordless_login(request, authenticator, login)
    return response


def go_on_after_directory(request: HttpRequest, person: Person, *, origin: Origin, target: str) -> HttpResponse:
    """Note another directory's word as the first proof and go to the second step, or sign in where there is none.

    Args:
        request: from the browser.
        person: whom the directory vouched for.
        origin: the sign-in there.
        target: where to go then.
    """
    record_authentication(request, person, method=DIRECTORY, origin=msgspec.to_builtins(origin))
    response: HttpResponse = perform_login(request, Login(user=person, redirect_url=target))
    return response


def waiting_person(request: HttpRequest) -> Person | None:
    """Return who is at the second step in this browser, if anybody is."""
    stage = _stage(request)
    person: Person | None = stage.login.user if stage is not None else None
    return person


def finish_second_step(request: HttpRequest, method: str) -> HttpResponse:
    """Note the second step as proved by `method` and sign in.

    Raises:
        KeyError: when `method` is no second step.
        LookupError: when nobody is at the second step.
    """
    stage = _stage(request)
    if stage is None:
        raise LookupError("nobody is at the second step")
    note_proof(request, stage.login.user, method)
    response: HttpResponse = stage.exit()
    return response


def forget_flow(request: HttpRequest) -> None:
    """Forget a sign-in that was begun and not finished."""
    clear_login(request)


def note_proof(request: HttpRequest, person: Person, method: str) -> None:
    """Note in this browser's session that the person gave a proof; signing in turns such notes into a session."""
    if method in _RECORD_TYPES:
        record_authentication(request, person, method="mfa", type=_RECORD_TYPES[method])
    else:
        record_authentication(request, person, method=method)


def _stage(request: HttpRequest) -> LoginStage | None:
    return LoginStageController.enter(request, AuthenticateStage.key)
