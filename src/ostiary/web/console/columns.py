"""Which columns of a list are shown: those somebody chose in this browser, else the usual ones.

A choice is sent by GET, so that those who may only view the console can make one; it is kept in a cookie, and the page's
own address comes back without it. Which lists there are stands in `tables`; what is in their cells, in the templates.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, Final, ParamSpec, cast

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils.functional import Promise

from ostiary.web.console.guard import View
from ostiary.web.console.permissions import Resource

P = ParamSpec("P")
PARAMETER: Final = "columns"
USUAL: Final = "usual"
KEPT_SECONDS: Final = 365 * 24 * 3600
MAX_CHARACTERS: Final = 500
_SEPARATOR: Final = "."
_OWN_SITES: Final = frozenset({"same-origin", "none"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Args:
        key: what it is called in choices: small letters and underscores.
        name: its heading.
        kind: a class of its heading, for instance `amount`.
        usual: whether it is shown until somebody chooses.
    """

    key: str
    name: Promise
    kind: str = ""
    usual: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """One list.

    Args:
        key: what it is called in the cookie's name: small letters.
        subject: the key of the column that names the thing; it is always shown.
        columns: in their order.
        exported: what may be exported from it, if anything.
    """

    key: str
    subject: str
    columns: tuple[Column, ...]
    exported: Resource | None = None

    @property
    def cookie(self) -> str:
        """The name of the cookie that keeps the choice."""
        return f"__Host-ostiary-columns-{self.key}"

    @property
    def usual(self) -> "ShownColumns":
        """What is shown until somebody chooses."""
        return self.choose(column.key for column in self.columns if column.usual)

    def choose(self, keys: Iterable[str]) -> "ShownColumns":
        """Return these columns and the one that names the thing; unknown keys are ignored."""
        wanted = {*keys, self.subject}
        return ShownColumns(self, tuple(column for column in self.columns if column.key in wanted))


@dataclass(frozen=True, slots=True)
class ShownColumns:
    """What is shown of a list; `"state" in columns` asks for one of them."""

    table: Table
    columns: tuple[Column, ...]

    def __contains__(self, key: object) -> bool:
        """Tell whether the column is shown."""
        return any(column.key == key for column in self.columns)

    @property
    def without_subject(self) -> "ShownColumns":
        """The same on the thing's own page, where its name stands already."""
        return ShownColumns(self.table, tuple(column for column in self.columns if column.key != self.table.subject))

    @property
    def text(self) -> str:
        """The choice as the cookie keeps it."""
        return _SEPARATOR.join(column.key for column in self.columns)


ListView = Callable[Concatenate[HttpRequest, ShownColumns, P], HttpResponseBase]


def read_choice(table: Table, text: str) -> ShownColumns:
    """Return what a cookie says is shown; the usual columns where it does not hold a choice for this list.

    Args:
        table: the list.
        text: the cookie's value, whatever it is.
    """
    keys = text[:MAX_CHARACTERS].split(_SEPARATOR)
    return table.choose(keys) if table.subject in keys else table.usual


def with_columns(table: Table) -> Callable[[ListView[P]], View[P]]:
    """Give a page the columns to show; where a choice of columns is sent, keep it instead and show the page again."""

    def decorate(view: ListView[P]) -> View[P]:
        @wraps(view)
        def choosable(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method != "POST" and PARAMETER in request.GET:
                return _keep_choice(request, table)
            return view(request, read_choice(table, request.COOKIES.get(table.cookie, "")), *args, **kwargs)

        return cast("View[P]", choosable)

    return decorate


def _keep_choice(request: HttpRequest, table: Table) -> HttpResponseBase:
    """Keep the choice and show the same page: filters and all, without it. A link on another site chooses nothing."""
    query = request.GET.copy()
    wanted = query.pop(PARAMETER)
    answer = HttpResponseRedirect(f"{request.path}?{query.urlencode()}" if query else request.path)
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in _OWN_SITES:
        return answer
    if USUAL in wanted:
        answer.delete_cookie(table.cookie, samesite="Lax")
    else:
        answer.set_cookie(
            table.cookie,
            table.choose(map(str, wanted)).text,
            max_age=KEPT_SECONDS,
            secure=True,
            httponly=True,
            samesite="Lax",
        )
    return answer
