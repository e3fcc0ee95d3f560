"""One page of a longer list. How it is fetched lives in the pillars' queries."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list, and where they stand in it.

    Args:
        items: what is on this page, in order.
        total: how many items the whole list has.
        page: this page's number, from 1.
        page_size: how many items a full page has.
    """

    items: tuple[T, ...]
    total: int
    page: int
    page_size: int

    @property
    def pages(self) -> int:
        """How many pages there are; an empty list has one."""
        return max(1, -(-self.total // self.page_size))

    @property
    def has_next(self) -> bool:
        """Whether a page follows."""
        return self.page < self.pages

    @property
    def has_previous(self) -> bool:
        """Whether a page comes before."""
        return self.page > 1
