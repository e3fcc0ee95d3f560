"""No header and no cookie of ours is taken from outside or handed on: through a real Envoy."""

import pytest
from tests.gateway_fixtures import GatewayUnderTest, echo_app
from tests.gateway_requests import received, values

pytestmark = [pytest.mark.e2e]


class TestHeadersAClientForges:
    SPELLINGS = ("X-Ostiary-Assertion", "x-ostiary-assertion", "X-OSTIARY-ASSERTION")

    @pytest.mark.parametrize("spelling", SPELLINGS)
    @pytest.mark.parametrize("way", ["slow", "grant"])
    def test_the_app_sees_exactly_our_assertion(self, gateway: GatewayUnderTest, spelling: str, way: str) -> None:
        headers = [f"{spelling}: forged", f"{spelling}: again", "Remote-User: root", "X-Team: root", "Remote-Groups: x"]
        if way == "grant":
            headers.append(f"Cookie: {gateway.grant_cookie('wiki', h_remote_user='ada@example.test')}")
        answer = gateway.raw_path("wiki", "/", *headers)

        assert values(answer, "x-ostiary-assertion") == ["assertion.of.the.grant" if way == "grant" else "signed"]
        assert values(answer, "remote-user") == (["ada@example.test"] if way == "grant" else [])
        assert values(answer, "x-team") == []
        assert values(answer, "remote-groups") == []
        assert bool(gateway.stub.checks()) is (way == "slow")

    def test_a_connection_header_takes_nothing_of_ours_away(self, gateway: GatewayUnderTest) -> None:
        for named in (
            "x-ostiary-assertion",
            "x-ostiary-app, x-ostiary-client",
            "cookie",
            "x-forwarded-for",
            "te, close",
        ):
            for cookie in ([], [f"Cookie: {gateway.grant_cookie('wiki')}"]):
                lines = ["GET / HTTP/1.1", "Host: {authority}", f"Connection: {named}, close", *cookie, "", ""]
                answer = gateway.raw("wiki", "\r\n".join(lines).encode())

                if named == "x-forwarded-for":
                    assert answer.status == 400
                    continue
                assert len(values(answer, "x-ostiary-assertion")) == 1
                assert values(answer, "x-forwarded-for") == ["127.0.0.1"]
                assert values(answer, "connection") == []

    @pytest.mark.parametrize("name", ["X_Ostiary_Assertion", "x_ostiary-assertion", "Remote_User", "X_Forwarded_For"])
    def test_underscores_are_refused(self, gateway: GatewayUnderTest, name: str) -> None:
        assert gateway.raw_path("wiki", "/", f"{name}: forged").status == 400
        assert gateway.stub.asked == []

    def test_what_travels_between_us_is_ours(self, gateway: GatewayUnderTest) -> None:
        forged = ["app", "client", "peer", "protocol", "stream", "session", "reference", "anything-else"]
        answer = gateway.raw_path("wiki", "/", *(f"X-Ostiary-{name}: forged" for name in forged))

        asked = gateway.stub.checks()[0]
        assert asked.header("x-ostiary-app") == "wiki"
        assert asked.header("x-ostiary-client") == "127.0.0.1"
        assert str(asked.header("x-ostiary-peer")).startswith("127.0.0.1:")
        assert asked.header("x-ostiary-stream") is None
        assert asked.header("x-ostiary-anything-else") is None
        assert [name for name, _ in received(answer) if name.startswith("x-ostiary-")] == ["x-ostiary-assertion"]

    def test_forwarding_headers_are_ours(self, gateway: GatewayUnderTest) -> None:
        forged = (
            "X-Forwarded-For: 10.9.9.9",
            "X-Forwarded-Host: evil.test",
            "X-Forwarded-Proto: http",
            "X-Forwarded-Port: 1",
            "X-Forwarded-Prefix: /evil",
            "X-Forwarded-User: root",
            "Forwarded: for=10.9.9.9",
            "X-Original-URL: /admin",
            "X-Rewrite-URL: /admin",
            "X-Original-Host: evil.test",
            "X-Real-IP: 10.9.9.9",
            "X-Client-IP: 10.9.9.9",
            "True-Client-IP: 10.9.9.9",
            "CF-Connecting-IP: 10.9.9.9",
            "X-HTTP-Method-Override: DELETE",
            "X-Envoy-Original-Path: /admin",
            "X-Envoy-Upstream-Rq-Timeout-Ms: 1",
            "X-Envoy-Retry-On: 5xx",
            "Proxy: http://evil.test",
        )
        answer = gateway.raw_path("wiki", "/", *forged)

        authority = f"wiki.example.test:{gateway.https_port}"
        ours = {
            name: value for name, value in received(answer) if name.startswith(("x-", "for", "true", "cf", "proxy"))
        }
        assert ours.pop("x-request-id")
        assert ours == {
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-host": authority,
            "x-forwarded-port": str(gateway.https_port),
            "x-forwarded-proto": "https",
            "x-ostiary-assertion": "signed",
        }
        assert gateway.stub.checks()[0].header("x-ostiary-client") == "127.0.0.1"

    def test_a_request_number_is_ours(self, gateway: GatewayUnderTest) -> None:
        answer = gateway.raw_path("wiki", "/", "X-Request-Id: 00000000-0000-4000-8000-000000000000")

        assert values(answer, "x-request-id") != ["00000000-0000-4000-8000-000000000000"]

    def test_an_upstream_may_want_another_host(self, gateway: GatewayUnderTest) -> None:
        answer = gateway.get("moved", "/")

        assert values(answer, "host") == ["inner.local:8080"]
        assert values(answer, "x-forwarded-host") == [f"moved.example.test:{gateway.https_port}"]


OURS = "__Host-ostiary-session=secret"


class TestCookies:
    @pytest.mark.parametrize("way", ["slow", "grant"])
    @pytest.mark.parametrize(
        ("sent", "left"),
        [
            (f"{OURS}", []),
            (f"a=1; {OURS}", ["a=1"]),
            (f"{OURS}; a=1", ["a=1"]),
            (f"{OURS}; __Host-ostiary-begin=x; a=1; b=2", ["a=1; b=2"]),
            (f"a=1; {OURS}; __Host-ostiary-begin=y; b=2", ["a=1; b=2"]),
            (f"a=1;{OURS};b=2", ["a=1;b=2"]),
            (f"a=1;   {OURS}  ;  b=2", ["a=1;  b=2"]),
            (f"a=1, {OURS}; b=2", ["a=1; b=2"]),
            ("__HOST-OSTIARY-Session=secret; a=1", ["a=1"]),
            ("__Host-ostiary-later=secret; a=1", ["a=1"]),
            ("__Host-ostiary-session; a=1", ["a=1"]),
            (f";;; {OURS}; a=1", ["a=1"]),
            ("a=__Host-ostiary; b=my__Host-ostiary-x", ["a=__Host-ostiary; b=my__Host-ostiary-x"]),
        ],
    )
    def test_ours_never_reach_the_app_and_its_own_do(
        self, gateway: GatewayUnderTest, way: str, sent: str, left: list[str]
    ) -> None:
        cookie = f"{sent}; {gateway.grant_cookie('wiki')}" if way == "grant" else sent
        answer = gateway.raw_path("wiki", "/", f"Cookie: {cookie}")

        assert values(answer, "cookie") == left
        assert bool(gateway.stub.checks()) is (way == "slow")

    def test_several_cookie_headers_hide_nothing(self, gateway: GatewayUnderTest) -> None:
        answer = gateway.raw_path("wiki", "/", "Cookie: a=1", f"Cookie: {OURS}", "Cookie: b=2")

        assert "secret" not in str(received(answer))

    def test_over_http2_each_cookie_may_come_alone(self, gateway: GatewayUnderTest) -> None:
        headers = [("cookie", "a=1"), ("cookie", OURS), ("cookie", "b=2"), ("cookie", gateway.grant_cookie("wiki"))]
        answer = gateway.get("wiki", "/", http2=True, headers=headers)

        assert values(answer, "cookie") == ["a=1; b=2"]
        assert gateway.stub.checks() == []

    def test_more_cookies_than_we_can_carry_are_lost_rather_than_leaked(self) -> None:
        with GatewayUnderTest([echo_app("wiki")], gateway="max_header_kib = 64") as roomy:
            roomy.stub.allow()
            answer = roomy.raw_path("wiki", "/", f"Cookie: {OURS}; a={'x' * 20_000}")

        assert answer.status == 200
        assert values(answer, "cookie") == []

    @pytest.mark.parametrize("way", ["slow", "grant"])
    def test_on_streams_too(self, gateway: GatewayUnderTest, way: str) -> None:
        cookie = f"{OURS}; a=1" + (f"; {gateway.grant_cookie('wiki')}" if way == "grant" else "")
        answer = gateway.raw_path("wiki", "/", f"Cookie: {cookie}", "Accept: text/event-stream")

        assert values(answer, "cookie") == ["a=1"]
        assert len(gateway.stub.checks()) == 1

    def test_the_decision_service_reads_them(self, gateway: GatewayUnderTest) -> None:
        gateway.raw_path("wiki", "/", f"Cookie: {OURS}; a=1")

        assert gateway.stub.checks()[0].header("cookie") == f"{OURS}; a=1"


class TestProxiesInFront:
    @pytest.mark.parametrize(
        ("sent", "believed"),
        [
            ("198.51.100.7", "198.51.100.7"),
            ("203.0.113.1, 198.51.100.7", "198.51.100.7"),
            ("10.0.0.1, evil, 198.51.100.7", "198.51.100.7"),
            ("198.51.100.7, garbage", "127.0.0.1"),
            ("", "127.0.0.1"),
        ],
    )
    def test_the_last_address_the_proxy_added_is_the_client_and_nothing_else(self, sent: str, believed: str) -> None:
        with GatewayUnderTest([echo_app("wiki")], gateway="trusted_proxies = 1") as gateway:
            gateway.stub.allow()
            forged = [
                "Forwarded: for=10.9.9.9",
                "X-Real-IP: 10.9.9.9",
                "X-Forwarded-Proto: http",
                "X-Forwarded-Host: e.test",
            ]
            answer = gateway.raw_path("wiki", "/", *([f"X-Forwarded-For: {sent}"] if sent else []), *forged)

            asked = gateway.stub.checks()[0]
            assert asked.header("x-ostiary-client") == believed
            assert str(asked.header("x-ostiary-peer")).startswith("127.0.0.1:")
            assert values(answer, "x-forwarded-for") == [believed]
            assert values(answer, "x-forwarded-proto") == ["https"]
            assert values(answer, "x-forwarded-host") == [f"wiki.example.test:{gateway.https_port}"]
