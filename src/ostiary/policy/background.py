"""What pages of Ostiary's own ask for by themselves, with nobody at them. Such a request is no use of a sign-in."""

from typing import Final

CONSOLE_REFRESHES: Final = frozenset({"/parts/overview"})
"""Paths of the console that an open page asks for again and again, for as long as it is open."""


def is_background(app: str, path: str) -> bool:
    """Tell whether a request comes from a page that refreshes itself.

    Args:
        app: what was asked for something.
        path: what for; a query does not matter.
    """
    return app == "console" and path.partition("?")[0] in CONSOLE_REFRESHES
