"""Runs the system's git so that what it reads can do nothing here. What is fetched, and why, is in `git_repository`.

No shell, no hooks, no configuration of anybody, no prompts, three protocols, no redirects, bounded in time, in memory and
in bytes on the disk; and it ends with the process that started it.
"""

import base64
import contextlib
import os
import re
import shlex
import signal
import subprocess
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from ostiary.errors import OstiaryError
from ostiary.policy.rules.problems import printable

FETCH_SECONDS: Final = 30.0
MAX_FILE_BYTES: Final = 64 * 1024 * 1024
"""No file that git writes, a pack included, may be larger."""

MAX_MEMORY_BYTES: Final = 4 * 1024 * 1024 * 1024
"""Of addresses, most of them files that git maps: a small pack can unfold into any size."""

MAX_SECRET_BYTES: Final = 4096
_HINT: Final = "Check [rules] follow in ostiary.toml."
_SETTINGS: Final = {
    "core.hooksPath": "/dev/null",
    "core.bigFileThreshold": "1m",
    "http.followRedirects": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
}
_OFTEN_SAID: Final = ("Please make sure you have", "and the repository exists")
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9._/ @+,=-]+", re.ASCII)
_TOKEN: Final = re.compile(r"[!-~]+", re.ASCII)


class RepositoryUnusable(OstiaryError):
    """The repository cannot be read, or holds no such file."""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """What a repository is reached with: paths of files, each empty for none.

    Args:
        key: the private SSH key to use.
        known_hosts: the keys of SSH servers that are trusted, as `known_hosts` of OpenSSH; empty asks the user's own.
        token: what an HTTPS server is sent as the password.
        authority: certificates (PEM) of authorities that may vouch for an HTTPS server, besides the system's.
    """

    key: str = ""
    known_hosts: str = ""
    token: str = ""
    authority: str = ""


def run_git(folder: Path, access: Access, repository: str, *words: str, where: bool = True) -> bytes:
    """Return what git says.

    It runs in a process group of its own, so that what it started ends with it.

    Args:
        folder: the bare repository it works in.
        access: what it may use to reach the other one.
        repository: the other one, as configured.
        words: the command.
        where: whether it works in the folder; not while it makes it.

    Raises:
        RepositoryUnusable: when it cannot be started, fails or takes too long.
    """
    limits = [f"--fsize={MAX_FILE_BYTES}", f"--as={MAX_MEMORY_BYTES}"]
    place = [f"--git-dir={folder}"] if where else []
    command = ["setpriv", "--pdeathsig", "KILL", "--", "prlimit", *limits, "--", "git", *place, *words]
    try:
        process = subprocess.Popen(
            command,
            cwd=folder if where else folder.parent,
            env=_environment(folder, access, repository),
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
        raise RepositoryUnusable(f"git {words[0]} took longer than {FETCH_SECONDS:g} seconds.", hint=_HINT) from None
    if process.returncode != 0 and b"dubious ownership" in complained:
        raise RepositoryUnusable(
            "The repository's folder belongs to another user, who could run programs with it.",
            hint="chown it to the user who runs Ostiary, or follow a copy by https: or ssh:.",
        )
    if process.returncode != 0:
        why = _last_words(complained) or f"it ended with {process.returncode}"
        raise RepositoryUnusable(f"git {words[0]} failed: {why}", hint=_HINT)
    return said


def split_address(repository: str) -> SplitResult:
    """Return the parts of an address; one without a scheme is a folder or SSH's short form.

    Raises:
        RepositoryUnusable: when it is no address, or holds a password.
    """
    try:
        parts = urlsplit(repository)
        password = parts.password
    except ValueError:
        raise RepositoryUnusable("The address of the repository cannot be read.", hint=_HINT) from None
    if parts.scheme and password is not None:
        raise RepositoryUnusable(
            "The address of the repository holds a password, which everybody would see.",
            hint="Put it into a file of its own: follow_token in [rules] of ostiary.toml.",
        )
    return parts


def without_user(repository: str) -> str:
    """Return an `https:` address without the user in it, any other as it is."""
    parts = split_address(repository)
    if parts.scheme != "https":
        return repository
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _last_words(complained: bytes) -> str:
    lines = [line.strip() for line in complained.decode("utf-8", "replace").splitlines()]
    telling = [line for line in lines if line and not line.startswith(_OFTEN_SAID)]
    return printable(" ".join(telling[-2:]))[:300]


def _environment(folder: Path, access: Access, repository: str) -> dict[str, str]:
    settings = dict(_SETTINGS)
    if access.token:
        settings.update(_authorization(access.token, split_address(repository)))
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_COUNT": str(len(settings)),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_ALLOW_PROTOCOL": "file:https:ssh",
        "GIT_SSH_COMMAND": _ssh(access),
        "GIT_SSH_VARIANT": "ssh",
        "GIT_OPTIONAL_LOCKS": "0",
    }
    for number, (name, value) in enumerate(settings.items()):
        environment |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    if access.authority:
        environment["GIT_SSL_CAINFO"] = access.authority
    return environment


def _authorization(token: str, parts: SplitResult) -> dict[str, str]:
    """Return the setting that sends the token to this server alone. It stays out of the list of processes."""
    if parts.scheme != "https":
        raise RepositoryUnusable("A token is only sent to an https: address.", hint=_HINT)
    try:
        with Path(token).open("rb") as file:
            secret = file.read(MAX_SECRET_BYTES + 1).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise RepositoryUnusable(f"The token in {token} cannot be read.", hint=_HINT) from None
    if not _TOKEN.fullmatch(secret) or len(secret) > MAX_SECRET_BYTES:
        raise RepositoryUnusable(f"{token} holds no token: one line, without spaces.", hint=_HINT)
    user = unquote(parts.username or "git")
    words = base64.b64encode(f"{user}:{secret}".encode()).decode()
    server = parts.netloc.rpartition("@")[2]
    return {f"http.https://{server}/.extraHeader": f"Authorization: Basic {words}"}


def _ssh(access: Access) -> str:
    words = ["ssh", "-F", "/dev/null", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
    words += ["-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=10", "-o", "UpdateHostKeys=no"]
    if access.known_hosts:
        words += ["-o", f'UserKnownHostsFile="{_plain(access.known_hosts)}"', "-o", "GlobalKnownHostsFile=/dev/null"]
    if access.key:
        words += ["-o", "IdentitiesOnly=yes", "-i", _plain(access.key)]
    return shlex.join(words)


def _plain(path: str) -> str:
    """Return a path that ssh takes as it is: it reads `%h`, `~` and `${HOME}` in paths, whoever wrote them."""
    if not _PLAIN_PATH.fullmatch(path):
        raise RepositoryUnusable(f"{path!r} has characters that ssh would not take as they are.", hint="Move the file.")
    return path
