"""People come, change jobs and go, typed as an operator types it."""

import time

import pytest
from tests.identity_people import make_group, make_person
from tests.integration.identity.test_identity_cli import logs_as_before, ostiary, shown

from ostiary.identity.facade import find_person

pytestmark = pytest.mark.django_db
__all__ = ["logs_as_before"]


@pytest.fixture(autouse=True)
def company() -> None:
    make_group("finance")
    make_group("cars")
    make_person(email="boss@example.test")
    ostiary("role", "create", "clerk", "--owner", "boss@example.test", "-g", "finance")
    ostiary("role", "create", "driver", "--owner", "boss@example.test", "-g", "cars", "--name", "Drivers")


def join(*more: str) -> None:
    ostiary("user", "join", "ada@example.test", "--name", "Ada", *more)


def test_a_life_in_the_company() -> None:
    join("-r", "clerk", "--manager", "boss@example.test", "--number", "7")
    assert [one["groups"] for one in shown("role", "list")] == [["finance"], ["cars"]]
    (held,) = shown("user", "access", "ada@example.test")
    assert (held["group"], held["via"], held["ends_at"]) == ("finance", "role:clerk", None)
    before = ostiary("user", "move", "ada@example.test", "-r", "driver", "--dry-run")
    assert "loses the role clerk" in before
    assert find_person("ada@example.test").roles == ("clerk",)
    ostiary("user", "move", "ada@example.test", "-r", "driver", code=3)
    assert find_person("ada@example.test").roles == ("clerk",), "nobody said yes"
    assert "gets the role driver" in ostiary("user", "move", "ada@example.test", "-r", "driver", "--yes")
    assert [one["email"] for one in shown("role", "people", "driver")] == ["ada@example.test"]
    said = ostiary("user", "leave", "ada@example.test", "--yes", "--reason", "last day")
    assert "every door shuts" in said
    assert not find_person("ada@example.test").active


def test_what_has_an_end_says_so() -> None:
    join("--kind", "contractor", "--until", "30d", "-g", "cars")
    person = find_person("ada@example.test")
    assert person.ends_at is not None
    assert abs(person.ends_at - time.time() - 30 * 86400) < 600
    ostiary("user", "change", "ada@example.test", "--until", "2020-01-01", code=1)
    assert find_person("ada@example.test").ends_at == person.ends_at
    ostiary("user", "change", "ada@example.test", "--no-end", code=1)
    ostiary("group", "add", "finance", "ada@example.test", "--until", "90m")
    members = shown("group", "members", "finance")
    assert abs(members[0]["ends_at"] - time.time() - 90 * 60) < 600
    ostiary("role", "assign", "driver", "ada@example.test", "--until", "2031-01-31")
    (assigned,) = shown("role", "people", "driver")
    assert assigned["ends_at"] is not None


def test_roles_change_and_go_after_a_word() -> None:
    join("-r", "clerk")
    ostiary("role", "change", "clerk", "-g", "cars", code=3)
    ostiary("role", "change", "clerk", "-g", "cars", "--yes")
    assert find_person("ada@example.test").groups == ("cars",)
    ostiary("role", "withdraw", "clerk", "ada@example.test", "--yes")
    assert find_person("ada@example.test").groups == ()
    ostiary("role", "delete", "clerk", "--yes")
    assert [one["id"] for one in shown("role", "list")] == ["driver"]


def test_what_is_to_be_tidied_up_is_a_finding() -> None:
    assert "a role that nobody has" in ostiary("user", "check", code=5)
    ostiary("group", "owner", "cars", "boss@example.test")
    assert next(one["owner"] for one in shown("group", "list") if one["id"] == "cars") == "boss@example.test"
