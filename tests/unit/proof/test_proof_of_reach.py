"""Who can, what can, and what the linter says of people, in a small company."""

from tests.policy_material import catalogue, engine, rules_of
from tests.proof_material import rulebook

from ostiary.policy.decision import Allow
from ostiary.policy.identifiers import GroupId, PersonId, ServiceId
from ostiary.policy.proof.facade import Oddity, lint, what_can, who_can
from ostiary.policy.proof.inquiry import subject_of
from ostiary.policy.request import ActionClass, AuthStrength, Subject
from ostiary.policy.rules.document import Target, TargetKind
from ostiary.policy.snapshot import Directory, PersonFact

DOCUMENT = rules_of(
    {"allow": "group:staff", "to": "app:wiki", "do": ["view", "edit"]},
    {"allow": "group:admins", "to": "anything", "do": "any", "when": {"mfa": "otp"}},
    {"allow": "person:carl@example.com", "to": "app:payroll", "do": "view"},
    {"deny": "group:contractors", "to": "label:restricted"},
    {"deny": "anyone", "to": "app:wiki", "do": "edit", "unless": {"device": {"managed": True}}},
    {"allow": "service:backup", "to": "app:console", "do": "connect"},
)


def person(name: str, *groups: str, active: bool = True) -> PersonFact:
    return PersonFact(
        id=PersonId(name), email=f"{name}@example.com", name=name, active=active, groups=tuple(map(GroupId, groups))
    )


PEOPLE = [
    person("anna", "staff", "admins"),
    person("ben", "staff"),
    person("carl"),
    person("dora", "admins", "contractors"),
    person("emil", "admins", active=False),
]
DIRECTORY = Directory(
    people={one.id: one for one in PEOPLE},
    groups={GroupId(name): name for name in ("staff", "admins", "contractors", "night")},
)


def asked_who(action, kind, name=""):
    return who_can(rulebook(DOCUMENT), catalogue(), action, Target(kind, name), directory=DIRECTORY, seconds_each=60)


def test_who_can_see_an_app():
    found = asked_who(ActionClass.VIEW, TargetKind.APP, "payroll")
    assert [way.rule for way in found.ways] == ["r1", "r2"]
    assert [way.rule for way in found.limits] == ["r3"]
    assert found.people == ("anna", "carl")
    assert found.apps == ("payroll",)
    assert found.ways[0].words == "Members of admins may use any app, with a one-time code."
    assert found.ways[0].line == 1
    for way in found.ways:
        assert isinstance(engine(DOCUMENT).decide(way.example.request, way.example.at), Allow)
        assert way.rule in way.example.decision.rules
        assert way.example.request.resource.app == "payroll"


def test_who_can_change_it_or_do_anything():
    assert asked_who(ActionClass.EDIT, TargetKind.APP, "payroll").people == ("anna",)
    assert asked_who(ActionClass.EDIT, TargetKind.APP, "wiki").people == ("anna", "ben", "dora")
    assert [way.rule for way in asked_who(ActionClass.EDIT, TargetKind.APP, "wiki").limits] == ["r4"]
    assert asked_who(None, TargetKind.LABEL, "restricted").people == ("anna", "carl")
    assert asked_who(ActionClass.VIEW, TargetKind.ANYTHING).people == ("anna", "ben", "carl", "dora")
    assert [way.rule for way in asked_who(ActionClass.CONNECT, TargetKind.APP, "console").ways] == ["r1", "r5"]


def test_which_services_can_is_told_too():
    made = [ServiceId(name) for name in ("reports", "backup", "other")]

    def asked(action, name, document=DOCUMENT):
        target = Target(TargetKind.APP, name)
        return who_can(rulebook(document), catalogue(), action, target, services=made, seconds_each=60).services

    assert asked(ActionClass.CONNECT, "console") == ("backup",)
    assert asked(ActionClass.VIEW, "console") == ()
    everybody = rules_of(
        {"allow": "anyone", "to": "app:wiki", "do": "view"}, {"deny": "service:backup", "to": "app:wiki"}
    )
    assert asked(ActionClass.VIEW, "wiki", everybody) == ("other", "reports")


def test_who_has_to_set_up_a_stronger_proof_first_is_told_apart():
    found = who_can(
        rulebook(DOCUMENT),
        catalogue(),
        ActionClass.DELETE,
        Target(TargetKind.ANYTHING),
        directory=DIRECTORY,
        can_prove={PersonId("anna"): AuthStrength.ANY, PersonId("ben"): AuthStrength.SINGLE},
        seconds_each=60,
    )
    assert (found.people, found.set_up_first) == (("anna", "dora"), ("anna",))


def test_what_one_can_only_do_with_a_proof_that_is_not_set_up_is_told_apart():
    def first(strength):
        found = what_can(rulebook(DOCUMENT), catalogue(), subject_of(PEOPLE[0]), can_prove=strength, seconds_each=60)
        return {one.app: [*one.set_up_first] for one in found}

    strong = [ActionClass.DELETE, ActionClass.CONNECT]
    every = [ActionClass.VIEW, ActionClass.EDIT, *strong]
    assert first(AuthStrength.ANY) == {"wiki": strong, "payroll": every, "console": every}
    assert first(AuthStrength.OTP) == {"wiki": [], "payroll": [], "console": []}


def test_nobody_can():
    found = asked_who(ActionClass.VIEW, TargetKind.LABEL, "public")
    assert (found.apps, found.ways, found.limits, found.people) == ((), (), (), ())


def test_what_people_and_services_can():
    def reach(subject):
        found = what_can(rulebook(DOCUMENT), catalogue(), subject, seconds_each=60)
        return {one.app: ([*one.actions], [way.rule for way in one.rules]) for one in found}

    four = [ActionClass.VIEW, ActionClass.EDIT, ActionClass.DELETE, ActionClass.CONNECT]
    assert reach(subject_of(PEOPLE[1])) == {"wiki": ([ActionClass.VIEW, ActionClass.EDIT], ["r0"])}
    assert reach(subject_of(PEOPLE[2])) == {"payroll": ([ActionClass.VIEW], ["r2"])}
    assert reach(subject_of(PEOPLE[3])) == {"wiki": (four, ["r1"]), "console": (four, ["r1"])}
    assert reach(subject_of(PEOPLE[0]))["wiki"] == (four, ["r0", "r1"])
    assert reach(Subject(service="backup")) == {"console": ([ActionClass.CONNECT], ["r5"])}
    assert reach(Subject(service="mirror")) == {}


def test_what_is_said_of_people_and_groups():
    found = lint(rulebook(DOCUMENT), catalogue(), DIRECTORY, seconds_each=60)
    assert [(one.oddity, one.words) for one in found] == [
        (Oddity.GROUP_WITHOUT_RULES, "No rule names the group `night`."),
        (Oddity.REACHES_EVERYTHING, "anna@example.com can reach every app."),
    ]


def test_an_app_for_a_group_without_members_is_reached_by_nobody():
    rules = rulebook(
        rules_of(
            {"allow": "group:night", "to": "app:payroll", "do": "view"},
            {"allow": "group:staff", "to": ["app:wiki", "app:console"], "do": "view"},
        )
    )
    assert not [one for one in lint(rules, catalogue(), seconds_each=60) if one.oddity is Oddity.UNREACHABLE_APP]
    (finding,) = [
        one for one in lint(rules, catalogue(), DIRECTORY, seconds_each=60) if one.oddity is Oddity.UNREACHABLE_APP
    ]
    assert finding.words == "Nobody can reach `payroll`."


def test_two_equal_rules_are_not_both_superfluous():
    same = {"allow": "group:staff", "to": "anything", "do": "any"}
    found = lint(rulebook(rules_of(same, same)), catalogue(), seconds_each=60)
    assert [(one.oddity, one.rule) for one in found] == [(Oddity.ADDS_NOTHING, "r1")]


def test_a_rule_that_asks_for_a_reason_is_not_superfluous():
    same = {"allow": "group:staff", "to": "anything", "do": "any"}
    found = lint(rulebook(rules_of({**same, "require": "justify"}, same)), catalogue(), seconds_each=60)
    assert [(one.oddity, one.rule) for one in found] == [(Oddity.ADDS_NOTHING, "r1")]
    assert (
        lint(rulebook(rules_of({**same, "allow": "anyone"}, {**same, "require": "mask"})), catalogue(), seconds_each=60)
        == ()
    )
