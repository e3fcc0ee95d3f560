"""Turns the database URL into Django's settings: SQLite beside the instance, or PostgreSQL."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ostiary.errors import OstiaryError


class UnusableDatabaseUrl(OstiaryError):
    """The database URL names something Ostiary cannot use."""


def database_settings(url: str, sqlite_file: Path) -> dict[str, Any]:
    """Return one entry of Django's `DATABASES`.

    Args:
        url: empty for SQLite, otherwise `postgresql://user:password@host:port/name?option=value`.
        sqlite_file: where SQLite keeps its file.
    """
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(sqlite_file),
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=20000;",
            },
        }
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise UnusableDatabaseUrl(
            f"The database URL starts with {parts.scheme or 'nothing'!r}.",
            hint="Write postgresql://user:password@host/name, or leave it empty for SQLite.",
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": dict(parse_qsl(parts.query)),
    }
