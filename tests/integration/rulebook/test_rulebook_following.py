"""Rules that come from a git repository: fetched with the real git, applied when nothing speaks against them, else waiting."""

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.console_fixtures import console_instance
from tests.rulebook_people import CLOSED, NARROW, OPEN, OPERATOR, actor_of, make_people
from typer.testing import CliRunner

from ostiary.cli.output import ExitCode
from ostiary.cli.rules_change import app
from ostiary.gateway.surroundings import read_surroundings
from ostiary.identity.facade import Person
from ostiary.rulebook.adapters import git_repository
from ostiary.rulebook.adapters.git_repository import RepositoryUnusable, fetch_revision
from ostiary.rulebook.facade import (
    InvalidRules,
    RulesFollowed,
    apply_plan,
    apply_rules,
    approve_proposal,
    follow_repository,
    get_current,
    get_hold,
    list_history,
    list_proposals,
    plan_change,
    propose_plan,
)

pytestmark = pytest.mark.django_db
__all__ = ["console_instance"]


class Repository:
    """A bare repository as others push to it, and a clone in which they write."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.clone = folder / "rules.git", folder / "clone"
        self.git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        self.git(folder, "clone", "--quiet", str(self.bare), str(self.clone))

    @staticmethod
    def git(folder: Path, *words: str) -> str:
        person = {"GIT_AUTHOR_NAME": "Vera", "GIT_AUTHOR_EMAIL": "v@example.test"}
        committer = {"GIT_COMMITTER_NAME": "Vera", "GIT_COMMITTER_EMAIL": "v@example.test"}
        done = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *words],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), **person, **committer},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def push(self, document: str | bytes, subject: str = "A change", *, file: str = "rules.yaml") -> str:
        """Commit a document and push it; return the commit."""
        (self.clone / file).write_bytes(document.encode() if isinstance(document, str) else document)
        self.git(self.clone, "add", file)
        self.git(self.clone, "commit", "--quiet", "--allow-empty", "-m", subject)
        self.git(self.clone, "push", "--quiet", "origin", "HEAD:main")
        return self.git(self.clone, "rev-parse", "HEAD")


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
    repository.push("version: 1\nrules: [nonsense")
    with pytest.raises(InvalidRules):
        follow()
    assert get_current().document == OPEN


def test_here_nothing_is_changed_meanwhile_but_on_purpose(
    people: dict[str, Person], repository: Repository, tmp_path: Path
) -> None:
    commit = repository.push(OPEN + "# theirs\n")
    follow()
    mine = OPEN + "# mine\n"
    with pytest.raises(RulesFollowed, match="change them there"):
        apply_plan(planned(mine, people["ada"]))
    proposal = propose_plan(planned(mine, people["ada"]))
    with pytest.raises(RulesFollowed):
        approve_proposal(proposal.id, planned(mine, people["max"]))
    file = tmp_path / "mine.yaml"
    file.write_text(mine)
    assert isinstance(CliRunner().invoke(app, ["apply", str(file), "--yes"]).exception, RulesFollowed)
    done = CliRunner().invoke(app, ["apply", str(file), "--yes", "--despite-follow"])
    assert done.exit_code == ExitCode.OK
    assert follow() == f"{commit[:12]} is applied", "whoever overrules the repository is not overruled by it"
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


@pytest.mark.parametrize(
    "address",
    [
        "ext::sh -c touch% ran",
        "--upload-pack=touch ran",
        "git://127.0.0.1/x",
        "http://127.0.0.1:9/x",
        "/nowhere/at/all",
    ],
)
def test_other_addresses_are_refused(console_instance: object, address: str, tmp_path: Path) -> None:
    with pytest.raises(RepositoryUnusable):
        fetch_revision(address, branch="main", file="rules.yaml", key="", folder=tmp_path / "kept.git")
    assert not list(tmp_path.glob("ran*"))


@pytest.mark.parametrize("name", ["../secrets/x", "-x", "/etc/passwd", "a b", "a..b", "x/", "", "HEAD@{1}", "a:b"])
def test_names_that_could_mean_something_else_are_refused(repository: Repository, name: str, tmp_path: Path) -> None:
    repository.push(OPEN)
    for branch, file in ((name, "rules.yaml"), ("main", name)):
        with pytest.raises(RepositoryUnusable, match="cannot be the"):
            fetch_revision(str(repository.bare), branch=branch, file=file, key="", folder=tmp_path / "kept.git")


def test_what_is_too_large_or_no_text_is_refused(repository: Repository, tmp_path: Path) -> None:
    for document, words in (("#" * 500_001, "500001 bytes"), (b"\xff\xfe", "not UTF-8")):
        repository.push(document)
        with pytest.raises(RepositoryUnusable, match=words):
            fetch_revision(str(repository.bare), branch="main", file="rules.yaml", key="", folder=tmp_path / "kept.git")
    with pytest.raises(RepositoryUnusable, match="failed"):
        fetch_revision(str(repository.bare), branch="main", file="none.yaml", key="", folder=tmp_path / "kept.git")


def test_a_pack_beyond_the_limit_fills_no_disk(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.push(os.urandom(3_000_000), file="large.bin")
    repository.push(OPEN)
    monkeypatch.setattr(git_repository, "MAX_FILE_BYTES", 1_000_000)
    with pytest.raises(RepositoryUnusable, match="fetch failed"):
        fetch_revision(str(repository.bare), branch="main", file="rules.yaml", key="", folder=tmp_path / "kept.git")
    kept = sum(path.stat().st_size for path in (tmp_path / "kept.git").rglob("*") if path.is_file())
    assert kept <= 1_100_000


def test_a_repository_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ssh` stands for whatever hangs; what git started ends with it."""
    ssh = tmp_path / "ssh"
    ssh.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(git_repository, "FETCH_SECONDS", 5.0)
    with pytest.raises(RepositoryUnusable, match="took longer"):
        fetch_revision("ssh://x@127.0.0.1/x", branch="main", file="rules.yaml", key="", folder=tmp_path / "kept.git")
    number = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 60
    while Path(f"/proc/{number}").exists() and "Z" not in Path(f"/proc/{number}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
