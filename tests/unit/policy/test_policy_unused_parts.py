"""What nobody used, in the parts in which it can be taken out: any choice of them takes nothing that was used."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policy_material import cases, documents, text_of

from ostiary.policy.decision import Allow
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, PolicyVersion
from ostiary.policy.past import Act, Asker, situation_of
from ostiary.policy.request import ActionClass
from ostiary.policy.rules.document import Effect
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.snapshot import AppFact, Catalogue, Rules
from ostiary.policy.unused import find_use, without_unused
from ostiary.policy.unused_parts import Cut, UnusedPart, parts_of, without_parts

APPS = Catalogue(
    apps={AppId(a): AppFact(id=AppId(a), host="", name=a) for a in ("wiki", "payroll", "console", "unknown")}
)
DOCUMENT = """\
version: 1
rules:
  - name: staff
    allow: [group:staff, group:night]
    to: [app:wiki, app:files]
    do: any
  - name: cleaners
    allow: group:cleaners
    to: app:wiki
    do: view
"""


def use(group: str, app: str, action: ActionClass) -> tuple[Asker, Act]:
    return Asker(groups=(group,)), Act(app=app, action=action)


def parts(*uses: tuple[Asker, Act]) -> dict[str, UnusedPart]:
    found = [find_use(rule, uses) for rule in read_rules(DOCUMENT).rules]
    return {part.key: part for one in found for part in parts_of(one)}


def test_a_rule_nobody_used_goes_as_a_whole() -> None:
    every = parts(use("staff", "wiki", ActionClass.VIEW))
    whole = every["cleaners rule"]
    assert (whole.cut, whole.who, whole.to, whole.do) == (Cut.RULE, ("group:cleaners",), ("app:wiki",), ("view",))


def test_who_target_and_action_go_each_by_itself() -> None:
    every = parts(use("staff", "wiki", ActionClass.VIEW), use("cleaners", "wiki", ActionClass.VIEW))
    assert set(every) == {
        "staff who group:night",
        "staff to app:files",
        "staff do edit",
        "staff do delete",
        "staff do connect",
    }
    assert every["staff who group:night"].to == ("app:wiki", "app:files")
    assert every["staff do edit"].who == ("group:staff", "group:night")


def test_what_the_rest_of_the_rule_needs_stays_and_is_told() -> None:
    found = find_use(
        read_rules(DOCUMENT).rules[0],
        [use("staff", "wiki", ActionClass.VIEW), use("night", "files", ActionClass.EDIT)],
    )
    staying = [part for part in parts_of(found) if not part.can_go]
    assert [(part.who, part.to, part.do) for part in staying] == [
        (("group:staff",), ("app:wiki",), ("edit",)),
        (("group:staff",), ("app:files",), ("view", "edit")),
        (("group:night",), ("app:wiki",), ("view", "edit")),
        (("group:night",), ("app:files",), ("view",)),
    ]
    assert without_parts([found], {part.key for part in staying}) == {}


def test_only_what_is_chosen_goes() -> None:
    uses = [find_use(rule, [use("staff", "wiki", ActionClass.VIEW)]) for rule in read_rules(DOCUMENT).rules]
    text = without_unused(DOCUMENT, without_parts(uses, {"staff who group:night", "staff do delete", "nonsense"}))
    staff, cleaners = read_rules(text).rules
    assert [who.name for who in staff.who] == ["staff"]
    assert [to.name for to in staff.to] == ["wiki", "files"]
    assert staff.do == (ActionClass.VIEW, ActionClass.EDIT, ActionClass.CONNECT)
    assert cleaners.name == "cleaners"
    assert "cleaners" not in without_unused(DOCUMENT, without_parts(uses, {"cleaners rule"}))


@settings(max_examples=60, deadline=None)
@given(documents, st.lists(cases(), max_size=8), st.data())
def test_what_passed_passes_whatever_is_chosen(document, asked, data) -> None:
    text = text_of(document)
    before = PolicyEngine(Rules(document=text, version=PolicyVersion("v")), APPS, Generation(1))
    passed = [one for one in asked if isinstance(before.decide(*one), Allow)]
    uses = {(kept.asker, kept.act) for kept in (situation_of(request) for request, _ in passed)}
    found = [find_use(rule, uses) for rule in read_rules(text).rules if rule.effect is Effect.ALLOW]
    keys = [part.key for one in found for part in parts_of(one) if part.can_go]
    assert len(set(keys)) == len(keys)
    chosen = data.draw(st.sets(st.sampled_from(keys))) if keys else set()
    narrower = without_unused(text, without_parts(found, chosen))
    after = PolicyEngine(Rules(document=narrower, version=PolicyVersion("w")), APPS, Generation(1))
    for one in passed:
        assert isinstance(after.decide(*one), Allow)
