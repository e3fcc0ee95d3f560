"""Giving somebody something until a day or for good: a group, a role. Both pages take the same form and fail in the same words."""

from collections.abc import Callable

from django.http import HttpRequest

from ostiary.errors import OstiaryError
from ostiary.identity.facade import Person, UnknownPerson, find_person
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.fields import TermForm, end_of
from ostiary.web.console.problems import add_problem


def give_to_somebody(request: HttpRequest, form: TermForm, give: Callable[..., None]) -> Person | None:
    """Give what a form that was sent says to whom it names, and return them; `None` where that was not done.

    Args:
        request: with its caller.
        form: whom, until when and why; what is wrong stands in it afterwards.
        give: takes `person_id`, `reason`, `ends_at` and `actor`.
    """
    if request.method != "POST" or not form.is_valid():
        return None
    said = form.cleaned_data
    try:
        person = find_person(said["email"])
        give(person_id=person.id, reason=said["reason"], ends_at=end_of(form), actor=caller_of(request).actor)
    except UnknownPerson as error:
        add_problem(form, error, "email")
    except OstiaryError as error:
        add_problem(form, error)
    else:
        return person
    return None
