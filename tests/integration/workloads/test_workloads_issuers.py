"""Waiting for the keys of issuers: however slow one is, few requests wait for it and none for long, and those whose key is known
do not wait."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from tests.signin_site import make_certificate

from ostiary.workloads.adapters import fetching, issuers
from ostiary.workloads.adapters.fetching import IssuerUnreachable
from ostiary.workloads.adapters.issuers import DISCOVERY, MAX_WAITING, keys_of

KEY = {**ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True), "kid": "one"}


class Slow:
    """An issuer that answers when it is let to."""

    def __init__(self) -> None:
        self.asked, self.answers = threading.Semaphore(0), threading.Event()
        self.fails = False

    def json(self, url: str) -> dict[str, Any]:
        if url.endswith(DISCOVERY):
            self.asked.release()
            assert self.answers.wait(60)
            if self.fails:
                raise IssuerUnreachable("It is out of order.")
            return {"issuer": url.removesuffix(DISCOVERY), "jwks_uri": "https://keys.test"}
        return {"keys": [KEY]}


@pytest.fixture
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuers, "_kept", {})


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, nothing_kept: None) -> Iterator[Slow]:
    slow = Slow()
    monkeypatch.setattr(fetching.Fetch, "json", slow.json)
    monkeypatch.setattr(issuers, "ANSWER_SECONDS", 60.0)
    yield slow
    slow.answers.set()


def test_few_requests_wait_for_an_issuer_that_is_slow(slow: Slow) -> None:
    with ThreadPoolExecutor(MAX_WAITING) as pool:
        waiting = [pool.submit(keys_of, f"https://{number}.test", kid="one") for number in range(MAX_WAITING)]
        for _ in waiting:
            assert slow.asked.acquire(timeout=60)
        with pytest.raises(IssuerUnreachable, match="Try again"):
            keys_of("https://0.test", kid="one")
        with pytest.raises(IssuerUnreachable, match="Try again"):
            keys_of("https://another.test", kid="one")
        slow.answers.set()
        for one in waiting:
            assert [key.id for key in one.result(60)] == ["one"]
    assert keys_of("https://another.test", kid="one"), "nobody waits any more"


def test_a_made_up_key_holds_up_nobody_whose_key_is_known(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    slow.answers.set()
    assert keys_of("https://0.test", kid="one")
    assert slow.asked.acquire(timeout=60)
    slow.answers.clear()
    monkeypatch.setattr(issuers, "ASK_AGAIN_SECONDS", 0.0)
    with ThreadPoolExecutor(1) as pool:
        made_up = pool.submit(keys_of, "https://0.test", kid="made-up")
        assert slow.asked.acquire(timeout=60)
        assert keys_of("https://0.test", kid="one")
        slow.answers.set()
        assert made_up.result(60)


def test_a_made_up_key_takes_no_key_away_while_the_issuer_is_out_of_order(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow.answers.set()
    assert keys_of("https://0.test", kid="one")
    slow.fails = True
    monkeypatch.setattr(issuers, "ASK_AGAIN_SECONDS", 0.0)
    with pytest.raises(IssuerUnreachable, match="out of order"):
        keys_of("https://0.test", kid="made-up")
    assert [key.id for key in keys_of("https://0.test", kid="one")] == ["one"]


@contextmanager
def dripping(folder: Path, *, encrypted: bool) -> Iterator[tuple[str, threading.Event]]:
    """An issuer that gives one byte of its headers at a time, for as long as anybody listens; then it says so.

    Args:
        encrypted: whether it completes the handshake first; else that is what never ends.
    """
    certificate, key, _digest = make_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listening, left, over = socket.create_server(("127.0.0.1", 0)), threading.Event(), threading.Event()

    def answer() -> None:
        plain, _peer = listening.accept()
        with suppress(OSError), plain, context.wrap_socket(plain, server_side=True) if encrypted else plain as to:
            to.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: " if encrypted else b"\x16\x03\x03\x40\x00")
            while not over.wait(0.02):
                to.sendall(b"x")
        left.set()

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{listening.getsockname()[1]}", left
    finally:
        over.set()
        listening.close()
        thread.join(60)


@pytest.mark.parametrize("encrypted", [True, False])
def test_an_issuer_that_drips_is_given_up_and_its_connection_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nothing_kept: None, encrypted: bool
) -> None:
    """Each byte comes within any time limit; all of them never do."""
    with dripping(tmp_path, encrypted=encrypted) as (url, left):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        monkeypatch.setattr(fetching, "_context", lambda: context)
        monkeypatch.setattr(fetching, "describe_forbidden", lambda *_a, **_k: "")
        monkeypatch.setattr(issuers, "ANSWER_SECONDS", 0.5)
        with pytest.raises(IssuerUnreachable, match="cannot be had"):
            keys_of(url, kid="one")
        assert left.wait(60), "nobody listens to it any more"


def test_a_name_that_is_not_looked_up_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch, nothing_kept: None) -> None:
    looked_up, go_on = threading.Event(), threading.Event()

    def hang(*_given: object, **_named: object) -> list[Any]:
        looked_up.set()
        assert go_on.wait(60)
        return []

    monkeypatch.setattr(fetching.socket, "getaddrinfo", hang)
    monkeypatch.setattr(issuers, "ANSWER_SECONDS", 0.2)
    try:
        with pytest.raises(IssuerUnreachable, match="did not answer within"):
            keys_of("https://hangs.test", kid="one")
        assert looked_up.is_set()
    finally:
        go_on.set()


def test_questions_that_nobody_waits_for_any_more_are_few_too(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look-up cannot be cut. While too many hang, nobody else is asked."""
    monkeypatch.setattr(issuers, "ANSWER_SECONDS", 0.05)
    for number in range(issuers.MAX_ASKING):
        with pytest.raises(IssuerUnreachable, match="did not answer within"):
            keys_of(f"https://{number}.test", kid="one")
    with pytest.raises(IssuerUnreachable, match="Try again"):
        keys_of("https://another.test", kid="one")
    slow.answers.set()
    monkeypatch.setattr(issuers, "ANSWER_SECONDS", 60.0)
    ask_until_free(lambda: keys_of("https://another.test", kid="one"))


def ask_until_free(ask: Callable[[], object]) -> None:
    """The hung questions end one by one once they are answered."""
    for _ in range(6000):
        with suppress(IssuerUnreachable):
            assert ask()
            return
        threading.Event().wait(0.01)
    pytest.fail("the questions never ended")
