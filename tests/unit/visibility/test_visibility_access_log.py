"""The data plane's log is read once, line by line, across being put aside."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.visibility.adapters.access_log import fingerprint, put_aside, read_new_lines
from ostiary.visibility.domain.request_event import Source


def write(path: Path, *numbers: int) -> None:
    with path.open("a") as file:
        file.writelines(json.dumps({"n": number}) + "\n" for number in numbers)


def read_all(path: Path, last: Source | None, limit: int = 100) -> tuple[list[int], Source | None]:
    numbers: list[int] = []
    while lines := read_new_lines(path, last, limit=limit):
        numbers += [json.loads(line.text)["n"] for line in lines]
        last = lines[-1].source
    return numbers, last


class DataPlane:
    """Writes as Envoy does: on, into the file it has open, until it is told to open it again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path.open("a")
        self.deaf = False

    def write(self, *numbers: int) -> None:
        self.file.writelines(json.dumps({"n": number}) + "\n" for number in numbers)
        self.file.flush()

    def reopen(self) -> None:
        if self.deaf:
            raise OSError("nobody answers")
        self.file.close()
        self.file = self.path.open("a")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access.jsonl"


@pytest.fixture
def plane(path: Path) -> Iterator[DataPlane]:
    running = DataPlane(path)
    yield running
    running.file.close()


def test_nothing_is_there_before_the_data_plane_wrote(path: Path) -> None:
    assert read_all(path, None) == ([], None)
    assert not put_aside(path, None, larger_than=0, reopen=lambda: None)


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_lines_are_read_once(path: Path, limit: int) -> None:
    write(path, 1, 2, 3)
    numbers, last = read_all(path, None, limit)
    assert numbers == [1, 2, 3]
    write(path, 4)
    assert read_all(path, last, limit)[0] == [4]


def test_a_line_that_is_not_finished_waits(path: Path) -> None:
    write(path, 1)
    with path.open("a") as file:
        file.write('{"n":')
    numbers, last = read_all(path, None)
    assert numbers == [1]
    with path.open("a") as file:
        file.write("2}\n")
    assert read_all(path, last)[0] == [2]


def test_a_first_line_that_is_not_finished_is_no_file_yet(path: Path) -> None:
    path.write_text('{"n":')
    assert fingerprint(path) is None
    assert read_all(path, None) == ([], None)


def test_a_small_file_stays(path: Path) -> None:
    write(path, 1)
    _, last = read_all(path, None)
    assert not put_aside(path, last, larger_than=1000, reopen=lambda: None)
    assert path.exists()


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_no_line_is_lost_or_read_twice_while_files_are_put_aside(path: Path, plane: DataPlane, limit: int) -> None:
    seen: list[int] = []
    last: Source | None = None
    number = 0
    times_aside = 0
    for _ in range(30):
        for _ in range(5):
            plane.write(number)
            number += 1
        if number % 3:
            found, last = read_all(path, last, limit)
            seen += found
        times_aside += put_aside(path, last, larger_than=100, reopen=plane.reopen)
        plane.write(number)
        number += 1
    found, _ = read_all(path, last, limit)
    seen += found
    assert seen == list(range(number))
    assert times_aside > 3


def test_a_data_plane_that_does_not_answer_is_asked_again_and_keeps_its_lines(path: Path, plane: DataPlane) -> None:
    plane.write(*range(10))
    _, last = read_all(path, None)
    plane.deaf = True
    with pytest.raises(OSError, match="nobody answers"):
        put_aside(path, last, larger_than=10, reopen=plane.reopen)
    plane.write(10, 11)
    found, last = read_all(path, last)
    assert found == [10, 11]
    plane.deaf = False
    assert not put_aside(path, last, larger_than=10, reopen=plane.reopen)
    plane.write(12)
    assert read_all(path, last)[0] == [12]


def test_a_place_in_a_file_that_is_gone_begins_with_the_oldest_there_is(path: Path) -> None:
    write(path.with_name("access.jsonl.1"), 1, 2)
    write(path, 3)
    assert read_all(path, Source("0123456789abcdef", 99))[0] == [1, 2, 3]
