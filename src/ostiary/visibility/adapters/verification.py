"""Reads the files of the record for `domain.verification`: offline, without an instance, a database or a private key."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ostiary.errors import OstiaryError
from ostiary.visibility.adapters.checkpoints import PUBLIC_KEY_NAME, REMOVALS_NAME
from ostiary.visibility.adapters.segments import list_segments, segment_path, statements_path
from ostiary.visibility.domain.statement import load_public_key
from ostiary.visibility.domain.verification import (
    ExpectedHead,
    Finding,
    FindingKind,
    SegmentSource,
    StreamReport,
    verify_stream,
)

_CHUNK_BYTES = 1024 * 1024


class NothingToVerify(OstiaryError):
    """There is no audit log at that place, or no key to check it with."""


def find_streams(folder: Path) -> list[str]:
    """Return the streams of an audit folder: its folders that hold segments or what was signed about them.

    Raises:
        NothingToVerify: when there are none.
    """
    try:
        streams = sorted(place.name for place in folder.iterdir() if place.is_dir() and any(place.glob("*.jsonl")))
    except OSError as error:
        raise NothingToVerify(f"{folder} cannot be read ({error.strerror}).") from None
    if not streams:
        raise NothingToVerify(f"There is no audit log in {folder}.", hint="Give the folder that holds `decisions`.")
    return streams


def read_public_key(folder: Path, given: Path | None) -> Ed25519PublicKey:
    """Return the key to check with: the one given, or the one beside the log.

    Raises:
        NothingToVerify: when there is neither.
        UnusableKey: when it is no such key.
    """
    path = given or folder / PUBLIC_KEY_NAME
    try:
        return load_public_key(path.read_bytes())
    except OSError as error:
        raise NothingToVerify(
            f"The public key {path} cannot be read ({error.strerror}).",
            hint="Give the key you wrote down with --public-key FILE.",
        ) from None


def verify_files(
    folder: Path, stream: str, key: Ed25519PublicKey, *, expected: ExpectedHead | None = None
) -> StreamReport:
    """Check the files of one stream.

    Args:
        folder: the audit folder.
        stream: the stream's name.
        key: the only key whose signatures count.
        expected: a line remembered from an earlier check.

    Raises:
        NothingToVerify: when a file cannot be read.
    """
    place = folder / stream
    numbers = list_segments(place)
    try:
        report = verify_stream(
            stream=stream,
            segments=(
                SegmentSource(
                    number=number,
                    lines=_lines(segment_path(place, number)),
                    statements=_small_file(statements_path(place, number)),
                )
                for number in numbers
            ),
            removals=_small_file(place / REMOVALS_NAME),
            key=key,
            expected=expected,
        )
    except OSError as error:
        raise NothingToVerify(f"{error.filename or place} cannot be read ({error.strerror}).") from None
    lost = _lost_segments(place, numbers)
    return msgspec.structs.replace(report, findings=(*report.findings, *lost)) if lost else report


def _lost_segments(place: Path, numbers: list[int]) -> tuple[Finding, ...]:
    """Signatures without their segment betray that it was taken away, unless retention is still clearing up."""
    signed = {int(path.name[:8]) for path in place.glob("????????.signed.jsonl") if path.name[:8].isdigit()}
    kept_from = numbers[0] if numbers else 0
    return tuple(
        Finding(
            kind=FindingKind.REMOVED,
            segment=number,
            line=0,
            words="The segment is missing; only its signatures are left.",
        )
        for number in sorted(signed - set(numbers))
        if number > kept_from
    )


def _small_file(path: Path) -> tuple[bytes, ...]:
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return ()
    return tuple(line for line in lines[:-1] if line)


def _lines(path: Path) -> Iterator[bytes]:
    """Yield lines with their ends; unlike a text file's, only a line feed ends them."""
    with path.open("rb", buffering=_CHUNK_BYTES) as file:
        yield from file
