"""Remembers answers that cannot have changed. What a key must contain lives in `engine`."""

from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Memo(Generic[T]):
    """A bounded map; when it is full, the oldest entry leaves.

    Args:
        limit: how many entries it holds.
    """

    __slots__ = ("_entries", "_limit")

    def __init__(self, limit: int) -> None:
        self._entries: dict[Hashable, tuple[float, float | None, T]] = {}
        self._limit = limit

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable, now: float) -> T | None:
        """Return what was remembered, if `now` lies in the time for which it is known to be right."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        since, until, value = entry
        return value if since <= now and (until is None or now < until) else None

    def put(self, key: Hashable, value: T, *, since: float, until: float | None) -> None:
        """Remember `value` for `since` ≤ now < `until`; without `until`, for every later moment."""
        if key not in self._entries and len(self._entries) >= self._limit:
            self._entries.pop(next(iter(self._entries), None), None)
        self._entries[key] = (since, until, value)
