"""Lists that a pillar gives whole, cut into pages and filtered here. Long lists are filtered by their pillar's query."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from ostiary.visibility.facade import Page
from ostiary.web.console.page import PAGE_SIZE

T = TypeVar("T")


def cut(items: Sequence[T], page: int, page_size: int = PAGE_SIZE) -> Page[T]:
    """Return one page of a whole list; a page beyond the end is the last one."""
    last = max(1, -(-len(items) // page_size))
    number = min(page, last)
    start = (number - 1) * page_size
    return Page(items=tuple(items[start : start + page_size]), total=len(items), page=number, page_size=page_size)


def matches(text: str, fields: Iterable[str]) -> bool:
    """Tell whether every word of `text` occurs in one of the fields, whatever its case."""
    haystack = "\n".join(fields).casefold()
    return all(word in haystack for word in text.casefold().split())
