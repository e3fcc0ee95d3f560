"""The container of a backup: what goes in comes out, and nothing else ever does."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.supervisor.backup import container
from ostiary.supervisor.backup.container import (
    ContainerReader,
    ContainerWriter,
    Header,
    UnusableBackup,
    WeakPassphrase,
    make_encryption,
    read_header,
)

PASSPHRASE = "correct horse battery"


def write(content: bytes, passphrase: str | None = PASSPHRASE) -> bytes:
    encryption = make_encryption(passphrase, cost=2) if passphrase else None
    target = io.BytesIO()
    header = Header(version="1", created_at=0.0, domain="example.test", encryption=encryption)
    writer = ContainerWriter(target, header, passphrase)
    for start in range(0, len(content), 700):
        writer.write(content[start : start + 700])
    writer.close()
    return target.getvalue()


def read(file: bytes, passphrase: str | None = PASSPHRASE) -> bytes:
    reader = ContainerReader(io.BytesIO(file), passphrase)
    content = reader.read()
    reader.finish()
    return content


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(container, "CHUNK_BYTES", 1000)


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 2000, 5432])
@pytest.mark.parametrize("passphrase", [PASSPHRASE, None])
def test_what_goes_in_comes_out(size, passphrase):
    content = bytes(number % 251 for number in range(size))
    assert read(write(content, passphrase), passphrase) == content


def test_an_encrypted_backup_shows_nothing_of_its_content():
    file = write(b"the secret of the house" * 100)
    assert b"secret of the house" not in file
    assert read_header(io.BytesIO(file)).domain == "example.test"


@pytest.mark.parametrize("passphrase", ["another horse battery", "", None])
def test_another_passphrase_opens_nothing(passphrase):
    with pytest.raises(UnusableBackup, match=r"passphrase|encrypted"):
        read(write(b"content"), passphrase)


@settings(max_examples=200)
@given(st.data())
def test_any_changed_byte_is_noticed(data):
    file = bytearray(write(b"0123456789" * 300))
    place = data.draw(st.integers(0, len(file) - 1))
    file[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(UnusableBackup):
        read(bytes(file))


@settings(max_examples=100)
@given(st.integers(0, 3100), st.sampled_from([PASSPHRASE, None]))
def test_a_file_that_was_cut_off_is_noticed(length, passphrase):
    file = write(b"0123456789" * 300, passphrase)
    with pytest.raises(UnusableBackup):
        read(file[: min(length, len(file) - 1)], passphrase)


def test_chunks_that_changed_places_are_noticed():
    file = write(bytes(range(250)) * 12)
    head = file.index(b"\n", len(container.MAGIC)) + 1
    sealed = 5 + 1000 + 16
    one, two, rest = file[head : head + sealed], file[head + sealed : head + 2 * sealed], file[head + 2 * sealed :]
    with pytest.raises(UnusableBackup, match="damaged"):
        read(file[:head] + two + one + rest)


def test_something_behind_the_end_is_noticed():
    with pytest.raises(UnusableBackup, match="follows the end"):
        read(write(b"content") + b"more")


def test_a_backup_that_anybody_could_have_written_is_refused_where_a_passphrase_is_given():
    with pytest.raises(UnusableBackup, match="not encrypted"):
        read(write(b"planted", None), PASSPHRASE)


def test_a_short_passphrase_is_refused():
    with pytest.raises(WeakPassphrase):
        make_encryption("tooshort")


def test_two_backups_share_neither_salt_nor_nonces():
    one, other = make_encryption(PASSPHRASE), make_encryption(PASSPHRASE)
    assert one.salt != other.salt
    assert one.prefix != other.prefix
    assert one.cost >= 2**17


@pytest.mark.parametrize("cost", [0, 1, 3, 2**21])
def test_a_header_cannot_ask_for_a_ruinous_key_derivation(cost):
    file = write(b"content").replace(b'"cost":2,', f'"cost":{cost},'.encode())
    with pytest.raises(UnusableBackup):
        read(file)


def test_a_file_that_is_no_backup_is_refused():
    with pytest.raises(UnusableBackup, match="no backup"):
        read(b"PK\x03\x04 something else")
