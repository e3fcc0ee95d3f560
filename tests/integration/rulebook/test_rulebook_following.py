"""Rules that come from a git repository: fetched with the real git, applied when nothing speaks against them, else waiting."""

import time
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import pytest
from tests.console_fixtures import console_instance
from tests.followed_repository import Repository
from tests.rulebook_people import CLOSED, NARROW, OPEN, OPERATOR, actor_of, join, make_people
from typer.testing import CliRunner

from ostiary.cli.output import ExitCode
from ostiary.cli.rules_change import app
from ostiary.gateway.surroundings import read_surroundings
from ostiary.identity.facade import Person, create_group
from ostiary.rulebook import proposals
from ostiary.rulebook.adapters.git_process import RepositoryUnusable
from ostiary.rulebook.facade import (
    NotYours,
    RulesFollowed,
    apply_plan,
    apply_rules,
    approve_proposal,
    follow_repository,
    get_current,
    get_followed,
    get_hold,
    list_history,
    list_proposals,
    may_approve,
    plan_change,
    propose_plan,
    roll_back,
)

pytestmark = pytest.mark.django_db
__all__ = ["console_instance"]
MISSPELT = OPEN.replace("group:staff", "group:stafff")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def people(db: None, console_instance: object, repository: Repository, settings: Any) -> dict[str, Person]:
    """Return the people of an instance that follows the repository."""
    made = make_people()
    apply_rules(OPEN, actor=OPERATOR, comment="First")
    instance = settings.INSTANCE
    rules = msgspec.structs.replace(instance.configuration.rules, follow=str(repository.bare))
    configuration = msgspec.structs.replace(instance.configuration, rules=rules)
    settings.INSTANCE = type(instance)(home=instance.home, configuration=configuration)
    return made


def follow() -> str:
    return follow_repository(read_surroundings)


def planned(document: str, who: Person) -> Any:
    return plan_change(document, actor=actor_of(who), actor_request=None, surroundings=read_surroundings())


def test_a_commit_is_applied_once_with_who_and_why(people: dict[str, Person], repository: Repository) -> None:
    commit = repository.push(OPEN + "# one\n", "Say one")
    assert follow() == f"{commit[:12]} is applied as number {get_current().number}"
    current = get_current()
    assert (current.document, current.comment) == (OPEN + "# one\n", f"Say one ({commit[:12]}, Vera)")
    assert current.applied_by == "Ostiary, from the repository"
    assert follow() == f"{commit[:12]} is applied"
    assert list_history().total == 2
    repository.push(OPEN + "# two\n")
    follow()
    assert get_current().document == OPEN + "# two\n"


def test_what_is_in_force_already_is_no_change(people: dict[str, Person], repository: Repository) -> None:
    commit = repository.push(OPEN)
    assert follow() == f"{commit[:12]} is in force"
    assert (list_history().total, list_proposals()) == (1, ())


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (NARROW, "it takes access from 5 people"),
        (CLOSED, "it shuts every administrator out of the console"),
        (
            OPEN + "tests:\n  - {name: t, as: group:staff, mfa: otp, to: app:wiki, expect: deny}\n",
            "1 of its tests fail",
        ),
        (OPEN + "never:\n  - {name: c, who: group:staff, to: app:wiki}\n", "1 of its clauses do not hold"),
    ],
)
def test_what_a_guard_holds_waits_for_somebody(
    people: dict[str, Person], repository: Repository, document: str, why: str
) -> None:
    commit = repository.push(document)
    assert follow() == f"{commit[:12]} waits: {why}"
    (waiting,) = list_proposals()
    assert (waiting.origin, waiting.waits_for) == (commit, why)
    assert (get_current().document, get_hold()) == (OPEN, None)
    assert follow() == f"{commit[:12]} is open"
    applied = approve_proposal(waiting.id, planned(document, people["ada"]), people_named=5, despite_failing_tests=True)
    assert (applied.document, applied.approved_by) == (document, "ada@example.test")


def test_a_newer_commit_overtakes_one_that_waits(people: dict[str, Person], repository: Repository) -> None:
    repository.push(NARROW)
    follow()
    repository.push(OPEN + "# better\n")
    assert "is applied" in follow()
    assert list_proposals() == ()


def test_rules_that_cannot_be_used_change_nothing(people: dict[str, Person], repository: Repository) -> None:
    followed = get_followed()
    assert followed is not None
    assert (followed.commit, followed.problems) == ("", ())
    commit = repository.push(MISSPELT, "Let more in")
    assert follow().startswith(f"{commit[:12]} cannot be used: line 4, column ")
    assert get_current().document == OPEN
    followed = get_followed()
    assert followed is not None
    assert (followed.commit, followed.author, followed.subject) == (commit, "Vera", "Let more in")
    assert (followed.problems[0].line, followed.in_force) == (4, get_current().number)
    assert "did you mean `staff`" in followed.first_problem
    first = followed
    assert "cannot be used" in follow()
    assert get_followed() == first, "looked at again, and seen since the first time"
    mended = repository.push(OPEN + "# mended\n")
    assert "is applied" in follow()
    followed = get_followed()
    assert followed is not None
    assert (followed.commit, followed.problems) == (mended, ())


def test_what_was_wrong_only_here_is_applied_once_it_is_right(
    people: dict[str, Person], repository: Repository
) -> None:
    repository.push(OPEN.replace("group:staff", "group:late"))
    assert "cannot be used" in follow()
    create_group(id="late", name="Late", actor=OPERATOR)
    for number in range(5):
        join(people[f"person-{number}"], "late")
    assert "is applied" in follow()


def test_commits_that_wait_end_with_a_newer_one_that_cannot_be_used_or_is_in_force(
    people: dict[str, Person], repository: Repository
) -> None:
    for newer in (MISSPELT, OPEN):
        repository.push(NARROW + f"# {newer}".replace("\n", " "))
        assert "waits" in follow()
        assert len(list_proposals()) == 1
        repository.push(newer)
        follow()
        assert list_proposals() == (), "nobody can approve what the repository does not say any more"


def test_a_branch_that_is_put_back_waits_for_somebody(people: dict[str, Person], repository: Repository) -> None:
    first = repository.push(OPEN + "# one\n")
    follow()
    repository.push(OPEN + "# two\n")
    follow()
    repository.put_back(first)
    why = "the branch went back to a commit that was looked at before"
    assert follow() == f"{first[:12]} waits: {why}"
    assert get_current().document == OPEN + "# two\n"
    (waiting,) = list_proposals()
    approve_proposal(waiting.id, planned(OPEN + "# one\n", people["ada"]))
    assert get_current().document == OPEN + "# one\n"
    assert follow() == f"{first[:12]} is applied"


def test_a_branch_that_is_put_back_past_what_waits_ends_the_waiting(
    people: dict[str, Person], repository: Repository
) -> None:
    first = repository.push(OPEN + "# one\n")
    follow()
    second = repository.push(NARROW)
    follow()
    repository.put_back(first)
    assert follow() == f"{first[:12]} is applied"
    assert list_proposals() == ()
    repository.put_back(second)
    assert "waits: it takes access from 5 people; the branch went back" in follow()


def test_nobody_approves_the_commit_they_wrote(people: dict[str, Person], repository: Repository) -> None:
    repository.push(CLOSED, email="Ada@example.test")
    follow()
    (waiting,) = list_proposals()
    assert not may_approve(waiting, actor_of(people["ada"]))
    with pytest.raises(NotYours, match="You wrote the commit"):
        approve_proposal(waiting.id, planned(CLOSED, people["ada"]))
    assert approve_proposal(waiting.id, planned(CLOSED, people["max"])).approved_by == "max@example.test"


def test_what_waited_too_long_or_was_overtaken_here_waits_again(
    people: dict[str, Person], repository: Repository, tmp_path: Path
) -> None:
    commit = repository.push(NARROW)
    follow()
    (first,) = list_proposals()
    with mock.patch.object(proposals.time, "time", return_value=first.expires_at + 1):
        assert "nobody approved it in time" in follow()
    (second,) = list_proposals(now=first.expires_at + 1)
    assert (second.id > first.id, second.origin) == (True, commit)
    file = tmp_path / "mine.yaml"
    file.write_text(OPEN + "# mine\n")
    assert CliRunner().invoke(app, ["apply", str(file), "--yes", "--despite-follow"]).exit_code == ExitCode.OK
    assert "other rules came into force since it was looked at" in follow()
    assert get_current().document == OPEN + "# mine\n"
    (third,) = list_proposals()
    assert approve_proposal(third.id, planned(NARROW, people["ada"]), people_named=5).document == NARROW


def test_a_commit_waits_for_the_end_of_a_trial(people: dict[str, Person], repository: Repository) -> None:
    repository.push(CLOSED)
    follow()
    (waiting,) = list_proposals()
    held = approve_proposal(waiting.id, planned(CLOSED, people["ada"]))
    commit = repository.push(OPEN + "# better\n")
    assert follow() == f"{commit[:12]} waits for the end of the trial of number {held.number}"
    roll_back(number=held.number, actor=OPERATOR)
    assert "is applied" in follow()


def test_what_cannot_be_read_is_said_until_it_can(
    people: dict[str, Person], repository: Repository, settings: Any
) -> None:
    repository.push(OPEN)
    away = repository.bare.rename(repository.bare.with_name("away"))
    for _ in range(2):
        with pytest.raises(RepositoryUnusable):
            follow()
    followed = get_followed()
    assert followed is not None
    assert "git fetch failed: fatal: " in followed.unreadable
    assert 0 < followed.unreadable_since <= time.time()
    away.rename(repository.bare)
    follow()
    followed = get_followed()
    assert followed is not None
    assert (followed.unreadable, followed.unreadable_since) == ("", 0.0)


def test_here_nothing_is_changed_meanwhile_but_on_purpose(
    people: dict[str, Person], repository: Repository, tmp_path: Path
) -> None:
    commit = repository.push(OPEN + "# theirs\n")
    follow()
    mine = OPEN + "# mine\n"
    with pytest.raises(RulesFollowed, match="push the change there"):
        apply_plan(planned(mine, people["ada"]))
    proposal = propose_plan(planned(mine, people["ada"]))
    with pytest.raises(RulesFollowed):
        approve_proposal(proposal.id, planned(mine, people["max"]))
    file = tmp_path / "mine.yaml"
    file.write_text(mine)
    for words in (["apply", "/no/such/file"], ["apply", str(file), "--yes"], ["revert"], ["approve", str(proposal.id)]):
        refused = CliRunner().invoke(app, words)
        assert isinstance(refused.exception, RulesFollowed), words
        assert "commit and push the change there" in str(refused.exception)
        assert refused.output == "", "nothing is worked out or shown first"
    done = CliRunner().invoke(app, ["apply", str(file), "--yes", "--despite-follow"])
    assert done.exit_code == ExitCode.OK
    assert follow() == f"{commit[:12]} is applied", "whoever overrules the repository is not overruled by it"
    assert get_current().document == mine
    back = CliRunner().invoke(app, ["revert", "--yes", "--despite-follow"])
    assert back.exit_code == ExitCode.OK
    assert get_current().document == OPEN + "# theirs\n"
    proposal = propose_plan(planned(mine, people["ada"]))
    assert CliRunner().invoke(app, ["approve", str(proposal.id), "--yes", "--despite-follow"]).exit_code == ExitCode.OK
    assert get_current().document == mine


def test_no_hook_runs(people: dict[str, Person], repository: Repository, tmp_path: Path, settings: Any) -> None:
    marker, hooks = tmp_path / "ran", settings.INSTANCE.state / "rules.git" / "hooks"
    repository.push(OPEN + "# first\n")
    follow()
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "post-merge", "reference-transaction", "post-update"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {marker}\n")
        (hooks / name).chmod(0o755)
    repository.push(OPEN + "# last\n")
    assert "is applied" in follow()
    assert not marker.exists()
    Repository.git(settings.INSTANCE.state / "rules.git", "update-ref", "refs/heads/by-hand", "refs/heads/followed")
    assert marker.exists(), "without what the follower says they would run"
