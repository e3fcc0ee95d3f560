"""`ostiary user`, `group`, `session` and `admin`, typed as an operator types them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from tests.identity_people import Browser, make_group, make_person, make_person_with_app, path_of
from typer.testing import CliRunner

from ostiary.cli.main import app
from ostiary.identity.facade import find_person, get_person, list_people, list_sessions

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A command sends logs to its own standard error, which the runner closes."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def ostiary(*words: str, code: int = 0) -> str:
    """Type a command and return what it printed as its result."""
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == code, done.output
    return done.stdout


def shown(*words: str) -> Any:
    return json.loads(ostiary(*words, "--json"))


def test_inviting_prints_a_link_that_works() -> None:
    make_group("staff")
    link = ostiary("user", "invite", "new@example.test", "--name", "New", "-g", "staff").strip()
    assert Browser().get(path_of(link))["Location"] == "/invitation"
    person = shown("user", "show", "new@example.test")["person"]
    assert (person["name"], person["groups"], person["invited"]) == ("New", ["staff"], True)
    assert shown("user", "invite", "new@example.test")["link"] != link


def test_a_group_that_does_not_exist_invites_nobody() -> None:
    ostiary("user", "invite", "new@example.test", "-g", "nowhere", code=1)
    assert list_people().total == 0


def test_people_are_listed_and_shown() -> None:
    make_person("ada@example.test", groups=("staff",))
    assert [one["email"] for one in shown("user", "list")] == ["ada@example.test"]
    assert shown("user", "list", "--group", "helpdesk") == []
    assert "ada@example.test" in ostiary("user", "list", "ada")
    assert "staff" in ostiary("user", "show", "ADA@example.test")
    ostiary("user", "show", "nobody@example.test", code=1)
    ostiary("user", "list", "--group", "stuff", code=1)


def test_disabling_needs_a_yes_and_can_be_undone() -> None:
    person_id = make_person("ada@example.test")
    ostiary("user", "disable", "ada@example.test", code=3)
    assert get_person(person_id).active
    ostiary("user", "disable", "ada@example.test", "--reason", "left", "--yes")
    assert not get_person(person_id).active
    ostiary("user", "enable", "ada@example.test")
    assert get_person(person_id).active


def test_resetting_needs_a_yes_and_gives_a_link() -> None:
    make_person_with_app("ada@example.test")
    ostiary("user", "reset", "ada@example.test", code=3)
    assert find_person("ada@example.test").methods == ("password", "totp")
    link = shown("user", "reset", "ada@example.test", "--yes")["link"]
    assert find_person("ada@example.test").methods == ()
    assert Browser().get(path_of(link))["Location"] == "/invitation"


def test_importing_says_first_what_is_wrong(tmp_path: Path) -> None:
    make_group("staff")
    make_person("ada@example.test")
    file = tmp_path / "people.csv"
    file.write_text(
        "email,name,groups\nbo@example.test,Bo,staff\nada@example.test,,\nnonsense,,\nbo@example.test,,\nx@example.test,,sales\n"
    )
    plan = json.loads(ostiary("user", "import", str(file), "--dry-run", "--json", code=5))
    assert [one["email"] for one in plan["invite"]] == ["bo@example.test"]
    assert plan["known"] == ["ada@example.test"]
    assert [one["line"] for one in plan["problems"]] == [4, 5, 6]
    ostiary("user", "import", str(file), "--yes", code=5)
    assert list_people().total == 1, "one wrong line stops the whole file"
    file.write_text("\ufeffEmail,Name,Groups\nbo@example.test,Bo,staff\ncy@example.test,Cy,\n")
    ostiary("user", "import", str(file), "--dry-run")
    assert list_people().total == 1
    ostiary("user", "import", str(file), code=3)
    ostiary("user", "import", str(file), "--yes")
    assert find_person("bo@example.test").groups == ("staff",)
    assert list_people().total == 3


@pytest.mark.parametrize("content", ["", "name\nx\n", "email,age\na@b.test,4\n", "\x00\x01", "email\n\xff"])
def test_a_file_that_is_no_list_of_people_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(content.encode("latin-1"))
    ostiary("user", "import", str(file), "--yes", code=1)
    ostiary("user", "import", str(tmp_path / "absent"), "--yes", code=1)
    assert list_people().total == 0


def test_groups_from_creation_to_deletion() -> None:
    make_person("ada@example.test")
    ostiary("group", "create", "staff", "--name", "All staff")
    ostiary("group", "create", "Staff", code=1)
    ostiary("group", "add", "staff", "ada@example.test", "--reason", "new colleague")
    assert [one["reason"] for one in shown("group", "members", "staff")] == ["new colleague"]
    assert {one["id"]: one["members"] for one in shown("group", "list")}["staff"] == 1
    ostiary("group", "remove", "staff", "ada@example.test", code=3)
    ostiary("group", "remove", "staff", "ada@example.test", "--yes")
    assert shown("group", "members", "staff") == []
    ostiary("group", "delete", "staff", code=3)
    ostiary("group", "delete", "staff", "--yes")
    ostiary("group", "delete", "administrators", "--yes", code=1)
    ostiary("group", "members", "staff", code=1)


def test_sessions_are_listed_and_ended_one_by_one_by_person_and_all() -> None:
    _person, secret = make_person_with_app("ada@example.test")
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    (session,) = shown("session", "list")
    assert session["person_email"] == "ada@example.test"
    ostiary("session", "revoke", code=3)
    ostiary("session", "revoke", session["id"], "--all", code=3)
    ostiary("session", "revoke", "--person", "ada@example.test", code=3)
    ostiary("session", "revoke", "--all", code=3)
    assert browser.is_signed_in()
    ostiary("session", "revoke", session["id"])
    assert not browser.is_signed_in()
    ostiary("session", "revoke", session["id"], code=1)
    ostiary("session", "revoke", "--person", "ada@example.test", "--yes")
    ostiary("session", "revoke", "--all", "--yes")
    assert list_sessions().total == 0


def test_recovering_needs_a_yes_and_makes_an_administrator() -> None:
    ostiary("admin", "recover", code=3)
    assert list_people().total == 0
    link = shown("admin", "recover", "--yes")
    person = find_person("emergency@example.test")
    assert person.emergency
    assert person.groups == ("administrators",)
    assert Browser().get(path_of(link["link"]))["Location"] == "/emergency"
    again = shown("admin", "recover", "--yes")
    assert again["person_id"] == link["person_id"]
    assert Browser().get(path_of(link["link"])).status_code == 404, "the earlier link is withdrawn"


def test_recovering_a_disabled_person_enables_them() -> None:
    make_person("boss@example.test", groups=("administrators",))
    person_id = make_person("ada@example.test")
    ostiary("user", "disable", "ada@example.test", "--yes")
    ostiary("admin", "recover", "--email", "ada@example.test", "--yes")
    person = get_person(person_id)
    assert person.active
    assert person.groups == ("administrators",)
    assert not person.emergency
