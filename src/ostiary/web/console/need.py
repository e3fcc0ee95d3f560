"""One thing that needs somebody. Which there are is `attention`'s."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

from django.urls import resolve

from ostiary.web.console.guard import declaration_of
from ostiary.web.console.permissions import Action, Resource


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that needs somebody.

    Args:
        kind: `refused` when something does not work now, `held` when it should be looked at.
        words: what, in one sentence.
        href: where to act on it; empty when that is on the machine.
        action: the link's words.
    """

    kind: Literal["refused", "held"]
    words: str
    href: str = ""
    action: str = ""


def offered(need: Need, may: Callable[[Resource, Action], bool]) -> Need:
    """Return a need without its link where whoever looks may not open what that leads to.

    Args:
        need: it.
        may: whether they may do something.
    """
    if not need.href:
        return need
    page = declaration_of(resolve(urlsplit(need.href).path).func)
    return need if page is None or may(page.resource, page.action) else replace(need, href="", action="")
