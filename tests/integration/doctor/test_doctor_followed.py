"""`ostiary doctor` about rules that come from a repository: programs, files, and what came of it the last time."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.console_fixtures import console_instance
from tests.followed_repository import Repository
from tests.rulebook_people import OPEN, OPERATOR, make_people

from ostiary.config.places import Instance
from ostiary.gateway.surroundings import read_surroundings
from ostiary.rulebook.adapters.git_process import RepositoryUnusable
from ostiary.rulebook.facade import apply_rules, follow_repository
from ostiary.supervisor.diagnosis.finding import Level
from ostiary.supervisor.diagnosis.followed import check_followed

pytestmark = pytest.mark.django_db
__all__ = ["console_instance"]


@pytest.fixture
def following(console_instance: Instance, settings: Any) -> Any:
    def follow(**keys: str) -> Instance:
        rules = msgspec.structs.replace(console_instance.configuration.rules, **keys)
        configuration = msgspec.structs.replace(console_instance.configuration, rules=rules)
        settings.INSTANCE = type(console_instance)(home=console_instance.home, configuration=configuration)
        return settings.INSTANCE

    return follow


def test_where_rules_are_made_here_nothing_is_said(console_instance: Instance) -> None:
    assert list(check_followed(console_instance)) == []


def test_what_was_seen_is_said_with_what_mends_it(following: Any, tmp_path: Path) -> None:
    make_people()
    number = apply_rules(OPEN, actor=OPERATOR, comment="First").number
    repository = Repository(tmp_path)
    instance = following(follow=str(repository.bare))
    (finding,) = check_followed(instance)
    assert finding.level is Level.OK
    commit = repository.push(OPEN.replace("group:staff", "group:stafff"))
    follow_repository(read_surroundings)
    (finding,) = check_followed(instance)
    assert finding.level is Level.PROBLEM
    assert finding.words.startswith(f"The rules of commit {commit[:12]} cannot be used: line 4, column")
    assert finding.mend == f"Mend rules.yaml and push it; number {number} stay in force."
    repository.bare.rename(tmp_path / "away")
    with pytest.raises(RepositoryUnusable):
        follow_repository(read_surroundings)
    unreadable, invalid = check_followed(instance)
    assert "The repository could not be read: git fetch failed" in unreadable.words
    assert "cannot be used" in invalid.words


def test_files_that_cannot_be_used_are_named(following: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = following(follow="ssh://git@h/x", follow_key="secrets/rules.key", follow_known_hosts="/none/known_hosts")
    key = instance.secrets / "rules.key"
    key.write_text("x")
    key.chmod(0o644)
    readable, missing = check_followed(instance)
    assert (readable.mend, missing.words.startswith("/none/known_hosts, named by rules.follow_known_hosts")) == (
        f"chmod 600 {key}",
        True,
    )
    key.chmod(0o600)
    (missing,) = check_followed(instance)
    monkeypatch.setenv("PATH", "/none")
    assert [one.words.split(", and ")[1].split()[0] for one in list(check_followed(instance))[:3]] == [
        "git",
        "prlimit",
        "setpriv",
    ]
