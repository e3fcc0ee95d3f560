"""`ostiary up`: runs the instance in the foreground."""

import os
import sys
from typing import Annotated

import typer

from ostiary.cli.operator import become_owner
from ostiary.cli.output import examples
from ostiary.config.loader import find_home, load_instance
from ostiary.errors import OstiaryError

app = typer.Typer()


@app.command(epilog=examples("ostiary up", "ostiary up --only decider --only worker"))
def up(
    only: Annotated[
        list[str] | None, typer.Option(help="Run this process alone; can be repeated.", metavar="PROCESS")
    ] = None,
) -> None:
    """Run the instance: gateway, decision service, control plane and worker, until Ctrl-C or SIGTERM.

    Pending changes of the database are applied first, after a backup. What dies is started again.
    """
    home = find_home()
    instance = load_instance(home)
    become_owner(home)
    from ostiary.supervisor.diagnosis.ports import check_ports
    from ostiary.supervisor.lock import InstanceLock
    from ostiary.supervisor.roster import list_processes

    specs = list_processes(instance, only or ())
    InstanceLock(instance.state).release()
    if any(spec.name == "envoy" for spec in specs):
        taken = [finding for finding in check_ports(instance) if finding.is_problem]
        if taken:
            raise OstiaryError(taken[0].words, hint=taken[0].mend)
    sys.stdout.flush()
    os.environ["OSTIARY_HOME"] = str(instance.home)
    os.execv(sys.executable, [sys.executable, "-m", "ostiary.supervisor", *(only or ())])  # noqa: S606 - it stays small
