"""Asks the decision service how it stands, on its Unix socket."""

import http.client
from pathlib import Path

import msgspec

from ostiary.unix_http import ask_socket

TIMEOUT_SECONDS = 3.0


class DeciderHealth(msgspec.Struct, frozen=True):
    """What the decision service says of itself.

    Args:
        decides: false when every request is refused.
        cuts_streams: whether open streams end at once when they would be refused now.
        streams: how many are open.
    """

    decides: bool
    cuts_streams: bool = False
    streams: int = 0


def read_decider_health(path: Path) -> DeciderHealth | None:
    """Return how the decision service stands; `None` when it does not answer.

    Args:
        path: its Unix socket.
    """
    try:
        _status, body = ask_socket(path, "/health", seconds=TIMEOUT_SECONDS)
        return msgspec.json.decode(body, type=DeciderHealth)
    except (OSError, http.client.HTTPException, msgspec.MsgspecError):
        return None
