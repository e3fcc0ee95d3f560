"""Filters answered by the database find the very resources that the filter fits, one by one; pages fit together."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scim2_models import ScimFilter
from tests.scim_door import ROOT, ask, get, post

from ostiary.identity.facade import create_group
from ostiary.scim.domain.resources import Group, Person
from ostiary.scim.facade import add_client

NAMES = ["Ada Lovelace", "ada lovelace", "Grace Hopper", "Müller", "MÜLLER", "", "O'Neil", "Zoë"]


@pytest.fixture
def company(transactional_db: None) -> dict[str, list[Any]]:
    del transactional_db
    for name in ("okta", "entra"):
        add_client(name, actor=ROOT)
    people = [
        post(
            "Users",
            {
                "userName": f"person{number}@example.com" if number % 3 else f"Person-{number}",
                "emails": [{"value": f"person{number}@example.com", "type": "work" if number % 2 else "home"}],
                "displayName": NAMES[number % len(NAMES)],
                "externalId": f"X{number}" if number % 2 else "",
                "title": "Clerk" if number % 4 else "",
                "name": {"familyName": NAMES[number % len(NAMES)], "givenName": "Ann" if number % 5 else ""},
                "active": bool(number % 7),
            },
            client="okta" if number < 9 else "entra",
        )["id"]
        for number in range(12)
    ]
    create_group(id="by-hand", name="By hand", actor=ROOT)
    for number in range(3):
        members = [{"value": one} for one in people[number : number + 4]]
        post("Groups", {"displayName": f"Group {number}", "externalId": f"G{number}", "members": members})
    return {"Users": get("/Users")["Resources"], "Groups": get("/Groups")["Resources"]}


_TEXT = st.sampled_from(
    [
        "ada",
        "Ada Lovelace",
        "person",
        "PERSON1@example.com",
        "example",
        "müller",
        "X1",
        "x1",
        "Clerk",
        "",
        "1",
        "Ann",
        "'",
    ]
)
_USER_ATTRIBUTES = st.sampled_from(
    [
        "userName",
        "externalId",
        "displayName",
        "name.familyName",
        "name.givenName",
        "title",
        "emails",
        "emails.type",
        "id",
    ]
)
_GROUP_ATTRIBUTES = st.sampled_from(["displayName", "externalId", "id", "members"])


def _comparisons(attributes: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    op = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "le"])
    return st.one_of(
        st.builds(lambda name, op, text: f"{name} {op} {json.dumps(text)}", attributes, op, _TEXT),
        attributes.map(lambda name: f"{name} pr"),
        st.sampled_from(["active eq true", "active ne true", 'meta.created gt "2020-01-01T00:00:00Z"']),
    )


def _filters(attributes: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(
        _comparisons(attributes),
        lambda inner: st.one_of(
            st.builds("({}) and ({})".format, inner, inner),
            st.builds("({}) or ({})".format, inner, inner),
            st.builds("not ({})".format, inner),
        ),
        max_leaves=4,
    )


_FEW = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


@_FEW
@given(st.data())
def test_the_database_finds_what_the_filter_fits(company: dict[str, list[Any]], data: st.DataObject) -> None:
    kind, model, attributes = data.draw(
        st.sampled_from([("Users", Person, _USER_ATTRIBUTES), ("Groups", Group, _GROUP_ATTRIBUTES)])
    )
    text = data.draw(_filters(attributes))
    if kind == "Groups" and "active" in text:
        text = text.replace("active eq true", "id pr").replace("active ne true", "id pr")
    bound: Any = ScimFilter[model](text)  # type: ignore[valid-type]
    expected = [one["id"] for one in company[kind] if bound.match(model.model_validate(one))]
    found = get(f"/{kind}?filter={text}")
    assert [one["id"] for one in found["Resources"]] == expected, text
    assert found["totalResults"] == len(expected)


@pytest.mark.parametrize("kind", ["Users", "Groups"])
@pytest.mark.parametrize("order", ["", "&sortBy=displayName", "&sortBy=id&sortOrder=descending", "&sortBy=externalId"])
def test_pages_hold_everything_once(company: dict[str, list[Any]], kind: str, order: str) -> None:
    whole = [one["id"] for one in get(f"/{kind}?count=1000{order}")["Resources"]]
    assert sorted(whole) == sorted(one["id"] for one in company[kind])
    paged: list[str] = []
    while len(paged) < len(whole):
        page = get(f"/{kind}?startIndex={len(paged) + 1}&count=5{order}")
        assert page["totalResults"] == len(whole)
        assert page["itemsPerPage"] == len(page["Resources"]) > 0
        paged += [one["id"] for one in page["Resources"]]
    assert paged == whole
    assert get(f"/{kind}?count=0")["totalResults"] == len(whole)
    assert not get(f"/{kind}?startIndex=1000").get("Resources")


def test_users_are_sorted_by_what_the_client_sees(company: dict[str, list[Any]]) -> None:
    names = [one["userName"].lower() for one in get("/Users?sortBy=userName")["Resources"]]
    assert names == sorted(names)
    assert len(names) == len(company["Users"])


def test_everything_is_searched_as_one_list(company: dict[str, list[Any]]) -> None:
    wanted = [one["id"] for kind in ("Users", "Groups") for one in company[kind]]
    found: list[str] = []
    while len(found) < len(wanted):
        page = json.loads(ask("POST", "/.search", {"startIndex": len(found) + 1, "count": 5}).body)
        assert page["totalResults"] == len(wanted)
        found += [one["id"] for one in page["Resources"]]
    assert found == wanted
    only_users = json.loads(ask("POST", "/.search", {"filter": "userName pr"}).body)
    assert [one["id"] for one in only_users["Resources"]] == [one["id"] for one in company["Users"]]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/Users?filter=userName", "invalidFilter"),
        ("/Users?filter=nobody eq 1", "invalidFilter"),
        ("/Users?sortBy=name", "invalidPath"),
        ("/Users?filter=" + "(" * 5000, "invalidFilter"),
        ("/Users?filter=" + "not (" * 50 + "id pr" + ")" * 50, "invalidFilter"),
        ("/Users?filter=" + "x" * 9000, "invalidSyntax"),
        ("/Users?count=many", "invalidValue"),
    ],
)
def test_what_cannot_be_searched_is_said_and_costs_nothing(company: dict[str, list[Any]], path: str, kind: str) -> None:
    answer = ask("GET", path)
    assert answer.status == 400, answer.body
    assert json.loads(answer.body)["scimType"] == kind
