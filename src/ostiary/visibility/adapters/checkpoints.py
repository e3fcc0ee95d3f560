"""Signs how far a stream has come, seals closed segments, and removes the ones past their time.

One process at a time does this for a stream (a lock of its own); writers go on meanwhile. Only what is already on the
disk is signed, so that a power cut can never leave a signature for lines that are gone.
"""

import contextlib
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ostiary.visibility.adapters.segments import find_end, list_segments, segment_path, statements_path
from ostiary.visibility.adapters.stream_lock import StreamLock
from ostiary.visibility.adapters.unavailable import RecordUnavailable
from ostiary.visibility.domain.chain import BrokenLine, ChainLine, read_line
from ostiary.visibility.domain.statement import (
    ForgedStatement,
    Statement,
    StatementKind,
    load_signing_key,
    public_pem,
    read_statement,
    sign_statement,
)

PUBLIC_KEY_NAME: Final = "public-key.pem"
REMOVALS_NAME: Final = "removed.signed.jsonl"
_LOCK_NAME: Final = "signer.lock"
_LOCK_WAIT_SECONDS: Final = 5.0
_DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class Removed:
    """What retention took away: how many segments, and the number of the last line that went."""

    segments: int
    last_seq: int


def write_public_key(folder: Path, signing_key: bytes) -> None:
    """Put the public key beside the streams, for whoever has no better source of it."""
    pem = public_pem(load_signing_key(signing_key).public_key())
    path = folder / PUBLIC_KEY_NAME
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == pem:
            return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(pem)
    fresh.replace(path)


def sign_stream(folder: Path, stream: str, signing_key: bytes, *, now: float) -> Statement | None:
    """Seal every closed segment that is not sealed yet, and sign a checkpoint if the stream has moved on.

    Args:
        folder: the audit folder.
        stream: the stream's name.
        signing_key: Ed25519 private key in PEM.
        now: seconds since the epoch.

    Returns:
        The newest statement about the stream; `None` when there is nothing to sign.

    Raises:
        RecordUnavailable: when a file cannot be read or written.
    """
    key = load_signing_key(signing_key)
    place = folder / stream
    try:
        numbers = list_segments(place)
        if not numbers:
            return None
        write_public_key(folder, signing_key)
        with _signer_lock(place):
            for number in numbers[:-1]:
                _sign_segment(place, number, "seal", key=key, now=now)
            return _sign_segment(place, numbers[-1], "checkpoint", key=key, now=now)
    except OSError as error:
        raise RecordUnavailable(f"The audit log cannot be signed ({error.strerror}).", detail=str(error)) from error


def remove_old_segments(
    folder: Path, stream: str, signing_key: bytes, *, retention_days: int, now: float
) -> Removed | None:
    """Remove sealed segments whose last line is older than the retention period, oldest first, and sign that it was so.

    Args:
        folder: the audit folder.
        stream: the stream's name.
        signing_key: Ed25519 private key in PEM.
        retention_days: how long a segment stays after its last line.
        now: seconds since the epoch.

    Returns:
        What was removed; `None` when nothing was old enough.

    Raises:
        RecordUnavailable: when a file cannot be read, written or removed.
    """
    key = load_signing_key(signing_key)
    place = folder / stream
    before = now - retention_days * _DAY_SECONDS
    removed: Removed | None = None
    try:
        _forget_leftovers(place)
        for number in list_segments(place)[:-1]:
            with _signer_lock(place):
                seal = last_statement(statements_path(place, number), key.public_key())
                if seal is None or seal.kind != "seal" or seal.at >= before:
                    break
                _state_removal(place, seal, key, now)
                segment_path(place, number).unlink()
                statements_path(place, number).unlink(missing_ok=True)
                removed = Removed(segments=1 + (removed.segments if removed else 0), last_seq=seal.seq)
    except OSError as error:
        raise RecordUnavailable(f"Old segments cannot be removed ({error.strerror}).", detail=str(error)) from error
    return removed


def last_statement(path: Path, key: Ed25519PublicKey) -> Statement | None:
    """Return the newest statement in a file that bears the key's signature; `None` when there is none."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return None
    for line in reversed(lines):
        with contextlib.suppress(ForgedStatement):
            return read_statement(line, key)
    return None


def sync_stream(folder: Path, stream: str) -> None:
    """Bring what was written to the newest segment to the disk.

    Raises:
        OSError: when the disk refuses.
    """
    place = folder / stream
    for number in list_segments(place)[-1:]:
        with segment_path(place, number).open("rb") as file:
            os.fdatasync(file.fileno())


def _sign_segment(
    place: Path, number: int, kind: StatementKind, *, key: Ed25519PrivateKey, now: float
) -> Statement | None:
    last = last_statement(statements_path(place, number), key.public_key())
    if last is not None and last.kind == "seal":
        return last
    line = _last_line(segment_path(place, number))
    if line is None or (last is not None and last.seq == line.seq and last.kind == kind):
        return last
    signed = sign_statement(kind=kind, stream=place.name, segment=number, seq=line.seq, head=line.hash, at=now, key=key)
    append_line(statements_path(place, number), signed)
    return read_statement(signed.rstrip(b"\n"), key.public_key())


def _last_line(path: Path) -> ChainLine | None:
    """Find the line first and sync then: a line that came in between is not on the disk yet."""
    with path.open("rb") as file:
        end = find_end(file.fileno())
        os.fdatasync(file.fileno())
    if end.last_line is None:
        return None
    try:
        return read_line(end.last_line)
    except BrokenLine:
        return None


def _state_removal(place: Path, seal: Statement, key: Ed25519PrivateKey, now: float) -> None:
    signed = sign_statement(
        kind="removal",
        stream=seal.stream,
        segment=seal.segment,
        seq=seal.seq,
        head=bytes.fromhex(seal.head),
        at=now,
        key=key,
    )
    append_line(place / REMOVALS_NAME, signed)


def _forget_leftovers(place: Path) -> None:
    """After a crash between the two removals the signatures outlive their segment."""
    numbers = list_segments(place)
    for path in place.glob("*.signed.jsonl") if numbers else ():
        name = path.name.partition(".")[0]
        if name.isdigit() and int(name) < numbers[0]:
            path.unlink(missing_ok=True)


def append_line(path: Path, line: bytes) -> None:
    """Append one line to a small file and bring it to the disk; what a crash left of an unfinished line goes first."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        end = find_end(descriptor)
        if end.torn_bytes:
            os.ftruncate(descriptor, end.good_bytes)
        if os.write(descriptor, line) != len(line):
            os.ftruncate(descriptor, end.good_bytes)
            raise OSError(errno.ENOSPC, "no space left for a whole statement")
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _signer_lock(place: Path) -> Iterator[None]:
    lock = StreamLock(place / _LOCK_NAME, wait_seconds=_LOCK_WAIT_SECONDS)
    try:
        lock.take()
        yield
    finally:
        lock.close()
