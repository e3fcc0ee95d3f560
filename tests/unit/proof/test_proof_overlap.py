"""What can be seen of two rules without a solver."""

from tests.policy_material import catalogue, rules_of
from tests.proof_material import rulebook

from ostiary.policy.proof.dimensions import ACTION, APP
from ostiary.policy.proof.facade import Oddity, lint
from ostiary.policy.proof.formula import FALSE, TRUE, atom, every, negation, some
from ostiary.policy.proof.overlap import Reach, classes_reached
from ostiary.policy.proof.rulebook import encode

FIRST, SECOND, ELSEWHERE = atom("app", [0], 4), atom("app", [1], 4), atom("risk", [0], 2)


def test_classes_that_are_reached():
    reached = {
        TRUE: {0, 1, 2, 3},
        FALSE: set(),
        FIRST: {0},
        ELSEWHERE: {0, 1, 2, 3},
        negation(FIRST): {1, 2, 3},
        negation(ELSEWHERE): {0, 1, 2, 3},
        some([FIRST, SECOND]): {0, 1},
        some([FIRST, ELSEWHERE]): {0, 1, 2, 3},
        every([FIRST, ELSEWHERE]): {0},
        every([FIRST, SECOND]): set(),
        negation(every([FIRST, ELSEWHERE])): {0, 1, 2, 3},
    }
    for formula, classes in reached.items():
        assert classes_reached(formula, "app", 4) == classes, formula


def test_rules_about_other_apps_or_actions_cannot_meet():
    rules = rules_of(
        {"allow": "group:staff", "to": "app:wiki", "do": "view"},
        {"allow": "group:staff", "to": "app:wiki", "do": "edit"},
        {"allow": "group:admins", "to": "label:restricted", "do": "view"},
        {"deny": "anyone", "to": "anything", "when": {"countries": "DE"}},
    )
    space, encoded = encode(rulebook(rules), catalogue())
    sizes = {name: len(space.dimensions[name].values) for name in (APP, ACTION)}
    reach = Reach({part.name: part.matches for part in encoded.parts}, sizes)
    meeting = {(one, other) for one in range(4) for other in range(one) if reach.may_meet(f"r{one}", f"r{other}")}
    assert meeting == {(3, 0), (3, 1), (3, 2)}


def test_no_other_denial_is_named_as_the_reason_where_nothing_is_allowed():
    rules = rules_of(
        {"deny": "group:night", "to": "app:payroll"},
        {"deny": "group:contractors", "to": "app:payroll"},
        {"allow": "group:staff", "to": "app:wiki", "do": "view"},
    )
    found = [one for one in lint(rulebook(rules), catalogue(), seconds_each=60) if one.oddity is Oddity.REMOVES_NOTHING]
    assert [one.words for one in found] == [
        f"`{name}` removes nothing: no rule allows what it denies." for name in ("r0", "r1")
    ]
