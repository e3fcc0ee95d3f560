"""Shows what a service refused, at the field it is about where that is known."""

from django.forms import Form

from ostiary.errors import OstiaryError


def add_problem(form: Form, error: OstiaryError, field: str | None = None) -> None:
    """Put an error on a form: what happened and what to write instead.

    Args:
        form: the form that was sent.
        error: what the service said; its detail stays in the log.
        field: the field it is about; `None` shows it above the form.
    """
    form.add_error(field, str(error))
