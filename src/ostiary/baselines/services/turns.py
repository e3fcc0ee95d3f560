"""One after the other, for what counts or changes what all devices share. Nothing else waits for it."""

import time
from enum import IntEnum
from typing import Final

from django.db import connection

_ROOM: Final = 0x0BA5E
"""Sets these locks apart from any others in the database."""
WAY_SECONDS: Final = 0.15
"""Longer than whoever waits for SQLite sleeps at a time, which is a tenth of a second."""


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


def give_way() -> None:
    """Let whoever waits to write have their turn, between two transactions of one's own.

    SQLite has no queue: those who wait look now and then, and would not find it free between one and the next.

    Source: SQLite, `sqlite3_busy_timeout`.
    """
    if connection.vendor == "sqlite":
        time.sleep(WAY_SECONDS)
