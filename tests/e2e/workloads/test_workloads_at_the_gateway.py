"""A service gets a token with its key and uses apps with it, through the real gateway, from outside."""

import ssl
import time
from contextlib import suppress

import httpx
import jwt
import pytest
from tests.running_instance import RunningInstance, reached, received
from tests.workload_asking import FACADE, Program

from ostiary.gateway.workload_tokens import WorkloadClaims, sign_workload, workload_key
from ostiary.policy.identifiers import AppId, ServiceId
from ostiary.visibility.domain.ocsf import USER_TYPE_SERVICE

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
PATIENCE_SECONDS = 60.0


def forged(running: RunningInstance, **changes: object) -> str:
    """Return a token with the instance's own key, as a service's token is but for the changes."""
    now = time.time()
    said = {"service": "robot", "app": "*", "issued_at": now, "expires_at": now + 300, "jti": "x", **changes}
    claims = WorkloadClaims(**said)  # type: ignore[arg-type]
    return sign_workload(workload_key(running.secret("session.key")), claims)


def test_the_app_hears_which_service_asks_and_never_its_token(robot: Program) -> None:
    token = robot.token()
    answer = robot.get("wiki", "/page", token=token)
    assert reached(answer), answer.text
    assert received(answer, "authorization") == []
    assert token not in answer.text
    (assertion,) = received(answer, "x-ostiary-assertion")
    keys = robot.send("GET", robot.running.url("wiki", "/.well-known/ostiary/jwks.json")).json()
    claims = jwt.decode(assertion, jwt.PyJWK(keys["keys"][0]), algorithms=["ES256"], audience="wiki")
    assert claims["sub"] == "service:robot"
    assert claims["amr"] == ["workload"]
    assert claims["groups"] == []
    assert received(answer, "remote-name") == ["service:robot"]
    assert received(answer, "remote-user") == [""]
    assert "set-cookie" not in answer.headers, "a service gets no grant"


def test_the_rules_decide_and_each_request_is_on_record(robot: Program) -> None:
    token = robot.token()
    assert reached(robot.get("wiki", token=token, method="POST"))
    refused = robot.get("wiki", token=token, method="DELETE")
    assert refused.status_code == 403
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["reason"] == "conditions_unmet"
    assert "viewing" in refused.json()["detail"]
    nothing = robot.get("files", "/public/x", token=token, accept="text/html")
    assert nothing.status_code == 403
    assert nothing.json()["reason"] == "no_rule_applies"
    assert "remedy" not in nothing.json()
    event = next(
        one for one in reversed(robot.running.decisions()) if one["metadata"]["uid"] == nothing.json()["reference"]
    )
    assert event["actor"]["user"]["uid"] == "robot"
    assert event["actor"]["user"]["type_id"] == USER_TYPE_SERVICE


def test_a_service_proves_no_second_factor(robot: Program) -> None:
    refused = robot.get("payroll", token=robot.token()).json()
    assert refused["unmet"][0]["condition"] == "mfa"
    assert "a service cannot" in refused["detail"]
    assert "remedy" not in refused["unmet"][0]


def test_no_token_opens_the_console_whatever_the_rules_say(robot: Program) -> None:
    refused = robot.get("admin", "/people/", token=robot.token())
    assert (refused.status_code, refused.json()["reason"]) == (403, "token_scope")
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]


def test_a_token_for_one_app_opens_no_other(robot: Program) -> None:
    token = robot.token(resource=robot.running.url("wiki"))
    assert reached(robot.get("wiki", token=token))
    refused = robot.get("told", token=token)
    assert (refused.status_code, refused.json()["reason"]) == (401, "token_refused")
    assert 'Bearer realm="Told", error="invalid_token"' in refused.headers["www-authenticate"]
    assert robot.ask(resource="https://elsewhere.test/").json()["error"] == "invalid_target"
    assert robot.ask(resource=robot.running.url("admin")).json()["error"] == "invalid_target"


def test_what_is_not_exactly_a_good_token_is_refused(robot: Program) -> None:
    now, running = time.time(), robot.running
    good = robot.token()
    assert reached(robot.get("wiki", token=forged(running))), "forging works, so the refusals mean something"
    body, _, signature = good.rpartition(".")
    for bad in (
        forged(running, expires_at=now - 1, issued_at=now - 60),
        forged(running, issued_at=now + 60, expires_at=now + 120),
        forged(running, service=ServiceId("nobody")),
        forged(running, app=AppId("files")),
        f"{body}.{signature[::-1]}",
        good + "x",
        good.replace("ostiary_wl_", "OSTIARY_WL_"),
        "ostiary_wl_",
        "ostiary_pat_" + "0" * 64,
        f"x{good}",
    ):
        refused = robot.get("wiki", token=bad)
        assert refused.status_code == 401, bad
        assert refused.json()["reason"] == "token_refused"
    twice = running.raw_path("wiki", "/", f"Authorization: Bearer {good}", "Authorization: Bearer theirs")
    assert twice.status in {400, 401}
    assert running.raw_path("wiki", "/", f"Authorization: Basic {good}").status == 401


def test_a_switched_off_service_is_refused_from_the_next_request_and_old_tokens_stay_worthless(
    running: RunningInstance, robot: Program, owner: str
) -> None:
    other = Program(running, "other", owner=owner)
    token = other.token()
    assert reached(other.get("wiki", token=token))
    running.operator(f"{FACADE}:disable_service", "other")
    running.in_force()
    refused = other.get("wiki", token=token)
    assert (refused.status_code, refused.json()["reason"]) == (403, "service_disabled")
    assert other.ask().json()["error"] == "invalid_client"
    running.operator(f"{FACADE}:enable_service", "other")
    running.in_force()
    assert other.get("wiki", token=token).json()["reason"] == "token_refused"
    fresh = other.token()
    assert reached(other.get("wiki", token=fresh))
    running.operator(f"{FACADE}:remove_service", "other")
    running.in_force()
    again = Program(running, "other", owner=owner)
    assert again.get("wiki", token=fresh).status_code == 401, "a name that is given again inherits no token"
    running.operator(f"{FACADE}:remove_service", "other")


def download(program: Program) -> ssl.SSLSocket:
    """An ordinary request whose answer never ends; the decision service let it in and hears of it again only by a report."""
    running = program.running
    connection = running.connect("wiki")
    connection.settimeout(PATIENCE_SECONDS)
    lines = (
        "GET /events HTTP/1.1",
        f"Host: {running.host('wiki')}:{running.https_port}",
        f"Authorization: Bearer {program.token()}",
        "Accept: */*",
    )
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    assert b" 200 " in connection.recv(65536)
    return connection


def is_cut(connection: ssl.SSLSocket) -> bool:
    with suppress(ConnectionError, ssl.SSLError):
        try:
            while connection.recv(65536):
                pass
        except TimeoutError:
            return False
    return True


def test_a_download_ends_with_the_key_that_let_it_in(running: RunningInstance, robot: Program, owner: str) -> None:
    other = Program(running, "other", owner=owner)
    (key,) = running.operator(f"{FACADE}:get_service", "other", acting=False)["keys"]
    with download(other) as theirs, download(robot) as ours:
        running.operator(f"{FACADE}:remove_key", "other", key["id"])
        assert is_cut(theirs)
        assert ours.recv(1), "nobody else is disturbed"
    running.operator(f"{FACADE}:remove_service", "other")


def test_a_grant_beside_a_token_lets_nothing_pass(running: RunningInstance, robot: Program) -> None:
    ada = running.signed_in(running.make_person("staff")).enter("wiki")
    held = ada.cookies("wiki")
    assert "__Host-ostiary-grant" in held
    cookie = "; ".join(f"{name}={value}" for name, value in held.items())
    assert reached(robot.send("GET", running.url("wiki"), headers={"cookie": cookie}))
    for bad in ("ostiary_wl_x", "ostiary_pat_x", "Ostiary_WL_x"):
        answer = robot.send("GET", running.url("wiki"), headers={"cookie": cookie, "authorization": f"Bearer {bad}"})
        assert answer.status_code == 401, bad
    mine = robot.get("wiki", token=robot.token(), cookie=cookie)
    (assertion,) = received(mine, "x-ostiary-assertion")
    assert running.unverified_claims(assertion)["sub"] == "service:robot", "the token decides, not the cookie"


def test_an_apps_own_credentials_reach_it_and_open_nothing(running: RunningInstance, robot: Program) -> None:
    own = {"authorization": "Bearer the-apps-own"}
    answer = robot.send("GET", running.url("wiki"), headers={**own, "accept": "*/*", "sec-fetch-mode": "cors"})
    assert (answer.status_code, answer.json()["reason"]) == (401, "unauthenticated")
    ada = running.signed_in(running.make_person("staff")).enter("wiki")
    assert received(ada.api("wiki", **own), "authorization") == ["Bearer the-apps-own"]
    ada.cookies("wiki").pop("__Host-ostiary-grant")
    assert received(ada.api("wiki", method="POST", **own), "authorization") == ["Bearer the-apps-own"]


def test_a_token_behind_another_proxy_is_refused_for_it_would_reach_the_app(robot: Program) -> None:
    running = robot.running
    asked = {
        "x-forwarded-method": "GET",
        "x-forwarded-host": f"{running.host('wiki')}:{running.https_port}",
        "x-forwarded-uri": "/",
        "authorization": f"Bearer {robot.token()}",
    }
    answer = httpx.get(f"http://127.0.0.1:{running.forward_auth_port}/forward-auth/caddy", headers=asked)
    assert (answer.status_code, answer.json()["reason"]) == (401, "token_refused")


def test_the_metadata_names_the_token_endpoint(robot: Program) -> None:
    answer = robot.send("GET", robot.running.url("id", "/.well-known/oauth-authorization-server"))
    said = answer.json()
    assert said["issuer"] == robot.running.url("id", "")
    assert said["token_endpoint"] == robot.running.url("id", "/oidc/token")
    assert {"private_key_jwt", "none"} <= set(said["token_endpoint_auth_methods_supported"])
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": robot.assertion(aud=said["token_endpoint"]),
    }
    assert robot.send("POST", said["token_endpoint"], data=form).json()["token_type"] == "Bearer"
