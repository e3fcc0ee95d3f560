"""Environment variables that override `ostiary.toml`: `OSTIARY_<TABLE>__<KEY>`, and `OSTIARY_DATABASE_URL`."""

import difflib
from collections.abc import Mapping

from ostiary.config.keys import Key, Value, all_keys

PREFIX = "OSTIARY_"
DATABASE_URL = "OSTIARY_DATABASE_URL"
_YES = frozenset({"true", "yes", "on", "1"})
_NO = frozenset({"false", "no", "off", "0"})


class UnusableOverride(ValueError):
    """A variable overrides nothing, or with a value the key cannot have."""


def read_overrides(environment: Mapping[str, str]) -> dict[str, Value]:
    """Return the overridden values by key path, for instance `{"gateway.https_port": 8443}`.

    Every variable that starts with `OSTIARY_` and has a double underscore must name a key.

    Raises:
        UnusableOverride: for a variable that names no key, or a value of the wrong type.
    """
    keys = {key.variable: key for key in all_keys()}
    found: dict[str, Value] = {}
    if url := environment.get(DATABASE_URL):
        found["database.url"] = url
    for variable, text in environment.items():
        if variable in keys:
            found[keys[variable].path] = _parse(keys[variable], text)
        elif variable.startswith(PREFIX) and "__" in variable:
            near = difflib.get_close_matches(variable, keys, n=1)
            meant = f" Did you mean {near[0]}?" if near else " The reference page lists every key."
            raise UnusableOverride(f"The environment variable {variable} overrides nothing.{meant}")
    return found


def apply_overrides(values: dict[str, object], overrides: Mapping[str, Value]) -> None:
    """Put overrides into a parsed file, in place. A table that is not a table is left for validation to report."""
    for path, value in overrides.items():
        table, _, name = path.rpartition(".")
        target = values.setdefault(table, {}) if table else values
        if isinstance(target, dict):
            target[name] = value


def _parse(key: Key, text: str) -> Value:
    if key.type is bool:
        if text.strip().lower() in _YES | _NO:
            return text.strip().lower() in _YES
        raise UnusableOverride(f"The environment variable {key.variable} must be true or false.")
    if key.type is int:
        try:
            return int(text.strip())
        except ValueError:
            raise UnusableOverride(f"The environment variable {key.variable} must be {key.expected}.") from None
    return text
