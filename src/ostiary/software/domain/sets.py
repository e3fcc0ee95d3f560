"""Many small numbers in few bytes: which packages an inventory has. Pure.

Sorted, as differences, seven bits a byte, compressed: two thousand packages that devices have in common take some 2 KB.
"""

import zlib
from collections.abc import Iterable
from typing import Final

_PACKING: Final = 6
_MORE: Final = 0x80
_LOW: Final = 0x7F


def pack_numbers(numbers: Iterable[int]) -> bytes:
    """Return a set of numbers, each 0 or more, in few bytes."""
    plain, before = bytearray(), 0
    for number in sorted(set(numbers)):
        step = number - before
        while step > _LOW:
            plain.append((step & _LOW) | _MORE)
            step >>= 7
        plain.append(step)
        before = number
    return zlib.compress(bytes(plain), _PACKING)


def unpack_numbers(content: bytes) -> list[int]:
    """Return the numbers, sorted."""
    numbers, total, step, shift = [], 0, 0, 0
    for byte in zlib.decompress(content):
        step |= (byte & _LOW) << shift
        if byte & _MORE:
            shift += 7
            continue
        total += step
        numbers.append(total)
        step, shift = 0, 0
    return numbers
