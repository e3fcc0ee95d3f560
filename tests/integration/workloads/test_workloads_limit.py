"""How often a service may ask for tokens: two a second in the long run, eight at once, each service for itself."""

import secrets
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from tests.identity_people import MACHINE, Browser, make_person
from tests.workload_asking import ASSERTION_TYPE, pem_of

from ostiary.web import workload
from ostiary.workloads.facade import add_key, add_service

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = {name: ed25519.Ed25519PrivateKey.generate() for name in ("robot", "other")}
AT_ONCE = 8


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Have two services, nobody of whom has asked yet, and a clock that stands still."""
    now = [1000.0]
    workload._allowances.cache_clear()
    monkeypatch.setattr(workload, "ticking", lambda: now[0])
    make_person("olga@example.test", name="Olga")
    for name, key in KEYS.items():
        add_service(name, owner="olga@example.test", actor=MACHINE)
        add_key(name, pem_of(key), actor=MACHINE)
    return now


def ask(name: str = "robot", *, key: Any = None) -> Any:
    now = int(time.time())
    said = {"iss": name, "sub": name, "aud": "https://id.example.test", "exp": now + 60, "jti": secrets.token_hex(8)}
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": jwt.encode(said, key or KEYS[name], algorithm="EdDSA"),
    }
    content = "&".join(f"{field}={value}" for field, value in form.items())
    return Browser().client.post("/workload/token", content, content_type="application/x-www-form-urlencoded")


def test_who_asks_too_often_waits_and_nobody_else_does(clock: list[float]) -> None:
    assert [ask().status_code for _ in range(AT_ONCE)] == [200] * AT_ONCE
    slower = ask()
    assert (slower.status_code, slower.json()["error"], slower["Retry-After"]) == (429, "slow_down", "1")
    assert slower["Cache-Control"] == "no-store"
    assert ask("other").status_code == 200
    clock[0] += 0.49
    assert ask().status_code == 429
    clock[0] += 0.01
    assert ask().status_code == 200
    assert ask().status_code == 429
    clock[0] += 3600
    assert [ask().status_code for _ in range(AT_ONCE + 1)] == [200] * AT_ONCE + [429], "waiting long saves up no more"


def test_whoever_proves_nothing_uses_nobodys_share_up(clock: list[float]) -> None:
    del clock
    stranger = ed25519.Ed25519PrivateKey.generate()
    assert {ask(key=stranger).status_code for _ in range(2 * AT_ONCE)} == {401}
    assert [ask().status_code for _ in range(AT_ONCE)] == [200] * AT_ONCE
