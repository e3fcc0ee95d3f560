"""One publisher at a time, whatever the process. A crash releases the lock."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from ostiary.config.places import Instance

LOCK_FILE = "lock"


@contextmanager
def publication_lock(instance: Instance) -> Iterator[None]:
    """Hold the right to write the snapshot and the data plane's files; wait for whoever has it."""
    instance.facts.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(instance.facts / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
