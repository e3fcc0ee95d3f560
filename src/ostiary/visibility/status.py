"""How the record is: whether it can be written, how far it is indexed and signed, and whether any of it went missing."""

import os
from pathlib import Path

from django.conf import settings

from ostiary.config.places import Instance
from ostiary.config.secrets import AUDIT_KEY, read_secret
from ostiary.visibility.adapters.checkpoints import last_statement
from ostiary.visibility.adapters.segments import STREAMS, find_end, list_segments, segment_path, statements_path
from ostiary.visibility.domain.chain import BrokenLine, read_line
from ostiary.visibility.domain.search import LogStatus, StreamStatus
from ostiary.visibility.domain.statement import load_signing_key
from ostiary.visibility.models import LogPosition

_MIB = 1024 * 1024


def get_log_status() -> LogStatus:
    """Return how the record is; what cannot be read is named as the problem."""
    instance: Instance = settings.INSTANCE
    minimum = instance.configuration.record.min_free_mib * _MIB
    indexed = dict(LogPosition.objects.values_list("stream", "seq"))
    try:
        folder = _existing(instance.audit)
        space = os.statvfs(folder)
        free = space.f_bavail * space.f_frsize
        problem = _problem(folder, free, minimum)
        streams = tuple(_stream_status(instance, stream, indexed.get(stream, -1)) for stream in STREAMS)
    except OSError as error:
        return LogStatus(
            writable=False,
            problem=f"{error.filename or instance.audit}: {error.strerror}",
            free_bytes=0,
            min_free_bytes=minimum,
            streams=(),
        )
    return LogStatus(writable=not problem, problem=problem, free_bytes=free, min_free_bytes=minimum, streams=streams)


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def _problem(folder: Path, free: int, minimum: int) -> str:
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder} cannot be written."
    if free < minimum:
        return f"Only {free // _MIB} MiB are free on the disk of the audit log; {minimum // _MIB} MiB must stay free."
    return ""


def _stream_status(instance: Instance, stream: str, indexed_seq: int) -> StreamStatus:
    place = instance.audit / stream
    numbers = list_segments(place)
    last_seq = -1
    signed_seq, signed_at = -1, 0.0
    key = load_signing_key(read_secret(instance.secrets, AUDIT_KEY).reveal()).public_key()
    for number in reversed(numbers[-2:]):
        if last_seq < 0:
            last_seq = _last_seq(segment_path(place, number))
        statement = last_statement(statements_path(place, number), key)
        if statement is not None:
            signed_seq, signed_at = statement.seq, statement.at
            break
    return StreamStatus(
        stream=stream,
        segments=len(numbers),
        size_bytes=sum(segment_path(place, number).stat().st_size for number in numbers),
        last_seq=last_seq,
        indexed_seq=indexed_seq,
        signed_seq=signed_seq,
        signed_at=signed_at,
        truncated=last_seq < max(indexed_seq, signed_seq),
    )


def _last_seq(path: Path) -> int:
    with path.open("rb") as file:
        end = find_end(file.fileno())
    try:
        return read_line(end.last_line).seq if end.last_line is not None else -1
    except BrokenLine:
        return -1
