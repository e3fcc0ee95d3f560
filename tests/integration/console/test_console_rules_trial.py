"""Rules on trial and rules that wait, in the console: who is shown what, who may end it, and what proves that they are let in."""

import time
from typing import Any

import msgspec
import pytest
from tests.console_company import OPERATOR, RULES, Company
from tests.console_fixtures import Visit, text_of
from tests.decider_company import company as some_facts
from tests.device_material import device_fact, make_leaf

from ostiary.config.places import Instance
from ostiary.gateway.snapshots import write_snapshot
from ostiary.identity.facade import Client, unsafe_provision_totp
from ostiary.identity.services.authenticators import add_passkey
from ostiary.identity.services.sessions import begin_session
from ostiary.policy.request import Authentication, AuthStrength
from ostiary.policy.snapshot import Devices
from ostiary.rulebook.facade import (
    apply_rules,
    get_current,
    get_hold,
    list_history,
    list_proposals,
    roll_back_due,
)

pytestmark = pytest.mark.django_db
CLOSED = RULES.partition("  - name: administrators-open-the-console")[0]
PASSKEY = RULES.rstrip() + "\n    when:\n      mfa: phishing-resistant\n"
MANAGED = RULES.rstrip() + "\n    when:\n      device: {managed: true}\n"
SMALL = RULES + "# a remark\n"


def sent(document: str, *, apply: bool = False, **more: str) -> dict[str, str]:
    form = {"document": document, "based_on": str(get_current().number), **more}
    return form | {"apply": "1"} if apply else form


def held_number() -> str:
    hold = get_hold()
    assert hold is not None
    return str(hold.number)


def sign_in_max(company: Company) -> None:
    """Let the second administrator in, with a passkey as the first."""
    person, now = company.people["max_admin"], time.time()
    unsafe_provision_totp(person_id=person.id, actor=OPERATOR)
    company.sessions["max_admin"] = begin_session(
        person_id=person.id,
        authentications=(
            Authentication("password", AuthStrength.SINGLE, now),
            Authentication("webauthn", AuthStrength.PHISHING_RESISTANT, now),
        ),
        client=Client(address="192.0.2.18", user_agent="x"),
        now=now,
    )


@pytest.fixture
def second_approver(company: Company, settings: Any) -> None:
    instance = settings.INSTANCE
    rules = msgspec.structs.replace(instance.configuration.rules, second_approver=True)
    configuration = msgspec.structs.replace(instance.configuration, rules=rules)
    settings.INSTANCE = type(instance)(home=instance.home, configuration=configuration)


def test_every_page_says_until_when_and_only_who_may_ends_it(company: Company, visit: Visit) -> None:
    sign_in_max(company)
    visit().post("/rules/edit", sent(CLOSED, apply=True))
    for address in ("/", "/people/", "/rules/", "/audit/"):
        page = text_of(visit().get(address))
        assert "are on trial" in page, address
        assert 'data-left="29' in page, address
        assert "Confirm: let them stay" in page
    for who, confirms, rolls_back in (("max_admin", False, True), ("audrey_audit", False, False)):
        page = text_of(visit(who).get("/"))
        assert "are on trial" in page
        assert ("Confirm: let them stay" in page, "Roll back now" in page) == (confirms, rolls_back), who


def test_a_confirmation_that_the_rules_would_refuse_confirms_nothing(company: Company, visit: Visit) -> None:
    """As when a request was let in by the rules before, just as the new ones came into force."""
    visit().post("/rules/edit", sent(CLOSED, apply=True))
    answer = visit().post("/rules/confirm", {"number": held_number()})
    assert answer.status_code == 422
    assert "These rules would not let you in" in text_of(answer)
    hold = get_hold()
    assert hold is not None
    assert roll_back_due(hold.until) != ""
    assert get_current().document == RULES
    assert "are on trial" not in text_of(visit().get("/"))


def test_a_step_up_lets_in_and_confirms(company: Company, visit: Visit) -> None:
    visit().post("/rules/edit", sent(PASSKEY, apply=True))
    ada, now = company.people["ada_admin"], time.time()
    add_passkey(person_id=ada.id, credential={"id": "x"}, name="Key", actor=OPERATOR)
    company.sessions["ada_admin"] = begin_session(
        person_id=ada.id,
        authentications=(Authentication("webauthn", AuthStrength.PHISHING_RESISTANT, now),),
        client=Client(address="192.0.2.17", user_agent="x"),
        now=now,
    )
    number = held_number()
    assert visit().post("/rules/confirm", {"number": str(int(number) - 1)}).status_code == 422
    assert visit().post("/rules/confirm", {"number": "x"}).status_code == 422
    assert visit().post("/rules/confirm", {"number": number}).status_code == 302
    assert (get_hold(), get_current().document) == (None, PASSKEY)
    assert "until ada.admin@example.test confirmed them" in text_of(visit().get(f"/rules/history/{number}"))


def test_a_managed_device_lets_in_and_confirms(company: Company, visit: Visit, console_instance: Instance) -> None:
    """Nobody knows beforehand who comes from where; the request that confirms shows it."""
    laptop = device_fact(company.people["ada_admin"].id, [make_leaf("laptop")])
    facts = msgspec.structs.replace(some_facts(), devices=Devices(devices={laptop.id: laptop}))
    write_snapshot(console_instance.facts, facts, durable=False)
    visit().post("/rules/edit", sent(MANAGED, apply=True))
    number = held_number()
    for claims in ({}, {"dev": "dev-unknown"}):
        assert visit(**claims).post("/rules/confirm", {"number": number}).status_code == 422
    assert visit(dev=laptop.id).post("/rules/confirm", {"number": number}).status_code == 302
    assert (get_hold(), get_current().document) == (None, MANAGED)


def test_another_administrator_rolls_back_but_does_not_confirm(company: Company, visit: Visit) -> None:
    sign_in_max(company)
    visit().post("/rules/edit", sent(PASSKEY, apply=True))
    number = held_number()
    answer = visit("max_admin").post("/rules/confirm", {"number": number})
    assert answer.status_code == 422
    assert "must be confirmed by ada.admin@example.test" in text_of(answer)
    assert visit("max_admin").post("/rules/roll-back", {"number": number}).status_code == 302
    assert (get_hold(), get_current().document) == (None, RULES)
    page = text_of(visit().get(f"/rules/history/{number}"))
    assert "until max.admin@example.test rolled them back" in page


def test_nothing_else_is_applied_meanwhile(company: Company, visit: Visit) -> None:
    visit().post("/rules/edit", sent(PASSKEY, apply=True))
    answer = visit().post("/rules/edit", sent(PASSKEY + "# more\n", apply=True))
    assert answer.status_code == 422
    assert "are held: they roll back by themselves" in text_of(answer)


def test_without_a_trial_there_is_nothing_to_end(company: Company, visit: Visit) -> None:
    for address in ("/rules/confirm", "/rules/roll-back"):
        assert visit().get(address).status_code == 302
        assert visit().post(address, {"number": str(company.rules)}).status_code == 302
    assert get_current().number == company.rules


def test_access_is_taken_from_many_only_by_their_number(company: Company, visit: Visit) -> None:
    for who in ("chidi_okafor", "bruno_costa", "henk_help", "audrey_audit", "alice_meyer"):
        unsafe_provision_totp(person_id=company.people[who].id, actor=OPERATOR)
    taking = RULES.replace("allow: group:staff", "allow: group:finance")
    page = text_of(visit().post("/rules/edit", sent(taking)))
    assert "Take access from" in page
    count = page.partition("Take access from ")[2].partition(" ")[0]
    assert "Calendar, Wiki" in page
    for wrong in ({}, {"people": "1"}, {"people": "x"}):
        assert visit().post("/rules/edit", sent(taking, apply=True, **wrong)).status_code == 422
    assert get_current().document == RULES
    assert visit().post("/rules/edit", sent(taking, apply=True, people=count)).status_code == 302
    assert get_current().document == taking


def test_going_back_is_reviewed_like_any_change(company: Company, visit: Visit) -> None:
    first = company.rules
    apply_rules(SMALL, '@id("beside") permit (principal in Group::"night", action, resource);', actor=OPERATOR)
    assert "Go back to these rules" not in text_of(visit().get(f"/rules/history/{get_current().number}"))
    page = text_of(visit().get(f"/rules/history/{first}"))
    assert "Go back to these rules" in page
    form = sent(RULES, restores=str(first), comment=f"Back to number {first}")
    assert "The Cedar text beside the rules is different." in text_of(visit().post("/rules/edit", form))
    assert visit().post("/rules/edit", {**form, "apply": "1"}).status_code == 302
    current = get_current()
    assert (current.document, current.cedar, current.restores) == (RULES, "", first)
    for wrong in ("9999", str(2**70), "-1"):
        visit().post("/rules/edit", sent(SMALL, apply=True, restores=wrong))
    assert get_current().restores in {0, first}


def test_one_proposes_and_another_approves(company: Company, visit: Visit, second_approver: None) -> None:
    sign_in_max(company)
    assert "Propose to another administrator" in text_of(visit().post("/rules/edit", sent(SMALL)))
    assert visit().post("/rules/edit", sent(SMALL, apply=True, comment="Reviewed")).status_code == 302
    (proposal,) = list_proposals()
    address = f"/rules/proposals/{proposal.id}"
    assert "1 change waits for an administrator" in text_of(visit().get("/rules/"))
    assert "Reviewed" in text_of(visit("audrey_audit").get("/rules/proposals/"))
    assert visit("audrey_audit").get(address).status_code == 403
    assert "Approve and apply" not in text_of(visit().get(address))
    refused = visit().post(address, {"approve": "1"})
    assert refused.status_code == 422
    assert "You proposed these rules" in text_of(refused)
    assert get_current().document == RULES
    assert visit("max_admin").post(address, {"approve": "1"}).status_code == 302
    current = get_current()
    assert (current.document, current.applied_by) == (SMALL, "ada.admin@example.test")
    assert "Approved by max.admin@example.test" in text_of(visit().get(f"/rules/history/{current.number}"))
    assert visit("max_admin").get(address).status_code == 302
    assert visit("max_admin").get(f"/rules/proposals/{2**70}").status_code == 302


def test_a_proposal_is_withdrawn(company: Company, visit: Visit, second_approver: None) -> None:
    visit().post("/rules/edit", sent(SMALL, apply=True))
    (proposal,) = list_proposals()
    assert visit().post(f"/rules/proposals/{proposal.id}", {"withdraw": "1"}).status_code == 302
    assert list_proposals() == ()
    assert list_history().total == 1
    assert "Nothing waits to be approved" in text_of(visit().get("/rules/proposals/"))


def test_the_text_can_be_changed_again_after_the_review(company: Company, visit: Visit) -> None:
    page = text_of(visit().post("/rules/edit", sent(SMALL, back="1")))
    assert "# a remark" in page
    assert "Review the change" in page
    assert get_current().document == RULES


def test_failing_tests_are_shown_and_gone_over_only_on_purpose(company: Company, visit: Visit) -> None:
    failing = SMALL + "tests:\n  - {name: nobody-gets-in, as: group:administrators, to: app:console, expect: deny}\n"
    page = text_of(visit().post("/rules/edit", sent(failing)))
    assert "1 test fails" in page
    assert "nobody-gets-in" in page
    assert "Go ahead although tests or clauses speak against it" in page
    assert visit().post("/rules/edit", sent(failing, apply=True)).status_code == 422
    assert get_current().document == RULES
    done = visit().post("/rules/edit", sent(failing, apply=True, despite_failing_tests="on"))
    assert done.status_code == 302
    assert get_current().document == failing


def test_clauses_are_proved_and_a_refuted_one_stops_the_change(company: Company, visit: Visit) -> None:
    clause = "never:\n  - {name: no-contractors, who: group:contractors, to: label:restricted}\n"
    assert "No request is known that contradicts the 1 clause." in text_of(
        visit().post("/rules/edit", sent(SMALL + clause))
    )
    refuted = SMALL + clause.replace("group:contractors", "group:finance")
    page = text_of(visit().post("/rules/edit", sent(refuted)))
    assert "1 clause does not hold" in page
    answer = visit().post("/rules/edit", sent(refuted, apply=True))
    assert answer.status_code == 422
    assert "The clause `no-contractors` does not hold" in text_of(answer)
    assert get_current().document == RULES
    assert visit().post("/rules/edit", sent(refuted, apply=True, despite_failing_tests="on")).status_code == 302
    assert get_current().comment.startswith("Despite refuted clauses (no-contractors).")
