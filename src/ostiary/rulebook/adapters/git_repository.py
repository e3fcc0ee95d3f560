"""Fetches one file of one branch with git. What is in it is untrusted text; nothing of it is ever run or checked out.

How git is kept from doing anything else lives in `git_process`.
"""

import re
import shutil
from pathlib import Path
from typing import Final

import msgspec

from ostiary.policy.rules.problems import printable
from ostiary.rulebook.adapters.git_process import Access, RepositoryUnusable, run_git, split_address, without_user

MAX_DOCUMENT_BYTES: Final = 500_000
MAX_KEPT_BYTES: Final = 256 * 1024 * 1024
"""What is kept of earlier commits is forgotten when it is more than this."""

_NAME = re.compile(r"(?![-/])(?!.*(?:\.\.|//|@\{))[A-Za-z0-9._/-]{1,200}(?<![/.])", re.ASCII)
_FOLLOWED: Final = "refs/heads/followed"
_FILE_MODES: Final = ("100644", "100755")


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the followed file.

    Args:
        commit: its hash, 40 hexadecimal digits. Repositories with SHA-256 are refused.
        author: who wrote it, as the commit says; nobody vouches for that but the repository.
        email: their address, as the commit says.
        subject: the first line of the commit's message.
        document: the file.
    """

    commit: str
    author: str
    email: str
    subject: str
    document: str


def fetch_revision(repository: str, *, branch: str, file: str, access: Access, folder: Path) -> Revision:
    """Return the newest version of a file.

    Args:
        repository: a folder, or a `https:`, `ssh:` or `file:` address.
        branch: whose last commit counts.
        file: its path in the repository.
        access: what the repository is reached with.
        folder: where the objects are kept; made when it is not there, and forgotten when anything in it fails, so that
            what a killed process left half done is met once at most.

    Raises:
        RepositoryUnusable: when any of it does not work.
    """
    for what, text in (("branch", branch), ("file", file)):
        if not _NAME.fullmatch(text):
            raise RepositoryUnusable(f"{text[:60]!r} cannot be the {what} of rules that are followed.")
    if repository.startswith("-"):
        raise RepositoryUnusable(f"{repository[:60]!r} is no repository.")
    split_address(repository)
    try:
        return _fetch(repository, branch, file, access, folder)
    except RepositoryUnusable:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        if _bytes_in(folder) > MAX_KEPT_BYTES:
            shutil.rmtree(folder, ignore_errors=True)


def _fetch(repository: str, branch: str, file: str, access: Access, folder: Path) -> Revision:
    def git(*words: str) -> bytes:
        return run_git(folder, access, repository, *words)

    if not folder.is_dir():
        init = ("init", "--quiet", "--bare", "--template=", str(folder))
        run_git(folder, Access(), repository, *init, where=False)
    kind = ("--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules")
    git("fetch", *kind, "--", without_user(repository), f"+refs/heads/{branch}:{_FOLLOWED}")
    place = _object_of(git("ls-tree", "-z", _FOLLOWED, "--", file), file, branch)
    size = int(git("cat-file", "-s", place))
    if size > MAX_DOCUMENT_BYTES:
        raise RepositoryUnusable(f"{file} on {branch} has {size} bytes; rules have at most {MAX_DOCUMENT_BYTES}.")
    said = git("log", "-1", "--no-show-signature", "--format=%H%n%an%n%ae%n%s", _FOLLOWED)
    commit, author, email, subject = (printable(part)[:200] for part in said.decode("utf-8", "replace").split("\n")[:4])
    try:
        document = git("cat-file", "blob", place).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RepositoryUnusable(f"{file} on {branch} is not UTF-8.", hint="Save it as UTF-8 and push it.") from None
    return Revision(commit=commit, author=author, email=email, subject=subject, document=document)


def _object_of(listed: bytes, file: str, branch: str) -> str:
    """Return the name of the object that holds the file; `listed` is what `git ls-tree -z` says of it."""
    if not listed:
        raise RepositoryUnusable(f"There is no {file} in the last commit on {branch}.", hint="Check follow_file.")
    mode, _, name = listed.partition(b"\t")[0].decode("ascii").split(" ")
    if mode not in _FILE_MODES:
        raise RepositoryUnusable(f"{file} on {branch} is no file: a folder, a link or a repository of its own.")
    return name


def _bytes_in(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
