"""Entra ID and Okta at a running instance, with the requests their documentation describes; what they take away is gone at once."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.running_instance import RULES, RunningInstance
from tests.scim_asking import CORE, ENTERPRISE, Directory, directory, unique

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]


@pytest.fixture(scope="module")
def keeper(running: RunningInstance) -> Iterator[Directory]:
    with directory(running, "keeper") as client:
        yield client


def entra_user(word: str) -> dict[str, Any]:
    """A new user as Entra ID sends one with its default mapping, attributes that nobody here uses included."""
    return {
        "schemas": [f"{CORE}:User", ENTERPRISE],
        "externalId": unique("entra"),
        "userName": f"{word}@corp.test",
        "active": True,
        "displayName": "Lena Lind",
        "preferredLanguage": "en-GB",
        "emails": [{"primary": True, "type": "work", "value": f"{word}@corp.test"}],
        "addresses": [{"primary": False, "type": "work", "country": "Sweden"}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "Lena Lind", "familyName": "Lind", "givenName": "Lena"},
        "title": "Clerk",
        ENTERPRISE: {"department": "Sales", "employeeNumber": "17"},
        "roles": [],
    }


def okta_user(word: str) -> dict[str, Any]:
    """A new user as Okta sends one."""
    return {
        "schemas": [f"{CORE}:User"],
        "userName": f"{word}@corp.test",
        "name": {"givenName": "Omar", "familyName": "Ohm"},
        "emails": [{"primary": True, "value": f"{word}@corp.test", "type": "work"}],
        "displayName": "Omar Ohm",
        "locale": "en-US",
        "externalId": unique("00u"),
        "groups": [],
        "active": True,
    }


def test_entra_finds_creates_and_changes_a_user(keeper: Directory) -> None:
    word = unique("lena")
    assert keeper.found("Users", filter=f'userName eq "{word}@corp.test"')["totalResults"] == 0
    sent = entra_user(word)
    made = keeper.made("Users", sent)
    place = f"/Users/{made['id']}"
    assert made["meta"]["location"].endswith(f"/scim/v2{place}")
    assert made[ENTERPRISE] == {"department": "Sales", "employeeNumber": "17"}
    assert "addresses" not in made
    for query in (f'userName eq "{word.upper()}@corp.test"', f'externalId eq "{sent["externalId"]}"'):
        assert [one["id"] for one in keeper.found("Users", filter=query)["Resources"]] == [made["id"]]
    by_mail = f'emails[type eq "work"].value eq "{word}@corp.test"'
    assert keeper.found("Users", filter=by_mail)["totalResults"] == 1

    boss = keeper.made("Users", entra_user(unique("boss")))
    answer = keeper.patch(
        place,
        {"op": "Replace", "path": "displayName", "value": "Lena Berg"},
        {"op": "Replace", "path": "name.familyName", "value": "Berg"},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": f"{word}.berg@corp.test"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Finance"},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": boss["id"]},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+46 70 000 00 00"},
        {"op": "Remove", "path": "title"},
    )
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert (changed["displayName"], changed["name"]["familyName"]) == ("Lena Berg", "Berg")
    assert changed["emails"][0]["value"] == f"{word}.berg@corp.test"
    assert changed[ENTERPRISE]["department"] == "Finance"
    assert changed[ENTERPRISE]["manager"]["value"] == boss["id"]
    assert "title" not in changed
    switched = keeper.patch(place, {"op": "Replace", "path": "active", "value": "False"}).json()
    assert switched["active"] is False
    assert keeper.patch(place, {"op": "Add", "value": {"active": "True"}}).json()["active"] is True
    listed = keeper.running.command("user", "list", "--json")
    assert "Lena Berg" in listed


def test_entra_keeps_a_group_one_member_at_a_time(keeper: Directory) -> None:
    people = [keeper.made("Users", entra_user(unique("member")))["id"] for _ in range(3)]
    name = unique("Sales Department")
    made = keeper.made("Groups", {"schemas": [f"{CORE}:Group"], "externalId": unique("g"), "displayName": name})
    place = f"/Groups/{made['id']}"
    found = keeper.found("Groups", filter=f'displayName eq "{name}"', excludedAttributes="members")
    assert [one["id"] for one in found["Resources"]] == [made["id"]]
    for one in people:
        answer = keeper.patch(place, {"op": "Add", "path": "members", "value": [{"$ref": None, "value": one}]})
        assert answer.status_code == 204, answer.text
    asked = f'id eq "{made["id"]}" and members eq "{people[0]}"'
    assert keeper.found("Groups", filter=asked)["totalResults"] == 1
    assert keeper.patch(place, {"op": "Remove", "path": f'members[value eq "{people[0]}"]'}).status_code == 204
    removal = {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": people[1]}]}
    assert keeper.patch(place, removal).status_code == 204
    assert [one["value"] for one in keeper.ask("GET", place).json()["members"]] == [people[2]]
    renamed = unique("Sales")
    assert keeper.patch(place, {"op": "Replace", "path": "displayName", "value": renamed}).status_code == 204
    shown = keeper.ask("GET", place).json()
    assert (shown["displayName"], shown["id"]) == (renamed, made["id"]), "rules go on naming the same identifier"
    assert keeper.ask("DELETE", place).status_code == 204
    assert keeper.ask("GET", place).status_code == 404


def test_okta_puts_users_and_pushes_groups(keeper: Directory) -> None:
    word = unique("omar")
    assert keeper.ask("GET", "/Users?startIndex=1&count=1").json()["itemsPerPage"] == 1
    made = keeper.made("Users", okta_user(word))
    place = f"/Users/{made['id']}"
    put = keeper.ask(
        "PUT", place, {**made, "name": {"givenName": "Omar", "familyName": "Olm"}, "displayName": "Omar Olm"}
    )
    assert put.status_code == 200, put.text
    assert put.json()["displayName"] == "Omar Olm"
    off = keeper.patch(place, {"op": "replace", "value": {"active": False}})
    assert off.json()["active"] is False
    assert keeper.ask("PUT", place, {**put.json(), "active": True}).json()["active"] is True

    group = keeper.made(
        "Groups",
        {
            "schemas": [f"{CORE}:Group"],
            "displayName": unique("Okta push"),
            "members": [{"value": made["id"], "display": f"{word}@corp.test"}],
        },
    )
    at = f"/Groups/{group['id']}"
    assert [one["value"] for one in group["members"]] == [made["id"]]
    rename = {"op": "replace", "value": {"id": group["id"], "displayName": unique("Okta pushed")}}
    assert keeper.patch(at, rename).status_code == 204
    both = [
        {"op": "remove", "path": f'members[value eq "{made["id"]}"]'},
        {"op": "add", "path": "members", "value": []},
    ]
    assert keeper.patch(at, *both).status_code == 204
    put = keeper.ask("PUT", at, {**group, "members": [{"value": made["id"]}]})
    assert put.status_code == 200, put.text
    assert put.json()["members"][0]["value"] == made["id"]


def test_what_a_directory_takes_away_is_gone_at_the_next_request(keeper: Directory) -> None:
    running = keeper.running
    outside = running.make_person("misled")
    group = keeper.made("Groups", {"displayName": unique("Pushed"), "members": [{"value": outside.id}]})
    rules = (
        RULES
        + f"""
  - name: pushed-see-files
    allow: group:{group["id"]}
    to: app:files
    do: [view]
"""
    )
    with running.rules(rules):
        client = running.signed_in(outside)
        client.enter("files")
        assert client.get("files", "/public/x").status_code == 200
        refused = running.command_any("group", "remove", group["id"], outside.email, "--yes")
        assert refused.returncode != 0
        assert "directory" in refused.stderr + refused.stdout
        removal = {"op": "remove", "path": f'members[value eq "{outside.id}"]'}
        assert keeper.patch(f"/Groups/{group['id']}", removal).status_code == 204
        assert client.api("files", "/public/x").status_code == 403, "the next request, with session and grant in hand"


@pytest.mark.parametrize("how", ["patch", "put", "delete"])
def test_whoever_is_switched_off_meets_closed_doors_at_the_next_request(keeper: Directory, how: str) -> None:
    running = keeper.running
    ada = running.make_person("staff")
    client = running.signed_in(ada).enter("wiki")
    assert client.get("wiki").status_code == 200
    place = f"/Users/{ada.id}"
    match how:
        case "patch":
            answer = keeper.patch(place, {"op": "Replace", "path": "active", "value": "False"})
        case "put":
            answer = keeper.ask("PUT", place, {**keeper.ask("GET", place).json(), "active": False})
        case _:
            answer = keeper.ask("DELETE", place)
    assert answer.status_code in {200, 204}, answer.text
    assert client.api("wiki").status_code in {401, 403}
    assert keeper.ask("GET", place).status_code == (404 if how == "delete" else 200)
    shown = running.command("user", "show", ada.email, "--json")
    assert '"active": false' in shown, "the record stays"


def test_without_a_token_that_works_there_is_nothing_but_the_demand_for_one(running: RunningInstance) -> None:
    with directory(running, "leaver") as client:
        assert client.ask("GET", "/Users?count=0").status_code == 200
        running.command("scim", "client", "revoke", client.name, "--yes")
        gone = client.ask("GET", "/Users?count=0")
        assert (gone.status_code, gone.headers["www-authenticate"]) == (401, 'Bearer realm="scim"')
        assert gone.headers["content-type"] == "application/scim+json"
        for token in ("", "ostiary_" + "0" * 64):
            client.token = token
            assert client.ask("GET", "/Users").status_code == 401
            assert client.ask("DELETE", "/Users/p_x").status_code == 401


def test_a_signed_in_browser_is_no_directory(running: RunningInstance) -> None:
    client = running.administrator()
    answer = client.get("id", "/scim/v2/Users")
    assert answer.status_code == 401
    for app in ("wiki", "admin"):
        assert "ListResponse" not in client.get(app, "/scim/v2/Users").text


def test_what_a_directory_did_is_on_record(keeper: Directory) -> None:
    made = keeper.made("Users", okta_user(unique("record")))
    keeper.patch(f"/Users/{made['id']}", {"op": "replace", "value": {"active": False}})
    text = [str(event) for event in keeper.running.control_events() if made["id"] in str(event)]
    assert len(text) >= 2
    assert all(f"scim:{keeper.name}" in one for one in text)


def test_bodies_and_media_types_have_limits(keeper: Directory) -> None:
    assert keeper.ask("POST", "/Users", b"x" * (1024 * 1024 + 1)).status_code == 413
    assert keeper.ask("POST", "/Users", b"<a/>", content_type="application/xml").status_code == 415
    broken = keeper.ask("POST", "/Users", b"{")
    assert (broken.status_code, broken.json()["scimType"]) == (400, "invalidSyntax")
