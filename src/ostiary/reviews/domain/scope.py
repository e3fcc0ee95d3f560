"""What a campaign covers. Pure."""

import re
from enum import StrEnum
from typing import Final

import msgspec

from ostiary.errors import OstiaryError

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_LABEL: Final = re.compile(r"[a-z0-9][a-z0-9:._-]{0,62}", re.ASCII)


class UnreadableScope(OstiaryError):
    """What a campaign is to cover cannot be read."""


class ScopeKind(StrEnum):
    """By what a campaign is narrowed. `LABEL` is the sensitivity of apps."""

    EVERYTHING = "everything"
    APP = "app"
    GROUP = "group"
    ROLE = "role"
    LABEL = "label"


class Scope(msgspec.Struct, frozen=True):
    """What a campaign covers; `name` is empty for everything."""

    kind: ScopeKind
    name: str = ""

    @property
    def text(self) -> str:
        """How it is written: `everything`, `app:wiki`, `label:restricted`."""
        return f"{self.kind}:{self.name}" if self.name else str(self.kind)


def parse_scope(text: str) -> Scope:
    """Return what a campaign is to cover.

    Raises:
        UnreadableScope: for anything but `everything`, `app:…`, `group:…`, `role:…` and `label:…`.
    """
    words = text.strip()
    kind, colon, name = words.partition(":")
    if not colon and kind == ScopeKind.EVERYTHING:
        return Scope(ScopeKind.EVERYTHING)
    shape = _LABEL if kind == ScopeKind.LABEL else _NAME
    if colon and kind in set(ScopeKind) - {ScopeKind.EVERYTHING} and shape.fullmatch(name):
        return Scope(ScopeKind(kind), name)
    raise UnreadableScope(
        f"{words[:60]!r} is nothing that can be reviewed.",
        hint="Say everything, app:NAME, group:NAME, role:NAME or label:NAME.",
    )
