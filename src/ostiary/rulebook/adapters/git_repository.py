"""Fetches one file of one branch with the system's git. What is in it is untrusted text; nothing of it is ever run.

No shell, no hooks, no configuration of anybody, no prompts, three protocols, bounded in time and in bytes on the disk.
"""

import contextlib
import os
import re
import shlex
import signal
import subprocess
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import OstiaryError

FETCH_SECONDS: Final = 30.0
MAX_DOCUMENT_BYTES: Final = 500_000
MAX_FILE_BYTES: Final = 64 * 1024 * 1024
"""No file that git writes, a pack included, may be larger."""

_NAME = re.compile(r"(?![-/])(?!.*(?:\.\.|//|@\{))[A-Za-z0-9._/-]{1,200}(?<![/.])", re.ASCII)
_FOLLOWED: Final = "refs/heads/followed"


class RepositoryUnusable(OstiaryError):
    """The repository cannot be read, or holds no such file."""


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the followed file.

    Args:
        commit: its hash, 40 hexadecimal digits (64 in a SHA-256 repository).
        author: who wrote it, as the commit says; nobody vouches for that but the repository.
        subject: the first line of the commit's message.
        document: the file.
    """

    commit: str
    author: str
    subject: str
    document: str


def fetch_revision(repository: str, *, branch: str, file: str, key: str, folder: Path) -> Revision:
    """Return the newest version of a file.

    Args:
        repository: a folder, or a `https:`, `ssh:` or `file:` address.
        branch: whose last commit counts.
        file: its path in the repository.
        key: a file with the private SSH key to use; empty for none.
        folder: where the objects are kept; made when it is not there.

    Raises:
        RepositoryUnusable: when any of it does not work; what git said is in the detail.
    """
    for what, text in (("branch", branch), ("file", file)):
        if not _NAME.fullmatch(text):
            raise RepositoryUnusable(f"{text[:60]!r} cannot be the {what} of rules that are followed.")
    if repository.startswith("-"):
        raise RepositoryUnusable(f"{repository[:60]!r} is no repository.")
    if not folder.is_dir():
        _git(folder.parent, key, "init", "--quiet", "--bare", "--template=", str(folder))
    branch_there = f"+refs/heads/{branch}:{_FOLLOWED}"
    _git(
        folder,
        key,
        "fetch",
        "--quiet",
        "--depth=1",
        "--no-tags",
        "--no-recurse-submodules",
        "--",
        repository,
        branch_there,
    )
    place = f"{_FOLLOWED}:{file}"
    size = int(_git(folder, key, "cat-file", "-s", place))
    if size > MAX_DOCUMENT_BYTES:
        raise RepositoryUnusable(f"{file} in {repository} has {size} bytes; rules have at most {MAX_DOCUMENT_BYTES}.")
    said = _git(folder, key, "log", "-1", "--format=%H%n%an%n%s", _FOLLOWED).decode("utf-8", "replace").split("\n")
    try:
        document = _git(folder, key, "cat-file", "blob", place).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RepositoryUnusable(f"{file} in {repository} is not UTF-8.") from None
    commit, author, subject = (part.replace("\0", "")[:200] for part in said[:3])
    return Revision(commit=commit, author=author, subject=subject, document=document)


def _git(folder: Path, key: str, *words: str) -> bytes:
    """Run git in a process group of its own, so that what it started ends with it."""
    command = ["prlimit", f"--fsize={MAX_FILE_BYTES}", "--", "git", "-c", "core.hooksPath=/dev/null", *words]
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(key),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise RepositoryUnusable("git cannot be started.", hint="Install git.", detail=str(error)) from None
    try:
        said, complained = process.communicate(timeout=FETCH_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise RepositoryUnusable(f"git {words[0]} took longer than {FETCH_SECONDS:g} seconds.") from None
    if process.returncode != 0:
        words_said = complained.decode("utf-8", "replace").strip().splitlines()
        last = words_said[-1][:200] if words_said else f"it ended with {process.returncode}"
        raise RepositoryUnusable(f"git {words[0]} failed: {last}", hint="Check [rules] follow in ostiary.toml.")
    return said


def _environment(key: str) -> dict[str, str]:
    ssh = "ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=10"
    if key:
        ssh += f" -o IdentitiesOnly=yes -i {shlex.quote(key)}"
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", "/"),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_ALLOW_PROTOCOL": "file:https:ssh",
        "GIT_SSH_COMMAND": ssh,
        "GIT_OPTIONAL_LOCKS": "0",
    }
