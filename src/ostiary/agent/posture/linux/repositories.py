"""Which package repositories are in use, by the `.repo` files that dnf and zypper read.

Source: dnf.conf(5), dnf5-repo(5), `repos.override.d`; zypper(8), repository files.
"""

import configparser

from ostiary.agent.posture.computer import Computer, text_of

_OFF = frozenset({"0", "no", "false", "off", "never"})


def used_repositories(computer: Computer, *folders: str) -> tuple[str, ...]:
    """Return the names of those that are not switched off, in order.

    Args:
        computer: where they are set.
        folders: with the files, those that override others last. What cannot be read is passed over.
    """
    on: dict[str, bool] = {}
    for path in (
        f"{folder}/{name}" for folder in folders for name in computer.names_in(folder) if name.endswith(".repo")
    ):
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read_string(text_of(computer, path))
        except configparser.Error:
            continue
        for name in parser.sections():
            said = parser.get(name, "enabled", fallback=None)
            on[name] = on.get(name, True) if said is None else said.strip().lower() not in _OFF
    return tuple(sorted(name for name, is_on in on.items() if is_on))
