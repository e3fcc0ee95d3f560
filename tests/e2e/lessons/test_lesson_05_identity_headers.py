"""Lesson 5: the app hears exactly our word on who is asking, on the slow path and on a grant, whatever a client sends."""

import json

import jwt
import pytest
from tests.running_instance import Client, RunningInstance, reached, received
from tests.workload_asking import FACADE, SERVICE_RULES, Program

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]

SPELLINGS = ("X-Ostiary-Assertion", "x-ostiary-assertion", "X-OSTIARY-ASSERTION", "x-Ostiary-assertion")
UNDERSCORES = ("X_Ostiary_Assertion", "x_ostiary-assertion", "X-Ostiary_Assertion", "Remote_User", "REMOTE_USER")


@pytest.fixture(scope="module")
def ada(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff")).enter("wiki")


@pytest.fixture(params=["slow", "grant"])
def cookie(request: pytest.FixtureRequest, ada: Client) -> str:
    ada.enter("wiki")
    held = ada.cookies("wiki")
    assert "__Host-ostiary-grant" in held
    names = ("__Host-ostiary-session",) if request.param == "slow" else tuple(held)
    return "Cookie: " + "; ".join(f"{name}={held[name]}" for name in names)


def check_identity(ada: Client, answer: object) -> None:
    (assertion,) = received(answer, "x-ostiary-assertion")
    keys = ada.running.raw_path("wiki", "/.well-known/ostiary/jwks.json")
    key = jwt.PyJWK(json.loads(keys.body)["keys"][0])
    claims = jwt.decode(assertion, key, algorithms=["ES256"], audience="wiki")
    assert claims["sub"] == ada.account.id
    assert claims["iss"] == ada.running.url("id").rstrip("/")
    assert received(answer, "remote-user") == [ada.account.email]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_forged_assertion_is_replaced(ada: Client, cookie: str, spelling: str) -> None:
    forged = [
        f"{spelling}: forged",
        f"{spelling}: again",
        "Remote-User: root",
        "remote-user: root",
        "Remote-Groups: all",
    ]
    answer = ada.running.raw_path("wiki", "/", *forged, cookie)
    check_identity(ada, answer)
    assert received(answer, "remote-groups") == []


@pytest.mark.parametrize(
    "listed", ["x-ostiary-assertion", "remote-user, X-Ostiary-Assertion", "cookie", "keep-alive, remote-user"]
)
def test_a_connection_header_takes_nothing_away(ada: Client, cookie: str, listed: str) -> None:
    lines = ["GET / HTTP/1.1", "Host: {authority}", f"Connection: {listed}, close", cookie, "", ""]
    answer = ada.running.raw("wiki", "\r\n".join(lines).encode())
    if listed == "cookie":
        assert answer.status == 401, "whoever has their cookie removed is nobody"
    elif answer.status != 400:
        check_identity(ada, answer)


@pytest.mark.parametrize("name", UNDERSCORES)
def test_underscores_are_refused(ada: Client, cookie: str, name: str) -> None:
    before = ada.running.echo.requests.total()
    assert ada.running.raw_path("wiki", "/", f"{name}: root", cookie).status == 400
    assert ada.running.echo.requests.total() == before


def test_spaces_and_folds_make_no_other_header(ada: Client, cookie: str) -> None:
    for line in (
        "X-Ostiary-Assertion : forged",
        " X-Ostiary-Assertion: forged",
        "A: b\r\n X-Ostiary-Assertion: forged",
    ):
        answer = ada.running.raw_path("wiki", "/", line, cookie)
        if answer.status != 400:
            check_identity(ada, answer)


def test_http2_headers_are_no_way_round(ada: Client, cookie: str) -> None:
    mine = ("cookie", cookie.removeprefix("Cookie: "))
    answer = ada.running.http2_get("wiki", "/", ("x-ostiary-assertion", "forged"), ("remote-user", "root"), mine)
    assert answer.status == 200
    seen = [value for name, value in json.loads(answer.body)["headers"] if name.lower() == "remote-user"]
    assert seen == [ada.account.email]
    for name in ("X-Ostiary-Assertion", "x_ostiary_assertion"):
        assert ada.running.http2_get("wiki", "/", (name, "forged"), mine).status in {0, 400}


def test_trailers_carry_no_identity(ada: Client, cookie: str) -> None:
    head = ["POST /x HTTP/1.1", "Host: {authority}", "Transfer-Encoding: chunked", "Trailer: Remote-User", cookie]
    body = "\r\n\r\n1\r\nx\r\n0\r\nRemote-User: root\r\nX-Ostiary-Assertion: forged\r\n\r\n"
    answer = ada.running.raw("wiki", ("\r\n".join(head) + body).encode())
    if reached(answer):
        check_identity(ada, answer)
    else:
        assert answer.status in {0, 400}


def test_nobody_is_somebody_by_an_assertion_alone(ada: Client) -> None:
    stolen = received(ada.api("wiki"), "x-ostiary-assertion")[0]
    for host in ("wiki", "files", "admin"):
        assert ada.running.raw_path(host, "/", f"X-Ostiary-Assertion: {stolen}", "Remote-User: root").status == 401


def test_a_token_of_ours_reaches_no_app_in_any_spelling(running: RunningInstance) -> None:
    robot = Program(running, "robot", owner=running.make_person("staff").email)
    with running.rules(SERVICE_RULES):
        token = robot.token()
        for name in ("Authorization", "authorization", "AUTHORIZATION"):
            for scheme in ("Bearer", "bearer", "BEARER "):
                answer = running.raw_path("wiki", "/", f"{name}: {scheme} {token}", "Remote-User: root")
                assert received(answer, "authorization") == []
                assert token.encode() not in answer.body
                assert received(answer, "remote-user") == [""]
        http2 = running.http2_get("wiki", "/", ("authorization", f"Bearer {token}"))
        assert http2.status == 200
        assert token.encode() not in http2.body
    running.operator(f"{FACADE}:remove_service", "robot")
