"""Is what belongs to the instance in order: its files, secrets, certificate, database, mail? Needs Django for the database."""

import os
import smtplib
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ostiary.config.places import Instance
from ostiary.config.secrets import ASSERTION_KEY, AUDIT_KEY, RANDOM_KEYS, MissingSecret, read_secret
from ostiary.errors import OstiaryError
from ostiary.supervisor.diagnosis.finding import Finding, fine, problem, warning

SMTP_TIMEOUT_SECONDS = 10
WARNING_DAYS = 14


def check_secrets(instance: Instance) -> Iterator[Finding]:
    """Read every secret as the processes do."""
    wrong = []
    for name in (*RANDOM_KEYS, ASSERTION_KEY, AUDIT_KEY):
        try:
            read_secret(instance.secrets, name)
        except MissingSecret as error:
            wrong.append(problem("secrets", error.message, error.hint))
    yield from wrong
    if not wrong:
        yield fine("secrets", "Every secret is there, and only its owner can read it.")


def check_permissions(instance: Instance) -> Iterator[Finding]:
    """Look for places that others can read or that belong to somebody else."""
    owner = instance.home.stat().st_uid
    wrong = []
    for path in _places(instance):
        status = path.lstat()
        if status.st_uid != owner:
            wrong.append(problem("permissions", f"{path} belongs to another user.", f"chown -R {owner} {path}"))
        elif status.st_mode & 0o007:
            wrong.append(warning("permissions", f"Everybody on the machine can read {path}.", f"chmod o-rwx {path}"))
        elif not os.access(path, os.R_OK | (os.W_OK if path.is_dir() else 0)):
            wrong.append(problem("permissions", f"{path} cannot be used by this user.", f"chmod u+rw {path}"))
    yield from wrong
    if not wrong:
        yield fine("permissions", "Nobody else can read the instance.")


def _places(instance: Instance) -> Iterator[Path]:
    for path in (
        instance.home / "ostiary.toml",
        instance.secrets,
        instance.state,
        instance.run,
        instance.logs,
        instance.audit,
        instance.database,
    ):
        if path.exists():
            yield path


def check_tls(instance: Instance) -> Iterator[Finding]:
    """Read the operator's certificate and key, when there are some."""
    tls = instance.configuration.tls
    if tls.mode == "private":
        yield fine("tls", "The gateway's certificate comes from the instance's own authority.")
        return
    mend = "Correct tls.certificate and tls.key in ostiary.toml, or renew the certificate."
    try:
        chain = x509.load_pem_x509_certificates(Path(tls.certificate).read_bytes())
        key = load_pem_private_key(Path(tls.key).read_bytes(), password=None)
    except OSError as error:
        yield problem("tls", f"{error.filename} cannot be read ({error.strerror}).", mend)
        return
    except (ValueError, TypeError) as error:
        yield problem("tls", f"The certificate or its key is no PEM that can be used: {str(error)[:200]}", mend)
        return
    yield from _certificate_findings(instance, chain[0], same_key=chain[0].public_key() == key.public_key(), mend=mend)


def _certificate_findings(
    instance: Instance, leaf: x509.Certificate, *, same_key: bool, mend: str
) -> Iterator[Finding]:
    days = (leaf.not_valid_after_utc - datetime.now(UTC)).total_seconds() / 86400
    host = instance.identity_host
    if not same_key:
        yield problem("tls", "The key does not belong to the certificate.", mend)
    elif days <= 0:
        yield problem("tls", f"The certificate ended on {leaf.not_valid_after_utc:%d %B %Y}.", mend)
    elif not _covers(leaf, host):
        yield problem(
            "tls", f"The certificate does not cover {host}.", f"Get one for *.{instance.configuration.domain}."
        )
    elif days < WARNING_DAYS:
        yield warning("tls", f"The certificate ends in {days:.0f} days.", mend)
    else:
        yield fine("tls", f"The certificate lasts {days:.0f} more days.")


def _covers(leaf: x509.Certificate, host: str) -> bool:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
            x509.DNSName
        )
    except x509.ExtensionNotFound:
        return False
    return host in names or f"*.{host.partition('.')[2]}" in names


def check_database() -> Iterator[Finding]:
    """Reach the database and compare it with the code."""
    from ostiary.supervisor.upgrade import DatabaseUnreachable, database_standing  # noqa: PLC0415 - needs Django

    try:
        standing = database_standing()
    except DatabaseUnreachable as error:
        yield problem("database", error.message, "Start it, or correct database.url in ostiary.toml.")
        return
    except OstiaryError as error:
        yield problem("database", error.message, error.hint)
        return
    if standing.unknown:
        yield problem(
            "database",
            f"A newer version of Ostiary changed it ({standing.unknown[-1]}).",
            "Install that version again.",
        )
    elif standing.pending:
        yield warning(
            "database",
            f"{len(standing.pending)} changes are pending.",
            "They are applied, after a backup, by the next start: ostiary up",
        )
    else:
        yield fine("database", "The database answers and is up to date.")


def check_mail(instance: Instance) -> Iterator[Finding]:
    """Sign in to the SMTP server, when there is one."""
    mail = instance.configuration.mail
    if mail.transport != "smtp":
        yield warning(
            "mail",
            f"Messages are not sent: mail.transport is {mail.transport!r}.",
            "Set [mail] in ostiary.toml; until then, hand invitation links over yourself.",
        )
        return
    where = f"{mail.host}:{mail.port}"
    try:
        password = Path(mail.password_file).read_text().strip() if mail.password_file else ""
        _try_smtp(instance, password)
    except (OSError, smtplib.SMTPException) as error:
        yield problem("mail", f"{where} cannot be used: {str(error)[:200]}", "Correct [mail] in ostiary.toml.")
    else:
        yield fine("mail", f"{where} takes messages.")


def _try_smtp(instance: Instance, password: str) -> None:
    mail = instance.configuration.mail
    context = ssl.create_default_context()
    if mail.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(mail.host, mail.port, timeout=SMTP_TIMEOUT_SECONDS, context=context)
    else:
        server = smtplib.SMTP(mail.host, mail.port, timeout=SMTP_TIMEOUT_SECONDS)
    with server:
        if mail.security == "starttls":
            server.starttls(context=context)
        if mail.username:
            server.login(mail.username, password)
        server.noop()
