"""Asks the machine's name service where a name leads."""

import socket


def resolve_name(name: str) -> tuple[str, ...]:
    """Return every address of a name, in order; none when it cannot be found at the moment.

    It waits as long as the machine's resolver does: call it outside of transactions.
    """
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(sorted({str(entry[4][0]) for entry in found}))
