"""How large, slow or many requests may be, and what a refusal says: through a real Envoy."""

import time
from collections.abc import Iterator

import pytest
from tests.gateway_fixtures import GatewayUnderTest, RawAnswer, read_answer

pytestmark = [pytest.mark.e2e]


class TestLimits:
    def test_a_body_that_is_announced_too_large(self, gateway: GatewayUnderTest) -> None:
        answer = gateway.raw_path("wiki", "/", "Content-Length: 100001", method="POST")

        assert answer.status == 413
        assert not gateway.upstream.requests

    def test_a_body_that_grows_too_large(self, gateway: GatewayUnderTest) -> None:
        with gateway.open("wiki") as connection:
            head = f"POST /upload HTTP/1.1\r\nHost: wiki.example.test:{gateway.https_port}\r\n"
            connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
            try:
                for _ in range(20):
                    connection.sendall(chunk)
            except OSError:
                pass
            answer = read_answer(connection)

        assert answer.status in {413, 0}

    def test_a_body_within_the_limit_passes_in_pieces(self, gateway: GatewayUnderTest) -> None:
        def pieces() -> Iterator[bytes]:
            for _ in range(9):
                yield b"x" * 10_000

        assert gateway.ask("PUT", "wiki", content=pieces()).json()["body_bytes"] == 90_000

    def test_headers_that_are_too_large(self, gateway: GatewayUnderTest) -> None:
        assert gateway.raw_path("wiki", "/", f"X-Big: {'x' * 9000}").status == 431
        assert gateway.raw_path("wiki", "/", *(f"X-{number}: 1" for number in range(120))).status == 431
        assert gateway.stub.asked == []

    def test_a_request_that_never_ends_its_headers_is_closed(self, gateway: GatewayUnderTest) -> None:
        with gateway.open("wiki") as connection:
            connection.settimeout(60)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: wiki.example.test\r\n")
            began = time.monotonic()
            answer = read_answer(connection)

        assert answer.status in {408, 0}
        assert time.monotonic() - began < 55

    @pytest.mark.parametrize(
        "request_bytes",
        [
            b"CONNECT evil.test:443 HTTP/1.1\r\nHost: {authority}\r\n\r\n",
            b"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: {authority}\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: {authority}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: {authority}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: {authority}\r\nX: a\x00b\r\n\r\n",
            b"GET / HTTP/1.1\r\n Host: {authority}\r\n\r\n",
            b"TRACE / HTTP/9.9\r\nHost: {authority}\r\n\r\n",
            b"\x16\x03\x01 not http at all\r\n\r\n",
        ],
    )
    def test_what_is_not_clearly_one_request_is_refused(self, gateway: GatewayUnderTest, request_bytes: bytes) -> None:
        answer = gateway.raw("wiki", request_bytes)

        assert answer.status >= 400 or answer.status == 0
        assert not gateway.upstream.requests

    def test_http_1_0_is_refused(self, gateway: GatewayUnderTest) -> None:
        assert gateway.raw("wiki", b"GET / HTTP/1.0\r\nHost: {authority}\r\n\r\n").status == 426


class TestWords:
    def test_people_read_a_page_and_programs_a_problem(self, gateway: GatewayUnderTest) -> None:
        page = gateway.raw_path("wiki", "/a;b", "Accept: text/html")
        problem = gateway.raw_path("wiki", "/a;b", "Accept: application/json")

        assert b"<h1>The request cannot be read</h1>" in page.body
        assert dict(page.headers)["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
        content = problem.json()
        assert dict(problem.headers)["content-type"] == "application/problem+json"
        assert (content["status"], content["title"]) == (400, "The request cannot be read")
        assert len(content["reference"]) == 36

    def test_nothing_says_what_we_are_made_of(self, gateway: GatewayUnderTest) -> None:
        answers: list[RawAnswer] = [gateway.raw_path("wiki", path) for path in ("/", "/a;b")]

        for answer in answers:
            assert not any(name.lower().startswith("x-envoy") for name, _ in answer.headers)
            assert dict(answer.headers).get("server", "ostiary") != "envoy"


class TestSignInLimit:
    def test_one_address_cannot_try_proofs_without_end(self, gateway: GatewayUnderTest) -> None:
        with gateway.client() as client:
            statuses = [client.post(gateway.url("id", "/signin"), content=b"").status_code for _ in range(400)]

        assert statuses[0] == 200
        assert 429 in statuses
        assert gateway.get("id", "/").status_code == 200
