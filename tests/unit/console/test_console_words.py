"""Decisions and inputs in words, needs in order, tables without formulas: the console's logic without a database."""

import io
import tarfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.test import RequestFactory

from ostiary.policy.decision import Allow, Deny, ReasonCode, UnmetCondition
from ostiary.policy.identifiers import AppId, Generation, GroupId, PersonId, PolicyVersion, RuleName
from ostiary.policy.request import AccessRequest, ActionClass, Authentication, AuthStrength, Context, Resource, Subject
from ostiary.visibility.domain.decision_event import HttpFacts
from ostiary.visibility.facade import DecisionRecord, Page
from ostiary.web.console.archive import pack_folder
from ostiary.web.console.decision_inputs import list_inputs
from ostiary.web.console.export import MAX_ROWS, PAGE_ROWS, export_table, pages_of
from ostiary.web.console.listing import cut, matches
from ostiary.web.console.words import REASON_NAMES, name_reason, tell_decision

STAMP: dict[str, Any] = {"policy_version": PolicyVersion("abc"), "generation": Generation(1)}


def test_every_reason_has_words() -> None:
    assert set(REASON_NAMES) == set(ReasonCode)
    assert name_reason("something_new") == "something new"


def test_sentences_name_who_what_and_why() -> None:
    told = tell_decision(outcome="refused", who="Alice", app="Payroll", reason="no_rule_applies", why="")
    assert told == "<b>Alice</b> was refused <b>Payroll</b>: no rule allows it."
    held = tell_decision(outcome="held", who="Alice", app="Payroll", reason="conditions_unmet", why="Prove more.")
    assert held == "<b>Alice</b> was held at <b>Payroll</b>: “Prove more.”"
    assert tell_decision(outcome="allowed", who="", app="", reason="", why="") == (
        "<b>Somebody not signed in</b> was let into <b>an unknown app</b>."
    )


def test_names_and_words_in_sentences_are_escaped() -> None:
    told = tell_decision(outcome="refused", who="<i>", app="<u>", reason="x", why="<s>{who}")
    assert told == "<b>&lt;i&gt;</b> was refused <b>&lt;u&gt;</b>: “&lt;s&gt;{who}”"


def decided(decision: Allow | Deny, *, request: bool = True) -> DecisionRecord:
    """Return a record of a decision about Alice."""
    asked = AccessRequest(
        subject=Subject(
            person=PersonId("p_alice"),
            groups=frozenset({GroupId("staff"), GroupId("finance")}),
            authentications=(Authentication("totp", AuthStrength.OTP, 40.0),),
        ),
        action=ActionClass.VIEW,
        resource=Resource(app=AppId("payroll"), path="/x"),
        context=Context(address="192.0.2.1"),
    )
    return DecisionRecord(
        reference="AAAAA-AAAAA",
        at=100.0,
        request=asked if request else None,
        decision=decision,
        http=HttpFacts(method="GET", host="payroll.example.test", path="/x"),
        name="Alice",
    )


def test_each_unmet_condition_stands_at_the_input_it_failed_on() -> None:
    unmet = (
        UnmetCondition(rule=RuleName("r"), code="mfa", words="Prove more."),
        UnmetCondition(rule=RuleName("r"), code="device.managed", words="Use a managed device."),
        UnmetCondition(rule=RuleName("r"), code="unheard-of", words="Something else."),
    )
    rows = list_inputs(decided(Deny(reason=ReasonCode.CONDITIONS_UNMET, unmet=unmet, **STAMP)))
    effects = {row.name: [effect.code for effect in row.effects] for row in rows if row.effects}
    assert effects == {"Proved": ["mfa"], "Device": ["device.managed"], "Other conditions": ["unheard-of"]}
    values = {row.name: row.values for row in rows}
    assert values["Groups"] == ("finance", "staff")
    assert values["Proved"] == ("one-time code (otp), 1 minute before",)
    assert values["Device"] == values["Country"] == values["Risk"] == ()


def test_a_request_that_made_no_question_still_shows_what_came() -> None:
    rows = list_inputs(decided(Deny(reason=ReasonCode.MALFORMED_REQUEST, **STAMP), request=False))
    assert [row.values for row in rows] == [("GET payroll.example.test/x",)]


@pytest.mark.parametrize("request_known", [True, False])
def test_a_program_that_asked_is_named_first(request_known: bool) -> None:
    asked = decided(Allow(rules=(RuleName("r"),), **STAMP), request=request_known)
    rows = list_inputs(msgspec.structs.replace(asked, client="reporting"))
    assert (rows[0].name, rows[0].values) == ("Asked by", ("reporting, a program",))
    assert "Asked by" not in {row.name for row in list_inputs(asked)}


def test_allowed_decisions_list_inputs_without_effects() -> None:
    rows = list_inputs(decided(Allow(rules=(RuleName("r"),), **STAMP)))
    assert not any(row.effects for row in rows)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_spreadsheets_compute_nothing(cell: str) -> None:
    request = RequestFactory().get("/", {"export": "csv"})
    content = export_table(request, "t", [{"a": cell, "b": -1}]).getvalue().decode()
    assert f"'{cell}" in content
    assert ",-1" in content


@pytest.mark.parametrize("total", [0, 1, PAGE_ROWS - 1, PAGE_ROWS, PAGE_ROWS + 1, MAX_ROWS, MAX_ROWS + 1])
def test_an_export_reads_every_page_once_and_no_more_than_it_may(total: int) -> None:
    asked = []

    def search(page: int, size: int) -> Page[int]:
        asked.append(page)
        return cut(range(total), page, size) if (page - 1) * size < total else Page((), total, page, size)

    found = [item for items in pages_of(search) for item in items]
    assert found == list(range(min(total, MAX_ROWS)))
    assert asked == list(range(1, min(total // PAGE_ROWS + 1, MAX_ROWS // PAGE_ROWS) + 1))


def test_pages_beyond_the_end_are_the_last_one() -> None:
    assert cut(range(7), 9, 3).items == (6,)
    assert cut([], 4, 3).items == ()


def test_filters_want_every_word_whatever_its_case() -> None:
    assert matches("wiki INTERNAL", ("Wiki", "internal"))
    assert not matches("wiki payroll", ("Wiki", "internal"))
    assert matches("", ("Wiki",))


def test_archives_hold_files_as_they_were(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    (folder / "control").mkdir(parents=True)
    sizes = (0, 1, 511, 512, 513, 300_000)
    for size in sizes:
        (folder / "control" / f"{size}.jsonl").write_bytes(b"x" * size)
    (folder / "link").symlink_to("/etc/passwd")
    content = b"".join(pack_folder(folder, "audit-1"))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        names = {member.name: member.size for member in archive.getmembers()}
        assert names == {f"audit-1/control/{size}.jsonl": size for size in sizes}
        assert all(archive.extractfile(name).read() == b"x" * size for name, size in names.items())  # type: ignore[union-attr]


def test_a_file_that_shrinks_meanwhile_leaves_the_archive_readable(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"x" * 900_000)
    (tmp_path / "b.jsonl").write_bytes(b"y")
    packing = pack_folder(tmp_path, "audit")
    begun = next(packing)
    (tmp_path / "a.jsonl").write_bytes(b"x")
    with tarfile.open(fileobj=io.BytesIO(begun + b"".join(packing))) as archive:
        assert archive.extractfile("audit/b.jsonl").read() == b"y"  # type: ignore[union-attr]
