"""Rules that come from a repository, in the console: what is wrong with the newest commit, and that nothing is changed here."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.console_company import RULES, Company
from tests.console_fixtures import Visit, text_of
from tests.followed_repository import Repository

from ostiary.gateway.surroundings import read_surroundings
from ostiary.rulebook.adapters.git_process import RepositoryUnusable
from ostiary.rulebook.facade import follow_repository, get_current

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository(company: Company, settings: Any, tmp_path: Path) -> Repository:
    """Return the repository that the company's rules come from."""
    made = Repository(tmp_path)
    instance = settings.INSTANCE
    rules = msgspec.structs.replace(instance.configuration.rules, follow=str(made.bare))
    configuration = msgspec.structs.replace(instance.configuration, rules=rules)
    settings.INSTANCE = type(instance)(home=instance.home, configuration=configuration)
    return made


def test_a_commit_that_cannot_be_used_is_named_with_its_lines(repository: Repository, visit: Visit) -> None:
    number = get_current().number
    line = len(RULES.splitlines()) + 1
    commit = repository.push(RULES + "  - {name: <b>wrong</b>}\n", "Let <i>more</i> in")
    follow_repository(read_surroundings)
    page = text_of(visit().get("/rules/"))
    assert f"the rules of commit {commit[:12]} cannot be used" in page
    assert f"Line {line}:" in page
    assert f"Rules number {number} stay in force until a commit that can be used is pushed." in page
    assert "Let &lt;i&gt;more&lt;/i&gt; in (Vera)" in page
    assert "<b>wrong" not in page
    overview = text_of(visit().get("/"))
    assert f"The rules of commit {commit[:12]} cannot be used: line {line}, column" in overview
    assert f"Rules number {number} stay in force." in overview

    repository.push(RULES + "# mended\n")
    follow_repository(read_surroundings)
    for address in ("/", "/rules/"):
        assert "cannot be used" not in text_of(visit().get(address))


def test_a_repository_that_cannot_be_read_is_said(repository: Repository, visit: Visit) -> None:
    repository.bare.rename(repository.bare.with_name("away"))
    with pytest.raises(RepositoryUnusable):
        follow_repository(read_surroundings)
    page = text_of(visit().get("/rules/"))
    assert "The repository cannot be read" in page
    assert "git fetch failed" in page
    assert "The repository that the rules come from cannot be read" in text_of(visit().get("/"))


def test_nothing_is_changed_here_and_nobody_is_led_to_try(repository: Repository, visit: Visit) -> None:
    before = get_current()
    repository.push(RULES)
    follow_repository(read_surroundings)
    page = text_of(visit().get("/rules/"))
    assert "change them there" in page
    assert "Change the rules" not in page
    form = {"document": RULES + "# x\n", "based_on": str(before.number), "apply": "1"}
    for answer in (visit().get("/rules/edit"), visit().post("/rules/edit", form)):
        assert (answer.status_code, answer.headers["location"]) == (302, "/rules/")
    assert get_current() == before


def test_a_commit_that_waits_is_on_the_overview(repository: Repository, visit: Visit) -> None:
    repository.push("version: 1\nrules: []\n", email="ada_admin@example.test")
    assert "waits" in follow_repository(read_surroundings)
    page = text_of(visit().get("/"))
    assert "1 change of the rules waits for an administrator." in page
    assert 'href="/rules/proposals/"' in page
