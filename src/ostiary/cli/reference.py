"""The reference page on the command line, made from the commands themselves."""

import re
from collections.abc import Iterator
from typing import Any

import typer

from ostiary.cli.output import EXIT_CODES

_MARKUP = re.compile(r"\[/?(?:dim|bold|red|green|yellow)\]")


def command_page(app: typer.Typer) -> str:
    """Return the page, in Markdown.

    Args:
        app: the whole command.
    """
    return "\n".join(_page(typer.main.get_command(app))) + "\n"


def _page(root: Any) -> Iterator[str]:
    yield "# The `ostiary` command"
    yield ""
    yield "<!-- Made by `ostiary config commands`; change the commands, not this page. -->"
    yield ""
    yield (
        "Results go to standard output, everything else to standard error. `--json` prints a result for programs. Colour and "
        "progress appear on a terminal alone. `ostiary --install-completion` teaches the shell every name."
    )
    yield ""
    yield "Before any command: `--home FOLDER` chooses the instance, `--debug` shows where an error arose."
    yield ""
    yield "| exit code | means |"
    yield "| --- | --- |"
    for code, words in EXIT_CODES.items():
        yield f"| {int(code)} | {words} |"
    for called, command in _commands(root, ()):
        yield from _section(called, command)


def _commands(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield words, command
        return
    for name, child in children.items():
        yield from _commands(child, (*words, name))


def _section(words: tuple[str, ...], command: Any) -> Iterator[str]:
    yield ""
    yield f"## `ostiary {' '.join(words)}`"
    yield ""
    yield " ".join(_plain(command.help or "").split())
    parameters = [parameter for parameter in command.params if parameter.name != "help" and not parameter.hidden]
    if parameters:
        yield ""
        yield "| | |"
        yield "| --- | --- |"
        for parameter in parameters:
            yield f"| {_names(parameter)} | {_explanation(parameter)} |"
    if examples := _examples(command):
        yield ""
        yield "```console"
        yield from examples
        yield "```"


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.name.upper()}`"
    return ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))


def _explanation(parameter: Any) -> str:
    words = " ".join(_plain(parameter.help or "").split()).replace("|", "\\|").replace("<", "&lt;")
    return f"{words} Required." if parameter.required else words


def _examples(command: Any) -> list[str]:
    lines = _plain(command.epilog or "").splitlines()
    return [line.strip() for line in lines if line.strip().startswith("$ ")]


def _plain(text: str) -> str:
    return _MARKUP.sub("", text).replace("\\[", "[")
