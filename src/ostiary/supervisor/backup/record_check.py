"""Checks the audit log inside a backup, with the key that lies beside it."""

from pathlib import Path

from ostiary.errors import OstiaryError
from ostiary.visibility.adapters.verification import find_streams, read_public_key, verify_files


def damage_in(audit: Path, public_key: Path | None = None) -> tuple[str, ...]:
    """Return what is wrong with a copy of an audit log, one sentence a finding; empty when nothing is.

    An instance that never recorded anything has no log and nothing wrong with it.

    Args:
        audit: the folder.
        public_key: the key to check with, when it is not the one beside the log.
    """
    if not audit.is_dir() or not any(audit.rglob("*.jsonl")):
        return ()
    try:
        key = read_public_key(audit, public_key)
        reports = [verify_files(audit, stream, key) for stream in find_streams(audit)]
    except OstiaryError as error:
        return (str(error),)
    return tuple(f"{report.stream}: {finding.words}" for report in reports for finding in report.findings)
