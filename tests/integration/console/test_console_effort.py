"""What a list costs does not grow with its rows: nothing is asked or opened for each of them."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.console_company import Company, make_company
from tests.console_fixtures import Visit

from ostiary.config.places import Instance
from ostiary.visibility.facade import DecisionQuery, search_decisions

pytestmark = pytest.mark.django_db


@pytest.fixture
def company(db: None, console_instance: Instance) -> Company:
    """The company with enough decisions to fill pages."""
    return make_company(decisions=120)


def queries(visit: Visit, address: str) -> int:
    client = visit()
    assert client.get(address).status_code == 200
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


@pytest.mark.parametrize(
    ("module", "address"),
    [
        ("decisions", "/decisions/"),
        ("decisions", "/decisions/?outcome=held"),
        ("decisions", "/decisions/?grants=on"),
        ("people", "/people/"),
        ("people", "/people/?group=staff"),
        ("groups", "/groups/staff/"),
        ("sessions", "/sessions/"),
        ("audit", "/audit/"),
    ],
)
def test_a_longer_page_asks_no_more_of_the_database(
    visit: Visit, monkeypatch: pytest.MonkeyPatch, module: str, address: str
) -> None:
    asked = []
    for size in (2, 5):
        monkeypatch.setattr(f"ostiary.web.console.{module}.PAGE_SIZE", size)
        asked.append(queries(visit, address))
    assert asked[0] == asked[1]


def test_the_list_of_decisions_opens_each_file_of_the_record_once(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = search_decisions(DecisionQuery(outcome="held", page_size=50)).items
    assert len(held) >= 10
    opened: list[Path] = []
    plain = Path.open

    def watched(path: Path, *arguments: Any, **named: Any) -> Any:
        if path.suffix == ".jsonl":
            opened.append(path)
        return plain(path, *arguments, **named)

    client = visit()
    monkeypatch.setattr(Path, "open", watched)
    page = client.get("/decisions/?outcome=held").content.decode()
    assert page.count("This needs a passkey") == len(held)
    assert len(opened) == len(set(opened)) == 1


def test_members_are_paged_and_searched_by_every_word(
    visit: Visit, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ostiary.web.console.groups.PAGE_SIZE", 4)

    def members(**query: str) -> str:
        return visit("henk_help").get("/groups/staff/", query).content.decode()

    assert "1–4 of 9" in members()
    assert "Ada Lindqvist" in members()
    assert "Max Arendt" not in members()
    for beyond in ("3", "99"):
        assert "9–9 of 9" in members(page=beyond)
    assert "Eva Lind" in members(q="LIND eva")
    assert "Ada Lindqvist" not in members(q="LIND eva")
    assert "No member matches" in members(q="\x00")
