"""What decisions read is kept once each, survives crashes, is forgotten in time, and comes back as it was."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from pytest_django import Settings
from tests.visibility_material import ALLOWED, HELD, HTTP, NOW, REFUSED, REQUEST
from tests.visibility_past import DAY, configured, keep_all, keeper, kept
from tests.visibility_record import BOB, decisions_log, index_all, write

from ostiary.config.places import Instance
from ostiary.policy.decision import Deny, ReasonCode
from ostiary.policy.past import (
    ALLOWED as PASSED,
)
from ostiary.policy.past import (
    EMERGENCY,
    NO_GRANT,
    NO_INPUTS,
    NOT_BY_RULES,
    situation_of,
)
from ostiary.policy.replay_changes import example_of
from ostiary.policy.request import Authentication, AuthStrength
from ostiary.visibility.adapters.past_files import day_of, day_path, list_days
from ostiary.visibility.adapters.unavailable import StreamInUse
from ostiary.visibility.domain.decision_event import decision_event
from ostiary.visibility.domain.past_request import passed_request
from ostiary.visibility.domain.request_event import AccessLine, Source, request_event
from ostiary.visibility.keeping import PastKeeper, replay_folder
from ostiary.visibility.past import missing_from, read_past_requests, with_references
from ostiary.visibility.services import open_log

__all__ = ["keeper"]
pytestmark = pytest.mark.django_db


def counts(stream: str) -> dict[int, int]:
    found: dict[int, int] = {}
    for _, requests in read_past_requests(since=0.0):
        if requests.stream == stream:
            for outcome, count in zip(requests.outcome, requests.count, strict=True):
                found[outcome] = found.get(outcome, 0) + count
    return found


def grant_line(reference: str, number: int = 0, **more: object) -> bytes:
    line = AccessLine(
        **{
            "time": f"2026-02-02T02:40:{number:02d}.500Z",
            "method": "GET",
            "host": "wiki.example.test",
            "path": "/on%20grant",
            "route": "wiki/grant",
            "status": 200,
            "client": "192.0.2.1",
            "grant_reference": reference,
            **more,
        }  # type: ignore[arg-type]
    )
    return request_event(line, source=Source(file="f", offset=number), person=("p-ada", "ada@example.test"))


def test_every_decision_is_kept_once_as_it_was(recorded: Instance, keeper: PastKeeper) -> None:
    keep_all(keeper)
    assert keeper.keep(NOW) == 0
    found = kept()
    assert [(at, outcome) for at, outcome, _ in found] == [(NOW + n, n % 3) for n in range(30)]
    _, _, situation = found[2]
    assert situation.asker.person == "p-bob"
    assert situation.asker.groups == ("finance", "staff")
    assert situation.proofs == ((0, NOW - 600), (2, NOW - 590))
    assert situation.surroundings.address == "192.0.2.2"
    assert situation.surroundings.device == msgspec.structs.replace(REQUEST.device, id=None)
    expected = situation_of(REQUEST)
    assert (situation.act, situation.path) == (expected.act, expected.path)


def test_the_decision_behind_a_kept_request_is_found_again(recorded: Instance, keeper: PastKeeper) -> None:
    keep_all(keeper)
    ((_, requests),) = list(read_past_requests(since=0.0))
    examples = [example_of(requests, row) for row in (0, 29)]
    assert sorted(with_references(examples).values()) == ["AAAAA-00000", "AAAAA-00029"]


def test_what_is_on_record_and_not_kept_yet_is_known(recorded: Instance, keeper: PastKeeper) -> None:
    later = NOW + 1000
    assert missing_from(since=0.0, until=later) == NOW
    keeper.keep(NOW, limit=10)
    first = kept()[-1][0] + 1
    assert missing_from(since=0.0, until=later) == first
    assert missing_from(since=NOW + 20, until=later) == NOW + 20
    assert missing_from(since=0.0, until=NOW + 60) is None
    keep_all(keeper)
    assert missing_from(since=0.0, until=later) is None
    requests = open_log(recorded, "requests")
    requests.append([grant_line("AAAAA-00000", 7)])
    requests.close()
    assert missing_from(since=0.0, until=later) == passed_request(grant_line("AAAAA-00000", 7)).at  # type: ignore[union-attr]
    keep_all(keeper)
    assert missing_from(since=0.0, until=later) is None


def test_a_new_keeper_goes_on_where_the_last_one_ended(instance: Instance) -> None:
    log = decisions_log(instance, segment_bytes=20_000)
    for number in range(40):
        write(log, number)
        if number % 9 == 0:
            keeper = PastKeeper(instance)
            keep_all(keeper)
            keeper.close()
    log.close()
    keeper = PastKeeper(instance)
    keep_all(keeper)
    keeper.close()
    assert [at for at, _, _ in kept()] == [NOW + n for n in range(40)]


def test_it_is_made_again_when_the_folder_is_removed(recorded: Instance, keeper: PastKeeper) -> None:
    keep_all(keeper)
    keeper.close()
    whole = kept()
    folder = replay_folder(recorded) / "decisions"
    for day in list_days(folder):
        day_path(folder, day).unlink()
    again = PastKeeper(recorded)
    keep_all(again)
    again.close()
    assert kept() == whole


def test_another_record_in_the_place_of_the_first_is_taken_from_its_beginning(
    recorded: Instance, keeper: PastKeeper
) -> None:
    keep_all(keeper)
    keeper.close()
    for file in (recorded.audit / "decisions").glob("*.jsonl"):
        file.unlink()
    log = decisions_log(recorded, segment_bytes=20_000)
    for number in range(50):
        write(log, number, at=NOW + 1000 + number)
    log.close()
    again = PastKeeper(recorded)
    keep_all(again)
    again.close()
    assert [at for at, _, _ in kept()] == [NOW + 1000 + n for n in range(50)]


def test_each_day_has_its_file_and_old_ones_are_removed(instance: Instance, settings: Settings) -> None:
    instance = configured(settings, instance, replay_days=5)
    log = decisions_log(instance)
    for number in range(10):
        write(log, number, at=NOW + number * DAY / 2)
    log.close()
    keeper = PastKeeper(instance)
    keep_all(keeper, now=NOW + 5 * DAY, limit=100)
    folder = replay_folder(instance) / "decisions"
    assert len(list_days(folder)) == 5
    keep_all(keeper, now=NOW + 7 * DAY)
    assert [at for at, _, _ in kept()] == [NOW + n * DAY / 2 for n in range(4, 10)]
    keep_all(keeper, now=NOW + 100 * DAY)
    assert kept() == []
    assert len(list_days(folder)) == 1
    keeper.close()
    again = PastKeeper(instance)
    assert again.keep(NOW + 100 * DAY) == 0
    again.close()


def test_a_moment_that_has_not_come_yet_is_removed_in_time_too(instance: Instance, settings: Settings) -> None:
    instance = configured(settings, instance, replay_days=3)
    log = decisions_log(instance)
    for number, at in enumerate((NOW, NOW + 3000 * DAY, NOW + 1)):
        write(log, number, at=at)
    log.close()
    keeper = PastKeeper(instance)
    keep_all(keeper, now=NOW + 2)
    folder = replay_folder(instance) / "decisions"
    assert list_days(folder) == [day_of(NOW)]
    assert len(kept()) == 3
    keep_all(keeper, now=NOW + 10 * DAY)
    assert kept() == []
    keeper.close()


def test_what_a_wrong_clock_removed_is_made_again_when_it_is_right(instance: Instance, keeper: PastKeeper) -> None:
    log = decisions_log(instance)
    for number in range(5):
        write(log, number)
    log.close()
    keep_all(keeper)
    whole = kept()
    keep_all(keeper, now=NOW + 3000 * DAY)
    assert kept() == []
    keep_all(keeper)
    assert kept() == whole
    keep_all(keeper, now=NOW - DAY / 2)
    assert kept() == whole


def test_a_grant_that_was_looked_up_long_ago_is_known_as_long_as_it_is_used(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ostiary.visibility.keeping._REMEMBERED_GRANTS", 4)
    log = decisions_log(instance)
    references = [write(log, number) for number in range(6)]
    log.close()
    index_all()
    first = PastKeeper(instance)
    keep_all(first)
    first.close()
    requests = open_log(instance, "requests")
    used = [references[number] for number in (0, 1, 2, 3, 0, 4, 5)]
    requests.append([grant_line(reference, number) for number, reference in enumerate(used)])
    requests.close()
    second = PastKeeper(instance)
    keep_all(second, limit=4)
    second.close()
    assert [outcome for _, outcome, _ in kept("requests")] == [PASSED] * len(used)


def test_nothing_is_kept_when_it_is_switched_off(recorded: Instance, settings: Settings, keeper: PastKeeper) -> None:
    keep_all(keeper)
    keeper.close()
    off = PastKeeper(configured(settings, recorded, replay_days=0))
    assert off.keep(NOW) == 0
    off.close()
    assert kept() == []
    assert not list((replay_folder(recorded) / "decisions").glob("*.past"))


def test_two_keepers_do_not_write_at_once(recorded: Instance, keeper: PastKeeper) -> None:
    keep_all(keeper)
    with pytest.raises(StreamInUse):
        PastKeeper(recorded).keep(NOW)


def test_the_record_has_precedence_when_the_disk_is_nearly_full(
    recorded: Instance, settings: Settings, keeper: PastKeeper
) -> None:
    full = PastKeeper(configured(settings, recorded, min_free_mib=1 << 40))
    with pytest.raises(OSError, match="No space"):
        full.keep(NOW)
    full.close()
    keep_all(keeper)
    assert len(kept()) == 30


def test_a_request_on_a_grant_is_what_the_decision_read_with_its_own_path(
    instance: Instance, keeper: PastKeeper
) -> None:
    log = decisions_log(instance)
    reference = write(log, 1)
    log.close()
    requests = open_log(instance, "requests")
    requests.append([grant_line(reference), grant_line(reference, 1, client="198.51.100.9")])
    requests.close()
    keep_all(keeper)
    ((_, _, decided),) = kept()
    first, second = kept("requests")
    assert first[1] == PASSED
    assert first[2] == msgspec.structs.replace(decided, path="/on grant")
    assert second[2].surroundings.address == "198.51.100.9"
    assert second[2].surroundings.country is None
    assert second[2].surroundings.device == decided.surroundings.device


def test_the_decision_behind_a_grant_is_found_after_a_restart(instance: Instance) -> None:
    log = decisions_log(instance)
    reference = write(log, 1)
    log.close()
    index_all()
    first = PastKeeper(instance)
    keep_all(first)
    first.close()
    requests = open_log(instance, "requests")
    requests.append([grant_line(reference)])
    requests.close()
    second = PastKeeper(instance)
    keep_all(second)
    second.close()
    ((_, outcome, situation),) = kept("requests")
    assert (outcome, situation.asker.person) == (PASSED, "p-ada")


def test_a_request_waits_until_its_decision_can_be_found(instance: Instance) -> None:
    log = decisions_log(instance)
    reference = write(log, 1)
    first = PastKeeper(instance)
    keep_all(first)
    first.close()
    requests = open_log(instance, "requests")
    requests.append([grant_line(reference), grant_line("NEVER-00000", 2)])
    requests.close()
    second = PastKeeper(instance)
    assert keep_all(second) == 1  # the segment's header
    assert kept("requests") == []
    index_all()
    keep_all(second)
    second.close()
    log.close()
    assert [outcome for _, outcome, _ in kept("requests")] == [PASSED, NO_GRANT]


def test_what_the_rules_did_not_decide_is_counted_by_why(instance: Instance, keeper: PastKeeper) -> None:
    unasked = Deny(
        reason=ReasonCode.UNAUTHENTICATED,
        policy_version=ALLOWED.policy_version,
        generation=ALLOWED.generation,
    )
    stale = msgspec.structs.replace(unasked, reason=ReasonCode.STALE_FACTS)
    emergency = msgspec.structs.replace(
        REQUEST,
        subject=msgspec.structs.replace(
            REQUEST.subject, authentications=(Authentication("break_glass", AuthStrength.SINGLE, NOW),)
        ),
    )
    nobody = {"http": HTTP, "person": None}
    log = decisions_log(instance)
    log.append(
        [decision_event(reference="A", at=NOW + n, request=None, decision=unasked, **nobody) for n in range(100)]  # type: ignore[arg-type]
    )
    log.append([decision_event(reference="B", at=NOW, request=REQUEST, decision=stale, http=HTTP, person=BOB)])
    log.append([decision_event(reference="C", at=NOW, request=emergency, decision=REFUSED, http=HTTP, person=BOB)])
    log.append([decision_event(reference="D", at=NOW, request=REQUEST, decision=HELD, http=HTTP, person=BOB)])
    log.append([b'{"class_uid":1,"metadata":{"uid":"x"}}'])
    log.close()
    requests = open_log(instance, "requests")
    requests.append([grant_line("", status=404)])
    requests.close()
    keep_all(keeper, limit=1000)
    assert counts("decisions") == {NO_INPUTS: 100, NOT_BY_RULES: 1, EMERGENCY: 1, 1: 1}
    assert counts("requests") == {NO_INPUTS: 1}
    assert len(kept()) <= 3 + 3


def test_a_keeper_killed_at_any_moment_loses_nothing_and_counts_nothing_twice(
    instance: Instance, tmp_path: Path
) -> None:
    log = decisions_log(instance, segment_bytes=200_000)
    for number in range(3000):
        write(log, number)
    log.close()
    kills = 0
    folder = replay_folder(instance) / "decisions"
    for step in range(1, 12):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.visibility.keep_and_say", str(instance.home)],
            cwd=Path(__file__).resolve().parents[3],
            env={**os.environ, "OSTIARY_HOME": str(instance.home)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        for _ in range(step * 3):
            if not process.stdout.readline().startswith("kept"):
                break
        else:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.stdout.close()
        if process.wait() == 0:
            break
    assert kills >= 5
    assert list_days(folder)
    keeper = PastKeeper(instance)
    keep_all(keeper, limit=500)
    keeper.close()
    assert [at for at, _, _ in kept()] == [NOW + n for n in range(3000)]
