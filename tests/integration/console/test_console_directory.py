"""Roles, people who come, change jobs and go, and what is to be tidied up: in the console."""

import json
import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.console_company import OPERATOR, Company
from tests.console_fixtures import Visit, text_of

from ostiary.identity.facade import (
    PersonKind,
    Profile,
    RoleId,
    UnknownRole,
    access_of,
    add_member,
    assign_role,
    assignments_of,
    change_profile,
    create_role,
    find_person,
    get_group,
    get_person,
    get_role,
    linked_sign_ins,
    list_sessions,
    set_group_owner,
)
from ostiary.policy.identifiers import GroupId
from ostiary.scim.facade import client_with_token
from ostiary.visibility.facade import EventQuery, index_new_events, list_events

CLERK = {"role_id": "clerk", "name": "Clerk", "owner": "max.admin@example.test", "groups": ["engineering"]}


@pytest.fixture
def clerk(company: Company) -> RoleId:
    """Bruno is a clerk, which puts him into engineering."""
    role = create_role(
        id="clerk", name="Clerk", owner="max.admin@example.test", groups=[GroupId("engineering")], actor=OPERATOR
    )
    assign_role(role_id=role, person_id=company.people["bruno_costa"].id, reason="Covers May", actor=OPERATOR)
    return role


def test_a_role_is_created_given_with_an_end_and_taken_back(company: Company, visit: Visit) -> None:
    bruno = company.people["bruno_costa"]
    assert visit().post("/roles/add", {**CLERK, "owner": "nobody@example.test"}).status_code == 422
    assert visit().post("/roles/add", CLERK).headers["Location"] == "/roles/clerk/"
    assert "Nobody has this role" in text_of(visit().get("/roles/clerk/"))
    day = datetime.now(UTC).date() + timedelta(days=30)
    form = {"email": bruno.email, "until": day.isoformat(), "reason": "Covers May"}
    assert visit().post("/roles/clerk/assign", form).status_code == 302
    (assignment,) = assignments_of(bruno.id)
    assert datetime.fromtimestamp(assignment.ends_at or 0, UTC).date() == day + timedelta(days=1)
    assert "engineering" in get_person(bruno.id).groups
    page = text_of(visit().get("/roles/clerk/"))
    assert "Bruno Costa" in page
    assert "Covers May" in page
    assert "ada.admin@example.test" in page
    assert "no longer in: engineering" in text_of(visit().get(f"/roles/clerk/people/{bruno.id}/withdraw"))
    assert "engineering" in get_person(bruno.id).groups, "saying it does not do it"
    visit().post(f"/roles/clerk/people/{bruno.id}/withdraw", {"reason": "May is over"})
    assert "engineering" not in get_person(bruno.id).groups
    assert visit().get(f"/roles/clerk/people/{bruno.id}/withdraw").status_code == 404
    index_new_events(time.time())
    assert "May is over" in text_of(visit().get("/audit/"))


def test_a_role_is_not_given_to_strangers_or_until_yesterday(company: Company, visit: Visit, clerk: RoleId) -> None:
    day = (datetime.now(UTC).date() - timedelta(days=2)).isoformat()
    for form in ({"email": "brono.costa@example.test"}, {"email": "alice.meyer@example.test", "until": day}):
        assert visit().post("/roles/clerk/assign", form).status_code == 422
    assert (
        visit().post("/roles/clerk/assign", {"email": "alice.meyer@example.test", "until": "9999-12-31"}).status_code
        == 422
    )
    assert get_role(clerk).people == 1


def test_changing_a_role_says_first_who_gains_and_loses(company: Company, visit: Visit, clerk: RoleId) -> None:
    form = {"name": "Clerk", "owner": "max.admin@example.test", "groups": ["finance"], "reason": "New tools"}
    page = text_of(visit().post("/roles/clerk/change", form))
    assert "This changes what 1 person may open" in page
    assert "Bruno Costa" in page
    assert get_role(clerk).groups == ("engineering",), "nothing changed yet"
    assert visit().post("/roles/clerk/change", {**form, "confirmed": "on"}).status_code == 302
    assert get_person(company.people["bruno_costa"].id).groups == ("finance", "staff")
    quiet = {**form, "name": "Clerks"}
    assert visit().post("/roles/clerk/change", quiet).status_code == 302, "a name takes nothing from anybody"
    assert get_role(clerk).name == "Clerks"


def test_a_group_that_somebody_has_otherwise_is_neither_gained_nor_lost(
    company: Company, visit: Visit, clerk: RoleId
) -> None:
    bruno = company.people["bruno_costa"]
    add_member(group_id=GroupId("engineering"), person_id=bruno.id, actor=OPERATOR)
    form = {"name": "Clerk", "owner": "max.admin@example.test"}
    assert visit().post("/roles/clerk/change", form).status_code == 302
    assert get_role(clerk).groups == ()
    assert "engineering" in get_person(bruno.id).groups


def test_deleting_a_role_says_first_who_loses_what(company: Company, visit: Visit, clerk: RoleId) -> None:
    page = text_of(visit().get("/roles/clerk/remove"))
    assert "1 person loses groups" in page
    assert get_role(clerk).people == 1
    visit().post("/roles/clerk/remove", {"reason": "No clerks any more"})
    with pytest.raises(UnknownRole):
        get_role(clerk)
    assert "engineering" not in get_person(company.people["bruno_costa"].id).groups
    assert visit().get("/roles/clerk/").status_code == 404


def test_somebody_joins_with_roles_and_a_profile(company: Company, visit: Visit, clerk: RoleId) -> None:
    form = {
        "email": "new@example.test",
        "name": "Nia New",
        "roles": ["clerk"],
        "groups": ["staff"],
        "kind": "contractor",
    }
    form |= {"title": "Clerk", "manager": "max.admin@example.test"}
    without_end = visit().post("/people/invite", form)
    assert without_end.status_code == 422
    assert "needs an end" in text_of(without_end).replace("&#x27;", "'")
    day = (datetime.now(UTC).date() + timedelta(days=90)).isoformat()
    page = text_of(visit().post("/people/invite", {**form, "until": day, "reason": "Starts in May"}))
    assert "https://id.example.test/" in page
    assert "Gets the role clerk" in page
    person = find_person("new@example.test")
    assert (person.kind, person.title, person.manager) == (PersonKind.CONTRACTOR, "Clerk", "max.admin@example.test")
    assert person.groups == ("engineering", "staff")
    assert person.ends_at is not None


def test_the_help_desk_gives_no_role_to_whom_it_invites(company: Company, visit: Visit, clerk: RoleId) -> None:
    form = {"email": "new@example.test", "name": "New", "roles": ["clerk"], "groups": ["engineering"]}
    assert visit("henk_help").post("/people/invite", form).status_code == 200
    assert find_person("new@example.test").roles == ()
    assert find_person("new@example.test").groups == ()
    assert "Gets the role" not in text_of(visit("henk_help").get("/people/invite"))


def test_a_person_s_page_says_what_they_hold_and_why(company: Company, visit: Visit, clerk: RoleId) -> None:
    bruno = company.people["bruno_costa"]
    page = text_of(visit().get(f"/people/{bruno.id}/"))
    assert "What they hold and why" in page
    assert 'by the role <a href="/roles/clerk/">Clerk</a>' in page
    assert "Covers May" in page
    assert "Joined the company" in page
    assert f"/groups/staff/members/{bruno.id}/remove" in page
    assert f"/groups/engineering/members/{bruno.id}/remove" not in page, "what a role brings goes with the role"


def test_a_profile_is_changed_and_an_end_nobody_touched_stays(company: Company, visit: Visit) -> None:
    bruno = company.people["bruno_costa"]
    end = time.time() + 12345.5
    change_profile(person_id=bruno.id, profile=Profile(ends_at=end), actor=OPERATOR)
    kept = get_person(bruno.id).ends_at
    day = datetime.fromtimestamp((kept or 0) - 1, UTC).strftime("%Y-%m-%d")
    address = f"/people/{bruno.id}/profile"
    assert f'value="{day}"' in text_of(visit().get(address))
    form = {"kind": "employee", "title": "Driver", "manager": "eva.lind@example.test", "until": day}
    assert visit().post(address, form).status_code == 302
    after = get_person(bruno.id)
    assert (after.title, after.manager, after.ends_at) == ("Driver", "eva.lind@example.test", kept)
    visit().post(address, {**form, "until": ""})
    assert get_person(bruno.id).ends_at is None
    circle = visit().post(f"/people/{company.people['eva_lind'].id}/profile", {"manager": bruno.email})
    assert circle.status_code == 422
    assert "reports to" in text_of(circle)


def test_changing_jobs_shows_the_checklist_before_and_after(company: Company, visit: Visit, clerk: RoleId) -> None:
    bruno = company.people["bruno_costa"]
    address = f"/people/{bruno.id}/move"
    form = {"roles": ["accountant"], "title": "Accountant", "reason": "New job"}
    page = text_of(visit().post(address, form))
    assert "Gets the role accountant" in page
    assert "Loses the role clerk" in page
    assert "Stays in the group staff" in page
    assert "Job title: – → Accountant" in page
    assert get_person(bruno.id).roles == ("clerk",), "nothing changed yet"
    done = text_of(visit().post(address, {**form, "confirmed": "on"}))
    assert "Bruno Costa has another job" in done
    assert "Loses the role clerk" in done
    after = get_person(bruno.id)
    assert (after.roles, after.title, after.groups) == (("accountant",), "Accountant", ("contractors", "staff"))
    visit().post(address, {"roles": ["accountant"], "drop": ["staff"], "confirmed": "on"})
    assert get_person(bruno.id).groups == ("contractors",)


def test_leaving_shows_the_checklist_before_and_after(company: Company, visit: Visit, clerk: RoleId) -> None:
    bruno = company.people["bruno_costa"]
    set_group_owner(group_id=GroupId("staff"), owner=bruno.email, actor=OPERATOR)
    address = f"/people/{bruno.id}/leave"
    assert "Every door shuts for bruno.costa@example.test" in text_of(visit().get(address))
    assert visit().post(address, {"successor": "nobody@example.test"}).status_code == 422
    form = {"successor": "eva.lind@example.test", "reason": "Last day"}
    page = text_of(visit().post(address, form))
    assert "Answers for the group staff from now on: eva.lind@example.test" in page
    assert get_person(bruno.id).active
    done = text_of(visit().post(address, {**form, "confirmed": "on"}))
    assert "Bruno Costa has left" in done
    after = get_person(bruno.id)
    assert (after.active, after.groups, after.roles) == (False, (), ())
    assert list_sessions(person_id=bruno.id).total == 0
    assert get_group(GroupId("staff")).owner == "eva.lind@example.test"


def test_nobody_lets_themselves_go(company: Company, visit: Visit) -> None:
    ada = company.people["ada_admin"]
    assert visit().post(f"/people/{ada.id}/leave", {"confirmed": "on"}).status_code == 302
    assert get_person(ada.id).active


def test_what_is_to_be_tidied_up_leads_to_its_remedy(company: Company, visit: Visit, clerk: RoleId) -> None:
    assert "Nothing to tidy up" in text_of(visit().get("/people/to-tidy-up"))
    eva = company.people["eva_lind"]
    change_profile(person_id=eva.id, profile=Profile(manager="farid.haddad@example.test"), actor=OPERATOR)
    create_role(id="driver", name="Driver", owner="farid.haddad@example.test", actor=OPERATOR)
    set_group_owner(group_id=GroupId("staff"), owner="farid.haddad@example.test", actor=OPERATOR)
    visit().post(f"/people/{company.people['farid_haddad'].id}/disable", {"reason": "x"})
    page = text_of(visit().get("/people/to-tidy-up"))
    for address in (f"/people/{eva.id}/profile", "/roles/driver/change", "/groups/staff/owner", "/roles/driver/remove"):
        assert f'href="{address}"' in page, address
        assert visit().get(address).status_code == 200
    page = text_of(visit("audrey_audit").get("/people/to-tidy-up"))
    assert "A role that nobody has" in page
    assert "/roles/driver/remove" not in page, "who may not is not led there"
    filtered = text_of(visit().get("/people/to-tidy-up", {"kind": "role_nobody_has"}))
    assert "/groups/staff/owner" not in filtered
    assert "Nothing matches" in text_of(visit().get("/people/to-tidy-up", {"q": "zzzz"}))


def test_a_group_s_owner_and_a_member_with_an_end(company: Company, visit: Visit, clerk: RoleId) -> None:
    assert visit().post("/groups/engineering/owner", {"owner": "nobody@example.test"}).status_code == 422
    visit().post("/groups/engineering/owner", {"owner": "eva.lind@example.test", "reason": "Head of engineering"})
    assert get_group(GroupId("engineering")).owner == "eva.lind@example.test"
    day = (datetime.now(UTC).date() + timedelta(days=7)).isoformat()
    eva = company.people["eva_lind"]
    visit().post("/groups/engineering/members/add", {"email": eva.email, "until": day, "reason": "Helps for a week"})
    (held,) = [one for one in access_of(eva.id) if one.group == "engineering"]
    assert held.ends_at is not None
    page = text_of(visit().get("/groups/engineering/"))
    assert "Answers for it:" in page
    assert 'by the role <a href="/roles/clerk/">clerk</a>' in page
    assert "Helps for a week" in page


def test_taking_somebody_out_by_hand_leaves_what_a_role_brings(company: Company, visit: Visit, clerk: RoleId) -> None:
    bruno = company.people["bruno_costa"]
    assert visit().get(f"/groups/engineering/members/{bruno.id}/remove").status_code == 404
    add_member(group_id=GroupId("engineering"), person_id=bruno.id, actor=OPERATOR)
    assert "They stay in the group by role clerk" in text_of(
        visit().get(f"/groups/engineering/members/{bruno.id}/remove")
    )
    visit().post(f"/groups/engineering/members/{bruno.id}/remove", {"reason": "Tidy"})
    assert [one.via for one in access_of(bruno.id) if one.group == "engineering"] == ["role:clerk"]


def test_a_file_is_looked_at_before_it_is_imported(company: Company, visit: Visit, clerk: RoleId) -> None:
    bruno = company.people["bruno_costa"]
    text = f"email,name,title,roles\n{bruno.email},,Driver,clerk\nnia@example.test,Nia New,,clerk\n"
    upload = SimpleUploadedFile("people.csv", text.encode())
    page = text_of(visit().post("/people/import", {"file": upload, "update": "on"}))
    assert "1 person changes" in page
    assert "1 person is invited" in page
    assert get_person(bruno.id).title == ""
    seen = page.split('name="seen" value="')[1].split('"')[0]
    form = {"text": text.replace("\n", "\r\n"), "update": "on"}
    assert visit().post("/people/import", {**form, "seen": "another"}).status_code == 200
    assert get_person(bruno.id).title == "", "what was not seen is not done"
    assert visit().post("/people/import", {**form, "seen": seen}).status_code == 302
    assert get_person(bruno.id).title == "Driver"
    assert find_person("nia@example.test").roles == ("clerk",)


def test_a_file_with_a_problem_changes_nothing(company: Company, visit: Visit) -> None:
    for text in (b"email,title\nada.admin@example.test,Boss\nnonsense,\n", b"name\nx\n", b"email\n\xff", b""):
        answer = visit().post("/people/import", {"file": SimpleUploadedFile("people.csv", text), "update": "on"})
        assert answer.status_code == 422
    page = text_of(visit().post("/people/import", {"text": "email,title\nada.admin@example.test,Boss\nnonsense,\n"}))
    assert "1 problem" in page
    assert "is not an e-mail address" in page
    assert get_person(company.people["ada_admin"].id).title == ""


def test_the_file_that_is_downloaded_changes_nothing_when_it_is_uploaded(
    company: Company, visit: Visit, clerk: RoleId
) -> None:
    content = visit("audrey_audit").get("/people/import/file").content
    upload = SimpleUploadedFile("people.csv", content)
    assert "The file changes nothing" in text_of(visit().post("/people/import", {"file": upload, "update": "on"}))


def test_how_everybody_signs_in_as_a_file_and_on_record(visit: Visit) -> None:
    answer = visit("audrey_audit").get("/people/sign-in/export", {"export": "json"})
    rows = {row["email"]: row for row in json.loads(answer.content)}
    bruno = rows["bruno.costa@example.test"]
    assert {"policy", "missing", "passkeys", "last_sign_in_at", "exempt_because", "told_at"} <= set(bruno)
    assert visit("henk_help").get("/people/sign-in/export", {"export": "csv"}).status_code == 403
    index_new_events(time.time())
    assert list_events(EventQuery(text="how everybody signs in")).items


def test_the_search_finds_roles(visit: Visit, clerk: RoleId) -> None:
    page = text_of(visit().get("/search", {"q": "cler"}))
    assert f'href="/roles/{clerk}/"' in page


def test_a_lost_second_factor_is_listed_and_answered(company: Company, visit: Visit) -> None:
    bruno = company.people["bruno_costa"]
    page = text_of(visit().get("/recoveries/", {"state": "waiting"}))
    assert "198.51.100.9" in page
    assert "Nobody lost a second factor" in text_of(visit().get("/recoveries/", {"q": "zzzz"}))
    assert "1 person lost their second factor" in text_of(visit().get("/"))
    address = f"/recoveries/{company.recovery}/"
    assert "It is them" not in text_of(visit("audrey_audit").get(address))
    assert visit("henk_help").post(f"{address}answer", {"answer": "confirm", "reason": " "}).status_code == 422
    page = text_of(visit("henk_help").post(f"{address}answer", {"answer": "confirm", "reason": "he sits beside me"}))
    assert "/link/" in page
    assert "only together with their password" in page
    assert visit().post(f"{address}answer", {"answer": "refuse", "reason": "too late"}).status_code == 422
    assert "lost their second factor" not in text_of(visit().get("/"))
    assert bruno.email in text_of(visit().get("/recoveries/"))


def test_somebody_is_unlinked_and_the_last_way_in_only_when_that_is_said(company: Company, visit: Visit) -> None:
    bruno = company.people["bruno_costa"]
    (link,) = linked_sign_ins(bruno.id)
    address = f"/people/{bruno.id}/linked/{link.id}/unlink"
    assert f'href="{address}"' in text_of(visit().get(f"/people/{bruno.id}/"))
    assert address not in text_of(visit("henk_help").get(f"/people/{bruno.id}/"))
    assert "Unlink Bruno Costa from Example Work" in text_of(visit().get(address))
    refused = visit().post(address, {"reason": "left that organisation"})
    assert refused.status_code == 422, "nothing else lets him in"
    assert linked_sign_ins(bruno.id) == (link,)
    assert visit().post(address, {"reason": "left that organisation", "last_too": "on"}).status_code == 302
    assert linked_sign_ins(bruno.id) == ()
    assert visit().get(address).status_code == 404


def test_a_directory_is_let_in_with_a_token_shown_once_and_shut_out(visit: Visit) -> None:
    assert visit().post("/scim/add", {"name": "Not A Name", "lifetime": "1d"}).status_code == 422
    assert visit().post("/scim/add", {"name": "entra", "lifetime": "ever"}).status_code == 422
    page = text_of(visit().post("/scim/add", {"name": "entra", "lifetime": "90d", "reason": "people come from there"}))
    (token,) = re.findall(r"<code>(ostiary_[^<]+)</code>", page)
    assert "/scim/v2" in page
    client = client_with_token(token)
    assert client is not None
    assert client.name == "entra"
    assert token not in text_of(visit().get("/scim/"))
    assert "entra" in text_of(visit("audrey_audit").get("/scim/"))
    assert visit("henk_help").post("/scim/entra/revoke", {}).status_code == 403
    assert visit().post("/scim/entra/revoke", {"reason": "it stood in a log"}).status_code == 302
    assert client_with_token(token) is None
    assert visit().get("/scim/entra/revoke").status_code == 404
    assert "No directory matches" in text_of(visit().get("/scim/", {"q": "zzzz"}))
