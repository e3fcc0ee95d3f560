"""Finds and destroys TCP connections of this machine through the kernel's `sock_diag`, as `ss -K` does.

A connection is named by its cookie, which the kernel gives to one socket and never again: a port that somebody else
has meanwhile is not theirs to lose. Where no connection is, the kernel answers with the socket that listens there;
it is never taken for one. Destroying needs CAP_NET_ADMIN and a kernel built with `CONFIG_INET_DIAG_DESTROY`.
Source: sock_diag(7), linux/sock_diag.h, linux/inet_diag.h.
"""

import contextlib
import errno
import ipaddress
import socket
import struct
from typing import Final

import msgspec

NETLINK_SOCK_DIAG: Final = 4
SOCK_DIAG_BY_FAMILY: Final = 20
SOCK_DESTROY: Final = 21
NLMSG_ERROR: Final = 2
NLM_F_REQUEST: Final = 1
NLM_F_ACK: Final = 4
ANY_STATE: Final = 0xFFFFFFFF
NO_COOKIE: Final = b"\xff" * 8
TCP_TIME_WAIT: Final = 6
TCP_CLOSE: Final = 7
TCP_LISTEN: Final = 10
NO_CONNECTION: Final = frozenset({TCP_TIME_WAIT, TCP_CLOSE, TCP_LISTEN})
REPLY_BYTES: Final = 8192
REPLY_SECONDS: Final = 1.0

_HEADER: Final = struct.Struct("=IHHII")
_REQUEST: Final = struct.Struct("=BBBBI")
_PORTS: Final = struct.Struct(">HH")
_ERROR: Final = struct.Struct("=i")
_STATE_AT: Final = _HEADER.size + 1
_PORTS_AT: Final = _HEADER.size + 4
_COOKIE_AT: Final = _PORTS_AT + _PORTS.size + 16 + 16 + 4


class Connection(msgspec.Struct, frozen=True):
    """One TCP connection, from this machine's side.

    Args:
        family: `socket.AF_INET` or `socket.AF_INET6`.
        local: address (4 or 16 bytes) and port here.
        peer: address and port there.
        cookie: the kernel's name for the socket, 8 bytes.
    """

    family: int
    local: tuple[bytes, int]
    peer: tuple[bytes, int]
    cookie: bytes


class Sockets:
    """Asks the kernel about connections. Every question takes microseconds and never waits for the network."""

    def __init__(self) -> None:
        self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG)
        self._netlink.settimeout(REPLY_SECONDS)
        self._sequence = 0

    def close(self) -> None:
        """Stop asking."""
        self._netlink.close()

    def find(self, local: str, peer: str) -> Connection | None:
        """Return the connection between two ends written as `address:port`; `None` when there is none.

        Raises:
            OSError: when the kernel does not answer.
        """
        here, there = _end(local), _end(peer)
        if here is None or there is None or len(here[0]) != len(there[0]):
            return None
        family = socket.AF_INET if len(here[0]) == 4 else socket.AF_INET6
        wanted = Connection(family, here, there, NO_COOKIE)
        code, reply = self._ask(SOCK_DIAG_BY_FAMILY, wanted)
        if code or not _is_connection(reply, wanted):
            return None
        return msgspec.structs.replace(wanted, cookie=reply[_COOKIE_AT : _COOKIE_AT + 8])

    def destroy(self, connection: Connection) -> bool:
        """End a connection: both sides see it reset. Return whether it was there and is not any more.

        Raises:
            PermissionError: without CAP_NET_ADMIN.
            OSError: when the kernel cannot.
        """
        code, _reply = self._ask(SOCK_DESTROY, connection)
        if code in {errno.ENOENT, errno.ESTALE}:
            return False
        if code:
            raise OSError(code, "The kernel did not end the connection.")
        return True

    def can_destroy(self) -> bool:
        """Return whether connections can be ended here: tried on one of our own."""
        try:
            with (
                socket.create_server(("127.0.0.1", 0)) as server,
                socket.create_connection(server.getsockname(), timeout=REPLY_SECONDS) as client,
            ):
                own, _address = server.accept()
                with own:
                    ends = ("{}:{}".format(*own.getsockname()), "{}:{}".format(*client.getsockname()))
                    connection = self.find(*ends)
                    return connection is not None and self.destroy(connection)
        except OSError:
            return False

    def _ask(self, kind: int, connection: Connection) -> tuple[int, bytes]:
        """Send one question; return the kernel's error number, 0 for none, and its answer."""
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        body = b"".join(
            (
                _REQUEST.pack(connection.family, socket.IPPROTO_TCP, 0, 0, ANY_STATE),
                _PORTS.pack(connection.local[1], connection.peer[1]),
                connection.local[0].ljust(16, b"\0"),
                connection.peer[0].ljust(16, b"\0"),
                bytes(4),
                connection.cookie,
            )
        )
        flags = NLM_F_REQUEST | (NLM_F_ACK if kind == SOCK_DESTROY else 0)
        self._netlink.send(_HEADER.pack(_HEADER.size + len(body), kind, flags, self._sequence, 0) + body)
        while True:
            reply = self._netlink.recv(REPLY_BYTES)
            _length, answer, _flags, sequence, _port = _HEADER.unpack_from(reply)
            if sequence != self._sequence:
                continue
            if answer == NLMSG_ERROR:
                return -_ERROR.unpack_from(reply, _HEADER.size)[0], b""
            return 0, reply


def _is_connection(reply: bytes, wanted: Connection) -> bool:
    """Tell whether the kernel speaks of this connection and not of what listens for all of them at the same address."""
    ports = _PORTS.unpack_from(reply, _PORTS_AT)
    return ports == (wanted.local[1], wanted.peer[1]) and reply[_STATE_AT] not in NO_CONNECTION


def _end(text: str) -> tuple[bytes, int] | None:
    """Read `192.0.2.7:443` or `[2001:db8::7]:443`; an IPv4 address in IPv6's clothes is one of IPv4."""
    host, _, port = text.rpartition(":")
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host.strip("[]"))
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        number = int(port) if port.isascii() and port.isdigit() else 0
        if 0 < number < 65536:
            return address.packed, number
    return None
