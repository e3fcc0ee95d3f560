"""The `[mail]` table becomes Django's settings."""

from pathlib import Path

import pytest

from ostiary.config.mail import UnusableMailSettings, mail_settings
from ostiary.config.schema import Mail

FOLDER = Path("/somewhere")


def test_files_are_the_default() -> None:
    settings = mail_settings(Mail(), domain="example.com", folder=FOLDER)
    assert settings["EMAIL_BACKEND"].endswith("filebased.EmailBackend")
    assert settings["EMAIL_FILE_PATH"] == "/somewhere"
    assert settings["DEFAULT_FROM_EMAIL"] == "ostiary@example.com"


def test_smtp_with_a_password_file(tmp_path: Path) -> None:
    secret = tmp_path / "smtp"
    secret.write_text("s3cret\n")
    mail = Mail(
        transport="smtp", host="mail.example.com", username="u", password_file=str(secret), sender="it@example.com"
    )
    settings = mail_settings(mail, domain="example.com", folder=FOLDER)
    assert settings["EMAIL_HOST_PASSWORD"] == "s3cret"
    assert (settings["EMAIL_USE_TLS"], settings["EMAIL_USE_SSL"], settings["EMAIL_PORT"]) == (True, False, 587)
    assert settings["DEFAULT_FROM_EMAIL"] == "it@example.com"
    assert settings["EMAIL_TIMEOUT"] > 0


def test_tls_from_the_start() -> None:
    mail = Mail(transport="smtp", host="mail.example.com", port=465, security="tls")
    settings = mail_settings(mail, domain="example.com", folder=FOLDER)
    assert (settings["EMAIL_USE_TLS"], settings["EMAIL_USE_SSL"]) == (False, True)


def test_console() -> None:
    settings = mail_settings(Mail(transport="console"), domain="example.com", folder=FOLDER)
    assert settings["EMAIL_BACKEND"].endswith("console.EmailBackend")


def test_what_cannot_work_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(UnusableMailSettings):
        mail_settings(Mail(transport="smtp"), domain="example.com", folder=FOLDER)
    mail = Mail(transport="smtp", host="h", password_file=str(tmp_path / "absent"))
    with pytest.raises(UnusableMailSettings):
        mail_settings(mail, domain="example.com", folder=FOLDER)
