"""Whom an event is about, in the formats that are understood here, and how this instance names its own people.

Source: RFC 9493, section 3; OpenID SSF 1.0, section 3 (complex subjects); OpenID RISC 1.0, section 3 (`subject_type`).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from ostiary.outgoing.wording import fit
from ostiary.signals.domain.errors import RefusedSignal

MAX_CHARACTERS: Final = 500
MAX_MEMBERS: Final = 20
_MAX_ALIASES: Final = 20


class SubjectFormat(StrEnum):
    """How a receiver wants to read who it is."""

    ISS_SUB = "iss_sub"
    EMAIL = "email"


class Account(msgspec.Struct, frozen=True):
    """Somebody's account at an issuer."""

    issuer: str
    subject: str


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Whom an event is about.

    Args:
        accounts: the person, by issuer and subject.
        emails: the person, by address, in small letters.
        session: the one session it is about, as the transmitter calls it; empty for all.
        names: what stands on record.
        unread: members of a complex subject that nobody here looks at.
    """

    accounts: tuple[Account, ...] = ()
    emails: tuple[str, ...] = ()
    session: str = ""
    names: str = ""
    unread: tuple[str, ...] = ()

    @property
    def names_somebody(self) -> bool:
        """Whether a person could be found by it."""
        return bool(self.accounts or self.emails)


def read_subject(value: Any) -> Subject:
    """Return whom a `sub_id` means. Formats that are not understood name nobody, and are no error.

    Raises:
        RefusedSignal: when it is no subject identifier at all, or a member that its format demands is missing.
    """
    if not isinstance(value, Mapping) or len(value) > MAX_MEMBERS:
        raise _malformed("it is no object")
    match _format_of(value):
        case "complex":
            return _complex(value)
        case "aliases":
            identifiers = value.get("identifiers")
            if not isinstance(identifiers, list) or not 0 < len(identifiers) <= _MAX_ALIASES:
                raise _malformed("identifiers")
            return _together([_simple(one) for one in identifiers])
        case _:
            return _simple(value)


def subject_of(form: SubjectFormat, *, issuer: str, person_id: str, email: str, session: str = "") -> dict[str, Any]:
    """Return the `sub_id` by which this instance names somebody: a complex one where a single session is meant.

    Args:
        form: how the receiver wants to read it.
        issuer: this instance's.
        person_id: whose.
        email: theirs.
        session: the one session it is about; empty for all.
    """
    if form is SubjectFormat.EMAIL:
        user = {"format": "email", "email": email}
    else:
        user = {"format": "iss_sub", "iss": issuer, "sub": person_id}
    if not session:
        return user
    return {"format": "complex", "user": user, "session": {"format": "opaque", "id": session}}


def _format_of(value: Mapping[str, Any]) -> str:
    found = value.get("format", value.get("subject_type"))
    if found is None and any(isinstance(value.get(name), Mapping) for name in ("user", "session", "device")):
        return "complex"
    if not isinstance(found, str):
        raise _malformed("format")
    return found.replace("-", "_")


def _complex(value: Mapping[str, Any]) -> Subject:
    members = {name: one for name, one in value.items() if isinstance(one, Mapping)}
    user = _simple(members["user"]) if "user" in members else Subject()
    session = members.get("session", {})
    identifier = session.get("id", "")
    if not isinstance(identifier, str) or len(identifier) > MAX_CHARACTERS:
        raise _malformed("session")
    others = ", ".join(f"{name} {_describe(one)}" for name, one in sorted(members.items()) if name != "user")
    return Subject(
        accounts=user.accounts,
        emails=user.emails,
        session=identifier,
        names=fit("; ".join(filter(None, (user.names, others))), MAX_CHARACTERS),
        unread=tuple(sorted(members.keys() - {"user", "session"})),
    )


def _simple(value: Any) -> Subject:
    if not isinstance(value, Mapping) or len(value) > MAX_MEMBERS:
        raise _malformed("it is no object")
    match _format_of(value):
        case "iss_sub":
            account = Account(_text(value, "iss"), _text(value, "sub"))
            return Subject(accounts=(account,), names=fit(f"{account.subject} of {account.issuer}", MAX_CHARACTERS))
        case "email":
            email = _text(value, "email").strip().lower()
            return Subject(emails=(email,), names=fit(email, MAX_CHARACTERS))
        case _:
            return Subject(names=_describe(value))


def _together(parts: list[Subject]) -> Subject:
    return Subject(
        accounts=tuple(one for part in parts for one in part.accounts),
        emails=tuple(one for part in parts for one in part.emails),
        names=fit("; ".join(filter(None, (part.names for part in parts))), MAX_CHARACTERS),
    )


def _describe(value: Mapping[str, Any]) -> str:
    words = [str(one) for name, one in value.items() if name != "format" and isinstance(one, str)]
    return fit(" ".join(words), MAX_CHARACTERS)


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    if not isinstance(found, str) or not found or len(found) > MAX_CHARACTERS:
        raise _malformed(name)
    return found


def _malformed(what: str) -> RefusedSignal:
    return RefusedSignal("invalid_request", f"The subject cannot be read: {what}.")
