"""A process's own log."""

from ostiary.supervisor.rotating_log import LAST_LINES, RotatingLog


def test_it_is_renamed_when_it_grows_and_old_ones_go(tmp_path):
    log = RotatingLog(tmp_path / "a.log", limit_bytes=100, kept_files=3)
    for number in range(40):
        log.write(f"line {number:02} {'x' * 12}\n".encode())
    log.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["a.log", "a.log.1", "a.log.2"]
    kept = "".join((tmp_path / name).read_text() for name in reversed(names))
    numbers = [int(line.split()[1]) for line in kept.splitlines()]
    assert numbers == list(range(40 - len(numbers), 40))
    assert all(path.stat().st_size <= 100 for path in tmp_path.iterdir())


def test_it_goes_on_where_an_earlier_run_ended(tmp_path):
    for words in (b"one\n", b"two\n"):
        log = RotatingLog(tmp_path / "a.log")
        log.write(words)
        log.close()
    assert (tmp_path / "a.log").read_text() == "one\ntwo\n"


def test_the_last_lines_are_at_hand(tmp_path):
    log = RotatingLog(tmp_path / "a.log")
    log.write("\n".join(str(number) for number in range(100)).encode())
    assert log.last_lines == tuple(str(number) for number in range(100 - LAST_LINES, 100))
    log.close()


def test_a_folder_that_cannot_be_written_loses_lines_and_nothing_else(tmp_path):
    (tmp_path / "file").write_text("")
    log = RotatingLog(tmp_path / "file" / "a.log")
    log.write(b"lost\n")
    assert log.last_lines == ("lost",)


def test_others_cannot_read_it(tmp_path):
    log = RotatingLog(tmp_path / "a.log")
    log.write(b"x\n")
    log.close()
    assert (tmp_path / "a.log").stat().st_mode & 0o007 == 0
