"""The review of a change does not replay again what it has replayed: bound to the text and to who asks, for a while."""

import re
from typing import Any

import msgspec
import pytest
from tests.console_company import OPERATOR, RULES, Company, grow_old
from tests.console_fixtures import Visit

from ostiary.config.places import Instance
from ostiary.policy.identifiers import PersonId, PolicyVersion
from ostiary.rulebook.facade import Plan, apply_rules, check_rules, get_applied_before, get_current
from ostiary.web.console import reviewed

pytestmark = pytest.mark.django_db
NO_WIKI_FOR_MOST = RULES.replace("allow: group:staff\n    to: app:wiki", "allow: group:engineering\n    to: app:wiki")


@pytest.fixture
def kept(company: Company, console_instance: Instance) -> Company:
    grow_old(console_instance)
    return company


def reviewed_replay(visit: Visit, *, who: str = "ada_admin", document: str = NO_WIKI_FOR_MOST, **more: str) -> str:
    """Send the editor's form; return which replay the review shows."""
    answer = sent(visit, who=who, document=document, **more)
    (replay, *_) = re.findall(r"replay=([0-9a-f]{32})", answer.content.decode())
    return str(replay)


def sent(visit: Visit, *, who: str = "ada_admin", document: str = NO_WIKI_FOR_MOST, **more: str) -> Any:
    return visit(who).post("/rules/edit", {"document": document, "based_on": str(get_current().number), **more})


def test_a_mistake_in_the_form_shows_the_same_replay_and_then_it_is_applied(kept: Company, visit: Visit) -> None:
    first = reviewed_replay(visit)
    for wrong in ({}, {"people": "2"}):
        answer = sent(visit, apply="1", **wrong)
        assert answer.status_code == 422
        assert "takes access from 7 people" in answer.content.decode()
        assert f"replay={first}" in answer.content.decode()
    assert reviewed_replay(visit) == first
    assert sent(visit, apply="1", people="7").status_code == 302
    assert get_current().document == NO_WIKI_FOR_MOST


def test_another_text_or_time_is_replayed_by_itself(kept: Company, visit: Visit) -> None:
    first = reviewed_replay(visit)
    others = [
        reviewed_replay(visit, document=NO_WIKI_FOR_MOST + "\n# more\n"),
        reviewed_replay(visit, replay_days="7"),
    ]
    assert len({first, *others}) == 3
    apply_rules(RULES + "\n# other rules before\n", actor=OPERATOR)
    assert reviewed_replay(visit) not in {first, *others}


def test_what_is_kept_is_bound_to_everything_that_matters(kept: Company) -> None:
    plan = Plan(
        document=RULES,
        cedar="",
        version=PolicyVersion("v"),
        before=get_current(),
        actor=OPERATOR,
        report=check_rules(RULES),
    )
    person, days = PersonId("p-1"), 30
    digests = {
        reviewed.digest_of(plan, person, days),
        reviewed.digest_of(plan, PersonId("p-2"), days),
        reviewed.digest_of(plan, person, 90),
        reviewed.digest_of(msgspec.structs.replace(plan, document=RULES + "\n"), person, days),
        reviewed.digest_of(msgspec.structs.replace(plan, cedar="permit (principal, action, resource);"), person, days),
        reviewed.digest_of(msgspec.structs.replace(plan, before=get_applied_before(1)), person, days),
    }
    assert len(digests) == 6


def test_after_a_while_it_is_replayed_again(kept: Company, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.web.console.reviewed.KEPT_SECONDS", 0.0)
    assert reviewed_replay(visit) != reviewed_replay(visit)


def test_only_the_newest_are_remembered() -> None:
    some = reviewed.Reviewed()
    for number in range(reviewed.MAX_KEPT + 1):
        some.keep(f"digest-{number}", f"replay-{number}", 100.0)
    assert some.find("digest-0", 100.0) == ""
    assert some.find("digest-1", 100.0) == "replay-1"
    assert some.find("digest-1", 100.0 + reviewed.KEPT_SECONDS) == ""
