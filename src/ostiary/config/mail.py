"""Turns the `[mail]` table into Django's settings: SMTP, files in the instance's folder, or the console."""

from pathlib import Path
from typing import Any

from ostiary.config.schema import Mail
from ostiary.errors import OstiaryError


class UnusableMailSettings(OstiaryError):
    """The `[mail]` table cannot be used as it stands."""


def mail_settings(mail: Mail, *, domain: str, folder: Path) -> dict[str, Any]:
    """Return Django's `EMAIL_*` settings.

    Args:
        mail: the table.
        domain: of the instance, for the sender when none is set.
        folder: where messages go with `transport = "files"`.

    Raises:
        UnusableMailSettings: when SMTP lacks a host or its password file cannot be read.
    """
    sender = mail.sender or f"ostiary@{domain}"
    common: dict[str, Any] = {"DEFAULT_FROM_EMAIL": sender, "SERVER_EMAIL": sender, "EMAIL_TIMEOUT": 15}
    if mail.transport == "files":
        return {
            **common,
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": str(folder),
        }
    if mail.transport == "console":
        return {**common, "EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    if not mail.host:
        raise UnusableMailSettings(
            "`mail.transport` is smtp and `mail.host` is empty.", hint="Name the mail server in ostiary.toml."
        )
    return {
        **common,
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": mail.host,
        "EMAIL_PORT": mail.port,
        "EMAIL_HOST_USER": mail.username,
        "EMAIL_HOST_PASSWORD": _password(mail),
        "EMAIL_USE_TLS": mail.security == "starttls",
        "EMAIL_USE_SSL": mail.security == "tls",
    }


def _password(mail: Mail) -> str:
    if not mail.password_file:
        return ""
    try:
        return Path(mail.password_file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UnusableMailSettings(
            f"`mail.password_file` {mail.password_file} cannot be read ({error.strerror})."
        ) from None
