"""Tokens of issuers: good once where the issuer makes a new one each time, tried rule by rule, and what is wrong with one is said."""

import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from jwt.algorithms import ECAlgorithm
from tests.identity_people import MACHINE, make_person
from tests.workload_asking import JWT_BEARER
from typer.testing import CliRunner

from ostiary.cli.main import app
from ostiary.workloads.facade import (
    GITHUB,
    GITLAB,
    AssertionRefused,
    TokenRefused,
    add_service,
    add_trust,
    entitle,
    tend_services,
    try_token,
)
from ostiary.workloads.models import UsedAssertion

pytestmark = pytest.mark.django_db(transaction=True)
KEY = ec.generate_private_key(ec.SECP256R1())
KEYS = json.dumps({"keys": [{**ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "one"}]})
CLAIMS = {"repository": "acme/web", "ref": "refs/heads/*"}
JOB = {"repository": "acme/web", "ref": "refs/heads/main", "sub": "repo:acme/web:ref:refs/heads/main"}
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256."""


def job(issuer: str = GITHUB, *, key: Any = KEY, **claims: Any) -> str:
    now = int(time.time())
    said = {"iss": issuer, "aud": "https://id.test", "iat": now, "exp": now + 300, **JOB, **claims}
    return jwt.encode(said, key, algorithm="ES256", headers={"kid": "one"})


def hand_in(token: str, service: str = "deploy", *, now: float | None = None) -> Any:
    form = {"grant_type": JWT_BEARER, "client_id": service, "assertion": token}
    return entitle(form, audiences=["x"], address="", now=now or time.time(), wait=lambda _service: 0.0)


def spelled_otherwise(token: str) -> str:
    """Return the same token with the other signature that every ECDSA signature has a twin in."""
    head, body, signature = token.split(".")
    raw = jwt.utils.base64url_decode(signature)
    r, s = decode_dss_signature(jwt.utils.raw_to_der_signature(raw, KEY.curve))
    twin = r.to_bytes(32, "big") + (ORDER - s).to_bytes(32, "big")
    return f"{head}.{body}.{jwt.utils.base64url_encode(twin).decode()}"


@pytest.fixture(autouse=True)
def deploy() -> None:
    make_person("olga@example.test", name="Olga")
    add_service("deploy", owner="olga@example.test", actor=MACHINE)


def trust(issuer: str = GITHUB, *, service: str = "deploy", once: bool | None = None, keys: str = KEYS) -> Any:
    given = {"issuer": issuer, "audience": "https://id.test", "claims": CLAIMS, "keys": keys, "once": once}
    return add_trust(service, actor=MACHINE, **given).trusts[-1]  # type: ignore[arg-type]


def test_a_token_of_github_is_good_once_however_its_signature_is_spelled() -> None:
    assert trust().once
    first = job(jti="1")
    assert hand_in(first).service == "deploy"
    for again in (first, spelled_otherwise(first)):
        with pytest.raises(TokenRefused, match="used before") as refused:
            hand_in(again)
        assert refused.value.code == "invalid_grant"
    assert hand_in(job(jti="2")).service == "deploy", "the job asks GitHub for another"


def test_a_token_used_for_one_service_is_used_for_all() -> None:
    add_service("other", owner="olga@example.test", actor=MACHINE)
    trust()
    trust(service="other")
    token = job()
    hand_in(token, "other")
    with pytest.raises(TokenRefused, match="used before"):
        hand_in(token)


def test_a_token_that_a_job_has_for_its_whole_life_may_come_again_unless_somebody_says_otherwise() -> None:
    assert not trust(GITLAB).once
    token = job(GITLAB)
    assert [hand_in(token).service for _ in range(3)] == ["deploy"] * 3
    add_service("strict", owner="olga@example.test", actor=MACHINE)
    assert trust(GITLAB, service="strict", once=True).once
    assert not trust(GITHUB, service="strict", once=False).once
    hand_in(token, "strict")
    with pytest.raises(TokenRefused, match="used before"):
        hand_in(token, "strict")


def test_a_used_token_is_remembered_until_it_has_run_out_and_no_longer() -> None:
    trust()
    token, now = job(), time.time()
    hand_in(token)
    tend_services(now=now + 310)
    with pytest.raises(TokenRefused, match="used before"):
        hand_in(token, now=now + 315)
    tend_services(now=now + 340)
    assert not UsedAssertion.objects.exists()
    with pytest.raises(TokenRefused, match="run out"):
        hand_in(token, now=now + 340)


def test_what_is_refused_uses_nothing_up() -> None:
    trust()
    token = job()
    form = {"grant_type": JWT_BEARER, "client_id": "deploy", "assertion": token, "resource": "https://nowhere.test"}
    with pytest.raises(TokenRefused, match="resource"):
        entitle(form, audiences=["x"], address="", now=time.time(), wait=lambda _service: 0.0)
    assert hand_in(token)


def test_trying_a_token_says_which_rules_it_meets_and_uses_nothing_up() -> None:
    trust()
    good = job()
    tried = try_token("deploy", f"\n{good}\n", now=time.time())
    (one,) = tried.trusts
    assert (one.stands, one.problems, [rule.fits for rule in one.rules]) == (True, (), [True, True])
    assert tried.claims["sub"] == JOB["sub"]
    assert hand_in(good), "trying has not used it up"
    assert "used before" in try_token("deploy", good, now=time.time()).trusts[0].problems[0]
    for wrong, words in (
        ({"repository": "acme/other"}, None),
        ({"aud": "https://elsewhere.test"}, "not for https://id.test"),
        ({"issuer": GITLAB}, "of another issuer: https://gitlab.com"),
        ({"key": ec.generate_private_key(ec.SECP256R1())}, "has not signed"),
        ({"exp": int(time.time()) - 60}, "run out"),
    ):
        (one,) = try_token("deploy", job(**wrong), now=time.time()).trusts  # type: ignore[arg-type]
        assert not one.stands
        assert one.problems == () if words is None else words in one.problems[0]
        assert all(rule.fits for rule in one.rules) is (words is not None)
    with pytest.raises(AssertionRefused, match="no signed token"):
        try_token("deploy", "nonsense", now=time.time())


def test_the_commands_list_and_try() -> None:
    runner = CliRunner()
    assert "It trusts no issuer" in runner.invoke(app, ["workload", "trust", "list", "deploy"]).output
    trust()
    (listed,) = json.loads(runner.invoke(app, ["workload", "trust", "list", "deploy", "--json"]).stdout)
    assert (listed["issuer"], listed["once"]) == (GITHUB, True)
    assert "once" in runner.invoke(app, ["workload", "trust", "list", "deploy"]).stdout
    words = ["workload", "trust", "try", "deploy", "-"]
    said = runner.invoke(app, words, input=job(repository="acme/other"))
    assert (said.exit_code, "does not stand" in said.stdout, "acme/other" in said.stdout) == (0, True, True)
    tried = json.loads(runner.invoke(app, [*words, "--json"], input=job()).stdout)
    assert tried["trusts"][0]["stands"] is True
