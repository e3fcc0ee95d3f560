"""Can the rules be followed from their repository: the programs, the files, and what came of it the last time? Needs Django."""

import os
import shutil
from collections.abc import Iterator

from ostiary.config.places import Instance
from ostiary.supervisor.diagnosis.finding import Finding, fine, problem

PROGRAMS = ("git", "prlimit", "setpriv")


def check_followed(instance: Instance) -> Iterator[Finding]:
    """Look at what following needs; nothing is said where rules are made here."""
    if not instance.configuration.rules.follow:
        return
    wrong = [*_programs(), *_files(instance), *_last_look(instance)]
    yield from wrong
    if not wrong:
        yield fine("rules", f"The rules follow {instance.configuration.rules.follow}.")


def _programs() -> Iterator[Finding]:
    for name in PROGRAMS:
        if shutil.which(name) is None:
            words = f"The rules come from a repository, and {name} is not installed."
            yield problem("rules", words, "Install the packages git and util-linux.")


def _files(instance: Instance) -> Iterator[Finding]:
    rules = instance.configuration.rules
    secret = {"follow_key": rules.follow_key, "follow_token": rules.follow_token}
    shown = {"follow_known_hosts": rules.follow_known_hosts, "follow_authority": rules.follow_authority}
    for key, written in {**secret, **shown}.items():
        path = instance.home / written
        if not written:
            continue
        if not os.access(path, os.R_OK) or not path.is_file():
            words = f"{path}, named by rules.{key}, is no file that this user can read."
            yield problem("rules", words, "Put it there, or correct the key in ostiary.toml.")
        elif key in secret and path.stat().st_mode & 0o077:
            yield problem("rules", f"Others can read {path}, which is a secret.", f"chmod 600 {path}")


def _last_look(instance: Instance) -> Iterator[Finding]:
    from django.db.utils import DatabaseError  # noqa: PLC0415 - needs Django

    from ostiary.rulebook.facade import get_followed  # noqa: PLC0415

    try:
        followed = get_followed()
    except DatabaseError:
        return  # what is wrong with the database is said by its own check
    if followed is None:
        return
    if followed.unreadable:
        yield problem(
            "rules", f"The repository could not be read: {followed.unreadable}", "Mend that; it is tried again."
        )
    if followed.problems:
        words = f"The rules of commit {followed.commit[:12]} cannot be used: {followed.first_problem}."
        mend = f"Mend {instance.configuration.rules.follow_file} and push it; number {followed.in_force} stay in force."
        yield problem("rules", words, mend)
