"""Both halves together: a real Envoy with the real decision service, on facts that change under them."""

import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import msgspec
import pytest
from tests.decider_company import ANNA, BEN, RULES, company, person
from tests.gateway_fixtures import GatewayUnderTest, echo_app

from ostiary.policy.snapshot import Directory, PersonFact

pytestmark = [pytest.mark.e2e]

GRANT = "__Host-ostiary-grant"
MORE_RULES = f"""{RULES}
  - name: staff-talk
    allow: group:staff
    to: app:wiki
    do: [connect, delete]
"""


@pytest.fixture(scope="module")
def gateway() -> Iterator[GatewayUnderTest]:
    apps = [
        echo_app("wiki", identity_headers={"remote-user": "email", "x-groups": "groups"}),
        echo_app("payroll"),
        echo_app("files"),
    ]
    with GatewayUnderTest(apps, facts=company(rules=MORE_RULES)) as running:
        yield running


@pytest.fixture(autouse=True)
def afresh(gateway: GatewayUnderTest) -> None:
    gateway.publish(company(rules=MORE_RULES), takes_away=True)
    gateway.upstream.requests.clear()
    headers = {"cookie": anna(gateway)}
    gateway.eventually(lambda: gateway.get("wiki", headers=headers).status_code == 200, "the facts are in force")
    gateway.upstream.requests.clear()


def anna(gateway: GatewayUnderTest, app: str = "wiki") -> str:
    return gateway.session_cookie(app, ANNA.id, f"s-{ANNA.id}")


def granted(gateway: GatewayUnderTest, app: str = "wiki") -> tuple[str, httpx.Response]:
    """Return Anna's cookies with a grant, and the answer that brought it."""
    session = anna(gateway, app)

    def answer() -> httpx.Response | None:
        found = gateway.get(app, headers={"cookie": session})
        return found if GRANT in found.cookies or "set-cookie" in found.headers else None

    found: httpx.Response = gateway.eventually(answer, "a grant")
    value = found.headers["set-cookie"].partition(";")[0]
    return f"{session}; {value}", found


def headers_of(answer: httpx.Response) -> dict[str, str]:
    found: list[tuple[str, str]] = answer.json()["headers"]
    return {name.lower(): value for name, value in found}


def test_a_stranger_is_sent_to_sign_in_and_reaches_nothing(gateway: GatewayUnderTest) -> None:
    answer = gateway.get("wiki", "/page?x=1", headers={"accept": "text/html"})

    assert answer.status_code in {302, 303}
    assert answer.headers["location"].startswith(f"https://id.example.test:{gateway.https_port}/continue?app=wiki&")
    assert answer.headers["set-cookie"].startswith("__Host-ostiary-begin=")
    assert not gateway.upstream.requests


def test_a_stranger_that_is_a_program_gets_a_problem(gateway: GatewayUnderTest) -> None:
    answer = gateway.ask("POST", "wiki", "/api", headers={"accept": "application/json"})

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert not gateway.upstream.requests


def test_the_app_learns_who_it_is_on_both_ways_and_nothing_else(gateway: GatewayUnderTest) -> None:
    cookies, slow = granted(gateway)
    fast = gateway.get("wiki", headers={"cookie": f"theme=dark; {cookies}", "x-ostiary-assertion": "forged"})

    keys = {key["kid"]: key for key in gateway.get("wiki", "/.well-known/ostiary/jwks.json").json()["keys"]}
    for answer in (slow, fast):
        seen = headers_of(answer)
        assertion = seen["x-ostiary-assertion"]
        key = jwt.PyJWK(keys[jwt.get_unverified_header(assertion)["kid"]])
        claims: dict[str, Any] = jwt.decode(assertion, key, algorithms=["ES256"], audience="wiki")
        assert (claims["sub"], claims["email"]) == (ANNA.id, ANNA.email)
        assert seen["remote-user"] == ANNA.email
        assert seen["x-groups"] == "staff"
        assert "ostiary" not in seen.get("cookie", "")
        assert [name for name in seen if name.startswith("x-ostiary-")] == ["x-ostiary-assertion"]
    assert headers_of(fast)["cookie"] == "theme=dark"
    gateway.eventually(
        lambda: any(entry.get("route") == "wiki/grant" and "grant_session" in entry for entry in gateway.access_log()),
        "the grant was used",
    )


def test_a_refusal_has_words_and_a_reference(gateway: GatewayUnderTest) -> None:
    headers = {"cookie": gateway.session_cookie("wiki", BEN.id, f"s-{BEN.id}")}

    problem = gateway.ask("POST", "wiki", headers=headers).json()
    page = gateway.get("wiki", headers={**headers, "accept": "text/html"})

    assert problem["status"] == 403
    assert problem["reference"]
    assert page.status_code == 403
    assert "text/html" in page.headers["content-type"]
    assert not gateway.upstream.requests


def test_an_administrator_gets_a_link_to_the_reason_and_nobody_else(gateway: GatewayUnderTest) -> None:
    ada = person("ada", groups=("administrators",))
    gateway.publish(company(rules=MORE_RULES, people=(ANNA, BEN, ada)), takes_away=True)

    def page_for(who: PersonFact) -> str | None:
        headers = {"cookie": gateway.session_cookie("wiki", who.id, f"s-{who.id}"), "accept": "text/html"}
        answer = gateway.get("wiki", headers=headers)
        return answer.text if answer.status_code == 403 else None

    theirs: str = gateway.eventually(lambda: page_for(ada), "an administrator's refusal")
    found = re.search(r"Reference <b>([0-9A-Z-]+)</b>", theirs)
    assert found is not None
    link = f"https://admin.example.test:{gateway.https_port}/decisions/{found[1]}/#why"
    assert f'href="{link}">Why, in the console</a>' in theirs
    assert "Why, in the console" not in str(page_for(BEN))


def test_a_path_scope_holds_against_every_spelling(gateway: GatewayUnderTest) -> None:
    headers = [f"Cookie: {anna(gateway, 'files')}"]
    allowed = ("/public/a", "//public//a", "/x/../public/a", "/%70ublic/a")
    refused = (
        "/private",
        "/public/../private",
        "/public/%2e%2e/private",
        "/public/..;/private",
        "/public/..%2fprivate",
        "/public/%2e%2e%2fprivate",
        "/public/..%5cprivate",
        "/public\\..\\..\\private",
        "/private?x=/public/a",
        "/private#/public/a",
        "/private%23/public/a",
        "/private;/public/a",
        "/public/%252e%252e/private",
        "/PUBLIC/a",
        "/publicity",
    )
    for target in allowed:
        assert gateway.raw_path("files", target, *headers).status == 200, target
    gateway.upstream.requests.clear()
    for target in refused:
        assert gateway.raw_path("files", target, *headers).status in {400, 403}, target
    assert not gateway.upstream.requests


def test_disabling_a_person_ends_the_grant(gateway: GatewayUnderTest) -> None:
    cookies, _ = granted(gateway)
    with gateway.client(headers={"cookie": cookies}) as client:
        assert client.get(gateway.url("wiki")).status_code == 200
        gone = msgspec.structs.replace(ANNA, active=False)
        gateway.publish(company(rules=MORE_RULES, people=(gone, BEN)), takes_away=True)

        gateway.eventually(lambda: client.get(gateway.url("wiki")).status_code != 200, "refused")
        gateway.upstream.requests.clear()
        for method in ("GET", "POST", "DELETE"):
            assert client.request(method, gateway.url("wiki")).status_code in {302, 303, 401, 403}
        assert not gateway.upstream.requests


def test_leaving_a_group_counts_from_the_next_request_on(gateway: GatewayUnderTest) -> None:
    cookies, _ = granted(gateway)
    moved = msgspec.structs.replace(ANNA, groups=BEN.groups)
    gateway.publish(company(rules=MORE_RULES, people=(moved, BEN)), takes_away=True)

    gateway.eventually(lambda: gateway.get("wiki", headers={"cookie": cookies}).status_code == 403, "refused")


def test_a_revoked_session_is_worthless_everywhere_also_meanwhile(gateway: GatewayUnderTest) -> None:
    cookies, _ = granted(gateway)
    stop, late = threading.Event(), []
    facts = company(rules=MORE_RULES, sessions=())

    def hammer() -> None:
        with gateway.client(headers={"cookie": cookies}) as client:
            while not stop.is_set():
                began = time.monotonic()
                if client.get(gateway.url("wiki")).status_code == 200:
                    late.append(began)

    threads = [threading.Thread(target=hammer) for _ in range(3)]
    for thread in threads:
        thread.start()
    gateway.publish(facts, takes_away=True)
    gateway.eventually(lambda: gateway.get("wiki", headers={"cookie": cookies}).status_code != 200, "refused")
    refused_from = time.monotonic()
    time.sleep(0.5)
    stop.set()
    for thread in threads:
        thread.join(60)

    assert [moment for moment in late if moment > refused_from] == []
    for app in ("wiki", "payroll", "files"):
        headers = {"cookie": f"{anna(gateway, app)}; {cookies.partition('; ')[2]}"}
        assert gateway.get(app, headers=headers).status_code != 200


def test_a_grant_for_one_app_opens_no_other(gateway: GatewayUnderTest) -> None:
    cookies, _ = granted(gateway)
    gateway.upstream.requests.clear()

    assert gateway.get("payroll", headers={"cookie": cookies}).status_code != 200
    assert not gateway.upstream.requests


def test_without_rules_nobody_enters(gateway: GatewayUnderTest) -> None:
    gateway.publish(company(rules=""), takes_away=True)
    headers = {"cookie": anna(gateway)}

    gateway.eventually(lambda: gateway.get("wiki", headers=headers).status_code == 403, "refused")


def test_facts_that_nobody_confirms_open_nothing(gateway: GatewayUnderTest) -> None:
    from ostiary.gateway.heartbeat import beat

    beat(gateway.instance.facts, time.time() - 3600)
    headers = {"cookie": anna(gateway)}

    gateway.eventually(lambda: gateway.get("wiki", headers=headers).status_code == 503, "refused")
    problem = gateway.get("wiki", headers=headers)
    assert (problem.status_code, problem.json()["reason"]) == (503, "stale_facts")
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.headers["retry-after"]
    page = gateway.get("wiki", headers=headers | {"accept": "text/html"})
    assert page.status_code == 503
    assert "It is not certain who may do what at the moment" in page.text
    assert problem.json()["reference"]


def test_nobody_is_left_in_an_empty_company(gateway: GatewayUnderTest) -> None:
    facts = msgspec.structs.replace(company(rules=MORE_RULES), identity=Directory())
    gateway.publish(facts, takes_away=True)
    headers = {"cookie": anna(gateway)}

    gateway.eventually(lambda: gateway.get("wiki", headers=headers).status_code != 200, "refused")


def test_a_killed_decision_service_is_refusal_until_it_is_back(gateway: GatewayUnderTest) -> None:
    cookies, _ = granted(gateway)
    session = anna(gateway)
    gateway.decider.kill()
    gateway.decider.wait(20)

    gateway.eventually(lambda: gateway.get("wiki", headers={"cookie": session}).status_code == 503, "refused")
    assert gateway.get("wiki", headers={"cookie": cookies}).status_code == 200, "a grant needs nobody"
    gateway.instance.decider_socket.unlink(missing_ok=True)
    gateway.start_decider()
    gateway.eventually(lambda: gateway.get("wiki", headers={"cookie": session}).status_code == 200, "back again")
