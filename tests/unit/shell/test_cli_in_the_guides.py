"""Every command line in the how-to guides is one that there is, with options that it has: read as the shell would, not carried out."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from typer._click.exceptions import ClickException
from typer.core import TyperGroup

from ostiary.cli.main import app

GUIDES = Path(__file__).parents[3] / "docs" / "how-to"
_BLOCK = re.compile(r"^ *```(?:sh|console)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(?:\$ )?(?:sudo )?(?:-u \S+ )?(?:OSTIARY_\w+=\S+ )?ostiary (.+)")


def commands(page: Path) -> list[str]:
    """Return the command lines in a page's blocks, continued lines joined, what stands behind `>`, `|`, `&&` or `#` left out."""
    found = []
    for block in _BLOCK.findall(page.read_text()):
        for line in block.replace("\\\n", " ").splitlines():
            match = _COMMAND.fullmatch(line.strip())
            if match:
                found.append(re.split(r"\s(?:>|\||&&|;|#|<)\s*", f"{match[1]} ")[0].strip())
    return found


@pytest.mark.parametrize("page", sorted(GUIDES.glob("*.md")), ids=lambda page: page.stem)
def test_every_command_in_a_guide_is_one_that_there_is(page: Path) -> None:
    for line in commands(page):
        fault = fault_of(line)
        assert not fault, f"{line}: {fault}"


@pytest.mark.parametrize(
    "line", ["rules who-can app:wiki", "directory provider ad", "user list --nothing", "scim client"]
)
def test_what_there_is_not_would_be_noticed(line: str) -> None:
    assert fault_of(line)


def fault_of(line: str) -> str:
    """Return what is wrong with a command line; empty for nothing."""
    command: Any = typer.main.get_command(app)
    rest = shlex.split(line)
    if rest[0] == "--home":
        rest = rest[2:]
    context = command.make_context("ostiary", [], resilient_parsing=True)
    while isinstance(command, TyperGroup):
        if not rest:
            return "a command is missing"
        if rest[0] == "--help":
            return ""
        name = rest.pop(0)
        command = command.get_command(context, name)
        if command is None:
            return f"there is no {name}"
        if isinstance(command, TyperGroup):
            context = command.make_context(name, [], parent=context, resilient_parsing=True)
    try:
        command.make_context(line, rest, parent=context)
    except ClickException as error:
        return error.format_message()
    except typer.Exit:
        pass
    return ""
