"""A replay says of every request what the engine says of it, one by one."""

from collections import Counter
from itertools import groupby

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.policy_material import APPS, NOON, ask, cases, catalogue, documents, proof, rules_of, text_of

from ostiary.policy.decision import Allow, Decision, Obligation, ReasonCode
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, PolicyVersion
from ostiary.policy.past import ALLOWED, HELD, NO_INPUTS, REFUSED, from_ticks, situation_of, to_ticks
from ostiary.policy.replay import Replay
from ostiary.policy.replay_changes import Answering
from ostiary.policy.replay_report import Effect, ReplayReport, Unreplayed
from ostiary.policy.request import AccessRequest, Device
from ostiary.policy.snapshot import Rules
from ostiary.visibility.adapters.past_files import day_of
from ostiary.visibility.domain.holding import first_unmet, is_held
from ostiary.visibility.domain.past_block import Reached, Row, Tables, read_blocks, write_block

EVER = {"since": 0.0, "until": 4e9}
ANSWERING = Answering(is_held, first_unmet)
LOSING = (Effect.LOSES, Effect.LOST_ALREADY)
EXTRA = st.sampled_from(
    [
        "",
        "",
        "",
        '@id("one-person") permit (principal == Person::"p1", action, resource);',
        '@id("by-address") permit (principal in Email::"carl@example.com", action, resource in Label::"internal");',
        '@id("risky") forbid (principal, action, resource) when { context has risk && context.risk > 40 };',
        '@id("the-path") permit (principal, action, resource) when { context has path && context.path like "/d*" };',
    ]
)


def rules(document: object, cedar: str = "") -> Rules:
    text = document if isinstance(document, str) else text_of(document)
    return Rules(document=text, cedar=cedar, version=PolicyVersion("v1"))


rulebooks = st.builds(rules, documents, EXTRA)


def one_by_one(rulebook: Rules, asked: list[tuple[AccessRequest, float]]) -> list[Decision]:
    """Ask the engine each of them, with the labels that stand in the request."""
    known = catalogue({app: [] for app in APPS})
    return [PolicyEngine(rulebook, known, Generation(7)).decide(*one) for one in asked]


def outcome_of(decision: Decision) -> int:
    if isinstance(decision, Allow):
        return ALLOWED
    return HELD if is_held(decision) else REFUSED


def replayed(
    asked: list[tuple[AccessRequest, float]],
    answers: list[Decision],
    *,
    candidate: Rules,
    in_force: Rules,
    since: float = 0.0,
    until: float = 4e9,
) -> ReplayReport:
    """Replay what was asked and answered, by way of the bytes in which it is kept, day by day."""
    rows = [
        Row(situation_of(request), to_ticks(at), outcome_of(answer), 1, number)
        for number, ((request, at), answer) in enumerate(zip(asked, answers, strict=True))
    ]
    replay = Replay(candidate=candidate, in_force=in_force, since=since, until=until)
    for _, some in groupby(sorted(rows, key=lambda row: row.ticks), key=lambda row: day_of(from_ticks(row.ticks))):
        content, tables = b"", Tables()
        for row in some:
            content += write_block(tables, [row], Reached(1, row.offset))
        requests, reached, end = read_blocks(content, "decisions")
        assert end == len(content)
        assert reached.segment == 1
        replay.take(requests)
    return replay.report(apps=map(AppId, APPS), answering=ANSWERING)


def decided_by_rules(asked: list[tuple[AccessRequest, float]], rulebook: Rules) -> list[tuple[AccessRequest, float]]:
    """Leave out what is refused before any rule is asked; the record marks it, and it is not replayed."""
    malformed = {ReasonCode.MALFORMED_REQUEST, ReasonCode.INPUT_TOO_LONG}
    return [
        one
        for one, decision in zip(asked, one_by_one(rulebook, asked), strict=True)
        if isinstance(decision, Allow) or decision.reason not in malformed
    ]


@settings(max_examples=150)
@given(rulebooks, rulebooks, rulebooks, st.lists(cases(), min_size=1, max_size=12))
def test_a_replay_equals_deciding_every_request(new, now, then, asked):
    asked = decided_by_rules([(request, from_ticks(to_ticks(at))) for request, at in asked], now)
    answers = one_by_one(then, asked)
    report = replayed(asked, answers, candidate=new, in_force=now)
    expected: Counter[tuple[str, str, str, Effect]] = Counter()
    unmet: dict[tuple[str, str, str, Effect], set[str]] = {}
    for (request, _), answered, before, after in zip(
        asked, answers, one_by_one(now, asked), one_by_one(new, asked), strict=True
    ):
        if request.resource.app not in APPS:
            continue
        was, is_, will = (isinstance(one, Allow) for one in (answered, before, after))
        effect = None
        if is_ != will:
            effect = Effect.GAINS if will else Effect.LOSES
        elif isinstance(before, Allow) and isinstance(after, Allow) and before.obligations != after.obligations:
            effect = Effect.TERMS
        elif was != is_:
            effect = Effect.GAINED_ALREADY if is_ else Effect.LOST_ALREADY
        if effect:
            who = request.subject.person or request.subject.service or ""
            key = who, request.resource.app, request.action.value, effect
            expected[key] += 1
            first = first_unmet(after)
            unmet.setdefault(key, set()).update([first.words] if first is not None else [])
    assert {(one.subject, one.app, one.action, one.effect): one.count for one in report.changes} == expected
    for one in report.changes:
        if one.effect in LOSING and one.reason.code not in set(ReasonCode):
            assert one.reason.words in unmet[one.subject, one.app, one.action, one.effect]
    gone = sum(request.resource.app not in APPS for request, _ in asked)
    assert report.requests == len(asked) - gone
    assert report.unreplayed.get(Unreplayed.APP_GONE, 0) == gone


@settings(max_examples=60)
@given(rulebooks, st.lists(cases(), min_size=1, max_size=8))
def test_the_same_rules_change_nothing(same, asked):
    asked = decided_by_rules([(request, from_ticks(to_ticks(at))) for request, at in asked], same)
    report = replayed(asked, one_by_one(same, asked), candidate=same, in_force=same)
    assert report.changes == ()
    assert report.unchanged == report.requests
    assert not report.loses


@settings(max_examples=60)
@given(documents, documents, st.lists(cases(), min_size=1, max_size=8), st.floats(NOON - 40 * 86400, NOON + 20 * 86400))
@example(rules_of({"allow": "anyone", "to": "anything", "do": "any"}), rules_of(), [(ask(), NOON)], NOON)
def test_a_span_is_cut_in_two_without_loss(candidate, in_force, asked, middle):
    new, now = rules(candidate), rules(in_force)
    asked = decided_by_rules([(request, from_ticks(to_ticks(at))) for request, at in asked], now)
    answers = one_by_one(now, asked)
    whole = replayed(asked, answers, candidate=new, in_force=now)
    before = replayed(asked, answers, candidate=new, in_force=now, until=middle)
    after = replayed(asked, answers, candidate=new, in_force=now, since=middle)
    assert before.requests + after.requests == whole.requests
    for effect in Effect:
        assert before.count(effect) + after.count(effect) == whole.count(effect)


def test_only_the_nearest_thing_unmet_is_told_with_examples_and_moments():
    now = rules_of({"allow": "group:staff", "to": "app:wiki", "do": "any"})
    new = rules_of({"allow": "group:staff", "to": "app:wiki", "do": "any", "when": {"mfa": "phishing-resistant"}})
    asked = [(ask(proofs=(proof("totp"),), path=f"/{n}"), NOON + n) for n in range(5)]
    asked.append((ask(proofs=(proof("webauthn"),)), NOON + 9))
    report = replayed(asked, one_by_one(rules(now), asked), candidate=rules(new), in_force=rules(now))
    (change,) = report.changes
    assert (change.person, change.app, change.action, change.effect) == ("p1", "wiki", "view", Effect.LOSES)
    assert (change.count, change.held, change.allowed_then) == (5, 5, 5)
    assert (change.first_at, change.last_at) == (NOON, NOON + 4)
    assert (change.reason.code, change.reason.rule) == ("mfa", "r0")
    assert change.reason.words == "This needs a passkey or security key; you gave a one-time code."
    assert [example.path for example in change.examples] == ["/4"]
    assert (report.requests, report.people, report.loses) == (6, 1, True)
    assert report.situations == 2


def test_what_the_rules_in_force_would_answer_otherwise_is_not_blamed_on_the_candidate():
    then = rules_of({"allow": "anyone", "to": "anything", "do": "any"})
    now = rules_of({"allow": "anyone", "to": "app:wiki", "do": "any"})
    asked = [(ask("payroll"), NOON), (ask("wiki"), NOON)]
    report = replayed(asked, one_by_one(rules(then), asked), candidate=rules(now), in_force=rules(now))
    assert [(one.app, one.effect) for one in report.changes] == [("payroll", Effect.LOST_ALREADY)]
    assert not report.loses


def test_requests_without_inputs_are_counted_and_said_why():
    content = write_block(Tables(), [Row(situation_of(ask()), to_ticks(NOON), NO_INPUTS, 1, 0, 7)], Reached())
    replay = Replay(candidate=rules(rules_of()), in_force=rules(rules_of()), **EVER)
    replay.take(read_blocks(content, "requests")[0])
    report = replay.report(apps=None, answering=ANSWERING)
    assert report.unreplayed == {Unreplayed.NO_INPUTS: 7}
    assert report.requests == 0


def test_an_address_is_not_kept_and_still_recognised():
    named = rules_of({"allow": "person:anna@example.com", "to": "anything", "do": "any"})
    asked = [(ask(person=person, email=email), NOON) for person, email in (("p1", "ANNA@example.com"), ("p2", "b@x.y"))]
    kept = write_block(Tables(), [Row(situation_of(r), to_ticks(at), REFUSED, 1, 0) for r, at in asked], Reached())
    assert not any("@" in str(asker) for asker in read_blocks(kept, "decisions")[0].askers)
    none = rules_of({"deny": "anyone", "to": "anything"})
    report = replayed(asked, one_by_one(rules(none), asked), candidate=rules(named), in_force=rules(none))
    assert [(one.person, one.effect) for one in report.changes] == [("p1", Effect.GAINS)]


def test_a_permission_on_other_terms_is_told_as_such():
    alike = {"allow": "group:staff", "to": "app:wiki", "do": "any"}
    now, new = rules_of(alike | {"require": ["mask"]}), rules_of(alike | {"require": ["justify", "record"]})
    asked = [(ask(path=f"/{n}"), NOON + n) for n in range(3)] + [(ask("payroll"), NOON)]
    report = replayed(asked, one_by_one(rules(now), asked), candidate=rules(new), in_force=rules(now))
    (change,) = report.changes
    assert (change.effect, change.app, change.count, change.first_at) == (Effect.TERMS, "wiki", 3, NOON)
    assert (change.terms_added, change.terms_dropped) == ((Obligation.JUSTIFY, Obligation.RECORD), (Obligation.MASK,))
    assert (change.reason.code, change.reason.rule) == ("terms", "r0")
    assert change.reason.words == (
        "Still allowed, and they must say why and the session is recorded. No longer: sensitive data is masked."
    )
    assert not report.loses
    assert report.unchanged == 1


@pytest.mark.parametrize(
    ("when", "seen"),
    [
        ({"networks": "10.0.0.0/8"}, [{"address": "192.0.2.1"}, {"address": "198.51.100.2"}]),
        ({"countries": "DE"}, [{"country": "FR"}, {"country": "AT"}]),
        ({"risk": "below 10"}, [{"risk": 20}, {"risk": 30}]),
        (
            {"device": {"os_version": "at least 14"}},
            [{"device": Device(attributes=(("os_version", version),))} for version in (12, 13)],
        ),
    ],
)
def test_each_person_is_told_what_they_would_have_read_themselves(when, seen):
    """Their requests are of one kind, and decided once; but the words name what was seen of each."""
    alike = {"allow": "anyone", "to": "anything", "do": "any"}
    now, new = rules_of(alike), rules_of(alike | {"when": when})
    asked = [(ask(person=f"p{number}", **facts), NOON) for number, facts in enumerate(seen)]
    report = replayed(asked, one_by_one(rules(now), asked), candidate=rules(new), in_force=rules(now))
    assert report.situations == 1
    own = [first_unmet(decision).words for decision in one_by_one(rules(new), asked)]
    assert own[0] != own[1]
    assert {one.person: one.reason.words for one in report.changes} == {"p0": own[0], "p1": own[1]}
