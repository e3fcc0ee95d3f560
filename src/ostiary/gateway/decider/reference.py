"""Reference numbers for decisions: random, in the form that `visibility.domain.reference` gives them, only quicker."""

import os
from typing import Final

from ostiary.visibility.domain.reference import ENTROPY_BYTES, format_reference

_POOL: Final = 256
_TEN_BITS: Final = 1023


def _pairs() -> tuple[str, ...]:
    """Return the two letters for every ten bits, as the first two letters of a reference."""
    spare = ENTROPY_BYTES * 8 - 10
    return tuple(format_reference((bits << spare).to_bytes(ENTROPY_BYTES, "big"))[:2] for bits in range(1024))


_PAIRS: Final = _pairs()


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
        return spell(self._pool[start : self._next])


def spell(entropy: bytes) -> str:
    """Return what `format_reference` returns for exactly seven bytes."""
    number = int.from_bytes(entropy, "big") >> 6
    middle = _PAIRS[number >> 20 & _TEN_BITS]
    return (
        f"{_PAIRS[number >> 40]}{_PAIRS[number >> 30 & _TEN_BITS]}{middle[0]}-{middle[1]}"
        f"{_PAIRS[number >> 10 & _TEN_BITS]}{_PAIRS[number & _TEN_BITS]}"
    )
