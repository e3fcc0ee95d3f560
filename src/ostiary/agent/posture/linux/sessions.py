"""Who works at the computer: the sessions of people that systemd-logind knows, and the person whose agent this is."""

import msgspec

from ostiary.agent.posture.computer import CannotTell, Computer

GRAPHICAL = frozenset({"x11", "wayland", "mir"})
PROPERTIES = ("Id", "User", "Type", "Class", "Remote", "State")
MAX_SESSIONS = 64


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One person's session; `user` is their number."""

    user: int
    graphical: bool
    remote: bool


def sessions(computer: Computer) -> tuple[Session, ...]:
    """Return the sessions of people, the newest state of each. Raises `CannotTell`."""
    listed = computer.run("loginctl", "--no-legend", "--no-pager", "list-sessions")
    if listed.status != 0:
        raise CannotTell("systemd-logind does not say who is signed in.")
    names = session_names(listed.said)
    if not names:
        return ()
    wanted = [f"--property={name}" for name in PROPERTIES]
    return parse_sessions(computer.run("loginctl", "--no-pager", "show-session", *wanted, *names).said)


def session_names(text: str) -> tuple[str, ...]:
    """Return the names of sessions in `loginctl list-sessions`, those that may be one."""
    firsts = [words[0] for line in text.splitlines() if (words := line.split())]
    return tuple(one for one in firsts if one.isalnum() and one.isascii())[:MAX_SESSIONS]


def parse_sessions(text: str) -> tuple[Session, ...]:
    """Return the sessions in `loginctl show-session`, greeters and services left out."""
    found = []
    for block in text.replace("\r", "").split("\n\n"):
        said = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        user = said.get("User", "")
        if said.get("Class") != "user" or said.get("State") == "closing" or not _is_number(user):
            continue
        graphical = said.get("Type", "") in GRAPHICAL
        found.append(Session(user=int(user), graphical=graphical, remote=said.get("Remote") == "yes"))
    return tuple(found)


def people_here(computer: Computer, *, at_desktop: bool) -> tuple[int, ...]:
    """Return the numbers of those who work here: without root one sees to oneself.

    Args:
        computer: this one.
        at_desktop: only those who see a desktop.

    Raises:
        CannotTell: when nobody does.
    """
    try:
        known = sessions(computer)
    except CannotTell:
        if computer.root:
            raise
        known = ()
    users = {one.user for one in known if not one.remote and (one.graphical or not at_desktop)}
    if not computer.root:
        users = {computer.user} if computer.user in users or not known else set()
    if not users:
        raise CannotTell("Nobody is at a desktop here." if at_desktop else "Nobody is signed in at this computer.")
    return tuple(sorted(users))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10
