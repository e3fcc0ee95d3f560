"""An emergency sign-in opens the console whatever the rules say, and nothing else; each request is on record."""

import time
from contextlib import AbstractContextManager

import msgspec
import pytest
from tests.decider_company import House, app, company, open_house, person, session

from ostiary.policy.request import Authentication, AuthStrength
from ostiary.policy.snapshot import PersonFact, SessionFact

ROOT = person("root", groups=("administrators",))
CLERK = person("clerk", groups=("administrators",))
APPS = (msgspec.structs.replace(app("console"), host="admin.example.test"), app("wiki"))
LOCKED_OUT = "version: 1\nrules:\n  - name: nobody\n    deny: anyone\n    to: anything\n"
GENEROUS = "version: 1\nrules:\n  - name: all\n    allow: anyone\n    to: anything\n    do: any\n"
UNUSABLE = "version: 1\nrules:\n  - nonsense\n"
DOCUMENTS = ("", LOCKED_OUT, GENEROUS, UNUSABLE)


def emergency(*, ago: float = 10.0, more: tuple[Authentication, ...] = ()) -> SessionFact:
    proof = Authentication(method="break_glass", strength=AuthStrength.SINGLE, at=time.time() - ago)
    return msgspec.structs.replace(session(ROOT), authentications=(proof, *more))


def house_with(rules: str, standing: SessionFact, *, active: bool = True) -> AbstractContextManager[House]:
    facts = company(
        rules=rules,
        people=(msgspec.structs.replace(ROOT, active=active), CLERK),
        apps=APPS,
        sessions=(standing, session(CLERK)),
    )
    return open_house(facts)


def ask(house: House, app_id: str, *, who: PersonFact = ROOT, method: str = "GET") -> int:
    host = "admin" if app_id == "console" else app_id
    return house.ask(host, "/rules/edit", method=method, cookies=house.cookie(who, app_id)).status


@pytest.mark.parametrize("rules", DOCUMENTS)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "WEIRD"])
def test_the_console_opens_whatever_the_rules_say(rules: str, method: str) -> None:
    with house_with(rules, emergency()) as house:
        assert ask(house, "console", method=method) == 200
        (event,) = house.events()
        assert "break-glass" in str(event)


@pytest.mark.parametrize("rules", DOCUMENTS)
def test_nothing_else_opens(rules: str) -> None:
    with house_with(rules, emergency()) as house:
        assert ask(house, "wiki") in {403, 503}


@pytest.mark.parametrize("rules", ["", LOCKED_OUT, UNUSABLE])
def test_an_ordinary_sign_in_opens_nothing_by_it(rules: str) -> None:
    with house_with(rules, emergency()) as house:
        assert ask(house, "console", who=CLERK) in {403, 503}


def test_it_ends_after_an_hour_though_the_session_goes_on() -> None:
    with house_with("", emergency(ago=3599)) as house:
        assert ask(house, "console") == 200
    with house_with("", emergency(ago=3601)) as house:
        assert ask(house, "console") == 403


def test_a_proof_from_the_future_is_none() -> None:
    with house_with("", emergency(ago=-600)) as house:
        assert ask(house, "console") == 403


@pytest.mark.parametrize("rules", ["", UNUSABLE])
def test_a_disabled_person_and_an_ended_session_stay_outside(rules: str) -> None:
    with house_with(rules, emergency(), active=False) as house:
        assert ask(house, "console") in {401, 403}
    ended = msgspec.structs.replace(emergency(), expires_at=time.time() - 1)
    with house_with(rules, ended) as house:
        assert ask(house, "console") == 401


def test_with_a_second_factor_proved_the_rules_decide_elsewhere() -> None:
    passkey = Authentication(method="webauthn", strength=AuthStrength.PHISHING_RESISTANT, at=time.time())
    with house_with(GENEROUS, emergency(more=(passkey,))) as house:
        assert ask(house, "wiki") == 200
        assert ask(house, "console") == 200


def test_it_gets_no_grant_so_that_every_request_is_on_record() -> None:
    with house_with(GENEROUS, emergency()) as house:
        for _ in range(3):
            reply = house.ask("admin", "/", cookies=house.cookie(ROOT, "console"))
            assert not any("grant" in cookie for cookie in reply.all("set-cookie"))
        assert len(house.events()) == 3


@pytest.mark.parametrize("rules", DOCUMENTS)
def test_the_way_there_is_open_without_usable_rules(rules: str) -> None:
    begin = "b" * 43
    with house_with(rules, emergency()) as house:
        code = house.code(ROOT, "console", begin)
        reply = house.own("admin", f"/.ostiary/callback?code={code}", cookies=f"__Host-ostiary-begin={begin}")
        assert reply.status == 303
        if rules == UNUSABLE:
            wiki = house.own(
                "wiki",
                f"/.ostiary/callback?code={house.code(ROOT, 'wiki', begin, jti='j2')}",
                cookies=f"__Host-ostiary-begin={begin}",
            )
            assert wiki.status == 503
