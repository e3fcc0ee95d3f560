"""Section `given` of the snapshot: certificates that devices were given lately, which programs may go on showing. Pure.

Most of them have run out, there are many, and hardly one is ever asked for. So they are one string of fixed-size marks in ascending order,
searched where it lies: ten thousand devices' two weeks take six megabytes and are nobody's work to take in.
"""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final, Self

import msgspec

from ostiary.policy.identifiers import DeviceId

MARK_BYTES: Final = 16
"""Of a fingerprint: as hard to meet by another certificate as a key of 128 bits is to guess."""
_INDEX_BYTES: Final = 4
_SIZE: Final = MARK_BYTES + _INDEX_BYTES


class GivenCertificates(msgspec.Struct, frozen=True, kw_only=True):
    """Section `given`: whose each certificate is that was given lately, good or run out.

    Args:
        devices: their identifiers.
        marks: for each certificate, in ascending order, the first 16 bytes of the SHA-256 of its DER form, and where its
            device stands in `devices` (4 bytes, big-endian).
    """

    devices: tuple[DeviceId, ...] = ()
    marks: bytes = b""

    @classmethod
    def of(cls, certificates: Iterable[tuple[str, str]]) -> Self:
        """Return the section for these pairs of fingerprint (hexadecimal SHA-256) and device."""
        places: dict[str, int] = {}
        marks = b"".join(
            mark + places.setdefault(device, len(places)).to_bytes(_INDEX_BYTES, "big")
            for mark, device in sorted((bytes.fromhex(one)[:MARK_BYTES], device) for one, device in certificates)
        )
        return cls(devices=tuple(map(DeviceId, places)), marks=marks)

    def device_of(self, fingerprint: str) -> DeviceId | None:
        """Return the device that was given a certificate (hexadecimal SHA-256); `None` where none is known, or more than one."""
        try:
            mark = bytes.fromhex(fingerprint)[:MARK_BYTES]
        except ValueError:
            return None
        count = len(self.marks) // _SIZE
        found = bisect_left(range(count), mark, key=self._mark)
        if len(mark) < MARK_BYTES or found == count or self._mark(found) != mark:
            return None
        if found + 1 < count and self._mark(found + 1) == mark:
            return None
        place = int.from_bytes(self.marks[found * _SIZE + MARK_BYTES : (found + 1) * _SIZE], "big")
        return self.devices[place] if place < len(self.devices) else None

    def _mark(self, number: int) -> bytes:
        return self.marks[number * _SIZE : number * _SIZE + MARK_BYTES]
