"""Advisories in the form of the Open Source Vulnerability schema: read strictly where it counts, the rest passed over. Pure.

Source: OSV schema 1.7.4, https://ossf.github.io/osv-schema/
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from ostiary.errors import OstiaryError
from ostiary.software.domain.ecosystems import one_name, one_package_name, ordering_of
from ostiary.software.domain.packages import MAX_NAME_CHARACTERS
from ostiary.software.domain.severity import Severity, of_score, of_word, worst_score

MAX_ENTRY_BYTES: Final = 32 * 1024 * 1024
MAX_SUMMARY_CHARACTERS: Final = 300
MAX_ALIASES: Final = 50
_IDENTIFIER: Final = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._:+-]{0,99}\Z")
_CVE: Final = re.compile(r"\ACVE-\d{4}-\d{4,12}\Z")
_ERRATUM: Final = re.compile(r"\A(?:AL|RL|RH)(?P<kind>[SBE])A-")
_UNIMPORTANT: Final = "unimportant"
_LAST_YEAR: Final = 2200


class UnreadableAdvisory(OstiaryError):
    """This is no advisory in the form of OSV."""


EventKind = Literal["introduced", "fixed", "last_affected", "limit"]


class Event(msgspec.Struct, frozen=True, array_like=True):
    """At which version something begins or ends."""

    kind: EventKind
    version: str


class Affected(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Which versions of one package an advisory is about.

    Args:
        ecosystem: in its one name, and one whose versions can be ordered.
        name: of the package there; for distributions by source, of the source.
        ranges: the events of each range.
        versions: those that are named one by one.
    """

    ecosystem: str
    name: str
    ranges: tuple[tuple[Event, ...], ...] = ()
    versions: tuple[str, ...] = ()


class Advisory(msgspec.Struct, frozen=True, kw_only=True):
    """One advisory, of what is used of it. Moments are seconds since the epoch.

    Args:
        id: as its database names it.
        modified: when it was last changed.
        withdrawn: since when it does not hold any more; `None` while it does.
        key: what it has in common with other databases' advisories on the same flaw: the CVE, or its own identifier.
        aliases: its other names.
        summary: one line.
        severity: how bad.
        score: the CVSS base score, where there is one.
        url: where to read more; empty for none.
        affected: what it is about; ecosystems that cannot be matched are left out.
    """

    id: str
    modified: float
    withdrawn: float | None = None
    key: str = ""
    aliases: tuple[str, ...] = ()
    summary: str = ""
    severity: Severity = Severity.UNKNOWN
    score: float | None = None
    url: str = ""
    affected: tuple[Affected, ...] = ()


class _Severity(msgspec.Struct, frozen=True):
    type: str = ""
    score: str = ""


class _Package(msgspec.Struct, frozen=True):
    ecosystem: str
    name: str


class _Range(msgspec.Struct, frozen=True):
    type: str
    events: Annotated[list[dict[str, str]], Meta(min_length=1)]


class _Affected(msgspec.Struct, frozen=True):
    package: _Package | None = None
    ranges: list[_Range] | None = None
    versions: list[str] | None = None
    severity: list[_Severity] | None = None
    database_specific: Any = None
    ecosystem_specific: Any = None


class _Reference(msgspec.Struct, frozen=True):
    type: str = ""
    url: str = ""


class _Entry(msgspec.Struct, frozen=True):
    id: str
    modified: str
    withdrawn: str | None = None
    aliases: list[str] | None = None
    upstream: list[str] | None = None
    summary: str | None = None
    details: str | None = None
    severity: list[_Severity] | None = None
    affected: list[_Affected] | None = None
    references: list[_Reference] | None = None
    database_specific: Any = None


_DECODER: Final = msgspec.json.Decoder(_Entry)
_KINDS: Final[tuple[EventKind, ...]] = ("introduced", "fixed", "last_affected", "limit")


def read_advisory(content: bytes) -> Advisory:
    """Return what an entry says.

    Args:
        content: JSON, as received.

    Raises:
        UnreadableAdvisory: saying where it is not as the schema has it.
    """
    if len(content) > MAX_ENTRY_BYTES:
        raise UnreadableAdvisory(f"It has more than {MAX_ENTRY_BYTES // 2**20} MiB.")
    try:
        entry = _DECODER.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableAdvisory(f"It is no OSV entry: {error}.") from None
    if not _IDENTIFIER.match(entry.id):
        raise UnreadableAdvisory(f"It has no identifier as OSV has them: {entry.id[:40]!r}.")
    severity, score = _severity(entry)
    others = (*(entry.aliases or ()), *(entry.upstream or ()))
    return Advisory(
        id=entry.id,
        modified=_moment(entry.modified, "modified"),
        withdrawn=_moment(entry.withdrawn, "withdrawn") if entry.withdrawn else None,
        key=_key(entry),
        aliases=tuple(one for one in dict.fromkeys(others) if _IDENTIFIER.match(one))[:MAX_ALIASES],
        summary=_one_line(entry.summary or entry.details or ""),
        severity=severity,
        score=score,
        url=_url(entry),
        affected=tuple(_affected(entry)),
    )


def is_cve(name: str) -> bool:
    """Tell whether a name is that of a flaw, and not of an advisory on some."""
    return _CVE.match(name) is not None


def ecosystems_of(advisory: Advisory) -> set[str]:
    """Return the ecosystems an advisory is about, of those that can be matched."""
    return {one.ecosystem for one in advisory.affected}


def content_digest(advisory: Advisory) -> str:
    """Return what stands for everything that is used of an advisory, 32 hexadecimal digits."""
    return sha256(msgspec.json.encode(advisory)).hexdigest()[:32]


def _affected(entry: _Entry) -> Iterator[Affected]:
    for number, one in enumerate(entry.affected or ()):
        if one.package is None:
            continue
        ecosystem = one_name(one.package.ecosystem)
        if ordering_of(ecosystem) is None or len(ecosystem) > 64:
            continue
        if not 0 < len(one.package.name) <= MAX_NAME_CHARACTERS:
            raise UnreadableAdvisory(f"affected[{number}].package.name is empty, or too long.")
        if not (one.package.name.isprintable() and ecosystem.isprintable()):
            raise UnreadableAdvisory(f"affected[{number}].package has characters that nobody can see.")
        yield Affected(
            ecosystem=ecosystem,
            name=one_package_name(ecosystem, one.package.name),
            ranges=tuple(
                _events(range_, f"affected[{number}].ranges[{at}]")
                for at, range_ in enumerate(one.ranges or ())
                if range_.type != "GIT"
            ),
            versions=tuple(one.versions or ()),
        )


def _events(found: _Range, where: str) -> tuple[Event, ...]:
    if found.type not in {"SEMVER", "ECOSYSTEM"}:
        raise UnreadableAdvisory(f"{where}.type is {found.type[:40]!r}.")
    events = []
    for event in found.events:
        said = [Event(kind, event[kind]) for kind in _KINDS if kind in event]
        if len(said) != 1 or not said[0].version:
            raise UnreadableAdvisory(f"{where}.events: each says one of {', '.join(_KINDS)}.")
        if not said[0].version.isprintable():
            raise UnreadableAdvisory(f"{where}.events: a version has characters that nobody can see.")
        events += said
    if not any(one.kind == "introduced" for one in events):
        raise UnreadableAdvisory(f"{where}.events: none says since when (introduced).")
    return tuple(events)


def _severity(entry: _Entry) -> tuple[Severity, float | None]:
    """Return the worst that the entry says of itself, and where it says nothing, of any package.

    What Debian calls unimportant is harmless there whatever its score, and where there is neither a score nor a word of its own,
    the word holds with which some systems begin their summaries.
    """
    said = list(entry.severity or ()) or [one for part in entry.affected or () for one in part.severity or ()]
    score = worst_score({one.score for one in said})
    specific = [
        entry.database_specific,
        *(part.database_specific for part in entry.affected or ()),
        *(part.ecosystem_specific for part in entry.affected or ()),
    ]
    urgencies = _said(specific, "urgency")
    if urgencies and all(one.strip().lower() == _UNIMPORTANT for one in urgencies):
        return Severity.LOW, score
    if score is not None:
        return of_score(score), score
    words = [*(one.score for one in said), *_said(specific, "severity"), *urgencies]
    return max(map(of_word, words), default=Severity.UNKNOWN) or _by_summary(entry), None


def _said(specific: Iterable[Any], name: str) -> list[str]:
    return [one[name] for one in specific if isinstance(one, dict) and isinstance(one.get(name), str)]


def _by_summary(entry: _Entry) -> Severity:
    """Return what `Important: openssl security update` says. Errata that mend no flaw (`ALBA`, `ALEA`) need not say anything."""
    kind = _ERRATUM.match(entry.id)
    if kind is None:
        return Severity.UNKNOWN
    word, colon, _rest = (entry.summary or "").partition(":")
    found = of_word(word) if colon else Severity.UNKNOWN
    return found or (Severity.UNKNOWN if kind["kind"] == "S" else Severity.LOW)


def _key(entry: _Entry) -> str:
    if is_cve(entry.id):
        return entry.id
    same = [one for one in (*(entry.aliases or ()), *(entry.upstream or ())) if is_cve(one)]
    return same[0] if len(same) == 1 else entry.id


def _moment(text: str, field: str) -> float:
    """Return the moment (RFC 3339, in UTC)."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UnreadableAdvisory(f"{field} is no moment: {text[:40]!r}.") from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    if not 1970 < at.year < _LAST_YEAR:
        raise UnreadableAdvisory(f"{field} is no moment: {text[:40]!r}.")
    return at.timestamp()


def _one_line(text: str) -> str:
    words = " ".join("".join(letter if letter.isprintable() else " " for letter in text[:2000]).split())
    return words if len(words) <= MAX_SUMMARY_CHARACTERS else words[: MAX_SUMMARY_CHARACTERS - 1] + "…"


def _url(entry: _Entry) -> str:
    found = {one.type: one.url for one in reversed(entry.references or ()) if _is_address(one.url)}
    return next((found[kind] for kind in ("ADVISORY", "REPORT", "WEB", "ARTICLE", "FIX") if kind in found), "")


def _is_address(url: str) -> bool:
    return url.startswith("https://") and len(url) <= 500 and url.isprintable() and " " not in url
