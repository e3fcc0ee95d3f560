"""Ties one process to the life of the supervisor, then becomes the program: `tether.py <supervisor's pid> <program> …`.

Runs by itself, on the standard library, so that it starts in milliseconds: the supervisor never forks Python code.
"""

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when `parent` dies, however it dies; exit at once if it has already.

    Source: prctl(2), PR_SET_PDEATHSIG. The setting survives execve(2).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os._exit(1)


def main() -> None:
    """Become a session of our own (a Ctrl-C at the terminal reaches the supervisor alone) and the program."""
    die_with_parent(int(sys.argv[1]))
    os.setsid()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - this is what the module is for


if __name__ == "__main__":
    main()
