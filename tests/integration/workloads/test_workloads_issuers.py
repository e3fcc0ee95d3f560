"""Waiting for the keys of issuers: however slow one is, few requests wait for it, and those whose key is known do not wait."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from ostiary.workloads.adapters import issuers
from ostiary.workloads.adapters.issuers import DISCOVERY, MAX_WAITING, IssuerUnreachable, keys_of

KEY = {**ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True), "kid": "one"}


class Slow:
    """An issuer that answers when it is let to."""

    def __init__(self) -> None:
        self.asked, self.answers = threading.Semaphore(0), threading.Event()

    def fetch(self, url: str) -> dict[str, Any]:
        if url.endswith(DISCOVERY):
            self.asked.release()
            assert self.answers.wait(60)
            return {"issuer": url.removesuffix(DISCOVERY), "jwks_uri": "https://keys.test"}
        return {"keys": [KEY]}


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    slow = Slow()
    monkeypatch.setattr(issuers, "fetch_json", slow.fetch)
    monkeypatch.setattr(issuers, "_kept", {})
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
            assert [key.key_id for key in one.result(60)] == ["one"]
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
