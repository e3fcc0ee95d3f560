"""What each key of `ostiary.toml` is: its table, type, limits, default and the sentence that explains it.

Read off the schema, so that validation, the commented file and the reference page cannot disagree with it.
"""

import inspect
import re
from dataclasses import dataclass
from functools import cache

import msgspec
from msgspec.inspect import BoolType, IntType, LiteralType, StructType, type_info

from ostiary.config.schema import Configuration

Value = str | int | bool


@dataclass(frozen=True, slots=True)
class Key:
    """One key.

    Args:
        table: the table it stands in; empty at the top of the file.
        name: the key.
        type: `str`, `int` or `bool`.
        minimum: smallest number allowed, when the type is `int`.
        maximum: largest number allowed, `None` when there is no limit.
        choices: the only texts allowed; empty when any will do.
        default: what holds when the key is absent; `None` when it must be present.
        words: what it does, one sentence.
    """

    table: str
    name: str
    type: type
    minimum: int | None
    maximum: int | None
    choices: tuple[str, ...]
    default: Value | None
    words: str

    @property
    def path(self) -> str:
        """How the key is called in messages: `gateway.https_port`."""
        return f"{self.table}.{self.name}" if self.table else self.name

    @property
    def variable(self) -> str:
        """The environment variable that overrides it."""
        return f"OSTIARY_{self.table}__{self.name}".upper() if self.table else f"OSTIARY_{self.name}".upper()

    @property
    def expected(self) -> str:
        """What to write, in words."""
        if self.type is bool:
            return "true or false"
        if self.choices:
            return " or ".join(f'"{choice}"' for choice in self.choices)
        if self.type is not int:
            return "text in quotes"
        if self.maximum is None:
            return f"a whole number from {self.minimum}" if self.minimum is not None else "a whole number"
        return f"a whole number from {self.minimum} to {self.maximum}"

    @property
    def example(self) -> str:
        """A value that is allowed, as it stands in the file."""
        return toml_value(self.default if self.default not in (None, "") else EXAMPLES.get(self.path, ""))


EXAMPLES = {
    "domain": "example.com",
    "organisation": "Example Ltd",
    "contact": "it@example.com",
    "tls.certificate": "/etc/ssl/example.com/fullchain.pem",
    "tls.key": "/etc/ssl/example.com/privkey.pem",
    "database.url": "postgresql://ostiary:password@db.example.com/ostiary",
    "mail.sender": "ostiary@example.com",
    "mail.host": "smtp.example.com",
    "mail.username": "ostiary@example.com",
    "mail.password_file": "/var/lib/ostiary/secrets/smtp.password",
    "sign_in.breached_passwords": "/var/lib/ostiary/breached.txt",
    "sign_in.breached_range_url": "https://range.example.com/range/",
    "authenticators.passkey_groups": "finance, helpdesk",
    "authenticators.due": "2027-03-31",
    "authenticators.exempt_group": "sign-in-exceptions",
    "decisions.country_database": "/var/lib/ostiary/country.mmdb",
    "rules.follow": "/srv/rules.git",
    "rules.follow_key": "/var/lib/ostiary/secrets/rules.key",
    "rules.follow_known_hosts": "/var/lib/ostiary/known_hosts",
    "rules.follow_token": "/var/lib/ostiary/secrets/rules.token",
    "rules.follow_authority": "/etc/ssl/git-authority.pem",
    "signals.authority": "/etc/ssl/signals-authority.pem",
}


def toml_value(value: Value) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    escaped = "".join(_escape(character) for character in value)
    return f'"{escaped}"'


def _escape(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if ord(character) < 0x20 or ord(character) == 0x7F:
        return f"\\u{ord(character):04X}"
    return character


@cache
def tables() -> dict[str, tuple[str, dict[str, Key]]]:
    """Return every table in the order of the schema: its sentence, and its keys by name. The top of the file is `""`."""
    top = type_info(Configuration)
    assert isinstance(top, StructType)  # noqa: S101 - for the type checker
    found = {"": (_summary(Configuration), _keys("", top))}
    for field in top.fields:
        if isinstance(field.type, StructType):
            found[field.name] = (_summary(field.type.cls), _keys(field.name, field.type))
    return found


def all_keys() -> tuple[Key, ...]:
    """Return every key of the file."""
    return tuple(key for _, keys in tables().values() for key in keys.values())


def _keys(table: str, struct: StructType) -> dict[str, Key]:
    words = _argument_words(struct.cls)
    return {
        field.name: _key(table, field, words[field.name])
        for field in struct.fields
        if not isinstance(field.type, StructType)
    }


def _key(table: str, field: msgspec.inspect.Field, words: str) -> Key:
    shape = field.type
    number = shape if isinstance(shape, IntType) else None
    return Key(
        table=table,
        name=field.name,
        type=bool if isinstance(shape, BoolType) else int if number else str,
        minimum=number.ge if number else None,
        maximum=number.le if number else None,
        choices=_ordered_choices(shape, field.default) if isinstance(shape, LiteralType) else (),
        default=None if field.required else field.default,
        words=words,
    )


def _ordered_choices(shape: LiteralType, default: object) -> tuple[str, ...]:
    return tuple(sorted((str(value) for value in shape.values), key=lambda value: (value != default, value)))


def _summary(struct: type) -> str:
    return inspect.cleandoc(struct.__doc__ or "").split("\n\n", 1)[0].replace("\n", " ")


def _argument_words(struct: type) -> dict[str, str]:
    text = inspect.cleandoc(struct.__doc__ or "").partition("Args:\n")[2]
    found = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", text, re.MULTILINE)
    return {name: re.sub(r"\s+", " ", words).strip() for name, words in found}
