"""Serves one of the sample applications on the loopback address: `python -m ostiary.demo.applications.serve NAME PORT DATA`."""

import os
import sys

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from ostiary.supervisor.serve import load_tied

DATA_VARIABLE = "OSTIARY_DEMO_DATA"
INTERFACES = {
    "handbook": Interfaces.RSGI,
    "inspector": Interfaces.RSGI,
    "readings": Interfaces.RSGI,
    "board": Interfaces.WSGI,
    "files": Interfaces.WSGI,
}


def main() -> None:
    """Serve until told to stop."""
    name, port, data = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    os.environ[DATA_VARIABLE] = data
    Granian(
        f"ostiary.demo.applications.{name}:application",
        address="127.0.0.1",
        port=port,
        interface=INTERFACES[name],
        workers=1,
        blocking_threads=8 if INTERFACES[name] is Interfaces.WSGI else None,
        backpressure=64,
        workers_kill_timeout=3,
        log_level=LogLevels.warning,
    ).serve(target_loader=load_tied)


if __name__ == "__main__":
    main()
