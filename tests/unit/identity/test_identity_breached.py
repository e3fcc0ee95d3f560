"""Breached passwords: a sorted file searched by halving, and a range service that may fail."""

import hashlib
import io
import urllib.request
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.identity.adapters import breached
from ostiary.identity.adapters.breached import BreachedPasswords, answer_has_suffix, file_has_digest


def digest(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest().upper()


@given(st.sets(st.text(max_size=5), max_size=40), st.text(max_size=5), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_the_search_agrees_with_looking_at_every_line(
    known: set[str], asked: str, ending: str, with_counts: bool
) -> None:
    lines = sorted(digest(one) for one in known)
    counts = [f":{place}" if with_counts else "" for place in range(len(lines))]
    content = "".join(f"{line}{count}{ending}" for line, count in zip(lines, counts, strict=True)).encode()
    for word in {*known, asked}:
        assert file_has_digest(io.BytesIO(content), digest(word)) is (word in known)
    assert file_has_digest(io.BytesIO(content.rstrip()), digest(asked)) is (asked in known)


def test_a_file_is_consulted_and_a_missing_one_refuses_nobody(tmp_path: Path) -> None:
    file = tmp_path / "breached.txt"
    file.write_text(f"{digest('hunter2')}:17243\n")
    assert BreachedPasswords(file=str(file)).contains("hunter2")
    assert not BreachedPasswords(file=str(file)).contains("hunter3")
    assert not BreachedPasswords(file=str(tmp_path / "absent")).contains("hunter2")
    assert not BreachedPasswords().contains("hunter2")


def test_padding_in_an_answer_does_not_count() -> None:
    suffix = digest("hunter2")[5:]
    assert answer_has_suffix(f"{'0' * 35}:3\r\n{suffix}:17\r\n", suffix)
    assert not answer_has_suffix(f"{suffix}:0\r\n", suffix)
    assert not answer_has_suffix("", suffix)


def test_the_service_learns_five_digits_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(question: Any, timeout: float) -> io.BytesIO:
        asked.append(question.full_url)
        return io.BytesIO(f"{digest('hunter2')[5:]}:3".encode())

    monkeypatch.setattr(breached._opener, "open", answer)
    assert BreachedPasswords(range_url="https://range.example/").contains("hunter2")
    assert asked == [f"https://range.example/{digest('hunter2')[:5]}"]


@pytest.mark.parametrize("error", [TimeoutError("late"), ConnectionRefusedError(), ValueError("odd")])
def test_a_service_that_fails_keeps_nobody_from_setting_a_password(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(question: Any, timeout: float) -> io.BytesIO:
        raise error

    monkeypatch.setattr(breached._opener, "open", fail)
    assert not BreachedPasswords(range_url="https://range.example").contains("hunter2")


def test_a_service_without_tls_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breached._opener, "open", lambda *_a, **_k: pytest.fail("asked"))
    assert not BreachedPasswords(range_url="http://range.example").contains("hunter2")


def test_a_redirect_is_never_followed() -> None:
    asked = urllib.request.Request("https://range.example/AAAAA")
    handlers = [one for one in breached._opener.handlers if isinstance(one, urllib.request.HTTPRedirectHandler)]
    assert handlers
    for handler in handlers:
        assert handler.redirect_request(asked, io.BytesIO(), 302, "Found", Message(), "http://127.0.0.1/") is None
