"""Reference numbers for decisions: random, in the form that `visibility.domain.reference` gives them."""

import os
from typing import Final

from ostiary.visibility.domain.reference import ENTROPY_BYTES, format_reference

_POOL: Final = 256


class References:
    """Gives out references; randomness is fetched for many at a time, because each decision needs one."""

    def __init__(self) -> None:
        self._pool = b""
        self._next = 0

    def new(self) -> str:
        """Return a reference that was not given before, as surely as 50 random bits can tell."""
        if self._next >= len(self._pool):
            self._pool, self._next = os.urandom(ENTROPY_BYTES * _POOL), 0
        start = self._next
        self._next = start + ENTROPY_BYTES
        return format_reference(self._pool[start : self._next])
