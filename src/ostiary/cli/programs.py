"""How commands list programs that have tokens, show a new token and take one back. What each program may do is its command's."""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Protocol, TypeVar

import msgspec
import typer

from ostiary.cli.moments import day_and_time
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import confirm, print_done, print_json, print_note, print_outcome, print_table, print_text
from ostiary.programs.tokens import Program

if TYPE_CHECKING:
    from ostiary.config.places import Instance
    from ostiary.visibility.facade import Actor

ExpiresOption = Annotated[
    str, typer.Option(metavar="TIME", help="How long the token works: hours, days or weeks, 1h to 3650d.")
]
Known = TypeVar("Known", bound=Program)
Column = tuple[str, Callable[[Known], object]]


class Revoke(Protocol):
    """What takes a program's token back."""

    def __call__(self, name: str, /, *, actor: "Actor", reason: str) -> Program:
        """Take it back."""
        ...


def state_of(program: Program) -> str:
    """Return how a program stands, in a word."""
    if program.revoked_at is not None:
        return "revoked"
    return "works" if program.works(time.time()) else "expired"


def until(program: Program) -> str | None:
    """Return until when a program's token works, or worked."""
    return day_and_time(program.expires_at if program.revoked_at is None else program.revoked_at)


def entry_of(program: Program) -> dict[str, object]:
    """Return what programs read of one: everything that is known, and how it stands."""
    return {**msgspec.structs.asdict(program), "state": state_of(program)}


def list_programs(programs: Iterable[Known], columns: Iterable[Column[Known]], *, empty: str, as_json: bool) -> None:
    """List programs.

    Args:
        programs: which.
        columns: for people: each heading with what stands below it.
        empty: the sentence when there is none.
        as_json: for programs instead.
    """
    found, headings = tuple(programs), tuple(columns)
    if as_json:
        print_json([entry_of(one) for one in found])
        return
    rows = [[cell(one) for _heading, cell in headings] for one in found]
    print_table([heading for heading, _cell in headings], rows, empty=empty)


def show_new_token(token: str, *, may: str, note: str = "") -> None:
    """Show a token for the one time.

    Args:
        token: the token.
        may: who may what until when, as the beginning of a sentence.
        note: what else is to be known.
    """
    print_text(token)
    print_done(f"{may}. Keep the token now: it is shown this once.")
    if note:
        print_note(note)


def take_back(
    name: str, call: Revoke, *, consequence: str, done: str, reason: str, yes: bool, as_json: bool
) -> None:  # fmt: skip
    """Take a program's token back, when the person agrees.

    Args:
        name: whose.
        call: what does it.
        consequence: what will happen, as a sentence.
        done: what has happened, as one.
        reason: why, for the record.
        yes: whether the person agreed already.
        as_json: print the program for programs instead of the sentence.
    """
    confirm(consequence, yes=yes)
    print_outcome(entry_of(call(name, reason=reason, actor=operator_actor())), done, as_json=as_json)


def say_when_switched_off(instance: "Instance", room: str, words: str) -> None:
    """Remind the operator that nothing happens yet, because the room is switched off in ostiary.toml."""
    if not getattr(instance.configuration, room).enabled:
        print_note(f"{words} yet: set {room}.enabled = true in ostiary.toml, then ostiary up.")
