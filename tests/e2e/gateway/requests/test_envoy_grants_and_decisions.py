"""What passes on a grant, what is decided, and how an answer arrives: through a real Envoy."""

from typing import Any

import pytest
from tests.gateway_fixtures import GatewayUnderTest
from tests.gateway_requests import values

pytestmark = [pytest.mark.e2e]


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
