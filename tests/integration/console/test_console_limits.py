"""Limits by label, tokens that end with the sign-ins, what waits for a review: in the console."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.console_company import OPERATOR, Company
from tests.console_fixtures import Visit, text_of
from tests.identity_people import make_group

from ostiary.applications.facade import change_app, list_label_limits
from ostiary.config.places import Instance
from ostiary.identity.facade import add_member, get_person, invite_person
from ostiary.policy.identifiers import GroupId
from ostiary.requests.domain import Kind, State
from ostiary.requests.models import AccessRequest, EmergencyReview
from ostiary.web.console.process_states import JOBS_FILE, UNTIDY_JOB
from ostiary.workloads.facade import list_tokens

pytestmark = pytest.mark.django_db


def test_limits_are_set_by_label_shown_at_the_app_and_taken_away(company: Company, visit: Visit) -> None:
    change_app("payroll", labels=["restricted"], longest="4h", actor=OPERATOR)
    assert "No label has limits yet" in text_of(visit().get("/apps/limits"))
    form = {"label": "restricted", "idle": "15m", "longest": "8h"}
    assert visit().post("/apps/limits/change", form)["Location"] == "/apps/limits"
    listed = text_of(visit().get("/apps/limits"))
    assert 'href="/apps/payroll/"' in listed
    assert "15m" in listed
    page = text_of(visit().get("/apps/payroll/"))
    assert "15m without use, then a fresh proof" in page
    assert "from the label restricted" in page.split("15m without use")[1].split("</dd>")[0]
    assert "from the label" not in page.split("4h between proofs")[1].split("</dd>")[0], "its own is stricter"
    again = text_of(visit().get("/apps/limits/change", {"label": "restricted"}))
    assert 'value="15m"' in again
    wrong = visit().post("/apps/limits/change", {**form, "idle": "soon"})
    assert wrong.status_code == 422
    assert "idle limit" in text_of(wrong)
    assert visit().post("/apps/limits/change", {"label": "restricted"}).status_code == 302
    assert list_label_limits() == ()


def test_limits_are_for_administrators_to_set_and_for_others_to_see(company: Company, visit: Visit) -> None:
    for who in ("audrey_audit", "henk_help"):
        page = visit(who).get("/apps/limits")
        assert page.status_code == 200
        assert "/apps/limits/change" not in page.content.decode()


def test_signing_somebody_out_everywhere_ends_their_tokens_unless_that_is_not_wanted(
    company: Company, visit: Visit
) -> None:
    (token,) = (one for one in list_tokens() if one.works(time.time()))
    address = f"/people/{token.person}/sign-out"
    assert f"Scripts that use them stop: {token.name}" in text_of(visit().get(address))
    visit().post(address, {"reason": "laptop found again"})
    assert [one.works(time.time()) for one in list_tokens()] == [True]
    visit().post(address, {"reason": "stolen laptop", "tokens": "on"})
    assert [one.works(time.time()) for one in list_tokens()] == [False]


def test_a_helpdesk_gets_no_new_link_of_somebody_who_is_to_be_an_administrator(company: Company, visit: Visit) -> None:
    made = invite_person(email="next.admin@example.test", groups=(GroupId("administrators"),), actor=OPERATOR)
    answer = visit("henk_help").post(f"/people/{made.person_id}/invite")
    assert answer.status_code == 302
    assert "/link/" in visit().post(f"/people/{made.person_id}/invite").content.decode()
    joined = visit("henk_help").post("/people/invite", {"email": "next.admin@example.test", "name": "Me"})
    assert "/link/" not in joined.content.decode()
    assert get_person(made.person_id).name != "Me"


def owe_review(company: Company, *, days: float) -> None:
    """Have emergency access used, whose review is due in so many days."""
    now = datetime.now(UTC)
    used = AccessRequest.objects.create(
        person_id=company.people["bruno_costa"].id,
        group_id="staff",
        seconds=3600,
        reason="Stands still",
        state=State.GRANTED.value,
        kind=Kind.EMERGENCY.value,
        asked_at=now,
        substitute_at=now,
        deadline_at=now,
        ends_at=now,
    )
    due = now + timedelta(days=days)
    EmergencyReview.objects.create(request=used, remind_at=due, due_at=due)


def test_the_overview_counts_what_is_to_be_reviewed_and_to_be_tidied_up(
    company: Company, visit: Visit, settings: Any
) -> None:
    before = text_of(visit().get("/"))
    assert "emergency access" not in before
    for days in (1, 2, -1):
        owe_review(company, days=days)
    folder = settings.INSTANCE.run
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JOBS_FILE).write_bytes(msgspec.json.encode({"jobs": {UNTIDY_JOB: {"last_result": "4"}}}))
    after = text_of(visit().get("/"))
    assert "2 uses of emergency access wait for a review." in after
    assert "1 use of emergency access was not reviewed in time." in after
    assert "4 things are to be tidied up" in after
    (folder / JOBS_FILE).unlink()


def test_where_the_emergency_group_is_set_is_said(company: Company, visit: Visit, settings: Any) -> None:
    assert "Name a group in ostiary.toml, access.emergency_group" in text_of(visit().get("/requests/"))
    instance: Instance = settings.INSTANCE
    for named in ("on-call", "nowhere"):
        access = msgspec.structs.replace(instance.configuration.access, emergency_group=named)
        changed = msgspec.structs.replace(instance.configuration, access=access)
        settings.INSTANCE = Instance(instance.home, changed)
        if named == "on-call":
            add_member(group_id=make_group(named), person_id=company.people["bruno_costa"].id, actor=OPERATOR)
            assert 'href="/groups/on-call/"' in text_of(visit().get("/requests/"))
            assert "may use emergency access" in text_of(visit().get("/groups/on-call/"))
        else:
            assert "there is no group nowhere" in text_of(visit().get("/requests/"))
