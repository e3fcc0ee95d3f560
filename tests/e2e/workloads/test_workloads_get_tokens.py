"""Who gets a token and who does not, at the token endpoint of a running instance: keys, replays, and issuers of others over HTTPS."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jwt.algorithms import ECAlgorithm
from tests.running_instance import OperatorRefused, RunningInstance, reached
from tests.workload_asking import FACADE, JWT_BEARER, JWT_TYPE, TOKEN_EXCHANGE, Program
from tests.workload_issuer import DISCOVERY, WorkloadIssuer

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
CLAIMS = {"repository": "acme/web", "ref": "refs/heads/*"}
JOB = {"sub": "repo:acme/web:ref:refs/heads/main", "repository": "acme/web", "ref": "refs/heads/main"}


@pytest.fixture(scope="module")
def issuer(running: RunningInstance) -> Iterator[WorkloadIssuer]:
    with WorkloadIssuer(running.folder) as issuer:
        yield issuer


@pytest.fixture(scope="module")
def pipeline(running: RunningInstance, robot: Program, owner: str, issuer: WorkloadIssuer) -> Iterator[Program]:
    """Have a service for which a job's token stands; `robot` brings the rules."""
    del robot
    running.operator(f"{FACADE}:add_service", "pipeline", owner=owner)
    audience = running.url("id", "")
    running.operator(f"{FACADE}:add_trust", "pipeline", issuer=issuer.url, audience=audience, claims=CLAIMS)
    yield Program(running, "pipeline", owner=owner, add=False)
    running.operator(f"{FACADE}:remove_service", "pipeline")


def hand_in(pipeline: Program, token: str, **form: str) -> Any:
    return pipeline.post(**{"grant_type": JWT_BEARER, "client_id": "pipeline", "assertion": token, **form})


def test_an_assertion_is_good_once(robot: Program) -> None:
    assertion = robot.assertion()
    answer = robot.ask(assertion)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["expires_in"] == 600
    again = robot.ask(assertion)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
    assert "used before" in again.json()["error_description"]


def test_what_does_not_prove_the_service_gets_nothing(robot: Program) -> None:
    now = int(time.time())
    endpoint = robot.running.url("id", "/workload/token")
    stranger = ed25519.Ed25519PrivateKey.generate()
    for good in ({"aud": endpoint}, {"aud": [endpoint]}, {"iat": None}):
        assert robot.ask(robot.assertion(**good)).status_code == 200, good
    for bad in (
        {"aud": "https://elsewhere.test"},
        {"aud": [endpoint, "https://elsewhere.test"]},
        {"aud": None},
        {"iss": "pipeline"},
        {"sub": "pipeline"},
        {"exp": now - 60},
        {"exp": None},
        {"exp": now + 3600},
        {"iat": now + 300, "exp": now + 310},
        {"nbf": now + 300},
        {"jti": None},
        {"jti": "short"},
        {"jti": "x" * 300},
        {"exp": "soon"},
        {"key": stranger},
        {"iss": "nobody-here", "sub": "nobody-here"},
        {"key": b"a secret that somebody might have shared", "algorithm": "HS256"},
    ):
        answer = robot.ask(robot.assertion(**bad))
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), bad
    _head, body, _signature = robot.assertion().split(".")
    assert robot.ask(f"eyJhbGciOiJub25lIn0.{body}.").status_code == 401


def test_forms_that_are_not_as_they_must_be(robot: Program) -> None:
    assert robot.post(grant_type="password").json()["error"] == "unsupported_grant_type"
    assert robot.ask(client_secret="shared", client_assertion_type="").json()["error"] == "invalid_client"
    assert robot.ask(scope="admin").json()["error"] == "invalid_scope"
    assert robot.ask(client_id="pipeline").json()["error"] == "invalid_client"
    url = robot.running.url("id", "/workload/token")
    twice = "grant_type=client_credentials&grant_type=client_credentials"
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert robot.send("POST", url, content=twice, headers=form).json()["error"] == "invalid_request"
    assert robot.send("POST", url, content="{}", headers={"content-type": "application/json"}).status_code == 400
    assert robot.send("POST", url, content="a=" + "x" * 100_000, headers=form).status_code == 400
    assert robot.send("GET", url).status_code == 405


def test_every_token_and_every_refusal_is_on_record(robot: Program) -> None:
    robot.token()
    robot.ask(robot.assertion(aud="https://elsewhere.test"))
    said = [one for one in robot.running.control_events() if one.get("user", {}).get("uid") == "service:robot"]
    assert said[-2]["status_id"] == 1
    assert said[-2]["status_detail"].startswith("key:")
    assert said[-1]["status_id"] == 2
    assert said[-1]["status_detail"] == "invalid_client"


def test_a_job_of_the_right_repository_gets_a_token_and_uses_the_wiki(
    pipeline: Program, issuer: WorkloadIssuer
) -> None:
    answer = hand_in(pipeline, issuer.token(aud=pipeline.running.url("id", ""), **JOB))
    assert answer.status_code == 200, answer.text
    assert reached(pipeline.get("wiki", token=answer.json()["access_token"]))
    exchanged = pipeline.post(
        grant_type=TOKEN_EXCHANGE,
        client_id="pipeline",
        subject_token=issuer.token(aud=pipeline.running.url("id", ""), **JOB),
        subject_token_type=JWT_TYPE,
        resource=pipeline.running.url("wiki"),
    )
    assert exchanged.status_code == 200, exchanged.text
    assert exchanged.json()["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert reached(pipeline.get("wiki", token=exchanged.json()["access_token"]))


def test_other_jobs_get_nothing(pipeline: Program, issuer: WorkloadIssuer) -> None:
    ours, now = pipeline.running.url("id", ""), int(time.time())
    for bad in (
        {"repository": "acme/web2"},
        {"repository": "acme"},
        {"repository": ["acme/web"]},
        {"repository": None},
        {"ref": "refs/tags/v1"},
        {"ref": "x refs/heads/main"},
        {"aud": "https://elsewhere.test"},
        {"aud": None},
        {"iss": "https://elsewhere.test"},
        {"exp": now - 60},
        {"exp": now + 900_000},
        {"nbf": now + 600},
        {"key": ec.generate_private_key(ec.SECP256R1())},
    ):
        claims = {"aud": ours, **JOB, **bad}
        token = issuer.token(**claims)
        answer = hand_in(pipeline, token)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant"), bad
        assert "acme" not in answer.text, "what a service demands is told to nobody outside"
    good = issuer.token(aud=ours, **JOB)
    assert hand_in(pipeline, good, client_id="robot").json()["error"] == "invalid_grant"
    assert hand_in(pipeline, good, client_id="nobody").json()["error"] == "invalid_grant"
    assert hand_in(pipeline, good, client_id="").json()["error"] == "invalid_request"
    assert hand_in(pipeline, "garbage").json()["error"] == "invalid_grant"
    assert hand_in(pipeline, good).status_code == 200


def test_a_key_that_a_token_brings_along_counts_for_nothing(pipeline: Program, issuer: WorkloadIssuer) -> None:
    """Lesson 17: somebody's own key beside a trusted name proves nothing."""
    mine = ec.generate_private_key(ec.SECP256R1())
    jwk = ECAlgorithm.to_jwk(mine.public_key(), as_dict=True)
    for header in ({"jwk": jwk}, {"jku": f"{issuer.url}/theirs", "kid": "theirs"}, {"x5u": f"{issuer.url}/theirs"}):
        issuer.say("/theirs", {"keys": [{**jwk, "kid": "theirs"}]})
        token = issuer.token(key=mine, header=header, aud=pipeline.running.url("id", ""), **JOB)
        assert hand_in(pipeline, token).json()["error"] == "invalid_grant", header


def test_keys_are_kept_and_asked_for_again_only_when_one_is_missing(pipeline: Program, issuer: WorkloadIssuer) -> None:
    token = issuer.token(aud=pipeline.running.url("id", ""), **JOB)
    assert hand_in(pipeline, token).status_code == 200
    asked = issuer.asked()
    for _ in range(3):
        assert hand_in(pipeline, token).status_code == 200
    assert issuer.asked() == asked


def test_an_issuer_that_leads_elsewhere_is_not_followed(
    running: RunningInstance, pipeline: Program, owner: str, issuer: WorkloadIssuer
) -> None:
    running.operator(f"{FACADE}:add_service", "misled", owner=owner)
    ours = running.url("id", "")
    cases = {
        "redirected": (f"redirect {issuer.url}{DISCOVERY}", "answered with 302"),
        "of-another": ({"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"}, "for another issuer"),
        "plain": ({"issuer": f"{issuer.url}/plain", "jwks_uri": "http://localhost/keys"}, "Only https"),
        "metadata": (
            {"issuer": f"{issuer.url}/metadata", "jwks_uri": "https://169.254.169.254/keys"},
            "169.254.169.254",
        ),
        "ourselves": (
            {"issuer": f"{issuer.url}/ourselves", "jwks_uri": f"https://localhost:{running.https_port}/keys"},
            "this gateway itself",
        ),
        "long": ('{"a": "' + "x" * 600_000 + '"}', "did not answer"),
    }
    for name, (said, words) in cases.items():
        issuer.say(f"/{name}{DISCOVERY}", said)
        running.operator(
            f"{FACADE}:add_trust", "misled", issuer=f"{issuer.url}/{name}", audience=ours, claims={"sub": "job"}
        )
        answer = hand_in(pipeline, issuer.token(iss=f"{issuer.url}/{name}", aud=ours, sub="job"), client_id="misled")
        assert answer.json()["error"] == "invalid_grant"
        assert words in answer.json()["error_description"], answer.text
    running.operator(f"{FACADE}:remove_service", "misled")


def test_a_trust_that_lets_strangers_in_is_refused(running: RunningInstance, pipeline: Program) -> None:
    del pipeline
    for claims in (
        {},
        {"ref": "refs/heads/main"},
        {"sub": "repo:*"},
        {"sub": "*"},
        {"sub": ""},
        {"a b": "c", "sub": "x"},
    ):
        with pytest.raises(OperatorRefused, match="UnusableClaims"):
            running.operator(
                f"{FACADE}:add_trust", "pipeline", issuer="https://issuer.test", audience="a", claims=claims
            )
    for issuer in (
        "http://issuer.test",
        "issuer.test",
        "https://u@issuer.test",
        "https://issuer.test/?a=b",
        "https://",
    ):
        with pytest.raises(OperatorRefused, match="UnusableIssuer"):
            running.operator(f"{FACADE}:add_trust", "pipeline", issuer=issuer, audience="a", claims={"sub": "x"})


def test_a_key_that_is_taken_away_takes_its_tokens_along(running: RunningInstance, owner: str, robot: Program) -> None:
    del robot
    other = Program(running, "other", owner=owner)
    token = other.token()
    assert reached(other.get("wiki", token=token))
    (key,) = running.operator(f"{FACADE}:get_service", "other", acting=False)["keys"]
    assert key["used_at"]
    running.operator(f"{FACADE}:remove_key", "other", key["id"])
    running.in_force()
    assert other.get("wiki", token=token).json()["reason"] == "token_refused"
    assert other.ask().json()["error"] == "invalid_client"
    running.operator(f"{FACADE}:remove_service", "other")
