"""Tables as files: whole, in order, across pages of the search."""

import csv
import io
import json

import pytest
from tests.console_company import Company
from tests.console_fixtures import Visit

from ostiary.visibility.facade import EventQuery, list_events

pytestmark = pytest.mark.django_db


def test_decisions_are_exported_whole_across_pages(
    company: Company, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ostiary.web.console.export.PAGE_ROWS", 5)
    rows = json.loads(visit("audrey_audit").get("/decisions/export", {"export": "json"}).content)
    assert [row["reference"] for row in rows] == company.references[::-1]
    held = list(
        csv.DictReader(
            io.StringIO(visit().get("/decisions/export", {"export": "csv", "outcome": "held"}).content.decode())
        )
    )
    assert held
    assert {row["outcome"] for row in held} == {"held"}
    assert len(held) == sum(row["outcome"] == "held" for row in rows)


def test_events_are_exported_whole_across_pages(
    company: Company, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = list_events(EventQuery()).total
    assert total > 7
    monkeypatch.setattr("ostiary.web.console.export.PAGE_ROWS", 7)
    rows = json.loads(visit("audrey_audit").get("/audit/export", {"export": "json"}).content)
    assert len(rows) == total
    assert [row["at"] for row in rows] == sorted((row["at"] for row in rows), reverse=True)
