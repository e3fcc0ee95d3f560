"""Lessons others paid for, as far as the decision service alone can show them."""

import msgspec
import pytest
from tests.decider_company import (
    ANNA,
    BEN,
    DOMAIN,
    Reply,
    app,
    company,
    open_house,
    person,
    session,
)

from ostiary.policy.identifiers import AppId, GroupId, PersonId, SessionId
from ostiary.policy.snapshot import PersonFact

ODD_NAMES = (
    "ann\u0430",  # a Cyrillic letter that looks like the Latin one
    "anna\u0301",
    "\u202eanna",
    'anna"; drop',
    "anna\x00",
    "anna\n",
    "ANNA",
    "anna ",
    "a" * 10_000,
    "group:staff",
    'Person::"p-anna"',
)
EMPTY_RULES = ("", "version: 1\n", "version: 1\nrules: []\n", "# nothing\n")
POSTURE = """\
version: 1
rules:
  - name: managed-only
    allow: group:staff
    to: app:wiki
    do: any
    when:
      device: {managed: true}
  - name: from-germany
    allow: group:staff
    to: app:payroll
    do: any
    when:
      countries: [DE]
"""


def refused(reply: Reply) -> bool:
    return (
        reply.status >= 300
        and not reply.all("x-ostiary-assertion")
        and not any("grant=e" in cookie or "session=e" in cookie for cookie in reply.all("set-cookie"))
    )


def test_lesson_06_malformed_cookies_are_no_session_and_no_crash() -> None:
    with open_house(company()) as house:
        good = house.cookie(ANNA, "wiki")
        token = good.partition("=")[2]
        for header in (
            "__Host-ostiary-session",
            "__Host-ostiary-session=",
            "__Host-ostiary-session=x",
            f"__Host-ostiary-session={token[:-1]}",
            f"__Host-ostiary-session={token}x",
            f'__Host-ostiary-session="{token}"',
            f"{good}; {good}",
            f"{good}; __Host-ostiary-session=",
            f"__Host-ostiary-session={token.upper()}",
            f"__host-ostiary-session={token}",
            f"ostiary-session={token}",
            f"__Host-ostiary-sessionx={token}",
            f"__Host-ostiary-session= {token} x",
            "__Host-ostiary-session=" + "A" * 100_000,
            "=;=;;;====;" * 50,
            "\x00\x01",
            "__Host-ostiary-session=\ud800",
            "; ".join(f"c{number}=v" for number in range(5000)),
        ):
            for browser in (False, True):
                reply = house.ask("wiki", cookies=header, browser=browser)
                assert refused(reply), header[:80]
                assert reply.status == (302 if browser else 401)
        assert house.ask("wiki", cookies=f"  {good}  ;  theme=dark").status == 200


def test_lesson_06_several_cookie_headers_are_one() -> None:
    with open_house(company()) as house:
        good = house.cookie(ANNA, "wiki")
        host = ("host", f"wiki.{DOMAIN}")
        assert house.send("/check/", [host, ("cookie", "a=b"), ("cookie", good)]).status == 200
        assert refused(house.send("/check/", [host, ("cookie", good), ("cookie", good)]))


def test_lesson_13_a_revoked_session_is_refused_everywhere() -> None:
    with open_house(company()) as house:
        wiki, payroll = house.cookie(ANNA, "wiki"), house.cookie(ANNA, "payroll")
        grant = house.ask("wiki", cookies=wiki).one("set-cookie").partition(";")[0]
        code = house.code(ANNA, "wiki", "b" * 43)
        house.publish(company(2, sessions=(session(BEN),)))
        items = [("host", "127.0.0.1"), ("x-forwarded-for", "192.0.2.7")]
        caddy = [("x-forwarded-method", "GET"), ("x-forwarded-host", f"wiki.{DOMAIN}"), ("x-forwarded-uri", "/")]
        nginx = [("x-original-method", "GET"), ("x-original-host", f"wiki.{DOMAIN}"), ("x-original-uri", "/")]
        begin = f"__Host-ostiary-begin={'b' * 43}"
        replies = [
            *(house.ask("wiki", cookies=wiki, method=method) for method in ("GET", "POST", "OPTIONS", "CONNECT")),
            house.ask("wiki", cookies=f"{wiki}; {grant}"),
            house.ask("wiki", cookies=wiki, upgrade="websocket"),
            house.ask("wiki", cookies=wiki, browser=True),
            house.ask("payroll", cookies=payroll),
            house.own("wiki", f"/.ostiary/callback?code={code}", cookies=begin),
            house.own("wiki", f"/.ostiary/callback?code={code}", cookies=f"{begin}; {wiki}"),
            *(
                house.send(f"/forward-auth/{name}", [*items, *more, ("cookie", wiki)], proxy=True)
                for name, more in (("caddy", caddy), ("traefik", caddy), ("nginx", nginx))
            ),
        ]
        assert all(map(refused, replies))
        assert {event["status_code"] for event in house.events()[-7:]} <= {"session_ended", "unauthenticated"}


def test_lesson_13_a_session_of_somebody_else_is_nobodys() -> None:
    with open_house(company()) as house:
        mixed = house.cookie(ANNA, "wiki", session=f"s-{BEN.id}")
        assert house.ask("wiki", cookies=mixed).problem["reason"] == "session_ended"


def test_lesson_10_the_next_request_is_decided_on_the_new_groups() -> None:
    with open_house(company()) as house:
        cookies = house.cookie(ANNA, "wiki")
        assert house.ask("wiki", cookies=cookies).status == 200
        house.publish(company(2, people=(msgspec.structs.replace(ANNA, groups=()), BEN)))
        assert house.ask("wiki", cookies=cookies).problem["reason"] == "no_rule_applies"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_lesson_24_nobody_becomes_somebody_else_by_their_name(name: str) -> None:
    twin = PersonFact(
        id=PersonId(f"p-{name}"), email=f"{name}@example.test", name=name, active=True, groups=(GroupId("guests"),)
    )
    with open_house(company(people=(ANNA, twin), sessions=(session(ANNA), session(twin)))) as house:
        reply = house.ask("wiki", cookies=house.cookie(twin, "wiki"))
        assert refused(reply)
        assert house.ask("wiki", cookies=house.cookie(ANNA, "wiki")).one("remote-user") == ANNA.email


@pytest.mark.parametrize("name", [name for name in ODD_NAMES if name.isprintable() or "\n" in name or "\x00" in name])
def test_lesson_24_odd_groups_and_apps_open_nothing(name: str) -> None:
    odd = person("anna", groups=(name, "guests"))
    strange = app("odd")
    apps = (app("wiki"), msgspec.structs.replace(strange, id=AppId(name), name=name))
    with open_house(company(people=(odd,), apps=apps)) as house:
        assert refused(house.ask("wiki", cookies=house.cookie(odd, "wiki")))
        assert refused(house.ask("odd", cookies=house.cookie(odd, name)))
        page = house.ask("odd", cookies=house.cookie(odd, name), browser=True)
        assert refused(page)


@pytest.mark.parametrize("rules", EMPTY_RULES)
def test_lesson_25_no_rules_let_nobody_in(rules: str) -> None:
    with open_house(company(rules=rules)) as house:
        for target in ("wiki", "payroll", "files"):
            assert refused(house.ask(target, cookies=house.cookie(ANNA, target)))
            assert refused(house.ask(target, cookies=house.cookie(ANNA, target), browser=True))


def test_lesson_27_what_is_not_known_satisfies_nothing() -> None:
    with open_house(company(rules=POSTURE)) as house:
        assert house.ask("wiki", cookies=house.cookie(ANNA, "wiki")).problem["reason"] == "conditions_unmet"
        assert house.ask("payroll", cookies=house.cookie(ANNA, "payroll")).problem["reason"] == "conditions_unmet"


def test_lesson_27_an_unreadable_country_database_is_an_alarm_and_no_country() -> None:
    configuration = 'domain = "example.test"\n[decisions]\ncountry_database = "/nonexistent/countries.mmdb"\n'
    with open_house(company(rules=POSTURE), configuration) as house:
        assert house.ask("payroll", cookies=house.cookie(ANNA, "payroll")).status == 403
        assert house.parts is not None
        assert [alarm.code for alarm in house.parts.alarms.standing] == ["country_database"]


def test_lesson_14_a_session_needs_every_step() -> None:
    """A begin value, a grant or a code in the place of a session is none."""
    with open_house(company()) as house:
        reply = house.ask("wiki", cookies=house.cookie(ANNA, "wiki"))
        grant = reply.one("set-cookie").partition(";")[0].partition("=")[2]
        for token in (grant, reply.one("x-ostiary-assertion"), house.code(ANNA, "wiki", "b" * 43), "b" * 43):
            assert refused(house.ask("wiki", cookies=f"__Host-ostiary-session={token}"))
        assert refused(house.ask("wiki", cookies=f"__Host-ostiary-grant={grant}"))


def test_an_unknown_person_in_a_living_session_is_refused() -> None:
    ghost = person("ghost")
    with open_house(company(sessions=(session(ghost), session(ANNA)))) as house:
        reply = house.ask("wiki", cookies=house.cookie(ghost, "wiki"))
        assert reply.problem["reason"] == "unknown_subject"


def test_sessions_are_for_one_app(subtests: pytest.Subtests) -> None:
    with open_house(company()) as house:
        for other in ("payroll", "files", "wiki.example.test", "WIKI"):
            with subtests.test(other):
                assert refused(house.ask("wiki", cookies=house.cookie(ANNA, other, session=SessionId("s-p-anna"))))
