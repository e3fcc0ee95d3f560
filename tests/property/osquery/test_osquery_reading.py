"""Whatever a host sends is either read, with facts of the form they have to have, or refused in words."""

import json
import sqlite3
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.devices.facade import FACTS
from ostiary.osquery.domain.messages import (
    Answered,
    Enrol,
    Logged,
    Snapshot,
    UnreadableRequest,
    answers,
    describe,
    snapshots,
)
from ostiary.osquery.domain.queries import PREFIX, QUERIES, configuration, facts_of

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
CELLS = st.dictionaries(
    st.sampled_from(
        ["encrypted", "filevault_status", "global_state", "firewall", "state", "services", "people", "enabled"]
    ),
    st.text(max_size=8) | st.sampled_from(["0", "1", "2", "on", "off", "On", "Good", "Poor"]),
)


@settings(max_examples=60, deadline=None)
@given(query=st.sampled_from(sorted(QUERIES)), rows=st.lists(CELLS, max_size=4))
def test_facts_have_their_form_and_are_those_the_query_may_speak_of(query: str, rows: list[dict[str, str]]) -> None:
    facts = facts_of(Snapshot(query=PREFIX + query, rows=tuple(rows)))
    assert facts.keys() == set(QUERIES[query].facts)
    for name, value in facts.items():
        assert value is None or type(value) is FACTS[name].kind
    if not rows and query != "security_products":
        assert set(facts.values()) == {None}, "no row says nothing"


@settings(max_examples=40, deadline=None)
@given(data=st.lists(ANYTHING, max_size=4), kind=st.sampled_from(["result", "status", ""]))
def test_a_log_is_read_whatever_stands_in_it(data: list[Any], kind: str) -> None:
    entries = [*data, {"name": PREFIX + "os_version", "snapshot": data, "unixTime": data}]
    for found in snapshots(Logged(log_type=kind, data=entries)):
        facts_of(found)
        msgspec.json.encode(found)


@settings(max_examples=40, deadline=None)
@given(queries=st.dictionaries(st.sampled_from([PREFIX + name for name in QUERIES]), ANYTHING), statuses=ANYTHING)
def test_answers_are_read_whatever_stands_in_them(queries: dict[str, Any], statuses: Any) -> None:
    given_statuses = statuses if isinstance(statuses, dict) else {}
    for found in answers(Answered(queries=queries, statuses=given_statuses)):
        facts_of(found)


@settings(max_examples=40, deadline=None)
@given(
    details=st.dictionaries(st.sampled_from(["system_info", "os_version", "x"]), ANYTHING),
    identifier=st.text(max_size=30),
)
def test_a_host_is_described_by_texts_that_can_be_seen(details: dict[str, Any], identifier: str) -> None:
    for text in msgspec.structs.astuple(describe(Enrol(host_identifier=identifier, host_details=details))):
        assert text.isprintable()
        assert len(text) <= 200


@pytest.mark.parametrize(
    ("query", "rows", "facts"),
    [
        ("filevault", [{"filevault_status": "on"}], {"disk_encrypted": True}),
        ("filevault", [{"filevault_status": "unknown"}], {"disk_encrypted": None}),
        ("start_volume", [{"encrypted": "1"}, {"encrypted": "0"}], {"disk_encrypted": False}),
        ("bitlocker", [{"protection_status": "2"}], {"disk_encrypted": None}),
        ("alf", [{"global_state": "2"}], {"firewall_on": True}),
        (
            "security_center",
            [{"firewall": "Good", "autoupdate": "Poor"}],
            {"firewall_on": True, "automatic_updates": False},
        ),
        ("security_center", [{"firewall": "Error"}], {"firewall_on": None, "automatic_updates": None}),
        (
            "security_products",
            [{"state": "Snoozed", "signatures_up_to_date": "1"}, {"state": "On", "signatures_up_to_date": "0"}],
            {"antivirus_running": True, "antivirus_current": False},
        ),
        ("security_products", [], {"antivirus_running": False, "antivirus_current": False}),
        ("administrators", [{"people": "0", "administrators": "0"}], {"daily_administrator": None}),
        ("administrators", [{"people": "2", "administrators": "1"}], {"daily_administrator": True}),
        ("listening_ports", [{"services": "-1"}], {"listening_services": None}),
    ],
)
def test_what_rows_mean(query: str, rows: list[dict[str, str]], facts: dict[str, Any]) -> None:
    assert facts_of(Snapshot(query=PREFIX + query, rows=tuple(rows))) == facts


def test_each_platform_is_asked_what_it_has() -> None:
    schedule = configuration("macos")["schedule"]
    assert PREFIX + "filevault" in schedule
    assert PREFIX + "bitlocker" not in schedule
    assert len(configuration("")["schedule"]) == len(QUERIES)
    json.dumps(configuration("linux"))
    with pytest.raises(UnreadableRequest):
        snapshots(Logged(log_type="result", data=[{}] * 501))


@pytest.mark.parametrize(
    ("person", "groups", "administrator"),
    [
        (1001, [(544, "Administratoren", "S-1-5-32-544"), (545, "Benutzer", "S-1-5-32-545")], True),
        (1001, [(545, "Usuarios", "S-1-5-32-545")], False),
        (1000, [(1000, "ada", None), (998, "docker", None)], True),
        (1000, [(1000, "ada", None), (27, "sudo", None)], True),
        (1000, [(1000, "ada", None), (20, "dialout", None)], False),
        (0, [(0, "everything", None)], True),
    ],
)
def test_who_is_administrator_is_known_in_every_language(
    person: int, groups: list[tuple[int, str, str | None]], administrator: bool
) -> None:
    there = sqlite3.connect(":memory:")
    there.executescript(
        "CREATE TABLE logged_in_users (type TEXT, user TEXT); CREATE TABLE users (uid INTEGER, username TEXT);"
        "CREATE TABLE user_groups (uid INTEGER, gid INTEGER); CREATE TABLE groups (gid INTEGER, groupname TEXT, group_sid TEXT);"
    )
    there.execute("INSERT INTO logged_in_users VALUES ('active', 'ada')")
    there.execute("INSERT INTO users VALUES (?, 'ada')", (person,))
    there.executemany("INSERT INTO groups VALUES (?, ?, ?)", groups)
    there.executemany("INSERT INTO user_groups VALUES (?, ?)", [(person, gid) for gid, _name, _sid in groups])
    there.row_factory = sqlite3.Row
    rows = [{name: str(row[name]) for name in row.keys()} for row in there.execute(QUERIES["administrators"].sql)]  # noqa: SIM118
    there.close()
    assert facts_of(Snapshot(query=PREFIX + "administrators", rows=tuple(rows))) == {
        "daily_administrator": administrator
    }
