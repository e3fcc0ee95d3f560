"""Turns the database URL into Django's settings: SQLite beside the instance, or PostgreSQL."""

from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ostiary.errors import OstiaryError


class UnusableDatabaseUrl(OstiaryError):
    """The database URL names something Ostiary cannot use."""


def database_settings(url: str, sqlite_file: Path) -> dict[str, Any]:
    """Return one entry of Django's `DATABASES`.

    Args:
        url: empty for SQLite, otherwise `postgresql://user:password@host:port/name?option=value`.
        sqlite_file: where SQLite keeps its file.

    Raises:
        UnusableDatabaseUrl: when the URL names no PostgreSQL database.
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
    parts = _split(url)
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


def check_database_url(url: str) -> None:
    """Return when the URL can be used; empty (SQLite) can.

    Raises:
        UnusableDatabaseUrl: otherwise. The message never repeats the URL, which holds a password.
    """
    if url:
        _split(url)


def masked_database_url(url: str) -> str:
    """Return the URL with its password replaced, fit to print."""
    if not url:
        return ""
    parts = _split(url)
    if parts.password is None:
        return url
    user, _, rest = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user.partition(':')[0]}:***@{rest}").geturl()


def _split(url: str) -> SplitResult:
    hint = "Write postgresql://user:password@host/name, or leave it empty for SQLite."
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError as error:
        raise UnusableDatabaseUrl(f"The database URL cannot be read: {error}.", hint=hint) from None
    if parts.scheme not in {"postgresql", "postgres"}:
        raise UnusableDatabaseUrl(f"The database URL starts with {parts.scheme or 'nothing'!r}.", hint=hint)
    if not parts.path.strip("/"):
        raise UnusableDatabaseUrl("The database URL names no database.", hint=hint)
    return parts
