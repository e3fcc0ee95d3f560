"""Writes about the configuration: the commented file a new instance gets, and the reference page."""

import textwrap
from collections.abc import Iterator, Mapping

from ostiary.config.keys import Key, Value, tables, toml_value


def commented_file(chosen: Mapping[str, Value]) -> str:
    """Return a complete `ostiary.toml`: chosen values set, every other key commented out with its default.

    Args:
        chosen: values by key path, for instance `{"domain": "example.com", "gateway.https_port": 8443}`.
    """
    lines = [
        "# The configuration of this instance of Ostiary. A key that is commented out has the value shown.",
        "# Check it with `ostiary config check`; it is read at start (`ostiary up`).",
    ]
    for table, (words, keys) in tables().items():
        lines += ["", *(_comment(words) if table else []), *([f"[{table}]"] if table else [])]
        for key in keys.values():
            lines += _comment(f"{key.name}: {key.words}")
            value = chosen.get(key.path, key.default)
            assignment = f"{key.name} = {toml_value('' if value is None else value)}"
            lines.append(assignment if key.path in chosen else f"# {assignment}")
    return "\n".join(lines) + "\n"


def _comment(words: str) -> list[str]:
    return textwrap.wrap(words, width=110, initial_indent="# ", subsequent_indent="#   ")


def reference_page() -> str:
    """Return the reference page on `ostiary.toml`, in Markdown."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield "# `ostiary.toml`"
    yield ""
    yield "<!-- Made by `ostiary config reference`; change the schema, not this page. -->"
    yield ""
    yield (
        "One file in the instance's folder says everything an operator can choose. Every key is checked when it is read: an "
        "unknown key or a wrong value stops the start and names the key and what to write instead. `ostiary config check` "
        "checks without starting anything; `ostiary config show` prints what is in force and where it comes from."
    )
    yield ""
    yield (
        "A variable in the environment overrides a key: its table and its name in capitals, with two underscores between "
        "them, for instance `OSTIARY_GATEWAY__HTTPS_PORT=8443`. Keys at the top of the file have no table "
        "(`OSTIARY_DOMAIN`). `OSTIARY_DATABASE_URL` is another name for `OSTIARY_DATABASE__URL`. `OSTIARY_HOME` says which "
        "folder holds the instance; without it, `/var/lib/ostiary`."
    )
    for table, (words, keys) in tables().items():
        yield ""
        yield f"## `[{table}]`" if table else "## Top of the file"
        yield ""
        yield words
        yield ""
        yield "| key | value | default | what it does |"
        yield "| --- | --- | --- | --- |"
        for key in keys.values():
            yield f"| `{key.name}` | {_kind(key)} | {_default(key)} | {_sentence(key.words)} |"


def _kind(key: Key) -> str:
    if key.choices:
        return ", ".join(f"`{choice}`" for choice in key.choices)
    if key.type is int:
        return f"{key.minimum} to {key.maximum}" if key.maximum is not None else f"from {key.minimum}"
    return "true, false" if key.type is bool else "text"


def _default(key: Key) -> str:
    return "must be set" if key.default is None else f"`{toml_value(key.default)}`"


def _sentence(words: str) -> str:
    return (words[:1].upper() + words[1:]).replace("|", "\\|")
