"""A fresh PostgreSQL server for one run: in a folder of its own, on a Unix socket only, gone afterwards."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A server that runs.

    Args:
        url: of its database.
        pid: of the process whose children do the work.
    """

    url: str
    pid: int


@contextmanager
def postgres_server(*, durable: bool) -> Iterator[PostgresServer]:
    """Run one.

    Args:
        durable: whether it waits for the disk, as one that is used does; tests need not.
    """
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries:
        raise SystemExit("PostgreSQL is not installed. Run: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="ost-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        as_postgres: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
            as_postgres = ["runuser", "-u", "postgres", "--"]
        data = folder / "data"

        def run(command: list[str]) -> None:
            subprocess.run([*as_postgres, *command], check=True, stdout=subprocess.DEVNULL, cwd=folder)

        run([str(binaries[-1] / "initdb"), "-D", str(data), "-U", "ostiary", "-A", "trust", "--no-sync"])
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c max_connections=200"
        control = [str(binaries[-1] / "pg_ctl"), "-D", str(data), "-l", str(folder / "log"), "-w"]
        run([*control, "-o", options if durable else f"{options} -c fsync=off", "start"])
        try:
            pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
            yield PostgresServer(f"postgresql://ostiary@/postgres?host={folder}", pid)
        finally:
            run([*control, "-m", "immediate", "stop"])
