"""A page that says what an act does to one thing, asks why, and does it."""

from collections.abc import Mapping
from typing import Any, Protocol

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from ostiary.errors import OstiaryError
from ostiary.visibility.facade import Actor
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.page import render_page
from ostiary.web.console.permissions import Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.reasons import ReasonForm


class Act(Protocol):
    """What is done: a use case with everything but the reason and whoever does it already given."""

    def __call__(self, *, reason: str, actor: Actor) -> object:
        """Do it."""


def ask_and_act(
    request: HttpRequest,
    section: Resource,
    template: str,
    context: Mapping[str, Any],
    *,
    act: Act,
    done: str,
    then: str,
) -> HttpResponseBase:
    """Show what an act does, and do it once somebody asks for it.

    Args:
        request: with its caller.
        section: of the console's navigation.
        template: the page; it finds the form as `form`.
        context: what else the page shows.
        act: refused acts are said on the page, and change nothing.
        done: what is said afterwards.
        then: address of the page that follows.
    """
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            act(reason=form.cleaned_data["reason"], actor=caller_of(request).actor)
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, done)
            return redirect(then)
    return render_page(request, template, section, {**context, "form": form}, status=422 if form.errors else 200)
