"""One after the other, for what counts or changes what all devices share. Nothing else waits for it."""

from enum import IntEnum
from typing import Final

from django.db import connection

_ROOM: Final = 0x0BA5E
"""Sets these locks apart from any others in the database."""


class Turn(IntEnum):
    """For what one waits."""

    WRITING = 1
    BRAKING = 2


def take_turn(turn: Turn) -> None:
    """Wait until nobody else has this turn, and keep it until the transaction ends. Use inside one.

    SQLite has one writer at a time, whoever began one already has it.

    Source: PostgreSQL, Explicit Locking, Advisory Locks.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_ROOM, int(turn)])
