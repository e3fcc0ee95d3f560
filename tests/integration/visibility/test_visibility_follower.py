"""Requests that only the data plane saw reach the record and its index, each once."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pytest_django import Settings
from tests.instance import make_instance_home
from tests.visibility_material import NOW, sample_event

from ostiary.config.places import Instance
from ostiary.visibility.adapters.audit_log import RecordUnavailable
from ostiary.visibility.adapters.verification import read_public_key, verify_files
from ostiary.visibility.facade import DecisionQuery, get_event, index_new_decisions, search_decisions
from ostiary.visibility.follower import RequestFollower
from ostiary.visibility.services import open_log
from ostiary.visibility.upkeep import sign_record

pytestmark = pytest.mark.django_db


@pytest.fixture
def instance(settings: Settings, tmp_path: Path) -> Instance:
    home = make_instance_home()
    moved = tmp_path / "home"
    home.rename(moved)
    made: Instance = settings.INSTANCE
    own = Instance(home=moved, configuration=made.configuration)
    settings.INSTANCE = own
    return own


def access(instance: Instance, *lines: dict[str, Any]) -> None:
    common = {
        "method": "GET",
        "host": "wiki.example.test",
        "path": "/",
        "route": "wiki/grant",
        "status": 200,
        "client": "192.0.2.7",
    }
    with (instance.logs / "access.jsonl").open("a") as file:
        for number, line in enumerate(lines):
            file.write(json.dumps({"time": f"2026-02-02T02:40:00.{number:03d}Z", **common, **line}) + "\n")


def follower(instance: Instance) -> RequestFollower:
    return RequestFollower(instance, reopen=lambda: None)


def index_all() -> None:
    while index_new_decisions(NOW):
        pass


def paths() -> list[str]:
    index_all()
    return sorted(row.path for row in search_decisions(DecisionQuery(stream="requests")).items)


def test_a_request_on_a_grant_is_found_by_its_person(instance: Instance) -> None:
    log = open_log(instance, "decisions")
    log.append([sample_event("GRANT-00001")])
    log.close()
    index_all()
    access(
        instance, {"grant_reference": "GRANT-00001", "grant_session": "s-1", "path": "/on-a-grant", "request": "r-1"}
    )
    assert follower(instance).follow() == 1
    index_all()
    (row,) = search_decisions(DecisionQuery(stream="requests", person="p-ada")).items
    assert (row.path, row.outcome, row.app, row.code, row.email) == (
        "/on-a-grant", "allowed", "wiki", 200, "ada@example.test",
    )  # fmt: skip
    event = get_event("requests", row.seq)
    assert event["metadata"]["correlation_uid"] == "GRANT-00001"
    assert event["actor"]["session"]["uid"] == "s-1"


def test_what_was_decided_is_not_recorded_again(instance: Instance) -> None:
    access(
        instance,
        {"decision_reference": "7F3K9-2QXAB", "path": "/decided"},
        {"path": "/granted", "grant_reference": "G"},
    )
    follower(instance).follow()
    assert paths() == ["/granted"]


def test_open_pages_of_the_sign_in_host_are_not_decisions(instance: Instance) -> None:
    access(
        instance,
        {"route": "id/page", "detail": "via_upstream"},
        {"route": "id/page", "detail": "via_upstream", "status": 404},
        {"route": "id/ambiguous", "detail": "direct_response", "status": 400, "path": "/turned-away"},
    )
    follower(instance).follow()
    assert paths() == ["/turned-away"]


def test_what_the_data_plane_turned_away_is_a_refusal(instance: Instance) -> None:
    access(instance, {"path": "/%2e%2e", "status": 400, "detail": "path_normalization_failed"})
    follower(instance).follow()
    index_all()
    (row,) = search_decisions(DecisionQuery(stream="requests", outcome="refused")).items
    assert (row.code, row.reason) == (400, "path_normalization_failed")


def test_a_restarted_follower_takes_no_line_twice_and_none_away(instance: Instance) -> None:
    for number in range(6):
        access(instance, {"path": f"/{number}", "grant_reference": "G"}, {"decision_reference": "D", "path": "/no"})
        one = follower(instance)
        one.follow(limit=3)
        one.close()
    last = follower(instance)
    while last.follow():
        pass
    last.close()
    assert paths() == [f"/{number}" for number in range(6)]


def test_lines_wait_while_the_record_is_unavailable(instance: Instance, settings: Settings) -> None:
    access(instance, {"path": "/waits", "grant_reference": "G"})
    limits = msgspec.structs.replace(instance.configuration.record, min_free_mib=2**40)
    configuration = msgspec.structs.replace(instance.configuration, record=limits)
    waiting = follower(Instance(home=instance.home, configuration=configuration))
    with pytest.raises(RecordUnavailable):
        waiting.follow()
    waiting.close()
    follower(instance).follow()
    assert paths() == ["/waits"]


def test_a_line_that_cannot_be_read_stops_nothing(instance: Instance) -> None:
    with (instance.logs / "access.jsonl").open("ab") as file:
        file.write(b'not json\n{"time":"yesterday"}\n\xff\xfe\n{"time":"2026-02-02T02:40:00Z","status":99999}\n')
    access(instance, {"path": "/after", "grant_reference": "G"})
    follower(instance).follow()
    assert paths() == ["/after"]


def test_the_stream_of_requests_is_verified_as_the_others_are(instance: Instance) -> None:
    access(instance, *({"path": f"/{number}", "grant_reference": "G"} for number in range(20)))
    one = follower(instance)
    one.follow()
    one.close()
    assert sign_record(instance, NOW) == 1
    report = verify_files(instance.audit, "requests", read_public_key(instance.audit, None))
    assert report.intact
    assert report.records == 20
    assert report.signed_seq == report.last_seq


def test_a_large_file_is_put_aside_and_followed_to_its_end(instance: Instance) -> None:
    reopened = []
    one = RequestFollower(instance, reopen=lambda: reopened.append(1))
    access(instance, *({"path": f"/old/{number}", "grant_reference": "G"} for number in range(5)))
    one.follow(aside_bytes=100)
    assert reopened == [1]
    with (instance.logs / "access.jsonl.1").open("a") as file:
        file.write('{"time":"2026-02-02T02:40:09Z","path":"/old/late","grant_reference":"G"}\n')
    access(instance, {"path": "/young", "grant_reference": "G", "time": "2026-02-02T02:41:00Z"})
    one.follow(aside_bytes=10_000)
    one.follow(aside_bytes=10_000)
    one.close()
    assert paths() == [*(f"/old/{number}" for number in range(5)), "/old/late", "/young"]
    assert not (instance.logs / "access.jsonl.1").exists()
