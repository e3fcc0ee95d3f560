"""What a program's token looks like, and how long one may last."""

import hashlib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.programs.tokens import Program, UnusableLifetime, digest_of, parse_lifetime, token_from


@given(st.binary(min_size=32, max_size=32))
@settings(max_examples=30)
def test_a_token_carries_every_bit_it_was_made_of_and_fits_into_a_header(entropy: bytes) -> None:
    token = token_from(entropy)
    assert bytes.fromhex(token.removeprefix("ostiary_")) == entropy
    assert token.isascii()
    assert token.replace("_", "").isalnum()
    assert digest_of(token) == hashlib.sha256(token.encode("ascii")).digest()


def test_a_token_is_never_made_of_less_randomness() -> None:
    with pytest.raises(ValueError, match="256"):
        token_from(b"x" * 31)


@pytest.mark.parametrize(("text", "seconds"), [("1h", 3600), ("365d", 365 * 86400), ("2w", 14 * 86400)])
def test_lifetimes_that_are_understood(text: str, seconds: int) -> None:
    assert parse_lifetime(text) == seconds


@pytest.mark.parametrize("text", ["", "365", "d", "0d", "1 d", "-1d", "1.5d", "3651d", "1m", "9999999d", "٣d", "1d\n"])
def test_other_lifetimes_are_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(UnusableLifetime) as refused:
        parse_lifetime(text)
    assert "90d" in refused.value.hint


@given(st.text(max_size=60))
@settings(max_examples=50)
def test_whatever_is_written_as_a_lifetime_is_one_or_is_refused(text: str) -> None:
    with suppress(UnusableLifetime):
        assert 3600 <= parse_lifetime(text) <= 3650 * 86400


def test_a_token_works_until_it_expires_or_is_revoked() -> None:
    client = Program(name="reporting", added_at=0, added_by="root", expires_at=100)
    assert client.works(99.9)
    assert not client.works(100)
    revoked = Program(name="reporting", added_at=0, added_by="root", expires_at=100, revoked_at=50)
    assert not revoked.works(40)
