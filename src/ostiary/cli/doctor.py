"""`ostiary doctor`: what is wrong with this machine or this instance, and how to mend it."""

from typing import Annotated

import typer

from ostiary.cli.output import ExitCode, JsonOption, examples, note_console, print_json, print_note, progress
from ostiary.config.loader import find_home, load_instance
from ostiary.errors import OstiaryError

app = typer.Typer()
_MARKS = {"ok": "[green]✓[/green]", "warning": "[yellow]![/yellow]", "problem": "[red]✗[/red]"}


@app.command(epilog=examples("ostiary doctor", "ostiary doctor --json | jq '.[] | select(.level != \"ok\")'"))
def doctor(
    as_json: JsonOption = False,
    everything: Annotated[bool, typer.Option("--all", help="Show also what is as it should be.")] = False,
) -> None:
    """Examine the machine and the instance: every finding comes with what mends it.

    Exits with 5 when something does not work; a warning alone does not count.
    """
    instance = load_instance(find_home())
    from rich.markup import escape

    from ostiary.supervisor.diagnosis.examine import examine

    hosts, database = [instance.identity_host, instance.console_host], True
    try:
        from ostiary.cli.django import setup

        setup()
        hosts += _app_hosts()
    except OstiaryError as error:
        print_note(f"✗ {error.message} {error.hint}")
        database = False
    with progress("examining", total=14) as step:
        findings = []
        for finding in examine(instance, hosts, database=database):
            findings.append(finding)
            step.say(finding.check)
            step.advance()
    if as_json:
        print_json(findings)
    else:
        console = note_console()
        for finding in findings:
            if everything or finding.level != "ok":
                console.print(f"{_MARKS[finding.level]} {finding.check:<12} {escape(finding.words)}")
                if finding.mend:
                    console.print(f"  {'':<12} {escape(finding.mend)}")
        good = sum(finding.level == "ok" for finding in findings)
        console.print(f"{good} of {len(findings)} are as they should be.")
    raise typer.Exit(ExitCode.FINDINGS if any(finding.is_problem for finding in findings) else ExitCode.OK)


def _app_hosts() -> list[str]:
    from django.db.utils import DatabaseError

    from ostiary.applications.facade import list_guarded_apps

    try:
        return [each.host for each in list_guarded_apps()]
    except DatabaseError:
        return []
