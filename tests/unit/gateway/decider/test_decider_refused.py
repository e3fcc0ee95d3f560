"""What a refused request is told, and that it is on record."""

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.decider_company import ANNA, BEN, CARA, House, company, open_house, session

from ostiary.gateway.snapshots import beat
from ostiary.gateway.tokens import bind_of
from ostiary.policy.request import AuthStrength

CLOSED = """\
version: 1
rules:
  - name: never-open
    allow: group:staff
    to: app:wiki
    do: any
    when:
      networks: [203.0.113.0/24]
      mfa: phishing-resistant
  - name: nobody-in-payroll
    deny: anyone
    to: app:payroll
  - name: staff-in-payroll
    allow: group:staff
    to: app:payroll
    do: any
"""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with open_house(company()) as opened:
        yield opened


def test_a_browser_without_a_session_is_sent_to_sign_in(house: House) -> None:
    reply = house.ask("wiki", "/a b/ü", browser=True)
    assert reply.status == 302
    target = urlsplit(reply.one("location"))
    query = parse_qs(target.query, strict_parsing=True)
    assert (target.scheme, target.netloc, target.path) == ("https", "id.example.test", "/continue")
    assert query["app"] == ["wiki"]
    assert query["return"] == ["/a%20b/%C3%BC"]
    begin = re.match(r"__Host-ostiary-begin=([^;]+); Path=/; Secure; HttpOnly; SameSite=Lax", reply.one("set-cookie"))
    assert begin is not None
    assert query["bind"] == [bind_of(begin[1])]
    assert reply.one("cache-control") == "no-store"


def test_several_tabs_share_one_begin_value(house: House) -> None:
    begin = "b" * 43
    reply = house.ask("wiki", browser=True, cookies=f"__Host-ostiary-begin={begin}")
    assert f"__Host-ostiary-begin={begin};" in reply.one("set-cookie")
    for odd in ("short", "b" * 44, "b" * 42 + "=", f"{begin}; __Host-ostiary-begin={begin}"):
        reply = house.ask("wiki", browser=True, cookies=f"__Host-ostiary-begin={odd}")
        assert f"__Host-ostiary-begin={begin};" not in reply.one("set-cookie")


@pytest.mark.parametrize("headers", [{"accept": "*/*"}, {"sec_fetch_mode": "cors", "accept": "text/html"}, {}])
def test_a_program_without_a_session_gets_a_problem(house: House, headers: dict[str, Any]) -> None:
    reply = house.ask("wiki", **headers)
    assert reply.status == 401
    assert reply.problem["reason"] == "unauthenticated"
    assert reply.one("www-authenticate").startswith("Ostiary ")
    assert not reply.all("set-cookie")


def test_an_old_browser_is_known_by_what_it_accepts(house: House) -> None:
    assert house.ask("wiki", accept="text/html,*/*").status == 302
    assert house.ask("wiki", method="POST", accept="text/html,*/*").status == 401


def test_step_up_leads_straight_there_and_back_but_not_in_circles() -> None:
    with open_house(company()) as house:
        cookies = house.cookie(ANNA, "payroll")
        first = house.ask("payroll", "/list?q=1", cookies=cookies, browser=True)
        assert first.status == 302
        target = urlsplit(first.one("location"))
        query = parse_qs(target.query, strict_parsing=True)
        assert (target.netloc, target.path) == ("id.example.test", "/step-up")
        assert query == {"need": ["phishing-resistant"], "app": ["payroll"], "return": ["/list?q=1"]}
        replies = [house.ask("payroll", "/list", cookies=cookies, browser=True) for _ in range(3)]
        assert replies[-1].status == 403
        assert "Confirm with a passkey or security key" in replies[-1].text
        assert (
            'href="https://id.example.test/step-up?need=phishing-resistant&amp;app=payroll&amp;return=%2Flist"'
            in replies[-1].text
        )


def test_a_form_is_not_lost_to_a_redirect(house: House) -> None:
    reply = house.ask("payroll", method="HEAD", cookies=house.cookie(ANNA, "payroll"), browser=True)
    assert reply.status == 403


def test_a_page_says_the_condition_the_remedy_and_the_reference() -> None:
    with open_house(company(rules=CLOSED)) as house:
        reply = house.ask("wiki", cookies=house.cookie(ANNA, "wiki"), browser=True)
        assert reply.status == 403
        assert reply.one("content-type") == "text/html; charset=utf-8"
        assert reply.one("cache-control") == "no-store"
        policy = reply.one("content-security-policy")
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "<script" not in reply.text
        assert "style=" not in reply.text
        assert "What else is asked for" in reply.text
        assert '<h1 id="heading">Wiki does not open from here</h1>' in reply.text
        assert "192.0.2.7" in reply.text
        (event,) = house.events()
        assert event["metadata"]["uid"] in reply.text
        assert event["http_response"]["code"] == 403


def test_a_program_gets_the_same_as_a_problem() -> None:
    with open_house(company(rules=CLOSED)) as house:
        problem = house.ask("wiki", cookies=house.cookie(ANNA, "wiki")).problem
        assert problem["type"] == "urn:ostiary:problem:conditions_unmet"
        assert {one["condition"] for one in problem["unmet"]} == {"network", "mfa"}
        assert problem["remedy"]["words"]
        (event,) = house.events()
        assert event["metadata"]["uid"] == problem["reference"]
        assert event["status_code"] == "conditions_unmet"
        denied = house.ask("payroll", cookies=house.cookie(ANNA, "payroll")).problem
        assert (denied["status"], denied["reason"]) == (403, "denied_by_rule")


def payroll_reply(rule: str, path: str, *, browser: bool) -> Any:
    rules = f"version: 1\nrules:\n{rule}"
    with open_house(company(rules=rules)) as house:
        reply = house.ask("payroll", path, cookies=house.cookie(ANNA, "payroll"), browser=browser)
        assert reply.status == 403
        return reply, house.events()[-1]


DESCRIBED = """\
  - name: books-are-closed
    describe: The books are <closed> until the audit is over
    deny: anyone
    to: app:payroll
"""


def test_a_denying_rule_says_why_in_its_own_words() -> None:
    reply, event = payroll_reply(DESCRIBED, "/", browser=True)
    assert '<h1 id="heading">Payroll is closed to you</h1><p>' in "".join(map(str.strip, reply.text.splitlines()))
    assert "<p>The books are &lt;closed&gt; until the audit is over.</p>" in reply.text
    assert event["message"] == "The books are <closed> until the audit is over"
    assert event["unmapped"]["ostiary"]["decision"]["because"] == [event["message"]]
    problem = payroll_reply(DESCRIBED, "/", browser=False)[0].problem
    assert problem["detail"] == "The books are <closed> until the audit is over."
    assert problem["because"] == ["The books are <closed> until the audit is over"]


def test_what_lifts_a_denial_stands_beside_its_reason() -> None:
    reply, _event = payroll_reply(DESCRIBED + "    unless: {mfa: phishing-resistant}\n", "/", browser=False)
    assert reply.problem["detail"].startswith("The books are <closed> until the audit is over. This needs a passkey")
    assert reply.problem["remedy"]["kind"] == "step_up"


def test_a_denied_part_does_not_close_the_app() -> None:
    rule = "  - {name: no-exports, deny: anyone, to: app:payroll, paths: [/export/*]}\n"
    problem = payroll_reply(rule, "/export/all", browser=False)[0].problem
    assert problem["title"] == "This part of Payroll is closed to you"
    assert problem["detail"] == "A rule keeps your account out of this part of Payroll."


def test_a_part_that_no_rule_opens_promises_nothing() -> None:
    rule = """\
  - name: own-salary
    allow: group:staff
    to: app:payroll
    do: view
    paths: [/, /salaries/*]
    when: {mfa: phishing-resistant}
"""
    reply, _event = payroll_reply(rule, "/export/all", browser=True)
    assert '<h1 id="heading">This part of Payroll is not open to you</h1>' in reply.text
    assert "No rule opens this part to you; the rule own-salary opens only / and /salaries/*." in reply.text
    assert "/step-up" not in reply.text
    problem = payroll_reply(rule, "/export/all", browser=False)[0].problem
    assert problem["remedy"] == {"kind": "ask", "words": "Ask for access"}
    assert [one["condition"] for one in problem["unmet"]] == ["path", "mfa"]


def test_whom_to_ask_stands_on_the_page() -> None:
    configuration = 'domain = "example.test"\ncontact = "help@example.test"\n'
    with open_house(company(rules=CLOSED), configuration) as house:
        page = house.ask("payroll", cookies=house.cookie(ANNA, "payroll"), browser=True).text
        assert 'href="mailto:payroll@example.test?subject=Access%20to%20Payroll&amp;body=' in page
        assert 'href="mailto:help@example.test"' in page


@pytest.mark.parametrize(
    ("cookie_for", "reason", "status"),
    [(BEN, "no_rule_applies", 403), (CARA, "person_disabled", 403)],
)
def test_people_are_refused_by_name(house: House, cookie_for, reason: str, status: int) -> None:
    reply = house.ask("wiki", cookies=house.cookie(cookie_for, "wiki"))
    assert (reply.status, reply.problem["reason"]) == (status, reason)
    event = house.events()[-1]
    assert event["status_code"] == reason
    assert event["actor"]["user"]["email_addr"] == cookie_for.email


def test_unknown_hosts_and_contradicting_routes_are_refused(house: House) -> None:
    for host in ("evil.test", "WIKI.example.test.", "", "wiki.example.test:x", "wiki.example.test@evil", "[::1]"):
        reply = house.send("/check/", [("host", host), ("cookie", house.cookie(ANNA, "wiki"))])
        assert reply.problem["reason"] == "unknown_resource", host
    reply = house.ask("wiki", cookies=house.cookie(ANNA, "wiki"), x_ostiary_app="payroll")
    assert reply.problem["reason"] == "malformed_request"


def test_a_host_is_the_same_in_capitals_and_with_its_port(house: House) -> None:
    for host in ("WIKI.example.test", "wiki.example.test:8443"):
        assert house.send("/check/", [("host", host), ("cookie", house.cookie(ANNA, "wiki"))]).status == 200


def test_our_own_paths_never_reach_an_app(house: House) -> None:
    reply = house.ask("wiki", "/.ostiary/anything", cookies=house.cookie(ANNA, "wiki"))
    assert reply.status == 404


def test_facts_nobody_confirmed_refuse_everybody() -> None:
    with open_house(company()) as house:
        beat(house.instance.facts, time.time() - 400)
        assert house.parts is not None
        house.parts.decider.follower.load()
        for browser in (False, True):
            reply = house.ask("wiki", cookies=house.cookie(ANNA, "wiki"), browser=browser)
            assert reply.status == 503
            assert reply.one("retry-after") == "10"
        assert [alarm.code for alarm in house.parts.alarms.standing] == ["facts_unconfirmed"]
        assert house.events()[-1]["status_code"] == "stale_facts"
        house.publish(company(2))
        assert house.ask("wiki", cookies=house.cookie(ANNA, "wiki")).status == 200
        assert house.parts.alarms.standing == ()


def test_a_clock_that_was_stepped_refuses_until_the_next_beat() -> None:
    with open_house(company()) as house:
        beat(house.instance.facts, time.time() + 3600)
        assert house.parts is not None
        house.parts.decider.follower.load()
        assert house.ask("wiki", cookies=house.cookie(ANNA, "wiki")).problem["reason"] == "stale_facts"


def test_no_facts_at_all_refuse_everybody() -> None:
    with open_house() as house:
        assert house.ask("wiki", browser=True).status == 503
        house.publish(company())
        assert house.ask("wiki", cookies=house.cookie(ANNA, "wiki")).status == 200


def test_rules_that_cannot_be_used_refuse_everybody() -> None:
    with open_house(company()) as house:
        assert house.ask("wiki", cookies=house.cookie(ANNA, "wiki")).status == 200
        house.publish(company(2, rules="version: 1\nrules: nonsense"))
        reply = house.ask("wiki", cookies=house.cookie(ANNA, "wiki"))
        assert (reply.status, reply.problem["reason"]) == (503, "engine_error")
        assert house.parts is not None
        assert [alarm.code for alarm in house.parts.alarms.standing] == ["rules_broken"]
        house.publish(company(3))
        assert house.ask("wiki", cookies=house.cookie(ANNA, "wiki")).status == 200
        assert house.parts.alarms.standing == ()


def test_the_path_is_decided_in_every_reading(house: House) -> None:
    cookies = house.cookie(ANNA, "files")
    assert house.ask("files", "/public/a", cookies=cookies).status == 200
    for path in (
        "/private",
        "/public/../private",
        "/public//private",
        "/public/..;/private",
        "/private#/public/a",
        "/private%23/public/a",
        "/public\\..\\private",
        "/public/%2e%2e/private",
        "/public/%252e%252e/private",
        "/public/\x00",
        "/public/\ufffd",
        "public/a",
        "",
    ):
        reply = house.ask("files", path, cookies=cookies)
        assert reply.status in {400, 403}, path


def test_endless_paths_are_refused(house: House) -> None:
    reply = house.ask("wiki", "/" + "a" * 5000, cookies=house.cookie(ANNA, "wiki"))
    assert reply.problem["reason"] == "input_too_long"


def test_strangers_cannot_fill_the_record() -> None:
    with open_house(company()) as house:
        replies = [house.ask("wiki") for _ in range(600)]
        assert all(reply.status == 401 for reply in replies)
        written = len(house.events())
        assert 400 <= written < 600
        assert house.parts is not None
        assert house.parts.metrics.unrecorded == 600 - written
        assert "reference" not in replies[-1].problem
        assert house.ask("wiki", cookies=house.cookie(ANNA, "wiki")).status == 200
        assert len(house.events()) == written + 1


def test_a_session_that_ends_while_it_is_answered_is_refused() -> None:
    with open_house(company(sessions=(session(ANNA, seconds=-1, strength=AuthStrength.OTP),))) as house:
        assert house.ask("wiki", cookies=house.cookie(ANNA, "wiki")).problem["reason"] == "session_ended"
        assert house.ask("wiki", cookies=house.cookie(ANNA, "wiki"), browser=True).status == 302
