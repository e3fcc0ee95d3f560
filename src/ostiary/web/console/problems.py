"""Shows what a service refused, at the field it is about where that is known."""

from typing import Final

from django.forms import Form
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ostiary.devices.facade import UnusableDevice
from ostiary.errors import OstiaryError
from ostiary.rulebook.facade import ClausesRefuted, TestsFail

HINTS: Final[dict[type[OstiaryError], Promise]] = {
    TestsFail: _("See why below; if the rules are meant anyway, say so at the end."),
    ClausesRefuted: _("See why below; if the rules are meant anyway, say so at the end."),
    UnusableDevice: _("Its page says how it stands now."),
}
"""What to do in the console about errors whose own hint is for the terminal."""


def add_problem(form: Form, error: OstiaryError, field: str | None = None) -> None:
    """Put an error on a form: what happened and what to write instead.

    Args:
        form: the form that was sent.
        error: what the service said; its detail stays in the log.
        field: the field it is about; `None` shows it above the form.
    """
    hint = HINTS.get(type(error))
    form.add_error(field, f"{error.message} {hint}" if hint else str(error))
