"""The real decision service behind the real Envoy: one sign-in from its first redirect to a grant, and what ends it."""

import re
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
from tests.decider_company import ANNA, APPS, BEN, company, session
from tests.gateway_fixtures import GatewayUnderTest, echo_app

from ostiary.config.secrets import read_secret
from ostiary.gateway.snapshots import beat, write_snapshot
from ostiary.gateway.tokens import HandoverClaims, SessionClaims, sign_handover, sign_session
from ostiary.policy.identifiers import AppId, SessionId
from ostiary.policy.snapshot import PersonFact, SessionFact

WIKI = next(fact for fact in APPS if fact.id == "wiki")


class Gateway:
    """The gateway with the facts of a small company."""

    def __init__(self, under_test: GatewayUnderTest) -> None:
        self.under_test = under_test
        self.facts_generation = 0

    def publish(self, sessions: tuple[SessionFact, ...] = (session(ANNA), session(BEN))) -> None:
        self.facts_generation += 1
        facts = company(self.facts_generation, sessions=sessions)
        facts = msgspec.structs.replace(facts, grant_key=self.under_test.key)
        write_snapshot(self.under_test.instance.facts, facts)
        beat(self.under_test.instance.facts, time.time())

    def session_cookie(self, who: PersonFact, app: str) -> str:
        claims = SessionClaims(app=AppId(app), person=who.id, session=SessionId(f"s-{who.id}"))
        key = read_secret(self.under_test.instance.secrets, "session.key").reveal()
        return f"__Host-ostiary-session={sign_session(key, claims, now=time.time())}"

    def code(self, who: PersonFact, location: str) -> str:
        """Answer `/continue` as the sign-in host does."""
        query = parse_qs(urlsplit(location).query, strict_parsing=True)
        now = time.time()
        claims = HandoverClaims(
            app=AppId(query["app"][0]),
            person=who.id,
            session=SessionId(f"s-{who.id}"),
            bind=query["bind"][0],
            return_path=query["return"][0],
            issued_at=now,
            expires_at=now + 30,
            jti=f"code-{now}",
        )
        return sign_handover(read_secret(self.under_test.instance.secrets, "handover.key").reveal(), claims)


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    headers = {name.lower(): source for name, source in WIKI.identity_headers.items()}
    apps = [echo_app("wiki", identity_headers=headers), echo_app("payroll"), echo_app("files")]
    with GatewayUnderTest(apps=apps, decider="real") as under_test:
        found = Gateway(under_test)
        found.publish()
        cookie = {"cookie": found.session_cookie(ANNA, "wiki")}
        under_test.eventually(lambda: under_test.get("wiki", "/", headers=cookie).status_code == 200, "facts are read")
        yield found


def browser(gateway: Gateway, *, http2: bool = False) -> httpx.Client:
    return gateway.under_test.client(http2=http2, headers={"sec-fetch-mode": "navigate", "accept": "text/html"})


def received(response: httpx.Response, name: str) -> list[str]:
    assert response.status_code == 200, response.text
    headers = response.json()["headers"]
    pairs = headers.items() if isinstance(headers, dict) else headers
    return [value for key, value in pairs if key.lower() == name]


@pytest.mark.e2e
@pytest.mark.parametrize("http2", [False, True])
def test_a_sign_in_from_its_first_redirect_to_a_grant(gateway: Gateway, http2: bool) -> None:
    url = gateway.under_test.url
    with browser(gateway, http2=http2) as client:
        begun = client.get(url("wiki", "/page?q=1"))
        assert begun.status_code == 302
        assert begun.headers["location"].startswith(url("id", "/continue?app=wiki&"))
        finished = client.get(url("wiki", f"/.ostiary/callback?code={gateway.code(ANNA, begun.headers['location'])}"))
        assert (finished.status_code, finished.headers["location"]) == (303, url("wiki", "/page?q=1"))
        assert set(client.cookies) == {"__Host-ostiary-session"}
        first = client.get(url("wiki", "/page?q=1"))
        assert received(first, "remote-user") == [ANNA.email]
        assert received(first, "cookie") in ([], [""])
        assert set(client.cookies) == {"__Host-ostiary-session", "__Host-ostiary-grant"}
        decided = decisions(gateway)
        second = client.get(url("wiki", "/other"), headers={"remote-user": "root", "x-ostiary-assertion": "forged"})
        assert received(second, "remote-user") == [ANNA.email]
        assert received(second, "x-ostiary-assertion") == received(first, "x-ostiary-assertion")
        assert decisions(gateway) == decided
        assert client.post(url("wiki", "/page"), content=b"x").status_code == 200
        assert decisions(gateway) == decided + 1


def decisions(gateway: Gateway) -> int:
    folder = gateway.under_test.instance.audit / "decisions"
    return sum(path.read_bytes().count(b'"class_uid":4002') for path in folder.iterdir())


@pytest.mark.e2e
def test_a_refusal_is_a_page_with_its_styles(gateway: Gateway) -> None:
    with browser(gateway) as client:
        headers = {"cookie": gateway.session_cookie(BEN, "wiki")}
        page = client.get(gateway.under_test.url("wiki", "/"), headers=headers)
        assert page.status_code == 403
        assert "Wiki is not open to you" in page.text
        assert page.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        for path in re.findall(r'href="(/\.ostiary/static/[^"]+)"', page.text):
            assert client.get(gateway.under_test.url("wiki", path)).status_code == 200


@pytest.mark.e2e
def test_a_program_is_told_what_is_missing(gateway: Gateway) -> None:
    told = gateway.under_test.get("payroll", "/", headers={"cookie": gateway.session_cookie(ANNA, "payroll")})
    assert told.status_code == 403
    assert told.headers["content-type"] == "application/problem+json"
    assert told.json()["unmet"][0]["condition"] == "mfa"
    nobody = gateway.under_test.get("payroll", "/")
    assert (nobody.status_code, nobody.headers["www-authenticate"].split()[0]) == (401, "Ostiary")


@pytest.mark.e2e
def test_the_machines_own_doors_are_not_on_the_network(gateway: Gateway) -> None:
    for path in ("/health", "/metrics", "/check/", "/forward-auth/caddy"):
        assert gateway.under_test.get("wiki", path).status_code == 401
        assert gateway.under_test.get("wiki", path, headers={"x-ostiary-peer": "192.0.2.7:1"}).status_code == 401


@pytest.mark.e2e
def test_a_revoked_session_ends_with_its_grant(gateway: Gateway) -> None:
    under_test = gateway.under_test
    with browser(gateway) as client:
        client.headers["cookie"] = gateway.session_cookie(ANNA, "wiki")
        allowed = client.get(under_test.url("wiki", "/"))
        grant = allowed.headers["set-cookie"].partition(";")[0]
        under_test.rotate()
        gateway.publish(sessions=(session(BEN),))
        headers = {"cookie": f"{client.headers['cookie']}; {grant}"}
        under_test.eventually(
            lambda: client.get(under_test.url("wiki", "/"), headers=headers).status_code == 302, "the grant is refused"
        )
        gateway.publish()
        under_test.eventually(lambda: client.get(under_test.url("wiki", "/")).status_code == 200, "facts are read")


@pytest.mark.e2e
def test_without_the_decision_service_nobody_passes(gateway: Gateway) -> None:
    under_test = gateway.under_test
    headers = {"cookie": gateway.session_cookie(ANNA, "wiki")}
    under_test.end(under_test.decider)
    assert under_test.get("wiki", "/", headers=headers).status_code == 503
    under_test.start_decider()
    under_test.eventually(lambda: under_test.get("wiki", "/", headers=headers).status_code == 200, "decisions go on")
