"""`ostiary rules test-from`: a decision on record becomes a test of the rules. Running tests is a part of `check`."""

from typing import Annotated

import typer

from ostiary.cli.django import setup
from ostiary.cli.output import JsonOption, examples, print_json, print_text
from ostiary.cli.rules import app

ReferenceArgument = Annotated[
    str, typer.Argument(metavar="REFERENCE", help="As the person was shown it, or as the console lists it.")
]


@app.command(
    "test-from",
    epilog=examples(
        "ostiary rules test-from 7F3K9-2QXAB",
        "ostiary rules test-from 7F3K9-2QXAB --name anna-reads-the-wiki >> rules.yaml",
    ),
)
def keep(
    reference: ReferenceArgument,
    name: Annotated[str, typer.Option(help="What to call the test.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Print a decision on record as a test: who asked for what, as it was, and the answer to expect.

    It goes under `tests:` of the rules document. Exits with 1 where rules did not decide.
    """
    setup()
    from ostiary.gateway.kept_tests import keep_as_test
    from ostiary.visibility.facade import get_decision

    kept = keep_as_test(get_decision(reference), name=name)
    if as_json:
        print_json(kept)
    else:
        print_text(kept.yaml)
