"""Several operations in one request: what is done, what fails alone, and what is refused as a whole."""

import json
from typing import Any

import pytest
from django.db.models import Q
from tests.scim_door import BASE, ROOT, ask, get, post, why

from ostiary.identity.facade import count_people, get_group, get_person, list_members
from ostiary.scim.domain.bulk import MAX_BULK_OPERATIONS
from ostiary.scim.facade import add_client
from ostiary.visibility.facade import RecordUnavailable

pytestmark = pytest.mark.django_db(transaction=True)
ADA = {"userName": "ada@example.com"}
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@pytest.fixture(autouse=True)
def client() -> None:
    add_client("okta", actor=ROOT)


def create(bulk_id: str, kind: str, **data: Any) -> dict[str, Any]:
    return {"method": "POST", "path": f"/{kind}", "bulkId": bulk_id, "data": data}


def bulk(*operations: Any, **more: Any) -> list[dict[str, Any]]:
    answer = ask("POST", "/Bulk", {"Operations": list(operations), **more})
    assert answer.status == 200, answer.body
    assert 1 <= answer.operations <= len(json.loads(answer.body)["Operations"])
    said: list[dict[str, Any]] = json.loads(answer.body)["Operations"]
    return said


def people() -> int:
    return count_people(Q())


def statuses(said: list[dict[str, Any]]) -> list[str]:
    return [one["status"] for one in said]


def test_a_group_is_made_with_people_whom_the_same_request_creates_before_and_after_it() -> None:
    said = bulk(
        create("a", "Users", **ADA),
        create("g", "Groups", displayName="Sales", members=[{"value": "bulkId:a"}, {"value": "bulkId:b"}]),
        create("b", "Users", userName="ben@example.com", **{ENTERPRISE: {"manager": {"value": "bulkId:a"}}}),
        {"method": "PATCH", "path": "/Groups/bulkId:g", "data": {"Operations": [{"op": "add", "value": {"externalId": "x"}}]}},
    )  # fmt: skip
    assert statuses(said) == ["201", "201", "201", "200"]
    assert [one.get("bulkId") for one in said] == ["a", "g", "b", None]
    ada, ben = (get_person(said[place]["location"].rpartition("/")[2]) for place in (0, 2))
    assert (ada.email, ben.manager) == ("ada@example.com", "ada@example.com")
    assert {one.email for one in list_members(get_group("sales").id)} == {ada.email, ben.email}
    assert said[3]["location"] == f"{BASE}/Groups/sales"
    assert get("/Groups/sales")["externalId"] == "x"
    assert said[3]["version"] == get("/Groups/sales")["meta"]["version"]
    assert all("response" not in one for one in said)


def test_each_operation_fails_alone_with_what_a_single_request_would_say() -> None:
    known = post("Users", ADA)
    said = bulk(
        create("again", "Users", **ADA),
        {"method": "DELETE", "path": "/Groups/administrators"},
        {"method": "PUT", "path": f"/Users/{known['id']}", "version": 'W/"old"', "data": ADA},
        {"method": "PATCH", "path": "/Users/nobody", "data": {"Operations": [{"op": "replace", "path": "title", "value": "x"}]}},
        create("new", "Users", userName="new@example.com"),
    )  # fmt: skip
    assert statuses(said) == ["409", "403", "412", "404", "201"]
    assert said[0]["response"] == json.loads(ask("POST", "/Users", ADA).body)
    assert "location" not in said[0]
    assert said[1]["location"] == f"{BASE}/Groups/administrators"
    assert people() == 2


def test_after_so_many_errors_nothing_more_is_tried() -> None:
    missing = {"method": "DELETE", "path": "/Users/nobody"}
    said = bulk(create("a", "Users", **ADA), missing, missing, create("b", "Users", userName="b@example.com"), failOnErrors=2)  # fmt: skip
    assert statuses(said) == ["201", "404", "404"]
    assert people() == 1


def test_references_in_a_circle_and_to_what_was_not_created_are_refused() -> None:
    manager = lambda name: {ENTERPRISE: {"manager": {"value": f"bulkId:{name}"}}}  # noqa: E731
    said = bulk(
        create("a", "Users", **ADA, **manager("b")),
        create("b", "Users", userName="b@example.com", **manager("a")),
        create("c", "Users", userName="c@example.com", **manager("c")),
        create("d", "Users", userName="d@example.com", **manager("nowhere")),
        create("e", "Users", userName="no address"),
        create("f", "Groups", displayName="F", members=[{"value": "bulkId:e"}]),
        {"method": "DELETE", "path": "/Groups/bulkId:f"},
        create("h", "Users", userName="h@example.com"),
    )
    assert statuses(said) == ["409", "409", "409", "400", "400", "400", "400", "201"]
    assert "circle" in said[0]["response"]["detail"]
    assert "bulkId 'e'" in said[5]["response"]["detail"]
    assert people() == 1


def test_what_cannot_be_an_operation_fails_alone() -> None:
    for fault in (
        "text",
        {},
        {"method": "GET", "path": "/Users/x"},
        {"method": "POST", "path": "/Users", "data": ADA},
        {"method": "POST", "path": "/Bulk", "bulkId": "x", "data": {}},
        {"method": "POST", "path": "/Users/.search", "bulkId": "x", "data": {}},
        {"method": "DELETE", "path": "/Users"},
        {"method": "DELETE", "path": "/Users/../Groups/x"},
        {"method": "PUT", "path": "/Users/x?attributes=id", "data": ADA},
        {"method": "PATCH", "path": "/Users/x", "data": [1]},
        {"method": ["POST"], "path": "/Users", "bulkId": "x", "data": ADA},
        {"method": "POST", "path": "/Users", "bulkId": "x", "data": {"a": json.loads("[" * 60 + "]" * 60)}},
    ):
        said = bulk(fault, create("ok", "Users", **ADA))
        assert statuses(said)[0] == "400", fault
        assert said[0]["response"]["detail"]
        assert said[1]["status"] in {"201", "409"}


def test_a_request_that_cannot_be_right_changes_nothing() -> None:
    many = [{"method": "DELETE", "path": "/Users/x"}] * (MAX_BULK_OPERATIONS + 1)
    twice = [create("a", "Users", **ADA), create("a", "Users", userName="b@example.com")]
    for content, status in (
        ([], 400),
        ({}, 400),
        ({"Operations": []}, 400),
        ({"Operations": many}, 413),
        ({"Operations": twice}, 400),
        ({"Operations": twice[:1], "failOnErrors": 0}, 400),
        ({"Operations": twice[:1], "failOnErrors": True}, 400),
        ({"Operations": twice[:1], "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}, 400),
    ):
        assert why(ask("POST", "/Bulk", content))[0] == status
    assert why(ask("GET", "/Bulk"))[0] == 405
    assert why(ask("POST", "/Bulk/x", {"Operations": twice[:1]}))[0] == 404
    assert people() == 0


def test_what_takes_too_long_and_what_fails_unforeseen_is_said_of_its_operation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ostiary.scim.bulk.MAX_BULK_SECONDS", -1.0)
    said = bulk(create("a", "Users", **ADA))
    assert statuses(said) == ["503"]
    assert "was not tried" in said[0]["response"]["detail"]
    monkeypatch.undo()
    for fault, status in ((RecordUnavailable("full"), "503"), (RuntimeError("unforeseen"), "500")):

        def fail(*_given: object, error: Exception = fault, **_more: object) -> None:
            raise error

        monkeypatch.setattr("ostiary.scim.kinds.create_user", fail)
        assert statuses(bulk(create("a", "Users", **ADA), {"method": "DELETE", "path": "/Users/x"})) == [status, "404"]
    assert people() == 0


def test_the_service_says_what_a_bulk_request_may_be_and_that_nobody_is_me() -> None:
    said = get("/ServiceProviderConfig")["bulk"]
    assert said == {"supported": True, "maxOperations": 1000, "maxPayloadSize": 1024 * 1024}
    for method in ("GET", "PATCH", "DELETE"):
        status, words = why(ask(method, "/Me", {}))
        assert status == 501
        assert "program" in words
