"""A supervisor on a small stage: real child processes that behave as their arguments say."""

import asyncio
import json
import sys
from pathlib import Path

from ostiary.supervisor.backoff import Backoff
from ostiary.supervisor.conductor import Conductor
from ostiary.supervisor.lock import InstanceLock
from ostiary.supervisor.process import ProcessSpec
from ostiary.supervisor.telling import Lines

ACTOR = """
import os, signal, subprocess, sys, time
name, behaviour, folder = sys.argv[1:4]
with open(f"{folder}/{name}.starts", "a") as file:
    file.write(f"{os.getpid()}\\n")
def leave(*_):
    with open(f"{folder}/order", "a") as file:
        file.write(f"{name}\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN if "stubborn" in behaviour else leave)
print("says", name, flush=True)
if "parent" in behaviour:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    open(f"{folder}/{name}.child", "w").write(str(child.pid))
if "dies" in behaviour:
    print("cannot go on", flush=True)
    sys.exit(3)
if "late" not in behaviour:
    open(f"{folder}/{name}.ready", "w").close()
while True:
    time.sleep(0.05)
"""


class FileProbe:
    """A process is ready while a file is there."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def check(self) -> str:
        return "" if self.path.exists() else "no file"


def spec(folder: Path, name: str, behaviour: str, after: tuple[str, ...] = ()) -> ProcessSpec:
    return ProcessSpec(
        name=name,
        purpose="acts",
        command=(sys.executable, "-S", "-c", ACTOR, name, behaviour, str(folder)),
        probe=FileProbe(folder / f"{name}.ready"),
        after=after,
        start_seconds=1.0 if "late" in behaviour else 60.0,
        probe_seconds=0.05,
        probe_failures=3,
        stop_seconds=1.0,
        clear=(str(folder / f"{name}.ready"),),
    )


def main() -> None:
    folder = Path(sys.argv[1])
    cast = json.loads(sys.argv[2])
    held = InstanceLock(folder)
    specs = [spec(folder, name, behaviour, tuple(after)) for name, behaviour, after in cast]
    backoff = Backoff(first_seconds=0.05, longest_seconds=0.2, stable_seconds=1000)
    conductor = Conductor(specs, run=folder, logs=folder / "log", telling=Lines(), backoff=backoff)
    asyncio.run(conductor.run())
    held.release()


if __name__ == "__main__":
    main()
