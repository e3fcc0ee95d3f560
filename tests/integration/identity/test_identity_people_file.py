"""`ostiary user import` and `export`: what a file changes is said first, whole, and only done when nothing is wrong."""

import json
import stat
from pathlib import Path

import pytest
from tests.identity_people import MACHINE, make_group, make_person
from typer.testing import CliRunner

from ostiary.cli.main import app
from ostiary.identity.facade import (
    ImportPlan,
    PersonKind,
    RoleId,
    access_of,
    create_role,
    export_people,
    find_person,
    import_people,
    list_people,
    plan_people_import,
)

pytestmark = pytest.mark.django_db
ADA, BO, CY = "ada@example.test", "bo@example.test", "cy@example.test"


@pytest.fixture(autouse=True)
def directory() -> None:
    for group in ("finance", "staff", "cars"):
        make_group(group)
    make_person(ADA, groups=("staff",))
    make_person(BO, groups=())
    for role, group in (("clerk", "finance"), ("driver", "cars")):
        create_role(id=role, owner=ADA, groups=[group], actor=MACHINE)  # type: ignore[list-item]


def ostiary(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, [*arguments])
    assert result.exit_code == code, result.output
    return result.stdout


def planned(*lines: str, update: bool = True) -> ImportPlan:
    return plan_people_import("\n".join(lines), update=update)


def carried_out(*lines: str) -> ImportPlan:
    plan = planned(*lines)
    assert not plan.problems
    import_people(plan=plan, actor=MACHINE)
    return plan


def test_everybody_is_exported_and_importing_it_changes_nothing(tmp_path: Path) -> None:
    carried_out(
        "email,roles,kind,ends_at,title,manager", f"{BO},clerk,contractor,2030-12-31,=cmd,{ADA}", f"{CY},driver,,,,{BO}"
    )
    file = tmp_path / "people.csv"
    ostiary("user", "export", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert f"{BO},Ada,contractor,'=cmd,,,{ADA},2030-12-31,clerk," in file.read_text()
    plan = json.loads(ostiary("user", "import", str(file), "--update", "--dry-run", "--json"))
    assert (plan["invite"], plan["change"], plan["problems"]) == ([], [], [])
    assert len(plan["known"]) == 3
    assert ostiary("user", "export", "-") == file.read_text()
    ostiary("user", "export", str(tmp_path / "people.csv" / "below"), code=1)


def test_people_are_invited_with_all_that_the_file_says(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(
        f"email,name,roles,groups,title,employee_number,manager\n{CY},Cy,clerk driver,staff,Clerk,0042,{ADA}\n"
    )
    ostiary("user", "import", str(file), "--yes")
    cy = find_person(CY)
    assert (cy.name, cy.title, cy.employee_number, cy.manager) == ("Cy", "Clerk", "0042", ADA)
    assert cy.roles == ("clerk", "driver")
    assert cy.groups == ("cars", "finance", "staff")
    assert [one.group for one in access_of(cy.id) if not one.via] == ["staff"]


def test_without_update_nobody_who_has_an_account_changes() -> None:
    plan = planned("email,title", f"{ADA},Boss", update=False)
    assert plan.change == ()
    assert plan.known == (ADA,)


def test_only_what_differs_changes_and_absent_columns_say_nothing(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(f"email,title,groups,roles\n{ADA},Boss,staff,\n{BO},,cars,clerk\n")
    shown = json.loads(ostiary("user", "import", str(file), "--update", "--dry-run", "--json"))
    changes = {
        one["email"]: [(c["column"], c["before"], c["after"]) for c in one["changes"]] for one in shown["change"]
    }
    assert changes == {ADA: [("title", "", "Boss")], BO: [("roles", "", "clerk"), ("groups", "", "cars")]}
    assert find_person(ADA).title == "", "a dry run changes nothing"
    ostiary("user", "import", str(file), "--update", "--yes")
    assert (find_person(ADA).title, find_person(ADA).groups) == ("Boss", ("staff",))
    assert (find_person(BO).roles, find_person(BO).groups) == (("clerk",), ("cars", "finance"))
    carried_out("email,groups,roles", f"{BO},,driver")
    assert (find_person(BO).roles, find_person(BO).groups) == (("driver",), ("cars",))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"{BO},,,,,nobody", "There is no role 'nobody'"),
        (f"{BO},,,nobody@example.test,,", "Nobody has the manager's address"),
        (f"{BO},,,{BO},,", "would report to"),
        (f"{BO},,robot,,,", "There is no kind 'robot'"),
        (f"{BO},,contractor,,,", "needs an end"),
        (f"{BO},,,,yesterday,", "is no day"),
        (f"{BO},,,,2020-01-01,", "must be in the future"),
        (f"{ADA},,,,,", "stands in line 2 already"),
        (f"{BO},,,,,,,", "more cells than there are columns"),
        ("nonsense,,,,,", "is not an e-mail address"),
    ],
)
def test_one_wrong_line_is_named_and_stops_everything(tmp_path: Path, line: str, words: str) -> None:
    file = tmp_path / "people.csv"
    file.write_text(f"email,title,kind,manager,ends_at,roles\n{ADA},Boss,,,,\n{CY},,,,,\n{line}\n")
    (problem,) = json.loads(ostiary("user", "import", str(file), "--update", "--dry-run", "--json", code=5))["problems"]
    assert problem["line"] == 4
    assert words in problem["words"]
    ostiary("user", "import", str(file), "--update", "--yes", code=5)
    assert find_person(ADA).title == ""
    assert list_people().total == 2


def test_a_circle_of_managers_is_a_problem_of_each_of_its_lines() -> None:
    plan = planned("email,manager", f"{ADA},{CY}", f"{BO},{ADA}", f"{CY},{BO}")
    assert [problem.line for problem in plan.problems] == [2, 3, 4]


def test_two_who_change_places_are_never_in_a_circle() -> None:
    carried_out("email,manager", f"{BO},{ADA}", f"{CY},{BO}")
    carried_out("email,manager", f"{ADA},{BO}", f"{BO},", f"{CY},{ADA}")
    assert [find_person(one).manager for one in (ADA, BO, CY)] == [BO, "", ADA]


def test_a_change_that_would_lock_everybody_out_undoes_the_whole_file() -> None:
    make_person("admin@example.test", groups=("administrators",))
    plan = planned("email,title,groups", f"{ADA},Boss,staff", "admin@example.test,,")
    with pytest.raises(Exception, match="last administrator"):
        import_people(plan=plan, actor=MACHINE)
    assert find_person(ADA).title == ""


def test_somebody_who_becomes_a_contractor_gets_their_end_at_once() -> None:
    carried_out("email,kind,ends_at", f"{BO},contractor,2030-12-31")
    assert find_person(BO).kind is PersonKind.CONTRACTOR
    carried_out("email,kind,ends_at", f"{BO},employee,")
    assert find_person(BO).ends_at is None


def test_what_has_an_end_is_exported_to_the_second() -> None:
    carried_out("email,ends_at", f"{BO},2030-12-31T08:30:01")
    assert "2030-12-31T08:30:01+00:00" in export_people()
    assert RoleId("clerk") not in find_person(BO).roles
