"""What a directory may do to people and groups, what it may not, and what is said about it."""

import json
from typing import Any

import msgspec
import pytest
from django.conf import settings
from tests.scim_door import BASE, ROOT, ask, get, patch, post, why

from ostiary.config.schema import Configuration
from ostiary.identity.facade import (
    NotAllowed,
    add_member,
    create_group,
    create_person,
    disable_person,
    enable_person,
    get_group,
    get_person,
    leave,
    list_members,
    remove_member,
)
from ostiary.scim.facade import add_client, client_with_token, list_clients, revoke_client

pytestmark = pytest.mark.django_db(transaction=True)
ADA = {"userName": "ada@example.com", "displayName": "Ada", "externalId": "00u1"}


@pytest.fixture(autouse=True)
def clients() -> None:
    for name in ("okta", "entra"):
        add_client(name, actor=ROOT)


def configured(monkeypatch: pytest.MonkeyPatch, **scim: Any) -> None:
    configuration: Configuration = settings.INSTANCE.configuration
    changed = msgspec.structs.replace(configuration, scim=msgspec.structs.replace(configuration.scim, **scim))
    monkeypatch.setattr(settings, "INSTANCE", type(settings.INSTANCE)(settings.INSTANCE.home, changed))


def grown(email: str, *groups: str) -> str:
    return create_person(email=email, name="", password="a long enough one, Ada", groups=groups, actor=ROOT)


def test_a_person_is_created_without_any_means_to_sign_in() -> None:
    made = post("Users", ADA)
    person = get_person(made["id"])
    assert (person.email, person.name, person.methods, person.invited) == ("ada@example.com", "Ada", (), True)
    assert made["meta"]["location"] == f"{BASE}/Users/{person.id}"
    assert made["emails"] == [{"value": "ada@example.com", "type": "work", "primary": True}]


def test_a_person_is_invited_where_that_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    configured(monkeypatch, invite=True)
    monkeypatch.setattr(
        "ostiary.identity.services.people.send_now", lambda *, to, **_more: bool(sent.append(to)) or True
    )
    post("Users", ADA)
    post("Users", {**ADA, "userName": "ben@example.com", "active": False})
    assert sent == ["ada@example.com"], "nobody who cannot come in is invited"


def test_two_cannot_have_one_address_or_user_name() -> None:
    post("Users", ADA)
    assert why(ask("POST", "/Users", {**ADA, "userName": "ADA@example.com"}))[0] == 409
    grown("hand@example.com")
    assert why(ask("POST", "/Users", {"userName": "hand@example.com"}))[1].startswith("uniqueness")
    ben = post("Users", {"userName": "ben", "emails": [{"value": "ben@example.com"}]})
    assert (
        why(patch(f"/Users/{ben['id']}", {"op": "replace", "path": "userName", "value": "ada@example.com"}))[0] == 409
    )
    assert get_person(ben["id"]).email == "ben@example.com"


def test_nobody_signs_in_with_what_is_no_address() -> None:
    for more in ({}, {"emails": [{"value": "ben at home"}]}):
        status, words = why(ask("POST", "/Users", {"userName": "ben", **more}))
        assert (status, words.split()[0], "emails" in words) == (400, "invalidValue", True)


def test_a_new_address_is_not_confirmed_and_old_links_end() -> None:
    person_id = grown("old@example.com")
    assert get_person(person_id).email_confirmed
    answer = patch(f"/Users/{person_id}", {"op": "replace", "path": "userName", "value": "new@example.com"})
    assert answer.status == 200, answer.body
    person = get_person(person_id)
    assert (person.email, person.email_confirmed) == ("new@example.com", False)


def test_every_client_has_its_own_names_for_people() -> None:
    made = post("Users", ADA)
    patch(f"/Users/{made['id']}", {"op": "add", "path": "externalId", "value": "entra-1"}, client="entra")
    assert get(f"/Users/{made['id']}")["externalId"] == "00u1"
    assert get(f"/Users/{made['id']}", client="entra")["externalId"] == "entra-1"
    assert get('/Users?filter=externalId eq "00u1"', client="entra")["totalResults"] == 0


def test_whoever_is_deleted_has_left_and_is_taken_up_again() -> None:
    made = post("Users", ADA)
    group = post("Groups", {"displayName": "Sales", "members": [{"value": made["id"]}]})
    create_group(id="by-hand", actor=ROOT)
    add_member(group_id="by-hand", person_id=made["id"], actor=ROOT)
    assert ask("DELETE", f"/Users/{made['id']}").status == 204
    person = get_person(made["id"])
    assert (person.active, person.groups) == (False, ())
    assert "members" not in get(f"/Groups/{group['id']}")
    assert ask("GET", f"/Users/{made['id']}").status == 404
    assert ask("DELETE", f"/Users/{made['id']}").status == 404
    assert get('/Users?filter=userName eq "ada@example.com"')["totalResults"] == 0
    assert get('/Users?filter=userName eq "ada@example.com"', client="entra")["totalResults"] == 1
    again = post("Users", ADA)
    assert again["id"] == made["id"]
    assert get_person(made["id"]).active


def test_who_was_switched_off_by_hand_is_switched_on_by_hand_only() -> None:
    made = post("Users", ADA)
    place, on = f"/Users/{made['id']}", {"op": "replace", "value": {"active": True}}
    disable_person(person_id=made["id"], reason="lost laptop", actor=ROOT)
    status, words = why(patch(place, on))
    assert (status, "switched off in Ostiary" in words) == (403, True)
    assert not get_person(made["id"]).active
    ask("DELETE", place)
    assert why(ask("POST", "/Users", ADA))[0] == 403
    assert not get_person(made["id"]).active


def test_a_switch_that_somebody_moved_by_hand_is_theirs() -> None:
    made = post("Users", ADA)
    place = f"/Users/{made['id']}"
    assert patch(place, {"op": "replace", "value": {"active": False}}).status == 200
    enable_person(person_id=made["id"], actor=ROOT)
    disable_person(person_id=made["id"], reason="again", actor=ROOT)
    assert patch(place, {"op": "replace", "value": {"active": True}}).status == 403


@pytest.mark.parametrize("allowed", [False, True])
def test_what_opens_the_console_is_changed_here_only_unless_allowed(
    monkeypatch: pytest.MonkeyPatch, allowed: bool
) -> None:
    configured(monkeypatch, may_change_administrators=allowed)
    grown("root@example.com", "administrators")
    chief = grown("chief@example.com", "administrators")
    made = post("Users", ADA)
    staff = post("Groups", {"displayName": "Staff"})
    answers = [
        patch(f"/Users/{chief}", {"op": "replace", "path": "displayName", "value": "Chief"}),
        ask("PUT", f"/Users/{chief}", {"userName": "chief@example.com", "title": "Chief"}),
        patch(f"/Groups/{staff['id']}", {"op": "add", "path": "members", "value": [{"value": chief}]}),
        patch("/Groups/helpdesk", {"op": "add", "path": "members", "value": [{"value": made["id"]}]}),
        patch(f"/Users/{chief}", {"op": "replace", "value": {"active": False}}),
        ask("DELETE", f"/Users/{chief}"),
    ]
    assert [one.status for one in answers] == ([200, 200, 204, 204, 200, 204] if allowed else [403] * 6)
    assert get_person(chief).active is not allowed
    assert why(ask("DELETE", "/Groups/administrators"))[0] == 403
    assert why(patch("/Groups/auditors", {"op": "replace", "path": "displayName", "value": "x"}))[0] == 403


def test_the_last_administrator_stays_even_where_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    configured(monkeypatch, may_change_administrators=True)
    only = grown("only@example.com", "administrators")
    assert why(patch(f"/Users/{only}", {"op": "replace", "value": {"active": False}}))[0] == 403
    assert why(ask("DELETE", f"/Users/{only}"))[0] == 403
    assert get_person(only).active


def test_administrators_are_not_all_taken_out_at_once_even_where_that_is_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configured(monkeypatch, may_change_administrators=True)
    both = [grown("one@example.com"), grown("two@example.com")]
    place = "/Groups/administrators"
    assert patch(place, {"op": "add", "path": "members", "value": [{"value": one} for one in both]}).status == 204
    for removal in ({"op": "remove", "path": "members"}, {"op": "replace", "path": "members", "value": []}):
        assert why(patch(place, removal))[0] == 403
    assert {one.person_id for one in list_members("administrators")} == set(both)


def test_a_client_changes_only_the_memberships_it_made() -> None:
    made = post("Users", ADA)
    ben = post("Users", {"userName": "ben@example.com"})
    group = post("Groups", {"displayName": "Sales", "members": [{"value": made["id"]}]})
    place = f"/Groups/{group['id']}"
    (member,) = list_members(group["id"])
    assert (member.via, member.granted_by) == ("scim:okta", "scim:okta")
    with pytest.raises(NotAllowed, match="by scim:okta"):
        remove_member(group_id=group["id"], person_id=made["id"], actor=ROOT)
    add_member(group_id=group["id"], person_id=ben["id"], actor=ROOT)
    assert ask("PUT", place, {"displayName": "Sales", "members": []}).status == 200
    assert [one.via for one in list_members(group["id"])] == [""]
    assert (
        patch(place, {"op": "add", "path": "members", "value": [{"value": made["id"]}]}, client="entra").status == 204
    )
    assert patch(place, {"op": "remove", "path": "members"}).status == 204
    assert sorted(one.via for one in list_members(group["id"])) == ["", "scim:entra"]


def test_a_group_made_by_hand_is_filled_but_neither_renamed_nor_deleted() -> None:
    create_group(id="staff", name="Staff", actor=ROOT)
    made = post("Users", ADA)
    assert patch("/Groups/staff", {"op": "add", "path": "members", "value": [{"value": made["id"]}]}).status == 204
    assert why(patch("/Groups/staff", {"op": "replace", "path": "displayName", "value": "x"}))[0] == 403
    assert why(ask("DELETE", "/Groups/staff"))[0] == 403
    assert get_group("staff").name == "Staff"


def test_groups_get_identifiers_that_rules_can_name() -> None:
    create_group(id="sales-emea", name="By hand", actor=ROOT)
    assert post("Groups", {"displayName": "Sales (EMEA)"})["id"] == "sales-emea-2"
    assert post("Groups", {"displayName": "Geschäftsführung"})["id"] == "geschaftsfuhrung"
    assert post("Groups", {"displayName": "営業"})["id"] == "group"
    assert post("Groups", {"displayName": "Administrators!"})["id"] == "administrators-2"
    assert why(ask("POST", "/Groups", {"displayName": "sales (emea)"}))[0] == 409


def test_members_must_be_users_the_client_knows() -> None:
    made = post("Users", ADA)
    group = post("Groups", {"displayName": "Sales"})
    ask("DELETE", f"/Users/{made['id']}")
    for stranger in (made["id"], "p_nobody", group["id"], "\x00"):
        answer = patch(f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": [{"value": stranger}]})
        assert why(answer)[0] == 400
    assert list_members(group["id"]) == ()


def test_a_version_that_is_not_the_newest_changes_nothing() -> None:
    made = post("Users", ADA)
    place, version = f"/Users/{made['id']}", made["meta"]["version"]
    assert ask("GET", place, if_none_match=version).status == 304
    change = {"op": "replace", "path": "title", "value": "Clerk"}
    assert patch(place, change, if_match=version).status == 200
    assert why(patch(place, {**change, "value": "Chief"}, if_match=version))[0] == 412
    assert why(ask("DELETE", place, if_match=version))[0] == 412
    assert get_person(made["id"]).title == "Clerk"
    group = post("Groups", {"displayName": "Sales"})
    member = {"op": "add", "path": "members", "value": [{"value": made["id"]}]}
    assert patch(f"/Groups/{group['id']}", member, if_match=group["meta"]["version"]).status == 204
    assert patch(f"/Groups/{group['id']}", member, if_match=group["meta"]["version"]).status == 412
    assert patch(f"/Groups/{group['id']}", member, if_match="*").status == 204


def test_attributes_are_sent_as_asked() -> None:
    made = post("Users", {**ADA, "title": "Clerk"})
    assert set(get(f"/Users/{made['id']}?attributes=title")) == {"schemas", "id", "title"}
    assert "title" not in get(f"/Users/{made['id']}?excludedAttributes=title")
    assert why(ask("GET", f"/Users/{made['id']}?attributes=title&excludedAttributes=id"))[0] == 400


def test_what_fails_in_the_middle_changes_nothing() -> None:
    made = post("Users", ADA)
    answer = patch(
        f"/Users/{made['id']}",
        {"op": "replace", "path": "displayName", "value": "Other"},
        {"op": "replace", "path": "userName", "value": "no address"},
        {"op": "remove", "path": "emails"},
    )
    assert answer.status == 400
    tall = patch(f"/Users/{made['id']}", {"op": "replace", "value": {"displayName": "Other", "title": "x" * 300}})
    assert why(tall)[0] == 400
    assert get_person(made["id"]).name == "Ada"
    nobody = {"op": "add", "path": "members", "value": [{"value": "p_nobody"}]}
    group = post("Groups", {"displayName": "Sales"})
    assert patch(f"/Groups/{group['id']}", {"op": "replace", "path": "displayName", "value": "x"}, nobody).status == 400
    assert get_group(group["id"]).name == "Sales"


def test_a_manager_is_somebody_and_nobody_manages_themselves() -> None:
    made, boss = post("Users", ADA), post("Users", {"userName": "boss@example.com"})
    path = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"
    assert patch(f"/Users/{made['id']}", {"op": "Add", "path": path, "value": boss["id"]}).status == 200
    assert get_person(made["id"]).manager == "boss@example.com"
    assert patch(f"/Users/{boss['id']}", {"op": "Add", "path": path, "value": made["id"]}).status == 403
    assert patch(f"/Users/{made['id']}", {"op": "Add", "path": path, "value": "p_nobody"}).status == 400
    assert patch(f"/Users/{made['id']}", {"op": "Remove", "path": path}).status == 200
    assert get_person(made["id"]).manager == ""


def test_leaving_by_hand_needs_no_directory() -> None:
    made = post("Users", ADA)
    leave(person_id=made["id"], reason="gone", actor=ROOT)
    assert get(f"/Users/{made['id']}")["active"] is False


@pytest.mark.parametrize(
    ("method", "place", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/Nothing", 404),
        ("GET", "/Users/p_x/y", 404),
        ("PUT", "/Users", 405),
        ("POST", "/Users/p_x", 405),
        ("POST", "/Schemas", 405),
        ("GET", "/Schemas?filter=id pr", 403),
        ("GET", "/Users/.search", 405),
        ("POST", "/Bulk", 400),
        ("GET", "/Me", 501),
        ("GET", "/Users/\x00", 404),
        ("GET", "/Groups/\x00", 404),
        ("DELETE", "/Groups/nobody", 404),
        ("PATCH", "/Users/p_x", 404),
    ],
)
def test_what_is_not_there_is_said_so(method: str, place: str, status: int) -> None:
    content = {"Operations": [{"op": "remove", "path": "title"}]} if method == "PATCH" else None
    assert why(ask(method, place, content))[0] == status


def test_tokens_are_kept_as_digests_end_and_are_noted_when_used() -> None:
    added = add_client("google", actor=ROOT, lifetime="1h")
    assert client_with_token("ostiary_" + "0" * 64) is None
    found = client_with_token(added.token)
    assert found is not None
    assert found.name == "google"
    (used,) = [one for one in list_clients() if one.name == "google"]
    assert used.used_at is not None
    record = "".join(path.read_text() for path in (settings.INSTANCE.audit / "control").glob("*.jsonl"))
    assert added.token not in record
    revoke_client("google", actor=ROOT)
    assert client_with_token(added.token) is None


def test_the_record_names_the_client() -> None:
    post("Users", {"userName": "written@example.com"})
    lines = [
        json.loads(line)
        for path in (settings.INSTANCE.audit / "control").glob("*.jsonl")
        for line in path.read_text().splitlines()
        if "written@example.com" in line
    ]
    assert any("scim:okta" in json.dumps(one) for one in lines)
