"""The end of a sign-in on an app's host: fixation, replay, order, redirects."""

import time
from collections.abc import Iterator

import pytest
from tests.decider_company import ANNA, BEN, CARA, House, Reply, company, open_house, session

from ostiary.gateway.tokens import HANDOVER_SECONDS, bind_of
from ostiary.policy.identifiers import AppId, PersonId, SessionId

BEGIN = "b" * 43
OTHER = "o" * 43
ORIGIN = "https://wiki.example.test"


@pytest.fixture
def house() -> Iterator[House]:
    with open_house(company()) as opened:
        yield opened


def finish(house: House, code: str, begin: str = BEGIN, *, app: str = "wiki", more: str = "") -> Reply:
    cookies = "; ".join(filter(None, (f"__Host-ostiary-begin={begin}" if begin else "", more)))
    return house.own(app, f"/.ostiary/callback?code={code}", cookies=cookies)


def gives_nothing(reply: Reply) -> bool:
    return reply.status in {400, 403, 404, 405, 503} and not reply.all("set-cookie")


def test_a_sign_in_ends_in_a_session(house: House) -> None:
    reply = finish(house, house.code(ANNA, "wiki", BEGIN, return_path="/page?q=1"))
    assert reply.status == 303
    assert reply.one("location") == f"{ORIGIN}/page?q=1"
    made, begin_gone, grant_gone = reply.all("set-cookie")
    assert made.startswith("__Host-ostiary-session=")
    assert made.endswith("; Path=/; Secure; HttpOnly; SameSite=Lax")
    assert begin_gone.startswith("__Host-ostiary-begin=;")
    assert grant_gone.startswith("__Host-ostiary-grant=;")
    assert house.ask("wiki", cookies=made.partition(";")[0]).status == 200
    assert house.ask("payroll", cookies=made.partition(";")[0]).problem["reason"] == "unauthenticated"


def test_a_code_works_once(house: House) -> None:
    code = house.code(ANNA, "wiki", BEGIN)
    assert finish(house, code).status == 303
    assert gives_nothing(finish(house, code))


@pytest.mark.parametrize("begin", ["", OTHER, "short", f"{BEGIN}; __Host-ostiary-begin={BEGIN}"])
def test_a_victim_of_somebody_elses_sign_in_gets_nothing(house: House, begin: str) -> None:
    reply = finish(house, house.code(BEN, "wiki", BEGIN), begin)
    assert gives_nothing(reply)
    assert "not begun in this browser" in reply.text


def test_an_attacker_who_began_gets_nothing_from_a_victims_code(house: House) -> None:
    """The victim's browser has its own begin value, so the code is bound to that, not to the attacker's."""
    assert gives_nothing(finish(house, house.code(ANNA, "wiki", BEGIN), OTHER))


def test_a_second_tab_goes_on_without_setting_anything(house: House) -> None:
    first, second = (house.code(ANNA, "wiki", BEGIN, return_path=f"/tab{n}", jti=f"j{n}") for n in (1, 2))
    made = finish(house, first).all("set-cookie")[0].partition(";")[0]
    reply = finish(house, second, "", more=made)
    assert (reply.status, reply.one("location")) == (303, f"{ORIGIN}/tab2")
    assert not reply.all("set-cookie")
    assert gives_nothing(finish(house, house.code(BEN, "wiki", BEGIN, jti="j3"), "", more=made))


@pytest.mark.parametrize(
    "changes",
    [
        {"app": AppId("payroll")},
        {"person": PersonId("p-nobody")},
        {"session": SessionId("s-nothing")},
        {"session": SessionId("s-p-ben")},
        {"bind": bind_of(OTHER)},
        {"expires_at": time.time() - 1},
        {"issued_at": time.time() - HANDOVER_SECONDS - 5, "expires_at": time.time() - 5},
        {"issued_at": time.time() - 4000, "expires_at": time.time() + 30},
        {"issued_at": time.time() + 4000, "expires_at": time.time() + 4010},
    ],
)
def test_a_code_that_does_not_hold_gives_nothing(house: House, changes: dict) -> None:
    assert gives_nothing(finish(house, house.code(ANNA, "wiki", BEGIN, **changes)))


def test_codes_from_before_the_start_are_refused(house: House) -> None:
    """Which of them were used is not known any more."""
    before = time.time() - 20
    code = house.code(ANNA, "wiki", BEGIN, issued_at=before, expires_at=before + HANDOVER_SECONDS)
    assert gives_nothing(finish(house, code))


def test_a_disabled_person_or_an_ended_session_gets_nothing(house: House) -> None:
    assert gives_nothing(finish(house, house.code(CARA, "wiki", BEGIN)))
    house.publish(company(2, sessions=()))
    assert gives_nothing(finish(house, house.code(ANNA, "wiki", BEGIN)))
    house.publish(company(3, sessions=(session(ANNA, seconds=-1),)))
    assert gives_nothing(finish(house, house.code(ANNA, "wiki", BEGIN)))


def test_a_refused_code_is_not_used_up_by_somebody_else(house: House) -> None:
    code = house.code(ANNA, "wiki", BEGIN)
    assert gives_nothing(finish(house, code, OTHER))
    assert finish(house, code).status == 303


@pytest.mark.parametrize(
    "query",
    ["", "code=", "code=x", "code=a&code=b", "code=%00", "error=denied", "code=" + "a" * 9000, "&" * 50, "code=%ff"],
)
def test_anything_else_is_explained(house: House, query: str) -> None:
    reply = house.own("wiki", f"/.ostiary/callback?{query}", cookies=f"__Host-ostiary-begin={BEGIN}")
    assert gives_nothing(reply)
    assert "The sign-in was not finished" in reply.text


def test_steps_out_of_order_give_nothing(house: House) -> None:
    code = house.code(ANNA, "wiki", BEGIN)
    assert gives_nothing(
        house.own("wiki", "/.ostiary/callback", method="POST", cookies=f"__Host-ostiary-begin={BEGIN}")
    )
    assert gives_nothing(finish(house, code, app="payroll"))
    assert gives_nothing(finish(house, code, app="unknown"))
    assert gives_nothing(finish(house, house.cookie(ANNA, "wiki").partition("=")[2]))
    assert house.ask("wiki", cookies=f"__Host-ostiary-session={code}").problem["reason"] == "unauthenticated"


def test_a_decider_without_facts_finishes_nothing() -> None:
    with open_house() as house:
        assert gives_nothing(finish(house, house.code(ANNA, "wiki", BEGIN)))


@pytest.mark.parametrize(
    "path",
    [
        "//evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "https://evil.test/",
        "https:evil.test",
        "javascript:alert(1)",
        "data:text/html,x",
        "/%2f/evil.test",
        "/%5cevil.test",
        "/%09/evil.test",
        "/\t/evil.test",
        "/ /evil.test",
        "/\r\nset-cookie: a=b",
        "@evil.test",
        ".evil.test",
        "evil.test",
        "/.ostiary/sign-out",
        "/%2eostiary/sign-out",
        "/a/../../..//evil.test",
        "/ü",
        "/" + "a" * 2500,
    ],
)
def test_one_comes_back_to_this_host_and_nowhere_else(house: House, path: str) -> None:
    reply = finish(house, house.code(ANNA, "wiki", BEGIN, return_path=path))
    assert (reply.status, reply.one("location")) == (303, f"{ORIGIN}/")


@pytest.mark.parametrize("path", ["/", "/a/b?c=d&e=%2F#f", "/a:b@c", "/?next=https://example.test/", "/a%20b"])
def test_pages_of_this_host_are_kept(house: House, path: str) -> None:
    reply = finish(house, house.code(ANNA, "wiki", BEGIN, return_path=path))
    assert reply.one("location") == ORIGIN + path
