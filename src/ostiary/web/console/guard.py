"""Every page of the console is declared here with what it is about and what it does; the table in `permissions` decides."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, cast

import structlog
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from ostiary.web.console.assertion import caller_of
from ostiary.web.console.failures import refuse
from ostiary.web.console.fresh_proof import ask_for_proof
from ostiary.web.console.permissions import Action, Resource, may

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a page said about itself."""

    resource: Resource
    action: Action
    methods: tuple[str, ...]


READ: Final = ("GET", "HEAD")
WRITE: Final = ("GET", "HEAD", "POST")

log = structlog.get_logger(__name__)


def console_page(
    resource: Resource, action: Action, *, methods: tuple[str, ...] = READ
) -> Callable[[View[P]], View[P]]:
    """Declare a page: who may open it is looked up before it runs, whatever the method, and whether they proved lately who they are.

    Args:
        resource: what it is about.
        action: what it does. A page that only shows is `VIEW`; one that changes is its change, also when it is only shown.
        methods: the HTTP methods it knows; others get 405.
    """

    def declare(view: View[P]) -> View[P]:
        allowed = require_http_methods(list(methods))(view)

        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            caller = caller_of(request)
            if not may(caller.role, resource, action):
                log.warning(
                    "console_page_refused", person=caller.person.id, role=caller.role, resource=resource, action=action
                )
                return refuse(
                    request, _("Your role does not include this. An administrator can do it, or change your role.")
                )
            if (way := ask_for_proof(request, resource, takes_forms="POST" in methods)) is not None:
                return way
            return allowed(request, *args, **kwargs)

        guarded.declaration = Declaration(resource, action, methods)  # type: ignore[attr-defined]
        return cast("View[P]", guarded)

    return declare


def declaration_of(view: Callable[..., Any]) -> Declaration | None:
    """Return what a page declared; `None` for a view that is no page of the console."""
    declaration: Declaration | None = getattr(view, "declaration", None)
    return declaration
