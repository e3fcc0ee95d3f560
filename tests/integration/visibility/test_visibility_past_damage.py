"""Files of past requests that were cut, changed or never written: told, made again, and never a gap nobody sees."""

import errno
import os
import zlib
from pathlib import Path

import msgspec
import pytest
from tests.visibility_material import NOW
from tests.visibility_past import DAY, keep_all, keeper, kept
from tests.visibility_record import decisions_log, write

from ostiary.config.places import Instance
from ostiary.visibility.adapters.past_files import PastDamaged, day_path, list_days
from ostiary.visibility.keeping import PastKeeper, replay_folder

__all__ = ["keeper"]
pytestmark = pytest.mark.django_db


def test_what_was_half_written_is_cut_off_and_taken_again(recorded: Instance, keeper: PastKeeper) -> None:
    keep_all(keeper, limit=10)
    keeper.close()
    whole = kept()
    folder = replay_folder(recorded) / "decisions"
    (day,) = list_days(folder)
    path = day_path(folder, day)
    content = path.read_bytes()
    for length in (len(content) - 1, len(content) // 2, 5, 0):
        path.write_bytes(content[:length])
        again = PastKeeper(recorded)
        keep_all(again)
        again.close()
        assert kept() == whole


def test_a_damaged_block_and_all_after_it_are_made_again(recorded: Instance, keeper: PastKeeper) -> None:
    keep_all(keeper, limit=10)
    keeper.close()
    whole = kept()
    folder = replay_folder(recorded) / "decisions"
    path = day_path(folder, list_days(folder)[0])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    again = PastKeeper(recorded)
    keep_all(again)
    again.close()
    assert kept() == whole


def days_kept(instance: Instance, *, days: int = 5) -> Path:
    """Keep ten requests a day for some days, the last of them today; return the folder."""
    log = decisions_log(instance)
    for number in range(days * 10):
        write(log, number, at=NOW + number * DAY / 10)
    log.close()
    keeper = PastKeeper(instance)
    keep_all(keeper, now=NOW + days * DAY)
    keeper.close()
    return replay_folder(instance) / "decisions"


@pytest.mark.parametrize("damage", ["changed", "cut", "emptied", "of another format"])
def test_a_damaged_file_of_an_earlier_day_is_no_silent_gap_and_is_made_again(instance: Instance, damage: str) -> None:
    folder = days_kept(instance)
    whole = kept()
    path = day_path(folder, list_days(folder)[1])
    content = path.read_bytes()
    if damage == "changed":
        path.write_bytes(content[:-9] + bytes([content[-9] ^ 0xFF]) + content[-8:])
    elif damage == "of another format":
        path.write_bytes(of_another_format(content))
    else:
        path.write_bytes(content[:-3] if damage == "cut" else b"")
    with pytest.raises(PastDamaged, match=f"{path.name} is damaged from byte [0-9]+ on") as raised:
        kept()
    assert "Start Ostiary again" in raised.value.hint
    again = PastKeeper(instance)
    keep_all(again, now=NOW + 5 * DAY)
    again.close()
    assert kept() == whole


def of_another_format(content: bytes) -> bytes:
    """The file as another version of Ostiary would have written it: its first block has another number in front."""
    length = int.from_bytes(content[:4])
    packed = msgspec.msgpack.decode(zlib.decompress(content[8 : 8 + length]))
    body = zlib.compress(msgspec.msgpack.encode([packed[0] + 1, *packed[1:]]))
    return len(body).to_bytes(4) + zlib.crc32(body).to_bytes(4) + body + content[8 + length :]


def test_files_of_another_version_are_all_made_again(instance: Instance) -> None:
    folder = days_kept(instance)
    whole = kept()
    for day in list_days(folder):
        path = day_path(folder, day)
        path.write_bytes(of_another_format(path.read_bytes()))
    with pytest.raises(PastDamaged):
        kept()
    again = PastKeeper(instance)
    keep_all(again, now=NOW + 5 * DAY)
    again.close()
    assert kept() == whole


def test_a_block_that_is_being_written_is_not_kept_yet(recorded: Instance, keeper: PastKeeper) -> None:
    keep_all(keeper, limit=10)
    whole = kept()
    folder = replay_folder(recorded) / "decisions"
    path = day_path(folder, list_days(folder)[-1])
    content = path.read_bytes()
    for part in (1, 7, 8, 30):
        path.write_bytes(content + content[:part])
        assert kept() == whole
    path.write_bytes(content + bytes(64))
    with pytest.raises(PastDamaged):
        kept()


def test_a_day_is_on_the_disk_before_the_next_one_begins(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    settled: list[str] = []

    def fsync(descriptor: int) -> None:
        settled.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)

    monkeypatch.setattr("ostiary.visibility.adapters.past_files.os.fsync", fsync)
    folder = days_kept(instance)
    days = list_days(folder)
    assert [name for name in settled if name.endswith(".past")] == [day_path(folder, day).name for day in days[:-1]]


def test_what_the_disk_refused_is_written_later_as_it_was(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block that was not written has told its tables nothing: later rows would name other people."""
    log = decisions_log(instance)
    for number in range(6):
        write(log, number, at=NOW + number * DAY / 2)
    log.close()
    opened, refused = os.open, list[str]()

    def refuse_once(path: str | Path, flags: int, *more: int, **named: int) -> int:
        name = Path(path).name
        if name.endswith(".past") and flags & os.O_CREAT and name not in refused:
            refused.append(name)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return opened(path, flags, *more, **named)

    monkeypatch.setattr("ostiary.visibility.adapters.past_files.os.open", refuse_once)
    keeper = PastKeeper(instance)
    done = True
    while done:
        try:
            done = bool(keeper.keep(NOW + 3 * DAY, limit=7))
        except OSError:
            continue
    keeper.close()
    assert len(refused) >= 3
    assert [(at, situation.asker.person) for at, _, situation in kept()] == [
        (NOW + number * DAY / 2, "p-bob" if number % 3 == 2 else "p-ada") for number in range(6)
    ]
