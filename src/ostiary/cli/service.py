"""`ostiary service`: runs the instance under systemd."""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from ostiary.cli.output import Refused, examples, print_done, print_note, print_text
from ostiary.config.loader import find_home, load_instance
from ostiary.config.places import Instance
from ostiary.errors import OstiaryError

UNIT_FOLDER = Path("/etc/systemd/system")
app = typer.Typer(help="Run the instance under systemd.", no_args_is_help=True)


class ServiceNotInstalled(OstiaryError):
    """systemd, or a tool that belongs to it, would not."""


@app.command(
    epilog=examples(
        "sudo ostiary service install --now", "ostiary service install --print | systemd-analyze security -"
    )
)
def install(
    user: Annotated[str, typer.Option(help="Whom it runs as; created when there is no such user.")] = "ostiary",
    print_only: Annotated[bool, typer.Option("--print", help="Print the unit and change nothing.")] = False,
    now: Annotated[bool, typer.Option("--now", help="Start it, now and at every boot.")] = False,
    cut_streams: Annotated[
        bool, typer.Option("--cut-streams", help="Grant CAP_NET_ADMIN, which cuts live streams of revoked sessions.")
    ] = False,
) -> None:
    """Write a hardened systemd unit, make its user, and give the instance to that user."""
    from ostiary.supervisor.systemd_unit import UNIT_NAME, UnitChoices, render_unit, unreachable_folder

    instance = load_instance(find_home())
    python = Path(sys.executable)
    unit = render_unit(instance, UnitChoices(user=user, python=python, cut_streams=cut_streams))
    if print_only:
        print_text(unit)
        return
    if os.geteuid() != 0:
        raise Refused("Only root can install a service.", hint="Run: sudo ostiary service install")
    for path in (python.resolve(), python, instance.home):
        if folder := unreachable_folder(path):
            raise Refused(
                f"The user {user} could not reach {path}: {folder} is closed to others.",
                hint="Install Ostiary outside of it, for instance: python3 -m venv /opt/ostiary",
            )
    _make_user(user, instance)
    _give_to(user, instance.home)
    (UNIT_FOLDER / UNIT_NAME).write_text(unit, encoding="utf-8")
    _systemctl("daemon-reload")
    print_done(f"{UNIT_FOLDER / UNIT_NAME} runs {instance.home} as {user}")
    if now:
        _systemctl("enable", "--now", UNIT_NAME)
        print_done("started; it starts again at every boot")
    else:
        print_note(f"Next: systemctl enable --now {UNIT_NAME}")


@app.command(
    epilog=examples("sudo ostiary service uninstall", "sudo ostiary service uninstall && ostiary backup last.ostiary")
)
def uninstall() -> None:
    """Stop the service and remove its unit. The instance and its user stay."""
    from ostiary.supervisor.systemd_unit import UNIT_NAME

    if os.geteuid() != 0:
        raise Refused("Only root can remove a service.", hint="Run: sudo ostiary service uninstall")
    unit = UNIT_FOLDER / UNIT_NAME
    if not unit.exists():
        raise ServiceNotInstalled(f"There is no {unit}.", hint="Install it with: sudo ostiary service install")
    _systemctl("disable", "--now", UNIT_NAME)
    unit.unlink()
    _systemctl("daemon-reload")
    print_done(f"{unit} is gone; {find_home()} is as it was")


def _make_user(user: str, instance: Instance) -> None:
    try:
        pwd.getpwnam(user)
    except KeyError:
        _run(
            "useradd",
            "--system",
            "--user-group",
            "--home-dir",
            str(instance.home),
            "--shell",
            "/usr/sbin/nologin",
            user,
        )
        print_done(f"made the user {user}")


def _give_to(user: str, home: Path) -> None:
    account = pwd.getpwnam(user)
    for path in (home, *home.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def _systemctl(*words: str) -> None:
    if not Path("/run/systemd/system").is_dir():
        raise ServiceNotInstalled("systemd does not run on this machine.", hint="Run the instance with: ostiary up")
    _run("systemctl", *words)


def _run(program: str, *words: str) -> None:
    if shutil.which(program) is None:
        raise ServiceNotInstalled(f"{program} is not on this machine.", hint="Print the unit with --print.")
    ended = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise ServiceNotInstalled(f"{program} {' '.join(words)} failed: {ended.stderr.strip()[:300]}")
