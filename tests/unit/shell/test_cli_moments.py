"""How moments are read at the terminal."""

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.cli.moments import BadMoment, moment_of

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock is 5:45 hours ahead."""
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-01", "2026-11-01T00:00+00:00"),
        ("2026-11-01T08:00", "2026-11-01T08:00+00:00"),
        ("2026-11-01T08:00+02:00", "2026-11-01T06:00+00:00"),
        ("90m", "2026-11-22T10:30+00:00"),
        ("24h", "2026-11-21T12:00+00:00"),
        ("30d", "2026-10-23T12:00+00:00"),
    ],
)
def test_moments_are_read_as_they_are_shown_wherever_the_machine_is(far_east: None, text: str, expected: str) -> None:
    assert moment_of(text, NOW) == datetime.fromisoformat(expected).timestamp()


@given(st.text(max_size=20) | st.from_regex(r"[0-9]{1,30}[mhd]", fullmatch=True))
def test_any_text_is_a_moment_or_refused(text: str) -> None:
    with contextlib.suppress(BadMoment):
        assert isinstance(moment_of(text, NOW), float)
