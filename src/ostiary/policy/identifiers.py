"""One type per kind of identifier, so that a session is never passed where a person is meant.

Identifiers are compared byte for byte. What a person may type as an identifier is checked here and nowhere else.
"""

import re
from typing import NewType

from ostiary.errors import OstiaryError

PersonId = NewType("PersonId", str)
ServiceId = NewType("ServiceId", str)
GroupId = NewType("GroupId", str)
AppId = NewType("AppId", str)
DeviceId = NewType("DeviceId", str)
SessionId = NewType("SessionId", str)
RuleName = NewType("RuleName", str)
Label = NewType("Label", str)
PolicyVersion = NewType("PolicyVersion", str)
Generation = NewType("Generation", int)

BREAK_GLASS = RuleName("break-glass")
NO_RULE = RuleName("default")
RESERVED_RULE_NAMES = frozenset({BREAK_GLASS, NO_RULE})
"""What stands on record in a rule's place: an emergency sign-in, and that no rule decided. No rule may be named so."""

MAX_SLUG_CHARACTERS = 63
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.ASCII)


class MalformedIdentifier(OstiaryError):
    """An identifier has a form that could be mistaken for another one."""


def parse_slug(text: str, *, what: str) -> str:
    """Return `text` if it is a slug: 1 to 63 of `a-z`, `0-9` and inner `-`.

    Args:
        text: what was typed.
        what: the kind of thing, for the message: "group", "app", "rule".

    Raises:
        MalformedIdentifier: for anything else, with the characters that are allowed.
    """
    if len(text) <= MAX_SLUG_CHARACTERS and _SLUG.fullmatch(text):
        return text
    shown = text if len(text) <= 40 else text[:40] + "…"
    raise MalformedIdentifier(
        f"{shown!r} cannot name a {what}.",
        hint=f"Use 1 to {MAX_SLUG_CHARACTERS} small letters a-z, digits and inner hyphens.",
    )


def parse_rule_name(text: str) -> RuleName:
    """Return `text` if a rule may be named so.

    Raises:
        MalformedIdentifier: for what is no slug, and for names that mean something else in the record.
    """
    name = RuleName(parse_slug(text, what="rule"))
    if name in RESERVED_RULE_NAMES:
        raise MalformedIdentifier(
            f"{text!r} cannot name a rule.", hint="It means something else in the record. Choose another name."
        )
    return name
