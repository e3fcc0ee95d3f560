"""Every path has one reading, every host one meaning: through a real Envoy."""

import pytest
from tests.gateway_fixtures import GatewayUnderTest

pytestmark = [pytest.mark.e2e]


class TestOneReadingOfEveryPath:
    @pytest.mark.parametrize(
        "target",
        [
            "/admin;a",
            "/x/%2e%2e;/admin",
            "/admin%5Cx",
            "/x\\..\\admin#",
            "/admin%2Fx",
            "/admin%2fx",
            "/admin%00",
            "/admin%0d%0ax",
            "/admin%7f",
            "/private%23/public",
            "/%252e%252e/admin",
            "/%252fadmin",
            "/%255cadmin",
            "/%c0%ae%c0%ae/admin",
            "/admin#/public",
        ],
    )
    def test_a_path_that_can_be_read_in_two_ways_is_refused_before_anybody_is_asked(
        self, gateway: GatewayUnderTest, target: str
    ) -> None:
        answer = gateway.raw_path("wiki", target)

        assert answer.status == 400
        assert gateway.stub.asked == []
        assert not gateway.upstream.requests

    @pytest.mark.parametrize(
        ("target", "seen"),
        [
            ("//admin", "/admin"),
            ("/x/../admin", "/admin"),
            ("/x/..;/admin", "/admin"),
            ("/x/..;a=b/admin", "/admin"),
            ("/x/%2e%2e/admin", "/admin"),
            ("/./admin", "/admin"),
            ("/x//..//admin", "/x/admin"),
            ("/%61dmin", "/admin"),
            ("/admin?x=/../public", "/admin?x=/../public"),
            ("/file%20name%C3%A9", "/file%20name%C3%A9"),
            ("/a%3Bb", "/a%3Bb"),
        ],
    )
    def test_what_is_decided_on_is_what_is_forwarded_and_what_is_logged(
        self, gateway: GatewayUnderTest, target: str, seen: str
    ) -> None:
        answer = gateway.raw_path("wiki", target)

        assert answer.status == 200
        forwarded = answer.json()["target"]
        assert [asked.target for asked in gateway.stub.checks()] == [f"/check{forwarded}"]
        assert forwarded in {seen, target}
        if target != seen and forwarded == target:
            assert target == "/%61dmin", "only an escaped letter may stay as it is"
        path = forwarded.partition("?")[0]
        gateway.eventually(
            lambda: any(entry.get("path") == path and entry["status"] == 200 for entry in gateway.access_log()),
            "the log",
        )

    @pytest.mark.parametrize("target", ["http://admin.example.test/", "https://wiki.example.test/x", "*", "admin"])
    def test_other_forms_of_the_request_target_are_refused(self, gateway: GatewayUnderTest, target: str) -> None:
        assert gateway.raw_path("wiki", target).status in {400, 404}
        assert gateway.stub.asked == []


class TestHosts:
    @pytest.mark.parametrize(
        "host",
        [
            "wiki.example.test.",
            "a.wiki.example.test",
            "example.test",
            "wiki.example.test:1",
            "wiki.example.test:443",
            "unknown.example.test",
            "127.0.0.1",
            "wiki.example.test@evil.test",
            "",
        ],
    )
    def test_a_host_we_do_not_serve_is_misdirected(self, gateway: GatewayUnderTest, host: str) -> None:
        request = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()

        assert gateway.raw("wiki", request).status in {400, 421}
        assert gateway.stub.asked == []

    def test_case_does_not_make_another_host(self, gateway: GatewayUnderTest) -> None:
        request = f"GET / HTTP/1.1\r\nHost: WIKI.Example.TEST:{gateway.https_port}\r\nConnection: close\r\n\r\n"

        assert gateway.raw("wiki", request.encode()).status == 200
        assert gateway.stub.checks()[0].header("x-ostiary-app") == "wiki"

    @pytest.mark.parametrize("sni", ["plain.example.test", "admin.example.test", "unknown.example.test", ""])
    def test_a_connection_for_one_host_serves_no_other(self, gateway: GatewayUnderTest, sni: str) -> None:
        request = b"GET / HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n"

        assert gateway.raw("wiki", request, sni=sni).status == 421
        assert gateway.stub.asked == []

    def test_two_hosts_are_refused(self, gateway: GatewayUnderTest) -> None:
        request = b"GET / HTTP/1.1\r\nHost: {authority}\r\nHost: plain.example.test\r\nConnection: close\r\n\r\n"

        assert gateway.raw("wiki", request).status in {400, 421}
        assert gateway.stub.asked == []

    def test_plain_http_sends_known_hosts_to_https_and_others_nowhere(self, gateway: GatewayUnderTest) -> None:
        import http.client

        for host, status in (("wiki.example.test", 308), ("evil.test", 421)):
            connection = http.client.HTTPConnection("127.0.0.1", gateway.http_port, timeout=30)
            connection.request("POST", "/x?y=1", headers={"Host": host}, body=b"")
            answer = connection.getresponse()
            assert answer.status == status
            expected = f"https://wiki.example.test:{gateway.https_port}/x?y=1" if status == 308 else None
            assert answer.getheader("location") == expected
            connection.close()

    def test_the_sign_in_host_is_not_decided(self, gateway: GatewayUnderTest) -> None:
        gateway.control.asked.clear()

        assert gateway.get("id", "/signin?x=1", headers={"cookie": "__Host-ostiary-id=mine"}).status_code == 200
        asked = gateway.control.asked[-1]
        assert (asked.target, asked.header("cookie")) == ("/signin?x=1", "__Host-ostiary-id=mine")
        assert gateway.stub.asked == []

    def test_the_console_is_decided_like_every_app(self, gateway: GatewayUnderTest) -> None:
        gateway.control.asked.clear()
        gateway.stub.refuse(403)
        assert gateway.get("admin", "/").status_code == 403
        assert gateway.control.asked == []

        gateway.stub.allow({"x-ostiary-assertion": "signed"})
        cookies = "__Host-ostiary-csrf=c; __Host-ostiary-id=i; __Host-ostiary-session=s; __Host-ostiary-grant=g"
        assert gateway.get("admin", "/", headers={"cookie": cookies}).status_code == 200
        asked = gateway.control.asked[-1]
        assert asked.header("cookie") == "__Host-ostiary-csrf=c; __Host-ostiary-id=i"
        assert asked.header("x-ostiary-assertion") == "signed"
        assert gateway.stub.checks()[-1].header("x-ostiary-app") == "console"


class TestOwnPages:
    def test_ours_go_to_the_decision_service_with_our_cookies_and_without_a_decision(
        self, gateway: GatewayUnderTest
    ) -> None:
        for path in ("/.ostiary/callback?code=1", "/.ostiary/static/x.css", "/.well-known/ostiary/jwks.json"):
            gateway.stub.asked.clear()
            answer = gateway.get("wiki", path, headers={"cookie": "__Host-ostiary-begin=b"})

            assert answer.status_code == 200
            assert [asked.target for asked in gateway.stub.asked] == [path]
            assert gateway.stub.asked[0].header("cookie") == "__Host-ostiary-begin=b"
            assert gateway.stub.asked[0].header("x-ostiary-app") == "wiki"

    @pytest.mark.parametrize("path", ["/.ostiary", "/.Ostiary/callback", "/x/.ostiary/callback", "/check/.ostiary/x"])
    def test_what_only_looks_like_ours_is_decided(self, gateway: GatewayUnderTest, path: str) -> None:
        gateway.get("wiki", path)

        assert [asked.target for asked in gateway.stub.asked] == [f"/check{path}"]

    def test_keys_are_on_every_host(self, gateway: GatewayUnderTest) -> None:
        for host in ("id", "admin", "plain"):
            assert gateway.get(host, "/.well-known/ostiary/jwks.json").status_code == 200
        assert gateway.stub.checks() == []
