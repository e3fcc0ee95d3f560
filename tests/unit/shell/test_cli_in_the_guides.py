"""Every command line in the how-to guides is one that there is, with options that it has: read as the shell would, not carried out."""

import re
import shlex
from pathlib import Path

import click
import pytest
import typer

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
    root = typer.main.get_command(app)
    for line in commands(page):
        command, rest = root, shlex.split(line)
        context = click.Context(root, info_name="ostiary")
        while isinstance(command, click.Group):
            assert rest, line
            if rest[0] == "--help":
                break
            name = rest.pop(0)
            inner = command.get_command(context, name)
            assert inner is not None, f"{line}: there is no {name}"
            command, context = inner, click.Context(inner, parent=context, info_name=name)
        try:
            command.make_context(context.info_name, rest, parent=context.parent)
        except click.exceptions.Exit:
            continue
        except click.ClickException as error:
            pytest.fail(f"{line}: {error.format_message()}")
