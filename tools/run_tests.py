"""Runs every test on one database and fails on any skip that is not listed with a reason.

Run as `python -m tools.run_tests [--postgres] [pytest arguments]`. With `--postgres` a server is started in a
folder of its own, on a free port, and removed afterwards.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from tools.postgres import postgres_server

ROOT = Path(__file__).resolve().parent.parent
ALLOWED_SKIPS: dict[str, str] = {}
"""Test id or its beginning → why it may be skipped here."""


ON_POSTGRESQL = (
    "tests/integration",
    "tests/e2e/requests",
    "tests/e2e/lessons/test_lesson_10_stale_claims.py",
    "tests/e2e/lessons/test_lesson_11_disabled_accounts.py",
    "tests/e2e/lessons/test_lesson_13_revocation_everywhere.py",
)
"""What asks the second database: what is stored and read, and whole instances up to revocation.

The rest knows no database (units, properties, contracts, the gateway) or sees it only through what is listed here. Whatever is
named on the command line runs on either.
"""
_PAGES = (
    "baselines", "bench", "callers", "columns", "decisions", "devices", "directory", "directory_keys", "effort", "explain", "exports",
    "fresh_proof", "kept_tests", "limits", "oidc", "osquery", "replay", "reviewed", "reviews", "rules", "rules_followed",
    "rules_trial", "saml", "service_proofs", "services", "software", "sources",
)  # fmt: skip
"""Pages whose questions the tests of their rooms ask on either; that each opens on either says `test_console_pages`."""
_COMMANDS = tuple(
    str(path.relative_to(ROOT))
    for pattern in ("test_*_cli.py", "test_*_command.py")
    for path in sorted((ROOT / "tests/integration").rglob(pattern))
)
ON_SQLITE_ONLY = (
    *_COMMANDS,
    "tests/e2e/requests/test_requests_in_a_browser.py",
    "tests/integration/backup",
    *(f"tests/integration/console/test_console_{name}.py" for name in _PAGES),
    "tests/integration/doctor",
    "tests/integration/gateway",
    "tests/integration/identity/test_identity_id_tokens.py",
    "tests/integration/identity/test_identity_people_file.py",
    "tests/integration/requests/test_requests_killed.py",
    "tests/integration/reviews/test_reviews_killed.py",
    "tests/integration/rulebook/test_replay_bench.py",
    "tests/integration/rulebook/test_rulebook_following_servers.py",
    "tests/integration/rulebook/test_rulebook_git_repository.py",
    "tests/integration/shell",
    "tests/integration/signals/test_signals_killed.py",
    "tests/integration/signals/test_signals_streams_hostile.py",
    "tests/integration/signals/test_signals_transmitters_hostile.py",
    "tests/integration/supervisor",
    "tests/integration/visibility/test_visibility_audit_log.py",
    "tests/integration/visibility/test_visibility_keeping.py",
)
"""What tells nothing more on a second database: benchmarks, which are tried here and not measured; commands, processes and pages
whose questions others of these tests ask; backups, which a test of theirs takes to PostgreSQL and back; files, repositories and what
strangers send, which is read before anything is asked of a database; and processes killed at every step, of which `test_worker_rolls_back` is killed on
either, as whether a transaction was whole is the same question for each of them."""


def unexpected_skips(report: str) -> list[str]:
    """Return the skip and xfail lines of pytest's summary that nobody gave a reason for."""
    lines = re.findall(r"^(?:SKIPPED|XFAIL|XPASS)\b.*$", report, re.MULTILINE)
    return [line for line in lines if not any(allowed in line for allowed in ALLOWED_SKIPS)]


def run_pytest(arguments: list[str], environment: dict[str, str]) -> int:
    """Run pytest, show its output as it comes, and return its status, or 1 for an unexplained skip.

    Files run in the order of their names: the long ones (`e2e`) first and the short ones (`unit`) last, so that neither
    process waits for the other at the end.
    """
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        "2",
        "--dist",
        "loadfile",
        "--no-loadscope-reorder",
        *arguments,
    ]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        lines = []
        for line in process.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            lines.append(line)
    for skip in (skips := unexpected_skips("".join(lines))):
        print(f"Skipped without a listed reason: {skip}", file=sys.stderr)
    return process.returncode or (1 if skips else 0)


def main(arguments: list[str]) -> int:
    """Run the tests on the database asked for."""
    environment = {**os.environ}
    environment.pop("OSTIARY_HOME", None)
    if "--postgres" not in arguments:
        environment.pop("OSTIARY_DATABASE_URL", None)
        return run_pytest(arguments, environment)
    arguments.remove("--postgres")
    if not arguments:
        arguments = [*ON_POSTGRESQL, *(f"--ignore={place}" for place in ON_SQLITE_ONLY)]
    with postgres_server(durable=False) as server:
        return run_pytest(arguments, {**environment, "OSTIARY_DATABASE_URL": server.url})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
