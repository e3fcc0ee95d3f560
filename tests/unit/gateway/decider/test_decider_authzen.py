"""Decisions for other programs: what they may say of the circumstances, and what they are told."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.authzen_asking import ASKER, CONFIGURATION, ask, asked_company, decide, question
from tests.decider_company import ANNA, BEN, House, open_house, person, session

from ostiary.gateway.decider.break_glass import METHOD
from ostiary.policy.request import Authentication, AuthStrength

PASSKEY = {"authentications": [{"strength": "phishing-resistant", "age_seconds": 60}]}
AT_WORK = {**PASSKEY, "device": {"managed": True}, "address": "192.0.2.9", "country": "DE", "risk": 10}


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with open_house(asked_company(), CONFIGURATION) as opened:
        yield opened


def why(answer: dict[str, Any]) -> str:
    assert answer["decision"] is False
    reason: str = answer["context"]["reason"]
    return reason


def test_a_person_is_found_by_identifier_and_by_address_in_any_case(house: House) -> None:
    for name in ("p-anna", "anna@example.test", "ANNA@Example.TEST"):
        for kind in ("person", "user"):
            assert decide(house, question(name, kind=kind))["decision"] is True


@pytest.mark.parametrize("name", ["ſam@example.test", "\u212aim@example.test", "sam@example.test\u0301"])
def test_an_address_that_only_looks_like_another_is_nobody_s(name: str) -> None:
    with open_house(asked_company(people=(person("sam"), person("kim"))), CONFIGURATION) as house:
        assert decide(house, question("sam@example.test"))["decision"] is True
        assert why(decide(house, question(name))) == "unknown_subject"


def test_what_was_asked_for_stands_on_record_though_there_is_no_such_app(house: House) -> None:
    asked = question(resource="w" * 500)
    asked["resource"]["type"] = "account"
    reference = decide(house, asked)["context"]["reference"]
    (event,) = [one for one in house.events() if one["metadata"]["uid"] == reference]
    assert event["unmapped"]["ostiary"]["decision"]["detail"] == f"there is no account {'w' * 80}"


def test_an_answer_says_by_which_rule_and_on_which_facts(house: House) -> None:
    answer = decide(house, question())
    assert answer["context"]["rules"] == ["staff-use-wiki"]
    assert answer["context"]["generation"] == 1
    (event,) = [one for one in house.events() if one["metadata"]["uid"] == answer["context"]["reference"]]
    assert event["actor"]["app_name"] == "asker"
    assert event["actor"]["user"]["email_addr"] == ANNA.email
    assert event["dst_endpoint"]["svc_name"] == "wiki"
    assert event["unmapped"]["ostiary"]["decision"]["rules"] == ["staff-use-wiki"]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (question("nobody@example.test"), "unknown_subject"),
        (question("p-anna", kind="robot"), "unknown_subject"),
        (question("", kind="service"), "unknown_subject"),
        (question("cara@example.test"), "person_disabled"),
        (question("ben@example.test"), "no_rule_applies"),
        (question(resource="nothing"), "unknown_resource"),
        (question(action="delete"), "conditions_unmet"),
        (question(action="can_read"), "conditions_unmet"),
        (question(path="/.ostiary/callback"), "unknown_resource"),
        (question(path="/%2e%2e/x"), "malformed_request"),
        (question(path="/a%2fb"), "malformed_request"),
        (question(path="relative"), "malformed_request"),
        (question(path="/" + "a" * 5000), "input_too_long"),
        (question(resource="files", path="/private/x"), "conditions_unmet"),
        (question(resource="files", path="/public/..%252fprivate"), "malformed_request"),
        (question(resource="payroll", action="delete", **AT_WORK), "denied_by_rule"),
        (question(session="s-p-ben"), "session_ended"),
        (question(session="nothing"), "session_ended"),
        (question("backup", kind="service", session="s-p-anna"), "unknown_subject"),
        (question("backup", kind="service"), "no_rule_applies"),
    ],
)
def test_what_is_not_allowed_is_refused_with_its_reason(house: House, asked: dict[str, Any], reason: str) -> None:
    answer = decide(house, asked)
    assert why(answer) == reason
    assert any(one["metadata"]["uid"] == answer["context"]["reference"] for one in house.events())


def test_a_resource_that_is_no_app_is_not_known(house: House) -> None:
    asked = question()
    asked["resource"]["type"] = "account"
    assert why(decide(house, asked)) == "unknown_resource"


def test_methods_are_actions_as_they_are_at_the_gateway(house: House) -> None:
    for action, allowed in (("GET", True), ("POST", True), ("DELETE", False), ("get", False), ("BREW", False)):
        assert decide(house, question(action=action))["decision"] is allowed


def test_services_are_decided_by_the_rules_that_name_them(house: House) -> None:
    assert decide(house, question("backup", resource="files", kind="service"))["decision"] is True
    assert why(decide(house, question("other", resource="files", kind="service"))) == "no_rule_applies"


def test_everything_that_rules_ask_for_can_be_said(house: House) -> None:
    assert decide(house, question(resource="payroll", **AT_WORK))["decision"] is True
    for missing in AT_WORK:
        said = {name: value for name, value in AT_WORK.items() if name != missing}
        answer = decide(house, question(resource="payroll", **said))
        if missing == "risk":
            assert answer["decision"] is True, "the directory knows of no risk"
        else:
            assert why(answer) == "conditions_unmet", missing


@pytest.mark.parametrize(
    "said",
    [
        {"authentications": [{"strength": "otp", "age_seconds": 60}]},
        {"authentications": [{"strength": "phishing-resistant", "age_seconds": 3700}]},
        {"authentications": [{"strength": "phishing-resistant"}]},
        {"device": {"managed": False}},
        {"address": "198.51.100.1"},
        {"country": "NO"},
        {"risk": 60},
    ],
)
def test_what_is_said_otherwise_refuses(house: House, said: dict[str, Any]) -> None:
    answer = decide(house, question(resource="payroll", **{**AT_WORK, **said}))
    assert why(answer) == "conditions_unmet"
    assert answer["context"]["unmet"]


def test_a_refusal_names_what_is_missing_and_what_would_mend_it(house: House) -> None:
    said = {**AT_WORK, "authentications": [{"strength": "otp", "age_seconds": 60}]}
    context = decide(house, question(resource="payroll", **said))["context"]
    (unmet,) = context["unmet"]
    assert (unmet["rule"], unmet["code"]) == ("payroll-with-a-passkey", "mfa")
    assert unmet["remedy"]["kind"] == "step_up"
    assert list(context["reason_user"]) == ["403"]
    assert unmet["words"] in context["reason_user"]["403"]
    assert context["reason_admin"]["403"].startswith("conditions_unmet: ")


def test_a_denying_rule_gives_its_own_reason(house: House) -> None:
    context = decide(house, question(resource="payroll", action="delete"))["context"]
    assert context["rules"] == ["nobody-deletes-payroll"]
    assert context["reason_user"] == {"403": "Payroll is kept for ten years."}


def test_what_is_not_known_is_said_without_guessing_why(house: House) -> None:
    nobody = decide(house, question("nobody"))["context"]
    assert nobody["reason_user"] == {"403": "Nobody is known by this name."}
    nothing = decide(house, question(resource="nothing"))["context"]
    assert nothing["reason_user"] == {"404": "There is no such app."}


def test_obligations_are_told_with_the_permission(house: House) -> None:
    answer = decide(house, question(resource="files", path="/public/x"))
    assert answer["decision"] is True
    assert answer["context"]["obligations"] == [{"id": "record"}]


def test_a_named_session_brings_its_own_proofs() -> None:
    strong = session(ANNA, strength=AuthStrength.PHISHING_RESISTANT)
    said = {name: value for name, value in AT_WORK.items() if name != "authentications"}
    with open_house(asked_company(sessions=(strong, session(BEN))), CONFIGURATION) as house:
        assert decide(house, question(resource="payroll", session=strong.id, **said))["decision"] is True
        assert why(decide(house, question(resource="payroll", **said))) == "conditions_unmet"
        ended = msgspec.structs.replace(strong, expires_at=strong.created_at)
        house.publish(asked_company(2, sessions=(ended,)))
        assert why(decide(house, question(resource="payroll", session=strong.id, **said))) == "session_ended"


def test_what_a_session_allows_is_said_to_end_with_it() -> None:
    strong = session(ANNA, strength=AuthStrength.PHISHING_RESISTANT, seconds=600)
    longer = session(ANNA, strength=AuthStrength.PHISHING_RESISTANT, seconds=36000, name="s-longer")
    said = {name: value for name, value in AT_WORK.items() if name != "authentications"}
    with open_house(asked_company(sessions=(strong, longer)), CONFIGURATION) as house:
        for app in ("wiki", "payroll"):
            allowed = decide(house, question(resource=app, session=strong.id, **said))
            assert allowed["context"]["valid_until"] == strong.expires_at
        earlier = decide(house, question(resource="payroll", session=longer.id, **said))["context"]["valid_until"]
        assert earlier == pytest.approx(longer.authentications[1].at + 3600), (
            "the rule asks for a proof of the last hour"
        )
        assert "valid_until" not in decide(house, question(action="delete", session=strong.id))["context"]
        assert "valid_until" not in decide(house, question())["context"]


@pytest.mark.parametrize("risky", ["person", "session"])
def test_known_risk_is_raised_by_what_is_said_and_never_lowered(risky: str) -> None:
    anna = person("anna", risk=70 if risky == "person" else 0)
    standing = msgspec.structs.replace(session(anna, strength=AuthStrength.PHISHING_RESISTANT), risk=70)
    said = {name: value for name, value in AT_WORK.items() if name != "authentications"}
    with open_house(asked_company(people=(anna,), sessions=(standing,)), CONFIGURATION) as house:
        for stated in (0, 10, 59):
            answer = decide(house, question(resource="payroll", session=standing.id, **{**said, "risk": stated}))
            assert why(answer) == "conditions_unmet"
            assert [one["code"] for one in answer["context"]["unmet"]] == ["risk"]


def test_an_emergency_sign_in_opens_nothing_here() -> None:
    now = session(ANNA).created_at
    emergency = msgspec.structs.replace(
        session(ANNA), authentications=(Authentication(method=METHOD, strength=AuthStrength.SINGLE, at=now),)
    )
    console = list(asked_company().applications.apps.values())
    apps = (*console, msgspec.structs.replace(console[0], id="console", host="admin.example.test"))
    with open_house(asked_company(sessions=(emergency,), apps=apps), CONFIGURATION) as house:
        for app in ("console", "wiki"):
            assert why(decide(house, question(resource=app, session=emergency.id))) == "no_rule_applies"


def test_who_was_named_stands_on_record_though_nobody_is_known_by_that_name(house: House) -> None:
    reference = decide(house, question("nobody@example.test"))["context"]["reference"]
    (event,) = [one for one in house.events() if one["metadata"]["uid"] == reference]
    assert event["actor"] == {"app_name": "asker", "user": {"uid": "nobody@example.test"}}
    assert event["status_code"] == "unknown_subject"


def test_an_engine_that_fails_refuses_and_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("ostiary.gateway.decider.authzen.door.judge", fail)
    answer = decide(house, question())
    assert why(answer) == "engine_error"
    assert "broken" not in str(answer)


def test_decisions_of_programs_are_counted(house: House) -> None:
    ask(house, "/access/v1/evaluation", question(), token=None)
    decide(house, question(), token=ASKER)
    text = house.send("/metrics", []).text
    assert 'ostiary_authzen_requests_total{status="401"}' in text
    assert 'ostiary_authzen_requests_total{status="200"}' in text
    assert 'ostiary_decisions_total{app="wiki",reason="allowed"}' in text
