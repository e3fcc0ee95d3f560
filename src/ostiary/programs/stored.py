"""Gives programs their tokens, finds whose a token is, and takes tokens back. Transactions and the record are their rooms'."""

import difflib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from ostiary.programs.models import AskingProgramRow, ProgramRow
from ostiary.programs.tokens import TOKEN_BYTES, digest_of, token_from

USED_EVERY: Final = timedelta(minutes=1)
_SHOWN_CHARACTERS: Final = 40

Row = TypeVar("Row", bound=ProgramRow)
Asking = TypeVar("Asking", bound=AskingProgramRow)


def new_token() -> tuple[str, str]:
    """Return a new token, and what is kept of it: its SHA-256 in hexadecimal."""
    token = token_from(secrets.token_bytes(TOKEN_BYTES))
    return token, digest_of(token).hex()


def lock_program(kind: type[Row], name: str) -> Row | None:
    """Return a program of whatever standing, locked until the transaction ends; `None` when there is none."""
    return kind._default_manager.select_for_update().filter(pk=name).first()


def lock_unrevoked(kind: type[Row], name: str) -> Row | None:
    """Return a program whose token is not revoked, locked until the transaction ends; `None` when there is none."""
    return kind._default_manager.select_for_update().filter(pk=name, revoked_at=None).first()


def lock_all_unrevoked(kind: type[Row]) -> list[Row]:
    """Return every program whose token is not revoked, locked until the transaction ends."""
    return list(kind._default_manager.select_for_update().filter(revoked_at=None))


def give_token(row: ProgramRow, *, seconds: float, by: str, new: bool) -> str:
    """Store a program with a new token, in place of any it had, and return the token, which is kept nowhere.

    Args:
        row: the program, with whatever else its room says of it.
        seconds: how long the token works.
        by: whom people know as the one who adds it.
        new: whether there is no such program yet.
    """
    token, row.digest = new_token()
    row.added_at, row.added_by = datetime.now(UTC), by
    row.expires_at, row.revoked_at = row.added_at + timedelta(seconds=seconds), None
    row.save(force_insert=new, force_update=not new)
    return token


def take_token_back(row: ProgramRow) -> None:
    """Let a program's token be worth nothing from now on."""
    row.revoked_at = datetime.now(UTC)
    row.save(update_fields=["revoked_at"])


def find_asking(kind: type[Asking], digest: str) -> Asking | None:
    """Return whose token has this digest, and note that it was used; `None` for one that is unknown, revoked or expired."""
    row = kind._default_manager.filter(digest=digest).first()
    if row is None or not row.works:
        return None
    now = datetime.now(UTC)
    if row.used_at is None or row.used_at < now - USED_EVERY:
        kind._default_manager.filter(pk=row.pk).update(used_at=now)
    return row


def similar_name(kind: type[ProgramRow], name: str) -> str:
    """Return the name most like one, of programs whose token is not revoked; empty when none is like it."""
    names = kind._default_manager.filter(revoked_at=None).values_list("pk", flat=True)
    return next(iter(difflib.get_close_matches(name, names, n=1)), "")


def shown_name(name: str) -> str:
    """Return a name as a message quotes it."""
    return repr(name if len(name) <= _SHOWN_CHARACTERS else name[:_SHOWN_CHARACTERS] + "…")
