"""The engine, case by case: each way to a refusal, what is said about it, and what a permission carries."""

from typing import Any

import cedarpy
import msgspec
import pytest
from tests.policy_material import APPS, NOON, allowed, ask, catalogue, engine, moment, proof, refused, rules_of

from ostiary.policy import engine as engine_module
from ostiary.policy.decision import Allow, Deny, Obligation, ReasonCode, RemedyKind
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, PolicyVersion, RuleName
from ostiary.policy.request import ActionClass, Context, Device, Subject
from ostiary.policy.rules.problems import InvalidRules
from ostiary.policy.snapshot import Rules

STAFF = {"allow": "group:staff", "to": "app:wiki", "do": "any"}


def decide(rules: dict, request=None, now: float = NOON, **more) -> Any:
    return engine(rules_of(rules), **more).decide(request or ask(), now)


class TestRefusals:
    def test_no_rules_let_nobody_in(self):
        for text in ("", "# nothing", "version: 1", "version: 1\nrules: []"):
            assert refused(engine(text).decide(ask(), NOON)).reason is ReasonCode.NO_RULES
            assert engine(text).allows_nothing

    def test_unknown_app(self):
        assert refused(decide(STAFF, ask("nowhere"))).reason is ReasonCode.UNKNOWN_RESOURCE

    def test_nobody_asks(self):
        assert refused(decide(STAFF, ask(person=None))).reason is ReasonCode.UNAUTHENTICATED
        assert refused(decide(STAFF, ask(person=""))).reason is ReasonCode.UNAUTHENTICATED

    def test_person_and_service_at_once(self):
        assert refused(decide(STAFF, ask(service="backup"))).reason is ReasonCode.MALFORMED_REQUEST

    def test_no_rule_names_them(self):
        decision = decide(STAFF, ask(groups=("night",)))
        assert decision.reason is ReasonCode.NO_RULE_APPLIES
        assert decision.unmet == ()

    def test_a_person_without_address_while_rules_name_addresses(self):
        rules = {"deny": "person:anna@example.com", "to": "anything"}
        assert refused(decide(rules, ask(email=None))).reason is ReasonCode.UNKNOWN_SUBJECT
        assert refused(decide(rules, ask(email="ANNA@example.com"))).reason is ReasonCode.DENIED_BY_RULE

    @pytest.mark.parametrize("size", [1_000, 100_000])
    def test_long_input(self, size):
        assert refused(decide(STAFF, ask(person="p" * size))).reason is ReasonCode.INPUT_TOO_LONG
        assert refused(decide(STAFF, ask("w" * size))).reason is ReasonCode.INPUT_TOO_LONG

    def test_long_path_and_many_groups(self):
        assert refused(decide(STAFF, ask(path="/" + "a" * 70_000))).reason is ReasonCode.INPUT_TOO_LONG
        assert (
            refused(decide(STAFF, ask(groups=tuple(f"group-{n}" for n in range(9_000))))).reason
            is ReasonCode.INPUT_TOO_LONG
        )

    @pytest.mark.parametrize("risk", [-1, 101, True, 1.5, "5", float("nan")])
    def test_risk_out_of_range(self, risk):
        assert refused(decide(STAFF, ask(risk=risk))).reason is ReasonCode.MALFORMED_REQUEST

    @pytest.mark.parametrize("now", [None, "x", -1.0, float("nan"), float("inf"), 1e300, True, 10**400])
    def test_moments_that_are_none(self, now):
        assert refused(engine(rules_of(STAFF)).decide(ask(), now)).reason is ReasonCode.MALFORMED_REQUEST

    def test_a_fact_given_twice(self):
        device = Device(attributes=(("disk", True), ("disk", False)))
        assert refused(decide(STAFF, ask(device=device))).reason is ReasonCode.MALFORMED_REQUEST

    def test_a_proof_at_no_moment(self):
        broken = proof()
        odd = msgspec.structs.replace(broken, at=float("inf"))
        assert refused(decide(STAFF, ask(proofs=(odd,)))).reason is ReasonCode.MALFORMED_REQUEST

    def test_lone_surrogates(self):
        assert refused(decide(STAFF, ask(person="p\ud800"))).reason is ReasonCode.MALFORMED_REQUEST

    def test_an_engine_that_fails_refuses(self, monkeypatch):
        def broken(*_):
            raise RuntimeError("engine on fire")

        monkeypatch.setattr(cedarpy, "is_authorized", broken)
        decision = decide(STAFF)
        assert decision.reason is ReasonCode.ENGINE_ERROR
        assert "engine on fire" in decision.detail

    def test_diagnostic_errors_refuse_even_beside_a_permission(self):
        cedar = '@id("bad") forbid (principal, action, resource) when { context.mfa + 9223372036854775807 > 5 };'
        decision = engine(rules_of(STAFF), cedar=cedar).decide(ask(proofs=(proof(),)), NOON)
        assert isinstance(decision, Deny)
        assert decision.reason is ReasonCode.ENGINE_ERROR
        assert "overflow" in decision.detail

    def test_no_decision_refuses(self, monkeypatch):
        class Undecided:
            decision = cedarpy.Decision.NoDecision

            class diagnostics:  # noqa: N801
                errors: tuple = ()
                id_annotations_by_reason: dict = {}

        monkeypatch.setattr(cedarpy, "is_authorized", lambda *_: Undecided)
        assert refused(decide(STAFF)).reason is ReasonCode.ENGINE_ERROR

    def test_rules_that_cannot_be_used_are_refused_at_once(self):
        with pytest.raises(InvalidRules):
            engine("version: 1\nrules: [{name: a}]")

    def test_unknown_actions_need_any(self):
        rule = {**STAFF, "do": ["view", "edit", "delete", "connect"]}
        assert isinstance(decide(rule, ask(action=ActionClass.UNKNOWN)), Deny)
        assert isinstance(decide(STAFF, ask(action=ActionClass.UNKNOWN)), Allow)


class TestPermissions:
    def test_it_names_rules_version_and_generation(self):
        decision = engine(rules_of(STAFF, {**STAFF, "allow": "anyone"})).decide(ask(), NOON)
        assert decision == Allow(
            rules=(RuleName("r0"), RuleName("r1")), policy_version=PolicyVersion("v1"), generation=Generation(7)
        )

    def test_obligations_are_united_and_make_it_per_request(self):
        rules = rules_of({**STAFF, "require": ["record", "mask"]}, {**STAFF, "require": "justify"})
        decision = allowed(engine(rules).decide(ask(), NOON))
        assert decision.obligations == (Obligation.JUSTIFY, Obligation.MASK, Obligation.RECORD)
        assert decision.per_request

    @pytest.mark.parametrize(
        ("more", "per_request"),
        [
            ({"when": {"mfa": "otp", "risk": "below 50", "hours": "00:00-24:00 UTC"}}, False),
            ({"paths": "/*"}, True),
            ({"when": {"networks": "10.0.0.0/8"}}, True),
            ({"when": {"countries": "DE"}}, True),
            ({"when": {"device": {"managed": True}}}, False),
        ],
    )
    def test_per_request_exactly_when_a_grant_could_lie(self, more, per_request):
        request = ask(proofs=(proof(),), risk=3, address="10.0.0.1", country="DE", device=Device(managed=True))
        decision = decide({**STAFF, **more}, request)
        assert allowed(decision).per_request is per_request

    def test_a_wider_rule_spares_the_narrow_one(self):
        narrow = {**STAFF, "when": {"networks": "10.0.0.0/8"}}
        decision = engine(rules_of(STAFF, narrow)).decide(ask(address="10.0.0.1"), NOON)
        assert decision.rules == ("r0", "r1")
        assert not allowed(decision).per_request

    def test_a_deny_rule_on_paths_makes_it_per_request(self):
        denied = {"deny": "anyone", "to": "app:wiki", "paths": "/admin/*"}
        decision = engine(rules_of(STAFF, denied)).decide(ask(path="/"), NOON)
        assert allowed(decision).per_request

    def test_labels_of_the_catalogue_count_even_if_the_request_lacks_them(self):
        decision = engine(rules_of({**STAFF, "to": "anything"}, {"deny": "anyone", "to": "label:restricted"}))
        assert refused(decision.decide(ask("payroll"), NOON)).reason is ReasonCode.DENIED_BY_RULE
        assert refused(decision.decide(ask("wiki", labels=("restricted",)), NOON)).reason is ReasonCode.DENIED_BY_RULE
        assert isinstance(decision.decide(ask("wiki"), NOON), Allow)

    def test_services(self):
        rule = {"allow": "service:backup", "to": "app:wiki", "do": "view"}
        assert isinstance(decide(rule, ask(person=None, service="backup", groups=())), Allow)
        assert isinstance(decide(rule, ask(person="backup", groups=())), Deny)


class TestPaths:
    ADMIN = {**STAFF, "paths": "/admin/*"}

    @pytest.mark.parametrize("path", ["/admin", "/admin/", "/admin/x", "/admin/x/y"])
    def test_inside(self, path):
        assert isinstance(decide(self.ADMIN, ask(path=path)), Allow)

    @pytest.mark.parametrize("path", ["/", "/administrator", "/Admin", "/x/admin", "/admi", "admin", ""])
    def test_outside(self, path):
        assert isinstance(decide(self.ADMIN, ask(path=path)), Deny)

    UNCLEAR = [
        "//admin",
        "/x/../admin",
        "/x/..;/admin",
        "/admin;a",
        "/%61dmin",
        "/admin\\x",
        "/./admin",
        "/admin\x00",
        "/a?b",
        "/a#b",
    ]

    @pytest.mark.parametrize("path", UNCLEAR)
    def test_a_path_that_could_be_read_twice_is_never_allowed_by_a_scope(self, path):
        assert isinstance(decide({**STAFF, "paths": "/*"}, ask(path=path)), Deny)

    @pytest.mark.parametrize("path", UNCLEAR)
    def test_and_never_escapes_a_denied_scope(self, path):
        denied = {"deny": "anyone", "to": "app:wiki", "paths": "/nothing-like-it"}
        assert refused(engine(rules_of(STAFF, denied)).decide(ask(path=path), NOON)).reason is ReasonCode.DENIED_BY_RULE


class TestTime:
    HOURS = {**STAFF, "when": {"hours": "Mon-Fri 07:00-20:00 Europe/Berlin"}}

    def test_inside_the_hours_it_ends_with_them(self):
        decision = decide(self.HOURS)
        assert isinstance(decision, Allow)
        assert decision.valid_until == moment("2025-11-25T20:00")

    def test_outside_one_waits_for_the_next(self):
        decision = decide(self.HOURS, now=moment("2025-11-28T21:30"))
        assert decision.reason is ReasonCode.CONDITIONS_UNMET
        assert decision.valid_until == moment("2025-12-01T07:00")
        (unmet,) = decision.unmet
        assert unmet.code == "hours"
        assert unmet.remedy.kind is RemedyKind.WAIT
        assert unmet.remedy.at == moment("2025-12-01T07:00")
        assert unmet.remedy.words == "Come back on Monday 1 December, 07:00 (Europe/Berlin)"

    def test_a_proof_grows_old(self):
        rule = {**STAFF, "when": {"mfa": {"method": "otp", "within": "10m"}}}
        decision = decide(rule, ask(proofs=(proof(ago=60),)))
        assert decision.valid_until == NOON - 60 + 600
        late = decide(rule, ask(proofs=(proof(ago=600),)))
        assert (
            late.unmet[0].words
            == "This needs a one-time code from the last 10 minutes; you gave a one-time code longer ago."
        )
        assert late.unmet[0].remedy.path == "/step-up?need=otp&within=600&app=wiki"

    def test_a_proof_from_the_future_is_not_believed(self):
        rule = {**STAFF, "when": {"mfa": {"method": "otp", "within": "10m"}}}
        assert isinstance(decide(rule, ask(proofs=(proof(ago=-4),))), Allow)
        late = decide(rule, ask(proofs=(proof(ago=-60),)))
        assert isinstance(late, Deny)
        assert late.valid_until == NOON + 55

    def test_a_rule_that_cannot_come_true_does_not_shorten_a_permission(self):
        dead = {**STAFF, "when": {"mfa": {"method": "otp", "within": "10m"}, "hours": "13:00-14:00 UTC"}}
        assert engine(rules_of(STAFF, dead)).decide(ask(), NOON).valid_until is None

    def test_a_denial_that_is_coming_ends_a_permission(self):
        closing = {"deny": "anyone", "to": "app:wiki", "when": {"hours": "Tue 14:00-15:00 Europe/Berlin"}}
        assert engine(rules_of(STAFF, closing)).decide(ask(), NOON).valid_until == moment("2025-11-25T14:00")


class TestExplanations:
    def test_the_nearest_rule_comes_first(self):
        rules = rules_of(
            {**STAFF, "when": {"device": {"managed": True}, "networks": "10.0.0.0/8"}},
            {**STAFF, "when": {"device": {"managed": True}}},
            {**STAFF, "when": {"mfa": "phishing-resistant"}},
        )
        decision = refused(engine(rules).decide(ask(proofs=(proof(),)), NOON))
        assert [unmet.rule for unmet in decision.unmet] == ["r2", "r1", "r0", "r0"]

    def test_step_up(self):
        (unmet,) = decide({**STAFF, "when": {"mfa": "phishing-resistant"}}, ask(proofs=(proof(),))).unmet
        assert unmet.words == "This needs a passkey or security key; you gave a one-time code."
        assert unmet.remedy.kind is RemedyKind.STEP_UP
        assert unmet.remedy.path == "/step-up?need=phishing-resistant&app=wiki"

    def test_every_kind_of_condition_has_words_and_a_code(self):
        rule = {
            **STAFF,
            "do": "view",
            "paths": "/docs/*",
            "when": {
                "mfa": "any",
                "device": {"managed": True, "os_version": "at least 14"},
                "hours": "01:00-02:00 UTC",
                "networks": "10.0.0.0/8",
                "countries": ["DE", "AT"],
                "risk": "below 20",
            },
        }
        request = ask(action=ActionClass.DELETE, address="192.0.2.1", risk=30, device=Device(managed=False))
        decision = decide(rule, request)
        words = {unmet.code: unmet.words for unmet in decision.unmet}
        assert words == {
            "mfa": "This needs a second factor; you gave a password.",
            "device.managed": "This is open only on a managed device; yours is not.",
            "device.os_version": (
                "This is open only on a device whose operating system is at least 14; "
                "nobody knows whether this device's operating system is at least 14."
            ),
            "hours": "This is open Mon-Sun 01:00-02:00 UTC only.",
            "network": "This is open only from 10.0.0.0/8; your address is 192.0.2.1.",
            "country": "This is open only from DE, AT; your country is not known.",
            "risk": "The risk must be below 20; it is 30.",
            "action": "You are allowed viewing here, not deleting.",
            "path": "No rule opens this part to you; the rule r0 opens only /docs/*.",
        }
        assert all(unmet.remedy is not None for unmet in decision.unmet)

    def test_a_service_is_not_sent_to_a_sign_in_page(self):
        rule = {"allow": "service:backup", "to": "app:wiki", "do": "view", "when": {"mfa": "otp"}}
        (unmet,) = decide(rule, ask(person=None, service="backup")).unmet
        assert unmet.remedy is None

    def test_what_lifts_a_denial_is_said(self):
        lifted = {"deny": "anyone", "to": "app:wiki", "unless": {"mfa": "otp", "risk": "below 50"}}
        decision = refused(engine(rules_of(STAFF, lifted)).decide(ask(risk=3), NOON))
        assert decision.reason is ReasonCode.DENIED_BY_RULE
        assert [(unmet.rule, unmet.code) for unmet in decision.unmet] == [("r1", "mfa")]

    def test_a_denial_that_nothing_lifts_says_nothing(self):
        lifted = {"deny": "anyone", "to": "app:wiki", "unless": {"mfa": "otp"}}
        hard = {"deny": "group:staff", "to": "app:wiki"}
        assert refused(engine(rules_of(STAFF, lifted, hard)).decide(ask(), NOON)).unmet == ()

    def test_what_no_proof_can_open_is_said_first(self):
        rule = {**STAFF, "do": "view", "paths": "/docs/*", "when": {"mfa": "phishing-resistant"}}
        decision = refused(decide(rule, ask(path="/admin", action=ActionClass.EDIT)))
        assert [unmet.code for unmet in decision.unmet] == ["path", "action", "mfa"]

    def test_a_denial_tells_what_its_rules_say_of_themselves(self):
        first = {"deny": "anyone", "to": "app:wiki", "describe": "Closed for the audit."}
        silent = {"deny": "group:staff", "to": "app:wiki"}
        again = {**first, "deny": "group:staff"}
        decision = refused(engine(rules_of(STAFF, first, silent, again)).decide(ask(), NOON))
        assert decision.rules == ("r1", "r2", "r3")
        assert decision.because == ("Closed for the audit.",)
        assert not decision.in_part

    def test_a_denial_is_in_part_when_every_rule_of_it_is(self):
        part = {"deny": "anyone", "to": "app:wiki", "paths": "/admin/*"}
        act = {"deny": "anyone", "to": "app:wiki", "do": "view"}
        whole = {"deny": "anyone", "to": "app:wiki"}
        here = ask(path="/admin/x")
        assert refused(engine(rules_of(STAFF, part, act)).decide(here, NOON)).in_part
        assert not refused(engine(rules_of(STAFF, part, whole)).decide(here, NOON)).in_part


class TestUnknownFacts:
    @pytest.mark.parametrize(
        "unless", [{"device": {"managed": True}}, {"countries": "DE"}, {"networks": "10.0.0.0/8"}, {"risk": "below 90"}]
    )
    def test_they_do_not_lift_a_denial(self, unless):
        rules = rules_of(STAFF, {"deny": "anyone", "to": "app:wiki", "unless": unless})
        assert isinstance(engine(rules).decide(ask(), NOON), Deny)

    @pytest.mark.parametrize("when", [{"countries": "KP"}, {"networks": "10.0.0.0/8"}])
    def test_they_do_not_spare_from_a_denial(self, when):
        rules = rules_of(STAFF, {"deny": "anyone", "to": "app:wiki", "when": when})
        assert isinstance(engine(rules).decide(ask(), NOON), Deny)
        assert isinstance(engine(rules).decide(ask(country="DE", address="192.0.2.1"), NOON), Allow)

    @pytest.mark.parametrize("seen", [1, "true", "yes", 0])
    def test_values_of_another_type_do_not_pass(self, seen):
        rule = {**STAFF, "when": {"device": {"disk_encrypted": True}}}
        assert isinstance(decide(rule, ask(device=Device(attributes=(("disk_encrypted", seen),)))), Deny)
        assert isinstance(decide(rule, ask(device=Device(attributes=(("disk_encrypted", True),)))), Allow)

    def test_addresses_in_other_clothes(self):
        rule = {**STAFF, "when": {"networks": ["10.0.0.0/8"]}}
        assert isinstance(decide(rule, ask(address="::ffff:10.0.0.1")), Allow)
        for address in ("10.0.0.1%eth0", "fe80::1%eth0", "10.0.0.256", "0x0a000001", "localhost", ""):
            assert isinstance(decide(rule, ask(address=address)), Deny)


class TestMemory:
    def test_it_is_bounded(self, monkeypatch):
        monkeypatch.setattr(engine_module, "MAX_REMEMBERED", 50)
        deciding = engine(rules_of(STAFF))
        for number in range(200):
            deciding.decide(ask(person=f"p{number}"), NOON)
        assert len(deciding._answers) == 50

    def test_true_and_one_are_different_facts(self):
        deciding = engine(rules_of({**STAFF, "when": {"device": {"x": 1}}}))
        assert isinstance(deciding.decide(ask(device=Device(attributes=(("x", 1),))), NOON), Allow)
        assert isinstance(deciding.decide(ask(device=Device(attributes=(("x", True),))), NOON), Deny)

    def test_a_clock_that_goes_back_is_decided_afresh(self):
        rule = {**STAFF, "when": {"hours": "Mon-Fri 07:00-20:00 Europe/Berlin"}}
        deciding = engine(rules_of(rule))
        assert isinstance(deciding.decide(ask(), NOON), Allow)
        assert isinstance(deciding.decide(ask(), moment("2025-11-25T06:00")), Deny)

    def test_a_path_that_no_rule_asks_about_is_not_part_of_the_key(self):
        deciding = engine(rules_of(STAFF))
        for number in range(20):
            deciding.decide(ask(path=f"/{number}"), NOON)
        assert len(deciding._answers) == 1


class TestPortal:
    def test_every_app_gets_an_answer(self):
        rules = rules_of(STAFF, {**STAFF, "to": "app:payroll", "when": {"mfa": "otp"}})
        answers = engine(rules).possible(ask().subject, None, Context(), NOON)
        assert set(answers) == set(APPS)
        assert isinstance(answers[AppId("wiki")], Allow)
        assert refused(answers[AppId("payroll")]).reason is ReasonCode.CONDITIONS_UNMET
        assert refused(answers[AppId("console")]).reason is ReasonCode.NO_RULE_APPLIES

    def test_it_survives_anything(self):
        answers = engine(rules_of(STAFF)).possible(Subject(), None, Context(), NOON)
        assert all(refused(answer).reason is ReasonCode.UNAUTHENTICATED for answer in answers.values())


def test_a_broken_parsed_form_falls_back_to_the_text():
    from tests.policy_material import text_of

    rules = Rules(document=text_of(rules_of(STAFF)), version=PolicyVersion("v1"), parsed=b"junk")
    assert isinstance(PolicyEngine(rules, catalogue(), Generation(1)).decide(ask(), NOON), Allow)


def test_a_fact_that_is_one_is_not_a_fact_that_is_true():
    deciding = engine(
        rules_of(
            {"allow": "anyone", "to": "app:wiki", "do": "view", "when": {"device": {"disk_encrypted": True}}},
            {"allow": "anyone", "to": "app:payroll", "do": "view", "when": {"device": {"disk_encrypted": 1}}},
        )
    )
    for app, wanted in (("wiki", True), ("payroll", 1)):
        for seen in (True, 1):
            request = ask(app, device=Device(attributes=(("disk_encrypted", seen),)))
            assert isinstance(deciding.decide(request, NOON), Allow) == (seen is wanted)
