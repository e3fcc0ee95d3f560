"""How passwords are hashed and which ones are refused. Limits on guessing live in `domain.limits`."""

from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from zxcvbn import zxcvbn

from ostiary.identity.adapters.breached import BreachedPasswords
from ostiary.identity.models import Person

MAX_PASSWORD_CHARACTERS = 256
MIN_SCORE = 3


class Argon2id(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes, one lane.

    Source: OWASP Password Storage Cheat Sheet.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1


class GuessableValidator:
    """Refuses what zxcvbn guesses in fewer than 10^8 tries, knowing the person and the organisation."""

    def validate(self, password: str, user: Person | None = None) -> None:
        """Raise `ValidationError` with what would make it better."""
        if len(password) > MAX_PASSWORD_CHARACTERS:
            raise ValidationError(
                _("Use at most %(count)d characters.") % {"count": MAX_PASSWORD_CHARACTERS}, code="password_too_long"
            )
        verdict = zxcvbn(password[:100], user_inputs=own_words(user))
        if verdict["score"] < MIN_SCORE:
            raise ValidationError(_advice(verdict), code="password_guessable")

    def get_help_text(self) -> str:
        """Say what is asked for."""
        return _("Four or more random words make a good password.")


class BreachedValidator:
    """Refuses passwords that are known from breaches, as far as the instance can tell."""

    def validate(self, password: str, user: Person | None = None) -> None:  # noqa: ARG002 - Django's signature
        """Raise `ValidationError` when the password was seen in a breach."""
        if breached_passwords().contains(password):
            raise ValidationError(
                _("This password is known from a data breach. Choose one that you use nowhere else."),
                code="password_breached",
            )

    def get_help_text(self) -> str:
        """Say what is asked for."""
        return _("It must not be known from a data breach.")


def breached_passwords() -> BreachedPasswords:
    """Return the instance's lists of breached passwords."""
    configuration = settings.INSTANCE.configuration.sign_in
    return BreachedPasswords(file=configuration.breached_passwords, range_url=configuration.breached_range_url)


def own_words(person: Person | None) -> list[str]:
    """Return what a guesser would know: the person's name and address, the organisation and its domain."""
    configuration = settings.INSTANCE.configuration
    words = [configuration.organisation, configuration.domain, *configuration.domain.split("."), "ostiary"]
    if person is not None:
        local_part, _at, host = person.email.partition("@")
        words += [person.email, local_part, host, *person.name.split(), *local_part.replace("_", ".").split(".")]
    return [word for word in words if word]


def _advice(verdict: dict[str, Any]) -> str:
    advice = verdict["feedback"]["warning"] or next(iter(verdict["feedback"]["suggestions"]), "")
    lead = _("This password is easy to guess.")
    return f"{lead} {advice}".rstrip(". ") + "."
