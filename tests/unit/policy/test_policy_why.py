"""What an explanation says: each part with what it saw, the least changes in the order of effort, and what ends a permission."""

from tests.policy_material import NOON, ask, catalogue, moment, proof, rules_of, text_of

from ostiary.policy.decision import RemedyKind
from ostiary.policy.identifiers import PolicyVersion, RuleName
from ostiary.policy.request import AuthStrength, Device
from ostiary.policy.snapshot import Rules
from ostiary.policy.why.explainer import Explainer, Explanation
from ostiary.policy.why.judgement import PartKey

NIGHT = moment("2025-11-25T06:10")
OPEN = {"allow": "group:staff", "to": "app:wiki", "do": "view"}


def explainer(*rules: dict, cedar: str = "") -> Explainer:
    return Explainer(Rules(document=text_of(rules_of(*rules)), cedar=cedar, version=PolicyVersion("v1")), catalogue())


def ways(explanation: Explanation) -> list[list[str]]:
    return [[one.words for one in way.changes] for way in explanation.ways]


def parts(explanation: Explanation, rule: str = "r0") -> dict[str, tuple[str, bool | None, bool]]:
    (found,) = (one for one in (*explanation.in_reach, *explanation.near) if one.name == rule)
    return {part.code: (part.saw, part.holds, part.fits) for part in found.parts}


def test_each_part_says_what_it_saw():
    when = {"mfa": {"method": "otp", "within": "10m"}, "hours": "07:00-20:00 Europe/Berlin", "risk": "below 60"}
    rule = {**OPEN, "when": {**when, "networks": "10.0.0.0/8", "device": {"managed": True}}}
    request = ask(proofs=(proof(ago=3600, now=NIGHT),), address="192.0.2.9")
    assert parts(explainer(rule).explain(request, NIGHT)) == {
        "who": ("anna@example.com, in staff", True, True),
        "to": ("wiki, labelled internal", True, True),
        "do": ("view", True, True),
        "mfa": ("a one-time code, 60 minutes before", False, False),
        "hours": ("Tuesday 25 November, 06:10 (Europe/Berlin)", False, False),
        "risk": ("", None, False),
        "network": ("192.0.2.9", False, False),
        "device.managed": ("", None, False),
    }


def test_what_is_not_known_keeps_a_deny_rule_in_force():
    rule = {"deny": "anyone", "to": "anything", "when": {"networks": "10.0.0.0/8"}, "unless": {"countries": "DE"}}
    explanation = explainer(OPEN, rule).explain(ask(), NOON)
    assert parts(explanation, "r1")["network"] == ("", None, True)
    assert parts(explanation, "r1")["country"] == ("", None, True)
    assert ways(explanation) == [["Come from outside the network 10.0.0.0/8"], ["Come from DE"]]


def test_ways_go_from_the_least_effort_to_the_most():
    explanation = explainer(
        {**OPEN, "when": {"device": {"managed": True}}},
        {**OPEN, "when": {"hours": "07:00-20:00 Europe/Berlin"}},
        {**OPEN, "when": {"mfa": "phishing-resistant"}},
        {"allow": "group:night", "to": "app:wiki", "do": "view"},
    ).explain(ask(proofs=(proof(now=NIGHT),)), NIGHT)
    assert ways(explanation) == [
        ["Confirm with a passkey or security key"],
        ["Come back on Tuesday 25 November, 07:00 (Europe/Berlin)"],
        ["Work on a managed device"],
    ]
    assert [way.changes[0].kind for way in explanation.ways] == [
        RemedyKind.STEP_UP,
        RemedyKind.WAIT,
        RemedyKind.USE_DEVICE,
    ]
    assert explanation.ways[0].decision.rules == (RuleName("r2"),)


def test_a_proof_given_too_long_ago_is_given_again_and_one_not_set_up_is_set_up():
    stale = {**OPEN, "when": {"mfa": {"method": "otp", "within": "10m"}}}
    request = ask(proofs=(proof(ago=3600),))
    assert ways(explainer(stale).explain(request, NOON)) == [["Confirm again with a one-time code"]]
    strong = {**OPEN, "when": {"mfa": "phishing-resistant"}}
    explanation = explainer(strong).explain(request, NOON, can_prove=AuthStrength.OTP)
    assert ways(explanation) == [["Set up a passkey or security key, and confirm with it"]]
    assert explanation.ways[0].changes[0].kind is RemedyKind.SET_UP


def test_a_proof_waits_as_long_as_the_person_does():
    rule = {**OPEN, "when": {"mfa": {"method": "otp", "within": "10m"}, "hours": "07:00-20:00 Europe/Berlin"}}
    explanation = explainer(rule).explain(ask(), NIGHT)
    assert ways(explanation) == [
        ["Confirm with a one-time code", "Come back on Tuesday 25 November, 07:00 (Europe/Berlin)"]
    ]


def test_groups_are_joined_and_left():
    closed = {"deny": "group:contractors", "to": "label:internal"}
    explanation = explainer(OPEN, closed).explain(ask(groups=("contractors",)), NOON)
    assert ways(explanation) == [["Join the group staff", "Leave the group contractors"]]
    named = {"deny": ["group:contractors", "person:p1"], "to": "label:internal"}
    assert not explainer(OPEN, named).explain(ask(groups=("contractors",)), NOON).ways


def test_what_is_asked_for_is_never_changed():
    for rule in ({**OPEN, "do": "edit"}, {**OPEN, "paths": "/admin/*"}, {**OPEN, "to": "app:payroll"}):
        assert not explainer(rule).explain(ask(), NOON).ways


def test_a_service_is_not_told_to_prove_anything():
    rule = {"allow": "service:backup", "to": "app:wiki", "do": "view", "when": {"mfa": "any"}}
    assert not explainer(rule).explain(ask(person=None, service="backup", groups=()), NOON).ways


def test_more_than_three_changes_follow_the_nearest_rule_without_what_is_not_needed():
    when = {
        "mfa": "otp",
        "device": {"managed": True, "compliant": True, "os_version": "at least 14"},
        "countries": "DE",
    }
    explanation = explainer({**OPEN, "when": {**when, "risk": "below 60"}}).explain(ask(risk=10), NOON)
    assert ways(explanation) == [
        [
            "Confirm with a one-time code",
            "Come from DE",
            "Work on a managed device",
            "Work on a compliant device",
            "Work on a device whose operating system is at least 14",
        ]
    ]


def test_one_of_several_groups_is_enough_however_many_changes_there_are():
    when = {"mfa": "otp", "device": {"managed": True, "compliant": True}, "countries": "DE"}
    rule = {"allow": ["group:night", "group:staff"], "to": "app:wiki", "do": "view", "when": when}
    ((*changes, last),) = ways(explainer(rule).explain(ask(groups=()), NOON))
    assert len(changes) == 4
    assert last == "Join the group night"


def test_a_proof_from_the_future_counts_when_its_time_has_come():
    rule = {**OPEN, "when": {"mfa": {"method": "otp", "within": "10m"}}}
    explanation = explainer(rule).explain(ask(proofs=(proof(ago=-65),)), NOON)
    assert ways(explanation) == [
        ["Confirm again with a one-time code"],
        ["Come back on Tuesday 25 November, 11:01 (UTC)"],
    ]


def test_an_address_inside_one_range_keeps_out_of_what_is_shut():
    shut = {"deny": "anyone", "to": "anything", "when": {"networks": "10.0.0.0/16"}}
    rule = {**OPEN, "when": {"networks": "10.0.0.0/8"}}
    explanation = explainer(rule, shut).explain(ask(address="192.0.2.9"), NOON)
    assert ways(explanation) == [["Come from the network 10.0.0.0/8, and from outside the network 10.0.0.0/16"]]
    both = {"deny": "anyone", "to": "anything", "when": {"networks": ["10.0.0.0/16", "10.255.0.0/16"]}}
    assert len(ways(explainer(rule, both).explain(ask(address="192.0.2.9"), NOON))) == 1
    whole = {**shut, "when": {"networks": "10.0.0.0/8"}, "unless": {"mfa": "otp"}}
    assert ways(explainer(rule, whole).explain(ask(address="192.0.2.9"), NOON)) == [
        ["Confirm with a one-time code", "Come from the network 10.0.0.0/8"]
    ]


def test_where_a_place_is_shut_in_which_one_must_be_the_rest_of_it_is_left():
    near = {**OPEN, "when": {"networks": "192.0.2.0/24"}}
    shut = {"deny": "anyone", "to": "app:wiki", "when": {"networks": "192.0.2.0/25"}}
    assert ways(explainer(near, shut).explain(ask(address="192.0.2.9"), NOON)) == [
        ["Come from the network 192.0.2.0/24, and from outside the network 192.0.2.0/25"]
    ]
    here = {**OPEN, "when": {"countries": ["DE", "FR"]}}
    closed = {"deny": "anyone", "to": "app:wiki", "when": {"countries": "DE"}}
    assert ways(explainer(here, closed).explain(ask(country="DE"), NOON)) == [["Come from FR"]]


def test_outside_one_shut_network_is_outside_every_other():
    shut = [
        {"deny": "anyone", "to": "app:wiki", "when": {"networks": one}} for one in ("192.0.2.0/24", "198.51.100.0/24")
    ]
    assert ways(explainer(OPEN, *shut).explain(ask(address="192.0.2.9"), NOON)) == [
        ["Come from outside the network 192.0.2.0/24 or 198.51.100.0/24"]
    ]


def test_what_waits_for_several_hours_waits_for_all_of_them():
    at_work = {**OPEN, "when": {"hours": "07:00-20:00 Europe/Berlin"}}
    shut = {"deny": "anyone", "to": "app:wiki", "when": {"hours": "06:00-08:00 Europe/Berlin"}}
    assert ways(explainer(at_work, shut).explain(ask(), moment("2025-11-25T05:00"))) == [
        ["Come back on Tuesday 25 November, 08:00 (Europe/Berlin)"]
    ]
    evening = {"deny": "anyone", "to": "app:wiki", "when": {"hours": "18:00-22:00 Europe/Berlin"}}
    assert ways(explainer(at_work, evening).explain(ask(), moment("2025-11-25T19:00"))) == [
        ["Come back on Wednesday 26 November, 07:00 (Europe/Berlin)"]
    ]


def test_a_group_whose_members_are_denied_is_joined_with_what_lifts_that():
    joined = {"allow": "group:admins", "to": "app:wiki", "do": "view"}
    shut = {"deny": "group:admins", "to": "app:wiki", "unless": {"mfa": "otp"}}
    assert ways(explainer(joined, shut).explain(ask(), NOON)) == [
        ["Confirm with a one-time code", "Join the group admins"]
    ]


def test_many_groups_that_could_be_joined_do_not_hide_what_costs_less():
    many = [{"allow": f"group:g{number:02}", "to": "app:wiki", "do": "view"} for number in range(30)]
    explanation = explainer(*many, {**OPEN, "when": {"mfa": "otp"}}).explain(ask(), NOON)
    assert ways(explanation) == [["Confirm with a one-time code"], ["Join the group g00"], ["Join the group g01"]]


def test_more_of_what_is_enough_is_not_another_way():
    def both(*when: dict) -> Explanation:
        return explainer(*({**OPEN, "when": one} for one in when)).explain(ask(risk=90), NOON)

    assert ways(both({"mfa": "phishing-resistant"}, {"mfa": "otp"})) == [["Confirm with a one-time code"]]
    assert ways(both({"risk": "below 20"}, {"risk": "below 60"})) == [["Bring the risk below 60"]]
    hours = ({"hours": f"{hour}:00-{hour + 1}:00 Europe/Berlin"} for hour in (15, 13))
    assert ways(both(*hours)) == [["Come back on Tuesday 25 November, 13:00 (Europe/Berlin)"]]


def test_where_many_rules_deny_a_group_what_lifts_them_comes_before_leaving_it():
    facts = {"mfa": "otp", "device": {"managed": True, "compliant": True}, "countries": "DE", "risk": "below 40"}
    denying = [
        {"deny": "group:staff", "to": "app:wiki", "unless": {key: facts[key] for key in facts if key != left_out}}
        for left_out in facts
    ]
    ((*changes,),) = ways(explainer(OPEN, *denying).explain(ask(), NOON))
    assert len(changes) == 5
    assert "Leave the group staff" not in changes


def test_a_permission_says_what_ends_it():
    at_work = {**OPEN, "when": {"hours": "07:00-20:00 Europe/Berlin"}}
    until_nine = {**OPEN, "when": {"hours": "07:00-21:00 Europe/Berlin"}}
    ending = explainer(at_work, until_nine).explain(ask(), NOON).ending
    assert ending is not None
    assert ending.at == moment("2025-11-25T21:00")
    assert ending.conditions == (
        "at Mon-Sun 07:00-20:00 Europe/Berlin",
        "at Mon-Sun 07:00-21:00 Europe/Berlin",
    )
    shut = {"deny": "anyone", "to": "anything", "when": {"hours": "18:00-19:00 Europe/Berlin"}}
    ending = explainer(OPEN, shut).explain(ask(), NOON).ending
    assert ending is not None
    assert (ending.at, ending.rules) == (moment("2025-11-25T18:00"), (RuleName("r1"),))
    assert explainer(OPEN).explain(ask(), NOON).ending is None
    always = {**OPEN, "when": {"hours": "00:00-24:00 Europe/Berlin"}}
    assert explainer(always, at_work).explain(ask(), NOON).ending is None


def test_a_permission_that_many_rules_hand_on_from_hour_to_hour_ends_with_the_last():
    hourly = [{**OPEN, "when": {"hours": f"Mon-Sat {hour:02}:00-{hour + 1:02}:00 Europe/Berlin"}} for hour in range(24)]
    ending = explainer(*hourly).explain(ask(), NOON).ending
    assert ending is not None
    assert ending.at == moment("2025-11-30T00:00")
    always = [{**OPEN, "when": {"hours": f"{hour:02}:00-{hour + 1:02}:00 Europe/Berlin"}} for hour in range(24)]
    assert explainer(*always).explain(ask(), NOON).ending is None


def test_rules_that_nearly_matched_come_nearest_first_and_the_rest_is_counted():
    others = [{"allow": "group:night", "to": "app:payroll", "do": "delete"}] * 6
    near = {"allow": "group:night", "to": "app:wiki", "do": "view"}
    explanation = explainer(*others, near).explain(ask(), NOON)
    assert not explanation.in_reach
    assert [(rule.name, rule.lacking) for rule in explanation.near] == [("r6", 1), ("r0", 3), ("r1", 3), ("r2", 3)]
    assert explanation.others == 3


def test_cedar_beside_the_document_is_named():
    cedar = '@id("beside") forbid (principal, action, resource) unless { context has risk && context.risk < 50 };'
    explanation = explainer({**OPEN, "when": {"risk": "below 40"}}, cedar=cedar).explain(ask(risk=70), NOON)
    assert explanation.beside == ("beside",)
    assert ways(explanation) == [["Bring the risk below 40"]]


def test_what_was_not_decided_by_rules_has_no_rules_to_show():
    explanation = explainer(OPEN).explain(ask("unknown"), NOON)
    assert not explanation.allowed
    assert (explanation.in_reach, explanation.ways, explanation.others) == ((), (), 1)


def test_all_of_unless_is_one_thing_that_a_rule_lacks():
    rule = {"deny": "anyone", "to": "app:wiki", "unless": {"device": {"managed": True, "compliant": True}}}
    request = ask(device=Device(managed=True, compliant=True))
    explanation = explainer(OPEN, rule).explain(request, NOON)
    assert explanation.allowed
    (lifted,) = (one for one in explanation.in_reach if one.name == "r1")
    assert (lifted.lacking, [part.fits for part in lifted.parts if part.key is PartKey.UNLESS]) == (1, [False, False])
