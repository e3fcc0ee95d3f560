"""The index follows the record, survives crashes, and answers what people ask of it."""

import json

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from tests.visibility_material import ALLOWED, HELD, NOW, REQUEST, sample_event
from tests.visibility_record import decisions_log, write

from ostiary.config.places import Instance
from ostiary.visibility import indexing, services
from ostiary.visibility.adapters.segments import segment_path
from ostiary.visibility.domain.actor import Actor
from ostiary.visibility.domain.decision_event import HttpFacts
from ostiary.visibility.domain.events import entity_change_event
from ostiary.visibility.facade import (
    DecisionQuery,
    EventQuery,
    LineGone,
    UnknownDecision,
    account_change_event,
    get_decision,
    get_event,
    get_log_status,
    index_new_decisions,
    index_new_events,
    list_events,
    new_uid,
    prune_index,
    record,
    search_decisions,
    sign_in_event,
)
from ostiary.visibility.models import IndexedDecision, IndexedEvent, LogPosition

pytestmark = pytest.mark.django_db

ADMIN = Actor(kind="person", id="p-ada", label="ada@example.test", address="192.0.2.7")


def references(**query: object) -> list[str]:
    return [row.reference for row in search_decisions(DecisionQuery(**query)).items]  # type: ignore[arg-type]


def test_every_decision_is_indexed_once_and_newest_first(recorded: Instance) -> None:
    page = search_decisions(DecisionQuery(page_size=500))
    assert page.total == 30
    assert [row.reference for row in page.items] == [f"AAAAA-{number:05d}" for number in reversed(range(30))]
    assert index_new_decisions(NOW) == 0


def test_a_row_says_what_happened(recorded: Instance) -> None:
    (row,) = search_decisions(DecisionQuery(reference="aaaaa00001")).items
    assert (row.outcome, row.reason, row.rule) == ("held", "conditions_unmet", "finance-edit")
    assert (row.person, row.email, row.app) == ("p-ada", "ada@example.test", "wiki")
    assert (row.method, row.host, row.path) == ("GET", "wiki.example.test", "/page/1")
    assert (row.address, row.country, row.at) == ("192.0.2.1", "DE", NOW + 1)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"person": "p-bob"}, 10),
        ({"person": "bob@example.test"}, 10),
        ({"person": "BOB@"}, 10),
        ({"person": "nobody"}, 0),
        ({"app": "wiki"}, 30),
        ({"app": "payroll"}, 0),
        ({"reason": "denied_by_rule"}, 10),
        ({"outcome": "held"}, 10),
        ({"outcome": "allowed", "person": "p-ada"}, 10),
        ({"since": NOW + 20}, 10),
        ({"until": NOW + 20}, 20),
        ({"since": NOW + 5, "until": NOW + 6}, 1),
        ({"text": "/page/17"}, 1),
        ({"text": "ADA lovelace"}, 20),
        ({"text": "contractors-never bob"}, 10),
        ({"text": "100%_"}, 0),
        ({"reference": "AAAAA-0OO17"}, 1),
        ({"reference": "ZZZZZ-ZZZZZ"}, 0),
        ({"stream": "requests"}, 0),
        ({"stream": ""}, 30),
    ],
)
def test_searches(recorded: Instance, query: dict[str, object], count: int) -> None:
    assert search_decisions(DecisionQuery(**query)).total == count  # type: ignore[arg-type]


def test_pages_do_not_overlap_and_end(recorded: Instance) -> None:
    seen = []
    for number in range(1, 5):
        page = search_decisions(DecisionQuery(page=number, page_size=8))
        assert (page.total, page.pages, page.has_next) == (30, 4, number < 4)
        seen += [row.reference for row in page.items]
    assert len(seen) == len(set(seen)) == 30
    assert search_decisions(DecisionQuery(page=99)).items == ()
    assert len(search_decisions(DecisionQuery(page=-1, page_size=0)).items) == 1


def test_a_decision_is_returned_with_every_input(recorded: Instance) -> None:
    found = get_decision(" aaaaa-oooo1 ")
    assert found.decision == HELD
    assert found.request is not None
    assert found.request.subject.groups == REQUEST.subject.groups
    assert found.request.subject.authentications == REQUEST.subject.authentications
    assert found.authentication_ages == (("password", 601.0), ("totp", 591.0))
    assert (found.http.path, found.http.peer, found.name) == ("/page/1", "192.0.2.7:50112", "Ada Lovelace")


def test_a_decision_made_a_moment_ago_is_found_before_the_worker_indexed_it(instance: Instance) -> None:
    log = decisions_log(instance)
    reference = write(log, 1)
    log.close()
    assert get_decision(reference).decision == ALLOWED


def test_an_unknown_reference_is_said_to_be_unknown(recorded: Instance) -> None:
    with pytest.raises(UnknownDecision, match="ZZZZZ"):
        get_decision("zzzzz-zzzzz")


def test_a_decision_whose_segment_is_gone_is_said_to_be_gone(recorded: Instance) -> None:
    segment_path(recorded.audit / "decisions", 1).unlink()
    with pytest.raises(LineGone, match="cannot be read"):
        get_decision("AAAAA-00001")


def test_an_index_that_points_at_another_record_does_not_show_it(recorded: Instance) -> None:
    other = IndexedDecision.objects.get(reference="AAAAA-00002")
    IndexedDecision.objects.filter(reference="AAAAA-00001").update(
        segment=other.segment, offset=other.offset, length=other.length
    )
    with pytest.raises(LineGone):
        get_decision("AAAAA-00001")


def test_a_crash_between_the_rows_and_the_position_indexes_nothing_twice(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = decisions_log(instance)
    for number in range(5):
        write(log, number)
    log.close()

    class PowerCut(Exception):
        pass

    def cut(*_: object) -> None:
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(indexing, "_advance", cut)
        with pytest.raises(PowerCut):
            index_new_decisions(NOW)
    assert IndexedDecision.objects.count() == 0
    index_new_decisions(NOW)
    assert IndexedDecision.objects.count() == 5


def test_the_index_is_made_again_when_the_record_is_another_one(recorded: Instance) -> None:
    """As after an older backup was restored: the files end before what was indexed."""
    for path in (recorded.audit / "decisions").iterdir():
        path.unlink()
    log = decisions_log(recorded)
    write(log, 77)
    log.close()
    index_new_decisions(NOW)
    assert references() == ["AAAAA-00077"]


def test_a_half_written_line_waits(instance: Instance) -> None:
    log = decisions_log(instance)
    write(log, 1)
    log.close()
    path = segment_path(instance.audit / "decisions", 1)
    whole = path.read_bytes()
    with path.open("ab") as file:
        file.write(b'{"seq":2,"hash":"')
    index_new_decisions(NOW)
    assert references() == ["AAAAA-00001"]
    assert LogPosition.objects.get(stream="decisions").offset == len(whole)


def test_odd_lines_do_not_stop_the_index(instance: Instance) -> None:
    log = decisions_log(instance)
    log.append([b'{"class_uid":"nonsense"}', b"[]", b'{"class_uid":4002,"time":1,"metadata":{"uid":"x\\u0000y"}}'])
    write(log, 1)
    log.close()
    index_new_decisions(NOW)
    assert references() == ["AAAAA-00001", "xy"]


def test_a_long_path_is_cut_in_the_index_and_whole_in_the_record(instance: Instance) -> None:
    log = decisions_log(instance)
    reference = write(log, 1, path="/" + "p" * 1500)
    log.close()
    index_new_decisions(NOW)
    assert len(search_decisions(DecisionQuery()).items[0].path) == 512
    assert len(get_decision(reference).http.path) == 1501


def test_sign_ins_and_actions_are_found(instance: Instance) -> None:
    for event in (
        sign_in_event(
            at=NOW,
            uid=new_uid(),
            email="ada@example.test",
            success=True,
            person_id="p-ada",
            methods=("webauthn",),
            session="s-1",
            address="192.0.2.7",
        ),
        sign_in_event(at=NOW + 1, uid=new_uid(), email="eve@example.test", success=False, reason="wrong_password"),
        account_change_event(
            at=NOW + 2,
            uid=new_uid(),
            actor=ADMIN,
            change="disable",
            person_id="p-bob",
            email="bob@example.test",
            reason="left the company",
        ),
        entity_change_event(
            at=NOW + 3,
            uid=new_uid(),
            actor=ADMIN,
            change="update",
            entity_type="app",
            entity_id="wiki",
            before={"upstream": "http://10.0.0.5"},
            after={"upstream": "http://10.0.0.6"},
        ),
    ):
        record(event)
    assert index_new_events(NOW) == 5
    everything = list_events(EventQuery())
    assert [row.kind for row in everything.items] == ["entity", "account", "sign_in", "sign_in"]
    assert list_events(EventQuery(kinds=("sign_in",), success=False)).items[0].reason == "wrong_password"
    assert list_events(EventQuery(actor="p-ada")).total == 3
    assert list_events(EventQuery(target="p-bob")).items[0].words == (
        "ada@example.test disabled bob@example.test (left the company)"
    )
    assert list_events(EventQuery(text="eve")).total == 1
    assert list_events(EventQuery(since=NOW + 3)).total == 1
    row = list_events(EventQuery(target="wiki")).items[0]
    assert get_event(row.stream, row.seq)["entity_result"]["data"] == {"upstream": "http://10.0.0.6"}
    assert (row.actor_kind, row.actor_label, row.address) == ("person", "ada@example.test", "192.0.2.7")


def test_old_rows_are_pruned(recorded: Instance) -> None:
    days = recorded.configuration.record.retention_days
    assert prune_index(NOW + days * 86_400 + 10) == 10
    assert search_decisions(DecisionQuery()).total == 20


def test_the_index_holds_no_more_than_it_may(recorded: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    last = LogPosition.objects.get(stream="decisions").seq
    monkeypatch.setitem(indexing.MAX_LINES, "decisions", 12)
    prune_index(NOW)
    assert not IndexedDecision.objects.filter(seq__lte=last - 12).exists()
    assert IndexedDecision.objects.count() in {11, 12}


def test_the_status_tells_how_far_things_are(recorded: Instance) -> None:
    status = get_log_status()
    assert status.writable, status.problem
    decisions = {stream.stream: stream for stream in status.streams}["decisions"]
    assert decisions.indexed_seq == decisions.last_seq
    assert not decisions.truncated
    assert decisions.signed_seq == -1
    last = sorted((recorded.audit / "decisions").glob("????????.jsonl"))[-1]
    last.write_bytes(b"".join(last.read_bytes().splitlines(keepends=True)[:-1]))
    assert {stream.stream: stream.truncated for stream in get_log_status().streams}["decisions"]


def test_the_status_names_what_keeps_the_record_from_being_written(instance: Instance, settings: Settings) -> None:
    limits = msgspec.structs.replace(instance.configuration.record, min_free_mib=2**40)
    configuration = msgspec.structs.replace(instance.configuration, record=limits)
    settings.INSTANCE = Instance(home=instance.home, configuration=configuration)
    status = get_log_status()
    assert not status.writable
    assert "must stay free" in status.problem


def test_searches_use_an_index(recorded: Instance) -> None:
    """Ten thousand rows are enough for the planner to show what it would do with a hundred thousand."""
    rows = [
        IndexedDecision(
            stream="decisions",
            seq=1000 + number,
            segment=1,
            offset=0,
            length=1,
            at_ms=number,
            reference=f"R{number}",
            outcome="allowed",
            person=f"p{number % 50}",
            email=f"p{number % 50}@x",
            app=f"a{number % 7}",
        )
        for number in range(10_000)
    ]
    IndexedDecision.objects.bulk_create(rows, batch_size=1000)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        connection.cursor().execute("ANALYZE")
        search_decisions(DecisionQuery(person="p7"))
        search_decisions(DecisionQuery(reference="R77"))
        search_decisions(DecisionQuery(reference="R78", stream=""))
        search_decisions(DecisionQuery())
    selects = [query["sql"] for query in captured if query["sql"].startswith("SELECT") and "LIMIT 50" in query["sql"]]
    assert len(selects) == 4
    for sql in selects:
        cursor = connection.cursor()
        prefix = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
        cursor.execute(prefix + sql)
        plan = " ".join(str(row) for row in cursor.fetchall())
        assert "visibility_decision" in plan, plan
        assert "reference" not in sql.partition("WHERE")[2] or "visibility_decision_refer" in plan, plan
        assert "SCAN visibility" not in plan, plan


def test_each_process_appends_to_the_one_control_stream(instance: Instance) -> None:
    record(account_change_event(at=NOW, uid="u1", actor=ADMIN, change="create", person_id="p1", email="p1@x"))
    other = services.open_log(instance, "control")
    other.append([b'{"class_uid":3001,"time":1,"metadata":{"uid":"u2"}}'], durable=True)
    record(account_change_event(at=NOW, uid="u3", actor=ADMIN, change="delete", person_id="p1", email="p1@x"))
    other.close()
    index_new_events(NOW)
    assert set(IndexedEvent.objects.values_list("uid", flat=True)) == {"u1", "u2", "u3"}


def test_http_facts_never_hold_a_query() -> None:
    assert "query" not in HttpFacts.__struct_fields__
    assert "cookie" not in " ".join(json.loads(sample_event())["http_request"])
