"""What the commands about services read and print: names, files, and a service in words."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ostiary.cli.moments import day_and_time
from ostiary.errors import OstiaryError

if TYPE_CHECKING:
    from ostiary.workloads.facade import Service

MAX_FILE_BYTES = 200_000
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The service's name, as rules write it.")]


class UnreadableFile(OstiaryError):
    """A file on the command line cannot be read."""


def read_text(path: Path) -> str:
    """Return a short text file.

    Raises:
        UnreadableFile: when it is not there, too long, or no text.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UnreadableFile(f"{path} is too long for a key.")
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{path} cannot be read: {error}.") from None


def entry_of(service: "Service") -> dict[str, object]:
    """Return a service for programs."""
    return {**msgspec.structs.asdict(service), "state": service.state(time.time())}


def state_words(service: "Service", now: float) -> str:
    """Return how a service stands, and why where it is switched off."""
    state = service.state(now).value
    return f"{state} ({service.closed.value.replace('_', ' ')})" if service.closed is not None else state


def facts_of(service: "Service", now: float) -> Iterator[tuple[str, str | None]]:
    """Yield what is known of a service, a line each."""
    yield "Service", service.id
    yield "State", state_words(service, now)
    yield "Owner", (service.owner or "nobody") + (" (gone)" if service.owner and service.owner_gone else "")
    yield "Purpose", service.purpose or None
    yield "Ends", day_and_time(service.ends_at)
    yield "Tokens live", f"{service.token_seconds // 60} minutes"
    yield "Last used", day_and_time(service.used_at) if service.used_at else "never"
    yield "Made", f"{day_and_time(service.created_at)} by {service.created_by}"
    for key in service.keys:
        yield "Key", f"{key.id} ({key.kind}), last used {day_and_time(key.used_at) if key.used_at else 'never'}"
    for one in service.trusts:
        claims = ", ".join(f"{name}={value}" for name, value in sorted(one.claims.items()))
        yield (
            f"Issuer {one.id}",
            f"{one.issuer} for {one.audience}: {claims}{' (own keys)' if one.keys else ''}{', each token once' if one.once else ''}",
        )
