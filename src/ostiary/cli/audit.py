"""`ostiary audit`: checks the record, shows, follows and exports it. What is printed of it lives in `audit_words`.

`verify` and `public-key` need no instance to run, no database and no Django: the files and a key are enough.
"""

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ostiary.cli.audit_words import inputs_of, print_record, print_report
from ostiary.cli.moments import SinceOption, UntilOption, moment_of
from ostiary.cli.output import (
    ExitCode,
    JsonOption,
    examples,
    print_done,
    print_json,
    print_note,
    print_table,
    print_text,
)
from ostiary.config.loader import find_home, load_instance
from ostiary.config.secrets import AUDIT_KEY, read_secret
from ostiary.errors import OstiaryError
from ostiary.visibility.adapters.log_reader import Position, read_on
from ostiary.visibility.adapters.segments import STREAMS, find_end, list_segments, segment_path
from ostiary.visibility.adapters.verification import find_streams, read_public_key, verify_files
from ostiary.visibility.domain.statement import key_id, load_signing_key, public_pem
from ostiary.visibility.domain.verification import ExpectedHead

app = typer.Typer(help="Check, search and export the record.", no_args_is_help=True)
_POLL_SECONDS = 0.5
_TAIL_LINES = 20

StreamOption = Annotated[str, typer.Option("--stream", help="decisions, control or requests.")]


class BadHead(OstiaryError):
    """A remembered line on the command line cannot be read."""


@app.command(
    epilog=examples(
        "ostiary audit verify",
        "ostiary audit verify /mnt/backup/audit --public-key audit.pem",
        "ostiary audit verify --stream decisions --expect-head decisions:4711:9f2c…",
    )
)
def verify(
    path: Annotated[
        Path | None,
        typer.Argument(help="The audit folder, from any machine. [dim]the instance's own[/dim]", show_default=False),
    ] = None,
    stream: Annotated[str, typer.Option("--stream", help="Only this one.", show_default=False)] = "",
    public_key: Annotated[
        Path | None,
        typer.Option(
            "--public-key", help="The key you wrote down. [dim]the one beside the log[/dim]", show_default=False
        ),
    ] = None,
    expect_head: Annotated[
        list[str] | None,
        typer.Option("--expect-head", help="STREAM:LINE:HASH as an earlier check printed it; repeatable."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Find records that were changed, removed, moved or cut off. Works offline, on a copy, as anybody."""
    folder = path or load_instance(find_home()).audit
    key = read_public_key(folder, public_key)
    expected = dict(_expected_head(text) for text in expect_head or ())
    streams = [stream] if stream else sorted({*find_streams(folder), *expected})
    reports = [verify_files(folder, name, key, expected=expected.get(name)) for name in streams]
    intact = all(report.intact for report in reports)
    if as_json:
        print_json({"intact": intact, "key_id": key_id(key), "key_from_log": public_key is None, "streams": reports})
    else:
        for report in reports:
            print_report(report)
        if public_key is None:
            print_note("The key came from the folder itself. Against whoever can write there, use --public-key.")
        if intact:
            print_done("Nothing was changed, removed or moved.")
    if not intact:
        raise typer.Exit(ExitCode.FINDINGS)


@app.command("public-key", epilog=examples("ostiary audit public-key > audit.pem", "ostiary audit public-key --json"))
def public_key(as_json: JsonOption = False) -> None:
    """Print the public key to write down and keep elsewhere; it checks the record on any machine."""
    instance = load_instance(find_home())
    key = load_signing_key(read_secret(instance.secrets, AUDIT_KEY).reveal()).public_key()
    pem = public_pem(key).decode()
    if as_json:
        print_json({"key_id": key_id(key), "public_key": pem})
    else:
        print_text(pem)


@app.command(epilog=examples("ostiary audit show 7F3K9-2QXAB", "ostiary audit show 7f3k92qxab --json"))
def show(
    reference: Annotated[str, typer.Argument(help="The reference on the refusal page.")],
    as_json: JsonOption = False,
) -> None:
    """Show one decision and every input it was decided on."""
    from ostiary.cli.django import setup

    setup()
    from ostiary.visibility.facade import get_decision

    record = get_decision(reference)
    if as_json:
        print_json({"outcome": record.outcome, **msgspec.to_builtins(record)})
    else:
        print_table(("Input", "Value"), inputs_of(record), empty="")


@app.command(epilog=examples("ostiary audit tail --follow", "ostiary audit tail --stream control --json"))
def tail(
    stream: StreamOption = "decisions",
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, max=10_000, help="How many to begin with.")
    ] = _TAIL_LINES,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as records are written.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the newest records of one stream."""
    audit = load_instance(find_home()).audit
    bodies, position = _newest(audit, _known(stream), lines)
    for body in bodies:
        print_record(body, as_json=as_json)
    if not bodies and not follow:
        print_note(f"The stream {stream!r} holds nothing yet.")
    while follow:
        time.sleep(_POLL_SECONDS)
        batch = read_on(audit, stream, position, limit=1000)
        position = batch.position if not batch.lost else Position()
        for placed in batch.lines:
            if placed.line is not None and placed.line.kind == "event":
                print_record(placed.line.body, as_json=as_json)


@app.command(
    epilog=examples("ostiary audit export --since 2026-11-01 > november.jsonl", "ostiary audit export --since 24h")
)
def export(
    since: SinceOption = "",
    until: UntilOption = "",
    stream: StreamOption = "decisions",
    form: Annotated[str, typer.Option("--format", help="jsonl: one OCSF event a line.")] = "jsonl",
) -> None:
    """Write the events of one stream as OCSF, one JSON object a line."""
    if form != "jsonl":
        raise typer.BadParameter("only jsonl is known", param_hint="--format")
    audit = load_instance(find_home()).audit
    now = datetime.now(UTC)
    first_ms = int(moment_of(since, now) * 1000) if since else 0
    end_ms = int(moment_of(until, now) * 1000) if until else sys.maxsize
    written = 0
    for body in _bodies(audit, _known(stream)):
        at = _time_of(body)
        if first_ms <= at < end_ms:
            sys.stdout.buffer.write(body + b"\n")
            written += 1
    sys.stdout.buffer.flush()
    print_note(f"{written} events.")


class _Time(msgspec.Struct):
    time: int = 0


def _time_of(body: bytes) -> int:
    try:
        return msgspec.json.decode(body, type=_Time).time
    except (msgspec.MsgspecError, ValueError):
        return 0


def _known(stream: str) -> str:
    if stream not in STREAMS:
        raise typer.BadParameter(f"{stream!r} is none of {', '.join(STREAMS)}", param_hint="--stream")
    return stream


def _expected_head(text: str) -> tuple[str, ExpectedHead]:
    stream, _, rest = text.partition(":")
    seq, _, digest = rest.partition(":")
    if not (seq.isascii() and seq.isdigit() and len(digest) == 64):
        raise BadHead(
            f"{text!r} is no remembered line.", hint="Write STREAM:LINE:HASH as `ostiary audit verify` prints it."
        )
    return stream, ExpectedHead(int(seq), digest.lower())


def _bodies(audit: Path, stream: str) -> Iterator[bytes]:
    position = Position()
    while True:
        batch = read_on(audit, stream, position, limit=2000)
        if not batch.lines:
            return
        position = batch.position
        for placed in batch.lines:
            if placed.line is not None and placed.line.kind == "event":
                yield placed.line.body


def _newest(audit: Path, stream: str, wanted: int) -> tuple[list[bytes], Position]:
    """The newest records, from the newest segments only."""
    bodies: list[bytes] = []
    numbers = list_segments(audit / stream)
    end = Position()
    for number in reversed(numbers):
        found: list[bytes] = []
        position = Position(number, 0, -1)
        while (batch := read_on(audit, stream, position, limit=2000)).lines and batch.lines[0].segment == number:
            found += [p.line.body for p in batch.lines if p.line is not None and p.line.kind == "event"]
            del found[: -wanted or len(found)]
            position = batch.position
        bodies = [*found, *bodies][-wanted:] if wanted else []
        if number == numbers[-1]:
            end = position if position.offset else Position(number, _length(segment_path(audit / stream, number)), -1)
        if len(bodies) >= wanted:
            break
    return bodies, end


def _length(path: Path) -> int:
    with path.open("rb") as file:
        return find_end(file.fileno()).good_bytes
