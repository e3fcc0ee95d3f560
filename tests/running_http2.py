"""HTTP/2 as an attacker speaks it: headers exactly as given, pseudo-headers included, nothing checked on our side."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError

Headers = Sequence[tuple[str, str]]


@dataclass
class Http2Answer:
    """What came back: status 0 where the stream or the connection was ended without an answer."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


def ask(connection: socket.socket, headers: Headers, body: bytes = b"") -> Http2Answer:
    """Send one request on a new connection, and read its answer."""
    config = H2Configuration(
        client_side=True,
        validate_outbound_headers=False,
        normalize_outbound_headers=False,
        validate_inbound_headers=False,
        header_encoding="latin-1",
    )
    h2 = H2Connection(config=config)
    h2.initiate_connection()
    h2.send_headers(1, list(headers), end_stream=not body)
    if body:
        h2.send_data(1, body, end_stream=True)
    answer = Http2Answer()
    try:
        connection.sendall(h2.data_to_send())
        while data := connection.recv(65536):
            if _take(h2, data, answer):
                break
            connection.sendall(h2.data_to_send())
    except (OSError, ProtocolError):
        return answer
    return answer


def _take(h2: H2Connection, data: bytes, answer: Http2Answer) -> bool:
    """Take what came, and say whether the answer is over."""
    for event in h2.receive_data(data):
        if isinstance(event, ResponseReceived):
            answer.headers = [(str(name), str(value)) for name, value in event.headers or ()]
            answer.status = int(dict(answer.headers)[":status"])
        elif isinstance(event, DataReceived):
            answer.body += event.data or b""
            h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id or 1)
        elif isinstance(event, (StreamEnded, StreamReset, ConnectionTerminated)):
            return True
    return False
