"""The snapshot file and its reader."""

import os
import select
from pathlib import Path

import msgspec
import pytest

from ostiary.gateway.folder_watch import FolderWatch
from ostiary.gateway.snapshot_reader import SnapshotReader
from ostiary.gateway.snapshots import (
    SNAPSHOT_FILE,
    FactsUnusable,
    beat,
    decode_snapshot,
    encode_section,
    encode_snapshot,
    heartbeat_age,
    read_encoded,
    read_snapshot,
    write_snapshot,
)
from ostiary.policy.identifiers import AppId, Generation, GroupId, PersonId, SessionId
from ostiary.policy.request import ActionClass, Authentication, AuthStrength
from ostiary.policy.snapshot import (
    AppFact,
    Catalogue,
    ClientFact,
    Clients,
    Directory,
    GrantKey,
    PersonFact,
    Rules,
    SessionFact,
    Sessions,
    Snapshot,
)

ANNA = PersonFact(id=PersonId("p1"), email="anna@example.test", name="Anna", active=True, groups=(GroupId("staff"),))


def snapshot(generation: int = 1, **changes: object) -> Snapshot:
    full = Snapshot(
        generation=Generation(generation),
        published_at=1000.0,
        versions={"identity": generation},
        identity=Directory(people={ANNA.id: ANNA}, groups={GroupId("staff"): "Staff"}),
        sessions=Sessions(
            sessions={
                SessionId("s1"): SessionFact(
                    id=SessionId("s1"),
                    person=ANNA.id,
                    created_at=1.0,
                    expires_at=2.0,
                    authentications=(Authentication(method="totp", strength=AuthStrength.OTP, at=1.0),),
                )
            }
        ),
        applications=Catalogue(
            apps={
                AppId("wiki"): AppFact(
                    id=AppId("wiki"), host="wiki.example.test", name="Wiki", methods={"REPORT": ActionClass.VIEW}
                )
            }
        ),
        rulebook=Rules(document="version: 1"),
        grant_key=GrantKey(kid="k1", private=b"\x01" * 32),
        clients=Clients(clients=(ClientFact(name="reporting", digest=b"\x02" * 32, expires_at=2.0),)),
    )
    return msgspec.structs.replace(full, **changes)


def test_a_snapshot_survives_the_file(tmp_path: Path) -> None:
    write_snapshot(tmp_path / "facts", snapshot())
    assert read_snapshot(tmp_path / "facts") == snapshot()
    assert (tmp_path / "facts" / SNAPSHOT_FILE).stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in (tmp_path / "facts").iterdir()] == [SNAPSHOT_FILE]


def test_whole_and_encoded_snapshots_are_the_same_bytes(tmp_path: Path) -> None:
    write_snapshot(tmp_path, snapshot())
    whole = (tmp_path / SNAPSHOT_FILE).read_bytes()
    write_snapshot(tmp_path, encode_snapshot(snapshot()))
    assert (tmp_path / SNAPSHOT_FILE).read_bytes() == whole


def test_a_publisher_passes_unchanged_sections_on_as_bytes(tmp_path: Path) -> None:
    write_snapshot(tmp_path, snapshot())
    before = read_encoded(tmp_path)
    after = msgspec.structs.replace(before, generation=Generation(2), sessions=encode_section(Sessions()))
    write_snapshot(tmp_path, after)
    assert read_snapshot(tmp_path) == decode_snapshot(after)
    assert read_snapshot(tmp_path).identity == snapshot().identity
    assert read_snapshot(tmp_path).sessions == Sessions()


def test_the_reader_decodes_only_what_changed(tmp_path: Path) -> None:
    beat(tmp_path, 100.0)
    reader = SnapshotReader(tmp_path, max_age_seconds=10)
    write_snapshot(tmp_path, snapshot())
    assert reader.refresh()
    first = reader.current(100.0)
    assert not reader.refresh()
    write_snapshot(tmp_path, snapshot(2, sessions=Sessions()))
    assert reader.refresh()
    second = reader.current(100.0)
    assert second.identity is first.identity
    assert second.applications is first.applications
    assert second.sessions == Sessions()
    assert second.generation == 2


def refused(reader: SnapshotReader) -> str:
    reader.refresh()
    with pytest.raises(FactsUnusable) as error:
        reader.current(100.0)
    return str(error.value)


def test_an_older_generation_leaves_no_facts_rather_than_older_ones(tmp_path: Path) -> None:
    beat(tmp_path, 100.0)
    reader = SnapshotReader(tmp_path, max_age_seconds=10)
    write_snapshot(tmp_path, snapshot(5))
    reader.refresh()
    assert reader.current(100.0).generation == 5
    write_snapshot(tmp_path, snapshot(4))
    assert "went back from generation 5 to 4" in refused(reader)
    write_snapshot(tmp_path, snapshot(6))
    assert reader.refresh()
    assert reader.current(100.0).generation == 6


def test_a_generation_with_two_contents_is_refused(tmp_path: Path) -> None:
    beat(tmp_path, 100.0)
    reader = SnapshotReader(tmp_path, max_age_seconds=10)
    write_snapshot(tmp_path, snapshot(5))
    reader.refresh()
    write_snapshot(tmp_path, snapshot(5))
    reader.refresh()
    assert reader.current(100.0).generation == 5
    write_snapshot(tmp_path, snapshot(5, sessions=Sessions()))
    assert "went back" in refused(reader)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "damaged"),
        (b"\xc1garbage", "damaged"),
        (msgspec.msgpack.encode(snapshot())[:-5], "damaged"),
        (msgspec.msgpack.encode(snapshot(schema=99)), "schema 99"),
        (msgspec.msgpack.encode({"generation": 1}), "damaged"),
        (
            msgspec.msgpack.encode({**msgspec.structs.asdict(snapshot(2)), "sessions": {"sessions": 7}}),
            "Section `sessions`",
        ),
    ],
)
def test_what_cannot_be_read_takes_the_facts_away(tmp_path: Path, content: bytes, words: str) -> None:
    beat(tmp_path, 100.0)
    reader = SnapshotReader(tmp_path, max_age_seconds=10)
    write_snapshot(tmp_path, snapshot())
    reader.refresh()
    assert reader.current(100.0)
    (tmp_path / SNAPSHOT_FILE).write_bytes(content)
    assert words in refused(reader)


def test_a_file_that_disappears_takes_the_facts_away(tmp_path: Path) -> None:
    beat(tmp_path, 100.0)
    reader = SnapshotReader(tmp_path, max_age_seconds=10)
    assert "cannot be read" in refused(reader)
    write_snapshot(tmp_path, snapshot())
    assert reader.refresh()
    (tmp_path / SNAPSHOT_FILE).unlink()
    assert "cannot be read" in refused(reader)


@pytest.mark.parametrize(
    ("heartbeat", "age"),
    [
        (b"90.0\n", 10.0),
        (b"100.0", 0.0),
        (b"103.0", 0.0),
        (b"200.0", None),
        (b"nan", None),
        (b"inf", None),
        (b"", None),
        (b"soon", None),
    ],
)
def test_heartbeat_age(tmp_path: Path, heartbeat: bytes, age: float | None) -> None:
    (tmp_path / "heartbeat").write_bytes(heartbeat)
    assert heartbeat_age(tmp_path, 100.0) == age


def test_facts_nobody_confirmed_are_not_believed(tmp_path: Path) -> None:
    write_snapshot(tmp_path, snapshot())
    reader = SnapshotReader(tmp_path, max_age_seconds=10)
    assert "not been confirmed" in refused(reader)
    beat(tmp_path, 90.0)
    assert reader.current(100.0)
    assert reader.current(99.0)
    with pytest.raises(FactsUnusable):
        reader.current(100.1)
    assert heartbeat_age(tmp_path / "nowhere", 1.0) is None


def test_an_unwritable_folder_keeps_the_file_before(tmp_path: Path) -> None:
    write_snapshot(tmp_path, snapshot())
    (tmp_path / f".{SNAPSHOT_FILE}.{os.getpid()}.tmp").mkdir()
    with pytest.raises(OSError):
        write_snapshot(tmp_path, snapshot(2))
    assert read_snapshot(tmp_path).generation == 1


def test_the_watch_wakes_when_a_file_is_replaced(tmp_path: Path) -> None:
    with FolderWatch(tmp_path) as watch:
        assert not watch.drain()
        write_snapshot(tmp_path, snapshot())
        poll = select.poll()
        poll.register(watch.fileno(), select.POLLIN)
        assert poll.poll(30_000)
        assert watch.drain()
        assert not watch.drain()


def test_a_watch_on_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        FolderWatch(tmp_path / "nowhere")


def test_a_snapshot_from_before_there_were_clients_knows_none(tmp_path: Path) -> None:
    whole = msgspec.msgpack.decode(msgspec.msgpack.encode(encode_snapshot(snapshot())))
    del whole["clients"]
    (tmp_path / SNAPSHOT_FILE).write_bytes(msgspec.msgpack.encode(whole))
    assert read_snapshot(tmp_path).clients.clients == ()
