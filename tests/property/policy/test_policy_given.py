"""Whose a certificate was: found for each that was given, for no other, and never by a fault."""

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.policy.given import MARK_BYTES, GivenCertificates

NAMES = st.integers(0, 5).map("dev-{:012d}".format)
FINGERPRINTS = st.integers(0, 400).map(lambda number: hashlib.sha256(str(number).encode()).hexdigest())


@given(st.dictionaries(FINGERPRINTS, NAMES), FINGERPRINTS)
@settings(max_examples=60)
def test_each_is_its_devices_and_another_is_nobodys(owners: dict[str, str], other: str) -> None:
    section = GivenCertificates.of(owners.items())
    assert {one: section.device_of(one) for one in owners} == owners
    assert section.device_of(other) == owners.get(other)
    assert section.device_of(other.upper()) == owners.get(other)


@given(FINGERPRINTS, st.lists(NAMES, min_size=2, max_size=2, unique=True), st.dictionaries(FINGERPRINTS, NAMES))
@settings(max_examples=30)
def test_two_that_look_alike_are_nobodys(one: str, names: list[str], more: dict[str, str]) -> None:
    alike = one[: 2 * MARK_BYTES] + "0" * (64 - 2 * MARK_BYTES)
    section = GivenCertificates.of([*more.items(), (one, names[0]), (alike, names[1])])
    assert section.device_of(one) is None
    assert section.device_of(alike) is None


@given(st.binary(max_size=100), st.text(max_size=70) | FINGERPRINTS | st.binary(max_size=40).map(bytes.hex))
@settings(max_examples=60)
def test_nonsense_is_nobodys(marks: bytes, fingerprint: str) -> None:
    assert GivenCertificates(devices=(), marks=marks).device_of(fingerprint) is None
