"""The `ostiary` command: assembles the sub-commands and turns errors into messages and exit codes."""

import os
import traceback
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ostiary.cli.output import EXIT_CODES, ExitCode, exit_code_of, print_error, print_text, quiet_logs
from ostiary.config.loader import HOME_VARIABLE
from ostiary.errors import OstiaryError

FLAT = ("init", "up", "status", "doctor", "explain")
GROUPED = (
    "app",
    "user",
    "group",
    "role",
    "directory",
    "request",
    "review",
    "session",
    "rules",
    "authzen",
    "scim",
    "workload",
    "token",
    "device",
    "mdm",
    "baseline",
    "software",
    "advisories",
    "osquery",
    "signal",
    "audit",
    "admin",
    "gateway",
    "config",
    "service",
)
FLAT_LAST = ("backup",)
FURTHER = (
    "app_limits",
    "app_oidc",
    "app_oidc_keys",
    "app_saml",
    "app_saml_certificate",
    "device_facts",
    "baseline_exceptions",
    "baseline_trying",
    "device_seen",
    "user_hygiene",
    "user_life_cycle",
    "review_report",
    "rules_change",
    "rules_proposals",
    "rules_proof",
    "rules_reach",
    "rules_replay",
    "rules_tests",
    "rules_unused",
    "signal_receiver",
    "signal_stream",
    "signal_transmitter",
)
"""Modules that add commands to a group when they are imported."""


class Edge(TyperGroup):
    """Where errors end: a message and the next command, never a traceback (unless `--debug`)."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; print what it could not do."""
        try:
            return super().invoke(ctx)
        except OstiaryError as error:
            self._show(error)
            raise typer.Exit(exit_code_of(error)) from None
        except (typer.Exit, typer.Abort, typer.TyperException, KeyboardInterrupt, EOFError, BrokenPipeError):
            raise
        except Exception as error:
            if type(error).__module__.startswith("typer."):
                raise
            self._show(_in_words(error), cause=error)
            raise typer.Exit(ExitCode.FAILED) from None

    @staticmethod
    def _show(error: OstiaryError, cause: BaseException | None = None) -> None:
        if os.environ.get("OSTIARY_DEBUG"):
            traceback.print_exception(cause or error)
        print_error(error)


def _in_words(error: Exception) -> OstiaryError:
    kind = f"{type(error).__module__}.{type(error).__name__}"
    if kind.startswith("django.db.utils."):
        return OstiaryError(f"The database did not answer as it should: {error}.", hint="Find out why: ostiary doctor")
    if isinstance(error, PermissionError):
        return OstiaryError(f"{error.strerror}: {error.filename}.", hint="Find out why: ostiary doctor")
    if isinstance(error, OSError):
        return OstiaryError(f"{error}.", hint="Find out why: ostiary doctor")
    return OstiaryError(
        f"Something inside Ostiary failed ({type(error).__name__}: {error}).",
        hint="Say --debug right after `ostiary` to see where, and report it.",
    )


def _show_version(wanted: bool) -> None:
    if wanted:
        print_text(f"ostiary {version('ostiary')}")
        raise typer.Exit


app = typer.Typer(
    cls=Edge,
    name="ostiary",
    help="Verifies every request to your applications when it is made.",
    epilog="\b\n"
    + "\n".join(["[dim]Exit codes[/dim]", *(f"{code:>3}  {words}" for code, words in EXIT_CODES.items())]),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["--help", "-h"]},
)


@app.callback()
def choose_instance(
    home: Annotated[
        Path | None,
        typer.Option(
            help=f"The instance's folder. [dim]{HOME_VARIABLE}, else /var/lib/ostiary[/dim]", show_default=False
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error arose.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Verifies every request to your applications when it is made."""
    if home is not None:
        os.environ[HOME_VARIABLE] = str(home.absolute())
    if debug:
        os.environ["OSTIARY_DEBUG"] = "1"
    quiet_logs("debug" if debug else "error")


def _assemble() -> None:
    for name in FURTHER:
        import_module(f"ostiary.cli.{name}")
    for name in (*FLAT, *GROUPED, *FLAT_LAST):
        if find_spec(f"ostiary.cli.{name}") is not None:
            module = import_module(f"ostiary.cli.{name}")
            app.add_typer(module.app, name=name if name in GROUPED else None)


_assemble()


def main() -> None:
    """Run the command line."""
    app(prog_name="ostiary")
