"""What the demo tells a person once everything is ready."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyotp

from ostiary.config.places import Instance
from ostiary.demo.company import APPS
from ostiary.demo.notes import FILE_NAME, Notes
from ostiary.supervisor.lock import is_locked

CODE_SECONDS = 30


def summary(instance: Instance, notes: Notes, now: float | None = None) -> str:
    """Return addresses, accounts with a code that works now, and what else there is to know."""
    return "\n".join(_lines(instance, notes, time.time() if now is None else now))


def _agent() -> str:
    beside = Path(sys.executable).with_name("ostiary-agent")
    return str(beside) if beside.exists() else "ostiary-agent"


def _lines(instance: Instance, notes: Notes, now: float) -> Iterator[str]:
    yield ""
    closed = "" if is_locked(instance.state) else " It is closed now: make demo opens it."
    yield f"  {instance.display_name}.{closed}"
    yield ""
    yield f"  {'Portal':<18} {instance.url(instance.identity_host)}"
    yield f"  {'Console':<18} {instance.url(instance.console_host)}"
    for app in APPS:
        yield f"  {app.name:<18} {instance.url(f'{app.id}.{instance.configuration.domain}')}"
    yield ""
    left = CODE_SECONDS - int(now) % CODE_SECONDS
    yield f"  Accounts (the codes change in {left} s; for an authenticator app, the secrets are in {FILE_NAME})"
    for account in notes.accounts:
        code = pyotp.TOTP(account.totp).at(int(now))
        yield f"    {account.email:<32} {account.password:<42} code {code}"
        yield f"    {'':<32} {account.story}"
    yield ""
    yield f"  Certificate authority, to import into the browser: {instance.authority_certificate}"
    yield f"  Passwords and secrets: {instance.home / FILE_NAME}"
    yield "  Readings opens on enrolled computers that keep their disk encrypted. To enrol this one, and see what it lacks:"
    yield f"    {_agent()} enrol {instance.url(instance.identity_host, '')} --ca {instance.authority_certificate}"
    yield "  New codes at any time: make demo CODES=1     A walk through it all: make demo CHECK=1"
    yield "  Ctrl-C stops everything."
    yield ""
