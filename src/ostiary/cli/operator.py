"""Who is typing: the operating system's user, as the actor of a change; and whom the process acts as on disk."""

import os
import pwd
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from ostiary.errors import OstiaryError

if TYPE_CHECKING:
    from ostiary.visibility.domain.actor import Actor

_UID_AT_START = os.getuid()


class WrongUser(OstiaryError):
    """Somebody else owns the instance; what this process writes would lock its owner out."""


def operator_name() -> str:
    """Return the name of the person behind the process: behind `sudo`, whoever called it."""
    if _UID_AT_START == 0 and (caller := os.environ.get("SUDO_USER")):
        return caller
    try:
        return pwd.getpwuid(_UID_AT_START).pw_name
    except KeyError:
        return f"uid-{_UID_AT_START}"


def operator_actor() -> "Actor":
    """Return the actor for a change that is made at the terminal of the machine itself."""
    from ostiary.visibility.domain.actor import Actor

    name = operator_name()
    return Actor(kind="machine", id=f"os:{name}", label=f"{name} on {socket.gethostname()}", address=None)


def become_owner(home: Path) -> None:
    """Give up root for the user who owns the instance, so that no file becomes unreadable to the service.

    Raises:
        WrongUser: when the process is neither root nor the owner.
    """
    owner = home.stat()
    if owner.st_uid == os.geteuid():
        return
    try:
        name = pwd.getpwuid(owner.st_uid).pw_name
    except KeyError:
        name = f"#{owner.st_uid}"
    if os.geteuid() != 0:
        raise WrongUser(f"The instance in {home} belongs to {name}.", hint=f"Run: sudo -u '{name}' ostiary …")
    os.setgroups([])
    os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)
    os.environ["HOME"] = str(home)
