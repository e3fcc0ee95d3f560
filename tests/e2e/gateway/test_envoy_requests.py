"""What the data plane refuses, removes and says, through a real Envoy with a test double of the decision service."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.gateway_fixtures import GatewayUnderTest, RawAnswer, echo_app, read_answer

pytestmark = [pytest.mark.e2e]


@pytest.fixture(scope="module")
def gateway() -> Iterator[GatewayUnderTest]:
    apps = [
        echo_app("wiki", identity_headers={"remote-user": "email", "x-team": "groups"}),
        echo_app("plain", streams=False),
        echo_app("moved", host_header="inner.local:8080"),
        echo_app("odd", methods={"GET": "edit"}),
    ]
    with GatewayUnderTest(apps, gateway="max_body_bytes = 100000\nmax_header_kib = 8") as running:
        yield running


@pytest.fixture(autouse=True)
def quiet(gateway: GatewayUnderTest) -> None:
    gateway.stub.allow({"x-ostiary-assertion": "signed", "x-ostiary-reference": "REF1", "x-ostiary-session": "s1"})
    gateway.stub.asked.clear()
    gateway.upstream.requests.clear()


def received(answer: Any) -> list[tuple[str, str]]:
    """Return the headers the app saw."""
    return [(name.lower(), value) for name, value in answer.json()["headers"]]


def values(answer: Any, name: str) -> list[str]:
    return [value for header, value in received(answer) if header == name]


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


class TestGrants:
    def test_a_safe_request_with_a_grant_asks_nobody(self, gateway: GatewayUnderTest) -> None:
        for method in ("GET", "HEAD"):
            assert gateway.ask(method, "wiki", headers={"cookie": gateway.grant_cookie("wiki")}).status_code == 200
        assert gateway.stub.asked == []

    @pytest.mark.parametrize(
        "spoiled",
        ["other app", "expired", "other key", "no expiry", "unsigned", "cut", "garbage", "empty", "huge", "many apps"],
    )
    def test_a_bad_grant_is_no_grant(self, gateway: GatewayUnderTest, spoiled: str) -> None:
        from ostiary.gateway.grant_keys import new_grant_key

        good = gateway.grant("wiki")
        head, body, signature = good.split(".")
        grants = {
            "other app": gateway.grant("plain"),
            "expired": gateway.grant("wiki", seconds=-2),
            "other key": gateway.grant("wiki", key=new_grant_key()),
            "no expiry": gateway.grant("wiki", exp=None),
            "unsigned": f"eyJhbGciOiJub25lIn0.{body}.",
            "cut": f"{head}.{body}.{signature[:-4]}",
            "garbage": "%%%",
            "empty": "",
            "huge": good + "A" * 5000,
            "many apps": gateway.grant("plain", aud=["plain", "odd"]),
        }
        gateway.stub.refuse(403)

        answer = gateway.get("wiki", headers={"cookie": f"__Host-ostiary-grant={grants[spoiled]}"})

        assert answer.status_code == 403
        assert len(gateway.stub.checks()) == 1
        assert not gateway.upstream.requests

    @pytest.mark.parametrize(
        ("method", "headers"),
        [
            ("POST", {}),
            ("PUT", {}),
            ("DELETE", {}),
            ("PROPFIND", {}),
            ("OPTIONS", {}),
            ("GET", {"accept": "text/event-stream"}),
            ("GET", {"accept": "text/html, TEXT/Event-Stream;q=0.1"}),
            ("GET", {"upgrade": "websocket", "connection": "upgrade"}),
        ],
    )
    def test_anything_but_a_plain_read_is_decided(
        self, gateway: GatewayUnderTest, method: str, headers: dict[str, str]
    ) -> None:
        gateway.stub.refuse(403)
        cookie = gateway.grant_cookie("wiki")

        assert gateway.ask(method, "wiki", headers={**headers, "cookie": cookie}).status_code == 403
        assert len(gateway.stub.checks()) == 1

    def test_grpc_is_decided_and_refused_in_its_own_way(self, gateway: GatewayUnderTest) -> None:
        gateway.stub.refuse(403)
        headers = {"content-type": "application/grpc+proto", "cookie": gateway.grant_cookie("wiki")}

        answer = gateway.get("wiki", headers=headers)

        assert answer.headers["grpc-status"] == "7"
        assert len(gateway.stub.checks()) == 1
        assert not gateway.upstream.requests

    def test_an_app_whose_reads_are_no_views_takes_no_grants(self, gateway: GatewayUnderTest) -> None:
        gateway.stub.refuse(403)

        assert gateway.get("odd", headers={"cookie": gateway.grant_cookie("odd")}).status_code == 403
        assert gateway.ask("HEAD", "odd", headers={"cookie": gateway.grant_cookie("odd")}).status_code == 200

    def test_a_grant_is_taken_from_its_cookie_only(self, gateway: GatewayUnderTest) -> None:
        gateway.stub.refuse(403)
        grant = gateway.grant("wiki")

        assert gateway.get("wiki", headers={"authorization": f"Bearer {grant}"}).status_code == 403
        assert gateway.get("wiki", f"/?access_token={grant}").status_code == 403
        assert gateway.get("wiki", headers={"cookie": f"grant={grant}"}).status_code == 403

    def test_a_grant_ends_by_itself(self, gateway: GatewayUnderTest) -> None:
        gateway.stub.refuse(403)
        cookie = gateway.grant_cookie("wiki", seconds=1)
        assert gateway.get("wiki", headers={"cookie": cookie}).status_code == 200

        gateway.eventually(lambda: gateway.get("wiki", headers={"cookie": cookie}).status_code == 403, "the end")

    def test_a_new_key_ends_every_grant_at_once(self, gateway: GatewayUnderTest) -> None:
        gateway.stub.refuse(403)
        cookie = gateway.grant_cookie("wiki")
        with gateway.client() as client:
            assert client.get(gateway.url("wiki"), headers={"cookie": cookie}).status_code == 200
            gateway.rotate()
            gateway.eventually(
                lambda: client.get(gateway.url("wiki"), headers={"cookie": cookie}).status_code == 403, "the end"
            )
            fresh = gateway.grant_cookie("wiki")
            assert client.get(gateway.url("wiki"), headers={"cookie": fresh}).status_code == 200

    def test_the_log_names_the_grant_or_the_decision(self, gateway: GatewayUnderTest) -> None:
        gateway.get("wiki", "/by-grant", headers={"cookie": gateway.grant_cookie("wiki")})
        gateway.get("wiki", "/by-decision?token=secret")

        entries: dict[str, dict[str, Any]] = gateway.eventually(
            lambda: (
                (found := {entry.get("path"): entry for entry in gateway.access_log()})
                and {"/by-grant", "/by-decision"} <= found.keys()
                and found
            ),
            "both lines",
        )
        assert entries["/by-grant"]["grant_reference"] == "REF-GRANT"
        assert entries["/by-grant"]["grant_session"] == "s_test"
        assert entries["/by-grant"]["route"] == "wiki/grant"
        assert entries["/by-decision"]["decision_reference"] == "REF1"
        assert entries["/by-decision"]["decision_session"] == "s1"
        assert "secret" not in str(entries["/by-decision"])


class TestDecisions:
    def test_a_refusal_reaches_the_client_as_it_is(self, gateway: GatewayUnderTest) -> None:
        gateway.stub.refuse(
            403,
            ("content-type", "text/html"),
            ("content-security-policy", "default-src 'none'"),
            ("x-ostiary-reference", "inside"),
            body=b"<p>refused, because</p>",
        )
        answer = gateway.get("wiki", "/", headers={"accept": "text/html"})

        assert (answer.status_code, answer.text) == (403, "<p>refused, because</p>")
        assert answer.headers["content-security-policy"] == "default-src 'none'"
        assert "x-ostiary-reference" not in answer.headers

    @pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
    def test_no_status_but_200_lets_anything_pass(self, gateway: GatewayUnderTest, status: int) -> None:
        gateway.stub.refuse(status, body=b"words of its own")

        answer = gateway.get("wiki")

        assert not gateway.upstream.requests
        assert answer.status_code in {status, 503}

    @pytest.mark.parametrize("status", [201, 204, 302, 303])
    def test_success_of_another_kind_is_no_permission(self, gateway: GatewayUnderTest, status: int) -> None:
        gateway.stub.refuse(status, ("location", "https://id.example.test/"), body=b"")

        gateway.get("wiki", follow_redirects=False)

        assert not gateway.upstream.requests

    def test_a_redirect_and_its_cookies_arrive(self, gateway: GatewayUnderTest) -> None:
        gateway.stub.refuse(
            303, ("location", "https://id.example.test/x"), ("set-cookie", "a=1"), ("set-cookie", "b=2")
        )

        answer = gateway.get("wiki")

        assert answer.status_code == 303
        assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]

    def test_a_grant_is_handed_out_with_the_answer_of_the_app(self, gateway: GatewayUnderTest) -> None:
        gateway.stub.allow({}, ("set-cookie", "__Host-ostiary-grant=x; Secure"), ("x-ostiary-assertion", "signed"))

        answer = gateway.get("wiki")

        assert answer.headers.get_list("set-cookie") == ["__Host-ostiary-grant=x; Secure"]
        assert values(answer, "set-cookie") == []

    def test_a_body_is_not_shown_to_the_decision_service(self, gateway: GatewayUnderTest) -> None:
        answer = gateway.ask("POST", "wiki", content=b"x" * 5000)

        assert answer.json()["body_bytes"] == 5000
        assert gateway.stub.checks()[0].header("content-length") == "0"


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
