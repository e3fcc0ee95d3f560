"""Tables as files: CSV for spreadsheets, JSON for programs. What stands in them is the page's."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from ostiary.spreadsheet import shown_cell
from ostiary.visibility.facade import Page

T = TypeVar("T")
MAX_ROWS: Final = 10_000
PAGE_ROWS: Final = 500


def wants_export(request: HttpRequest) -> bool:
    """Tell whether the request asks for a file rather than a page."""
    return request.GET.get("export") in {"csv", "json"}


def pages_of(search: Callable[[int, int], Page[T]]) -> Iterator[tuple[T, ...]]:
    """Yield the pages of a search one after the other, at most 10,000 rows together.

    Args:
        search: returns one page; is called with its number, from 1, and how many rows it holds.
    """
    for number in range(1, MAX_ROWS // PAGE_ROWS + 1):
        items = search(number, PAGE_ROWS).items
        yield items
        if len(items) < PAGE_ROWS:
            return


def export_table(request: HttpRequest, name: str, rows: Iterable[Mapping[str, object]]) -> HttpResponseBase:
    """Return the rows as the file the request asks for.

    Args:
        request: says `export=csv` or `export=json`.
        name: of the file, without ending.
        rows: all with the same keys, in the order of the columns; values are texts, numbers, booleans or `None`.
    """
    table = list(rows)
    if request.GET.get("export") == "json":
        return _file(json.dumps(table, ensure_ascii=False, indent=1), f"{name}.json", "application/json")
    return _file(_as_csv(table), f"{name}.csv", "text/csv; charset=utf-8")


def _as_csv(table: Sequence[Mapping[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    if table:
        writer.writerow(table[0].keys())
    writer.writerows([shown_cell(cell) for cell in row.values()] for row in table)
    return text.getvalue()


def _file(content: str, name: str, content_type: str) -> HttpResponse:
    return HttpResponse(
        content, content_type=content_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
