"""What cannot be put on record does not happen."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from tests.decider_company import ANNA, House, company, open_house

from ostiary.gateway.decider.alarms import Alarms, read_alarms
from ostiary.gateway.decider.recorder import Recorder
from ostiary.visibility.adapters.audit_log import RecordUnavailable


class Broken:
    """A log that fails while it is told to."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.batches: list[list[bytes]] = []

    def append(self, records: Sequence[bytes]) -> None:
        if self.error is not None:
            raise self.error
        self.batches.append(list(records))


def breaking(house: House) -> Broken:
    assert house.parts is not None
    log = Broken()
    house.parts.decider._recorder._audit = log
    return log


@pytest.mark.parametrize("error", [RecordUnavailable("The disk is full."), OSError(28, "full"), RuntimeError("odd")])
def test_an_unwritable_log_refuses_and_raises_the_alarm(error: Exception) -> None:
    with open_house(company()) as house:
        log = breaking(house)
        log.error = error
        for browser in (False, True):
            reply = house.ask("wiki", cookies=house.cookie(ANNA, "wiki"), browser=browser)
            assert reply.status == 503
            assert not reply.all("x-ostiary-assertion")
            assert not reply.all("set-cookie")
            assert "Reference" not in reply.text
        assert house.ask("wiki", cookies=house.cookie(ANNA, "wiki")).problem["reason"] == "record_unavailable"
        assert [alarm.code for alarm in read_alarms(house.instance.run)] == ["record_unavailable"]
        assert 'reason="record_unavailable"' in house.send("/metrics", []).text
        log.error = None
        assert house.ask("wiki", cookies=house.cookie(ANNA, "wiki")).status == 200
        assert read_alarms(house.instance.run) == ()


def test_refusals_and_ways_to_sign_in_are_held_back_too() -> None:
    with open_house(company()) as house:
        breaking(house).error = RecordUnavailable("The disk is full.")
        assert house.ask("wiki", browser=True).status == 503
        assert house.ask("payroll", cookies=house.cookie(ANNA, "payroll"), browser=True).status == 503


def test_a_real_log_that_loses_its_folder_refuses_or_begins_anew() -> None:
    with open_house(company()) as house:
        assert house.ask("wiki", cookies=house.cookie(ANNA, "wiki")).status == 200
        folder = house.instance.audit / "decisions"
        shutil.rmtree(folder)
        folder.write_text("no folder")
        assert house.parts is not None
        house.parts.audit._guard_after = 0.0
        assert house.ask("wiki", cookies=house.cookie(ANNA, "wiki")).status == 503
        folder.unlink()
        house.parts.audit._guard_after = 0.0
        assert house.ask("wiki", cookies=house.cookie(ANNA, "wiki")).status == 200


def test_requests_of_one_turn_share_a_write(tmp_path: Path) -> None:
    async def run() -> list[list[bytes]]:
        log = Broken()
        recorder = Recorder(log, Alarms(tmp_path, lambda: 0.0), asyncio.get_running_loop())
        await asyncio.gather(*(recorder.write(b"%d" % number) for number in range(5)))
        await recorder.write(b"later")
        return log.batches

    assert asyncio.run(run()) == [[b"0", b"1", b"2", b"3", b"4"], [b"later"]]


def test_a_request_that_was_given_up_does_not_harm_the_others(tmp_path: Path) -> None:
    async def run() -> list[list[bytes]]:
        log = Broken()
        recorder = Recorder(log, Alarms(tmp_path, lambda: 0.0), asyncio.get_running_loop())
        gone, stays = recorder.write(b"1"), recorder.write(b"2")
        gone.cancel()
        await stays
        return log.batches

    assert asyncio.run(run()) == [[b"1", b"2"]]


def test_alarms_survive_an_unwritable_folder_and_leave_no_old_file(tmp_path: Path) -> None:
    alarms = Alarms(tmp_path, lambda: 7.0)
    alarms.sound("a", "Something.")
    alarms.sound("a", "Something.")
    alarms.sound("b", "Else.")
    assert [(alarm.code, alarm.since) for alarm in read_alarms(tmp_path)] == [("a", 7.0), ("b", 7.0)]
    assert read_alarms(tmp_path / "nowhere") == ()
    (tmp_path / "decider-alarms.json").write_text("[[[")
    with pytest.raises(msgspec.DecodeError):
        read_alarms(tmp_path)
    Alarms(tmp_path, lambda: 8.0)
    assert read_alarms(tmp_path) == ()
    blocked = tmp_path / "file"
    blocked.write_text("")
    Alarms(blocked, lambda: 9.0).sound("a", "Something.")
