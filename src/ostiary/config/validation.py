"""Finds everything that is wrong with the values of `ostiary.toml`, each with its place and what to write instead."""

import difflib
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from ostiary.config.database import UnusableDatabaseUrl, check_database_url
from ostiary.config.domain_name import NotADomain, parse_domain
from ostiary.config.keys import Key, Value, tables, toml_value

_HELPER: Final = re.compile(r"[A-Za-z0-9]+::", re.ASCII)
"""How git is told to run a program of that name to reach a repository."""
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_GROUP: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
LEAST_NUDGE_DAYS: Final = 7

_SCOPE: Final = re.compile(
    r"everything|(app|group|role):[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?|label:[a-z0-9][a-z0-9:._-]{0,62}"
)
"""What a review can cover; reading it is `reviews.domain.campaign`'s."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Args:
        path: the key, for instance `gateway.https_port`, or a table.
        words: what is wrong and what to write instead, one sentence.
    """

    path: str
    words: str

    def __str__(self) -> str:
        return f"{self.path}: {self.words}"


def find_problems(values: Mapping[str, object]) -> list[Problem]:
    """Return every problem of a parsed file, in the order of the file; empty when it can be used."""
    problems = [*_shape_problems(values)]
    return problems or [*_meaning_problems(values)]


def _shape_problems(values: Mapping[str, object]) -> Iterator[Problem]:
    known = tables()
    top = known[""][1]
    for name, value in values.items():
        if name in top:
            yield from _value_problems(top[name], value)
        elif name not in known or not name:
            yield _unknown_key("", name, value)
        elif isinstance(value, Mapping):
            yield from _table_problems(name, value)
        else:
            yield Problem(name, f"is a table. Write [{name}] on a line of its own and its keys below it.")
    for key in top.values():
        if key.default is None and key.name not in values:
            yield Problem(key.name, f"is missing. Write it at the top of the file: {key.name} = {key.example}")


def _table_problems(table: str, values: Mapping[str, object]) -> Iterator[Problem]:
    keys = tables()[table][1]
    for name, value in values.items():
        if name in keys:
            yield from _value_problems(keys[name], value)
        else:
            yield _unknown_key(table, name, value)


def _unknown_key(table: str, name: str, value: object) -> Problem:
    known = tables()
    path = f"{table}.{name}" if table else name
    what = "table" if isinstance(value, Mapping) else "key"
    names = [*known[table][1], *(() if table else (other for other in known if other))]
    if near := difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6):
        return Problem(path, f"there is no such {what}. Did you mean {near[0]}?")
    for other, (_, keys) in known.items():
        if name in keys:
            where = f"below [{other}]" if other else "at the top of the file, before the first [table]"
            return Problem(path, f"there is no such {what} here. {name} stands {where}.")
    where = f"[{table}] knows" if table else "The top of the file knows"
    return Problem(path, f"there is no such {what}. {where} {', '.join(names)}.")


def _value_problems(key: Key, value: object) -> Iterator[Problem]:
    wrong = type(value) is not key.type
    wrong = wrong or bool(key.choices and value not in key.choices)
    if isinstance(value, int) and key.type is int and not wrong:
        wrong = value < (key.minimum or value) or value > (key.maximum or value) or (key.minimum == 0 and value < 0)
    if wrong:
        near = difflib.get_close_matches(str(value).lower(), key.choices, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        example = toml_value(near[0]) if near else key.example
        yield Problem(
            key.path, f"is {_shown(value)}; it must be {key.expected}.{meant} For instance: {key.name} = {example}"
        )
    elif isinstance(value, str) and ("\x00" in value or "\n" in value):
        yield Problem(key.path, "holds a line break or a NUL character. Write it on one line.")


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list"
    text = toml_value(value) if isinstance(value, str | int | bool) else str(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _meaning_problems(values: Mapping[str, object]) -> Iterator[Problem]:
    def value(path: str) -> Value:
        table, _, name = path.rpartition(".")
        found = values.get(table, {}) if table else values
        return found[name] if isinstance(found, Mapping) and name in found else tables()[table][1][name].default or ""

    try:
        parse_domain(str(value("domain")))
    except NotADomain as error:
        yield Problem("domain", f"{error}.")
    try:
        ipaddress.ip_address(str(value("gateway.address")))
    except ValueError:
        yield Problem(
            "gateway.address", "is no IP address. 0.0.0.0 listens on every IPv4 address, :: on every address."
        )
    if value("gateway.http_port") == value("gateway.https_port"):
        yield Problem("gateway.http_port", "is the same as gateway.https_port. 0 switches the redirect off.")
    if value("tls.mode") == "files":
        for path in ("tls.certificate", "tls.key"):
            if not value(path):
                yield Problem(path, 'is empty, and tls.mode = "files" needs it.')
    if value("mail.transport") == "smtp" and not value("mail.host"):
        yield Problem("mail.host", 'is empty, and mail.transport = "smtp" needs it.')
    yield from _authenticator_problems(value)
    yield from _authzen_problems(value)
    if not _SCOPE.fullmatch(str(value("reviews.scope"))):
        words = "covers nothing. Write everything, app:NAME, group:NAME, role:NAME or label:NAME."
        yield Problem("reviews.scope", words)
    yield from _follow_problems(str(value("rules.follow")), str(value("rules.follow_token")))
    yield from _url_problems(str(value("database.url")), str(value("sign_in.breached_range_url")))


def _authenticator_problems(value: Callable[[str], Value]) -> Iterator[Problem]:
    due, exempt = str(value("authenticators.due")), str(value("authenticators.exempt_group"))
    try:
        usable = not due or bool(_DAY.fullmatch(due) and date.fromisoformat(due))
    except ValueError:
        usable = False
    if not usable:
        yield Problem("authenticators.due", "is no day. Write it as year, month and day: 2027-03-31.")
    names = [name.strip() for name in str(value("authenticators.passkey_groups")).split(",") if name.strip()]
    for path, name in (
        *(("authenticators.passkey_groups", one) for one in names),
        ("authenticators.exempt_group", exempt),
    ):
        if name and not _GROUP.fullmatch(name):
            yield Problem(path, f"{_shown(name)} cannot be a group. Write groups' identifiers: ostiary group list")
    if exempt in {"administrators", "auditors", "helpdesk"}:
        yield Problem("authenticators.exempt_group", "opens the console. Make a group of its own for exceptions.")
    if 0 < int(value("authenticators.nudge_days")) < LEAST_NUDGE_DAYS:
        yield Problem("authenticators.nudge_days", "is less than a week. Write 0 to tell nobody, or 7 or more.")


def _authzen_problems(value: Callable[[str], Value]) -> Iterator[Problem]:
    enabled, on_gateway = value("authzen.enabled"), value("authzen.on_gateway")
    if on_gateway and not enabled:
        yield Problem("authzen.on_gateway", "has no effect while authzen.enabled is false. Set both, or neither.")
    if enabled and not on_gateway and not value("decisions.forward_auth_port"):
        words = "is true, and nothing serves it. Set decisions.forward_auth_port or authzen.on_gateway."
        yield Problem("authzen.enabled", words)


def _follow_problems(repository: str, token: str) -> Iterator[Problem]:
    """Say what is wrong with the address of the rules, without repeating it: it could hold a password."""
    try:
        parts = urlsplit(repository)
        scheme, password = parts.scheme if "://" in repository else "", parts.password
    except ValueError:
        yield Problem("rules.follow", "is no address.")
        return
    if scheme not in {"", "file", "https", "ssh"} or _HELPER.match(repository):
        yield Problem("rules.follow", "must be a folder, or an https: or ssh: address.")
    elif scheme and password is not None:
        words = "holds a password, which everybody would see. Put it into a file and name that in rules.follow_token."
        yield Problem("rules.follow", words)
    if token and scheme != "https":
        yield Problem(
            "rules.follow_token", "is only sent to an https: address. Change rules.follow, or leave it empty."
        )


def _url_problems(database: str, breached: str) -> Iterator[Problem]:
    try:
        check_database_url(database)
    except UnusableDatabaseUrl as error:
        yield Problem("database.url", str(error))
    try:
        usable = not breached or (urlsplit(breached).scheme == "https" and bool(urlsplit(breached).hostname))
    except ValueError:
        usable = False
    if not usable:
        yield Problem("sign_in.breached_range_url", "must be an https:// address.")
