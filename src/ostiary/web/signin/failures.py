"""Pages for requests that cannot be answered as asked. They say what to do next and reveal nothing."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _


def problem_page(request: HttpRequest, *, status: int, title: str, words: str) -> HttpResponse:
    """Return a page that says what went wrong in one sentence and leads back to the start."""
    return render(request, "signin/problem.html", {"title": title, "words": words}, status=status)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Answer a form that did not come from our own page, or from one left open too long."""
    return problem_page(
        request,
        status=403,
        title=_("This page was open too long"),
        words=_("Go back, load the page again and repeat what you did."),
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Answer a request that makes no sense."""
    return problem_page(request, status=400, title=_("This link is not complete"), words=_("Go back and try again."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Answer a request for something that is not the person's."""
    return problem_page(request, status=403, title=_("This is not yours to see"), words=_("Go back to your apps."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Answer a request for a page that does not exist."""
    return problem_page(
        request, status=404, title=_("There is no page at this address"), words=_("Go back to your apps.")
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer when something went wrong here."""
    return problem_page(
        request, status=500, title=_("Something went wrong here"), words=_("It is on our log. Try again in a minute.")
    )
