"""One file of a git repository, fetched with the real git: what is refused, what is bounded, and what is left behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from tests.followed_repository import Repository
from tests.rulebook_people import OPEN

from ostiary.rulebook.adapters import git_process, git_repository
from ostiary.rulebook.adapters.git_process import Access, RepositoryUnusable
from ostiary.rulebook.adapters.git_repository import fetch_revision


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def has_ended(number: int) -> bool:
    try:
        return psutil.Process(number).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    "address",
    [
        "ext::sh -c touch% ran",
        "--upload-pack=touch ran",
        "git://127.0.0.1/x",
        "http://127.0.0.1:9/x",
        "/nowhere/at/all",
        "ssh://-oProxyCommand=touch%20ran/x",
        "-oProxyCommand=touch ran:x",
        "https://[x",
    ],
)
def test_other_addresses_are_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(RepositoryUnusable):
        fetch_revision(address, branch="main", file="rules.yaml", access=Access(), folder=tmp_path / "kept.git")
    assert not list(tmp_path.glob("ran*"))


@pytest.mark.parametrize("name", ["../secrets/x", "-x", "/etc/passwd", "a b", "a..b", "x/", "", "HEAD@{1}", "a:b"])
def test_names_that_could_mean_something_else_are_refused(repository: Repository, name: str, tmp_path: Path) -> None:
    repository.push(OPEN)
    for branch, file in ((name, "rules.yaml"), ("main", name)):
        with pytest.raises(RepositoryUnusable, match="cannot be the"):
            fetch_revision(
                str(repository.bare), branch=branch, file=file, access=Access(), folder=tmp_path / "kept.git"
            )


def test_what_is_too_large_or_no_text_is_refused(repository: Repository, tmp_path: Path) -> None:
    for document, words in (("#" * 500_001, "500001 bytes"), (b"\xff\xfe", "not UTF-8")):
        repository.push(document)
        with pytest.raises(RepositoryUnusable, match=words):
            fetch_revision(
                str(repository.bare), branch="main", file="rules.yaml", access=Access(), folder=tmp_path / "kept.git"
            )
    with pytest.raises(RepositoryUnusable, match=r"There is no none.yaml in the last commit on main"):
        fetch_revision(
            str(repository.bare), branch="main", file="none.yaml", access=Access(), folder=tmp_path / "kept.git"
        )


def test_a_pack_beyond_the_limit_fills_no_disk(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.push(os.urandom(3_000_000), file="large.bin")
    repository.push(OPEN)
    monkeypatch.setattr(git_process, "MAX_FILE_BYTES", 1_000_000)
    with pytest.raises(RepositoryUnusable, match="fetch failed"):
        fetch_revision(
            str(repository.bare), branch="main", file="rules.yaml", access=Access(), folder=tmp_path / "kept.git"
        )
    assert not (tmp_path / "kept.git").exists()


def test_git_takes_no_more_memory_than_it_may(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.push(OPEN)
    monkeypatch.setattr(git_process, "MAX_MEMORY_BYTES", 2_000_000)
    with pytest.raises(RepositoryUnusable, match="failed"):
        fetch_revision(
            str(repository.bare), branch="main", file="rules.yaml", access=Access(), folder=tmp_path / "k.git"
        )


def test_a_folder_of_somebody_else_is_refused_in_words(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git's own switch for tests stands for another owner."""
    repository.push(OPEN)
    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    as_before = f"PATH={os.environ['PATH']} GIT_TEST_ASSUME_DIFFERENT_OWNER=1"
    git.write_text(f'#!/bin/sh\n{as_before} exec git "$@"\n')
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{git.parent}:{os.environ['PATH']}")
    with pytest.raises(RepositoryUnusable, match="belongs to another user"):
        fetch_revision(
            str(repository.bare), branch="main", file="rules.yaml", access=Access(), folder=tmp_path / "k.git"
        )


def test_links_folders_and_other_repositories_are_no_rules(repository: Repository, tmp_path: Path) -> None:
    repository.push(OPEN)
    (repository.clone / "link.yaml").symlink_to("/etc/passwd")
    (repository.clone / "folder").mkdir()
    (repository.clone / "folder" / "rules.yaml").write_text(OPEN)
    repository.git(repository.clone, "add", "link.yaml", "folder")
    other = f"160000,{repository.git(repository.clone, 'rev-parse', 'HEAD')},other"
    repository.git(repository.clone, "update-index", "--add", "--cacheinfo", other)
    repository.push(OPEN + "# more\n")
    for file in ("link.yaml", "folder", "other"):
        with pytest.raises(RepositoryUnusable, match="is no file"):
            fetch_revision(str(repository.bare), branch="main", file=file, access=Access(), folder=tmp_path / "k.git")
    found = fetch_revision(
        str(repository.bare), branch="main", file="folder/rules.yaml", access=Access(), folder=tmp_path / "k.git"
    )
    assert found.document == OPEN


def test_what_a_killed_process_left_is_met_once_at_most(repository: Repository, tmp_path: Path) -> None:
    def fetch() -> str:
        return fetch_revision(
            str(repository.bare), branch="main", file="rules.yaml", access=Access(), folder=tmp_path / "k.git"
        ).document

    repository.push(OPEN)
    fetch()
    leftovers = {
        "shallow.lock": lambda: (tmp_path / "k.git" / "shallow.lock").write_text(""),
        "half made": lambda: [shutil.rmtree(tmp_path / "k.git"), (tmp_path / "k.git").mkdir()],
        "damaged": lambda: (tmp_path / "k.git" / "HEAD").write_text("nonsense"),
    }
    for number, leave in enumerate(leftovers.values()):
        leave()
        repository.push(OPEN + f"# {number}\n")
        with pytest.raises(RepositoryUnusable):
            fetch()
        assert fetch() == OPEN + f"# {number}\n"


def test_what_is_kept_of_earlier_commits_is_bounded(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.push(OPEN)
    monkeypatch.setattr(git_repository, "MAX_KEPT_BYTES", 100)
    fetch_revision(str(repository.bare), branch="main", file="rules.yaml", access=Access(), folder=tmp_path / "k.git")
    assert not (tmp_path / "k.git").exists()


def test_a_repository_above_the_folder_is_not_touched(repository: Repository, tmp_path: Path) -> None:
    repository.push(OPEN)
    repository.git(tmp_path, "init", "--quiet", "above")
    folder = tmp_path / "above" / "k.git"
    folder.mkdir()
    with pytest.raises(RepositoryUnusable):
        fetch_revision(str(repository.bare), branch="main", file="rules.yaml", access=Access(), folder=folder)
    assert not list((tmp_path / "above" / ".git" / "refs" / "heads").iterdir())


def test_what_a_commit_says_of_itself_cannot_write_on_a_terminal(repository: Repository, tmp_path: Path) -> None:
    repository.push(OPEN, "Nice\x1b[2J\u202e change")
    found = fetch_revision(
        str(repository.bare), branch="main", file="rules.yaml", access=Access(), folder=tmp_path / "k.git"
    )
    assert found.subject == "Nice\\x1b[2J\\u202e change"


def test_git_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """As when a worker is killed while it fetches."""
    ssh = tmp_path / "ssh"
    ssh.write_text(f"#!/bin/sh\necho $PPID > {tmp_path}/new\nmv {tmp_path}/new {tmp_path}/pid\nexec sleep 600\n")
    ssh.chmod(0o755)
    script = (
        "from pathlib import Path\nfrom ostiary.rulebook.adapters.git_process import Access\n"
        "from ostiary.rulebook.adapters.git_repository import fetch_revision\n"
        f"fetch_revision('ssh://x@127.0.0.1/x', branch='main', file='r', access=Access(), folder=Path('{tmp_path}/k'))\n"
    )
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    fetching = subprocess.Popen([sys.executable, "-c", script], env=environment)
    until((tmp_path / "pid").exists)
    ssh_process = psutil.Process(int((tmp_path / "pid").read_text()))
    [git] = [one for one in (ssh_process, *ssh_process.parents()) if one.name() == "git"]
    fetching.kill()
    fetching.wait()
    until(lambda: has_ended(git.pid))
    os.killpg(git.pid, signal.SIGKILL)


def test_a_repository_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ssh` stands for whatever hangs; what git started ends with it."""
    ssh = tmp_path / "ssh"
    ssh.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(git_process, "FETCH_SECONDS", 5.0)
    with pytest.raises(RepositoryUnusable, match="took longer"):
        fetch_revision(
            "ssh://x@127.0.0.1/x", branch="main", file="rules.yaml", access=Access(), folder=tmp_path / "kept.git"
        )
    number = int((tmp_path / "pid").read_text())
    until(lambda: has_ended(number))
