"""How commands speak: results on standard output, everything else on standard error, exit codes with a meaning.

Colour and progress appear only when a person is looking. What a command does lives in its own module.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Annotated

import msgspec
import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from ostiary.errors import OstiaryError


class ExitCode(IntEnum):
    """What a script can rely on."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    CONFIGURATION = 4
    FINDINGS = 5
    INTERRUPTED = 130


EXIT_CODES = {
    ExitCode.OK: "it is done",
    ExitCode.FAILED: "it failed; the message says why and what to do next",
    ExitCode.USAGE: "the command line is wrong",
    ExitCode.REFUSED: "refused, or confirmation is needed: say --yes",
    ExitCode.CONFIGURATION: "ostiary.toml, a secret or an environment override cannot be used; nothing was done",
    ExitCode.FINDINGS: "the command ran and found something wrong (status, doctor, checks)",
    ExitCode.INTERRUPTED: "interrupted with Ctrl-C",
}

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
ReasonOption = Annotated[str, typer.Option(help="Why, for the record.")]


class NeedsConfirmation(OstiaryError):
    """The command changes something that is hard to take back and nobody confirmed it."""


class Refused(OstiaryError):
    """The command will not do this, whoever asks; nothing was changed."""


def result_console() -> Console:
    """Return the console for results: plain and unwrapped unless standard output is a terminal."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, no_color=True, width=10_000, soft_wrap=True)


def note_console() -> Console:
    """Return the console for everything that is not a result (standard error)."""
    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def examples(*commands: str) -> str:
    """Return an epilog for `--help`: real command lines, one a line.

    Args:
        commands: what to type, without a prompt. At least two.
    """
    return "\n".join(["[dim]Examples[/dim]", *(f"[dim]$[/dim] {escape(command)}" for command in commands)])


def print_json(value: object) -> None:
    """Print one JSON document; msgspec structs, dataclasses, moments and paths are understood."""
    plain = msgspec.to_builtins(value, enc_hook=str)
    sys.stdout.write(json.dumps(plain, indent=2, ensure_ascii=False) + "\n")


def print_text(text: str) -> None:
    """Print a result in words, verbatim."""
    sys.stdout.write(text.rstrip("\n") + "\n")


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str, right: Sequence[str] = ()
) -> None:
    """Print an aligned table.

    Args:
        columns: the headings.
        rows: one cell a column; `None` prints as an en dash.
        empty: the sentence to print instead when there is no row: what this is and the next command.
        right: headings of columns that hold numbers.
    """
    cells = [["–" if cell is None else str(cell) for cell in row] for row in rows]
    if not cells:
        print_note(empty)
        return
    table = Table(box=box.SIMPLE_HEAD if sys.stdout.isatty() else None, show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in cells:
        table.add_row(*(escape(cell) for cell in row))
    result_console().print(table)


def print_note(text: str) -> None:
    """Print a remark for the person at the terminal, on standard error."""
    note_console().print(escape(text))


def print_done(text: str) -> None:
    """Say on standard error that something was done."""
    note_console().print(f"[green]✓[/green] {escape(text)}")


def print_outcome(value: object, words: str, *notes: str, as_json: bool) -> None:
    """Say what a command did: the thing it did it to, as JSON for programs, or words for people.

    Args:
        value: the thing as it is now.
        words: what was done, as a sentence.
        notes: what to know or do next, each as a line.
        as_json: for programs.
    """
    if as_json:
        print_json(value)
        return
    print_done(words)
    for note in notes:
        print_note(note)


def print_error(error: OstiaryError) -> None:
    """Print what happened and, below it, what to type next."""
    console = note_console()
    console.print(f"[bold red]Error:[/bold red] {escape(error.message)}")
    if error.hint:
        console.print(f"  {escape(error.hint)}")


def confirm(consequence: str, *, yes: bool) -> None:
    """Return when the person agrees to a consequence.

    Args:
        consequence: what will happen, as a sentence that ends in a full stop.
        yes: the `--yes` flag.

    Raises:
        NeedsConfirmation: when they do not, or when nobody is there to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise NeedsConfirmation(consequence, hint="Nothing was changed. Say --yes to go ahead.")
    if not typer.confirm(f"{consequence} Go ahead?", default=False, err=True):
        raise NeedsConfirmation("Nothing was changed.")


@contextmanager
def progress(description: str, *, total: float | None = None) -> Iterator["Step"]:
    """Show progress with an estimate while a block runs, on standard error and only on a terminal.

    Args:
        description: what is happening.
        total: how many units there are; `None` when that is not known.
    """
    columns = [SpinnerColumn(), TextColumn("{task.description}")]
    if total is None:
        bar = Progress(*columns, TimeElapsedColumn(), console=note_console(), transient=True)
    else:
        bar = Progress(*columns, BarColumn(), TimeRemainingColumn(), console=note_console(), transient=True)
    bar.disable = not sys.stderr.isatty()
    with bar:
        yield Step(bar, bar.add_task(escape(description), total=total))


class Step:
    """A handle on the progress line."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar = bar
        self._task = task

    def advance(self, amount: float = 1) -> None:
        """Count `amount` units as done."""
        self._bar.advance(self._task, amount)

    def say(self, description: str) -> None:
        """Change what the line says is happening."""
        self._bar.update(self._task, description=escape(description))


def quiet_logs(level: str) -> None:
    """Send what the rooms log to standard error, and only from this level up: a command's output is its result."""
    import logging

    import structlog

    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def exit_code_of(error: BaseException) -> ExitCode:
    """Return the exit code for an error that reached the edge."""
    from ostiary.config.loader import ConfigurationError
    from ostiary.config.secrets import MissingSecret

    if isinstance(error, NeedsConfirmation | Refused):
        return ExitCode.REFUSED
    if isinstance(error, ConfigurationError | MissingSecret):
        return ExitCode.CONFIGURATION
    return ExitCode.FAILED
