"""How many services other computers can reach: sockets that listen on an address that is not the computer's own loopback.

A firewall in front of them is another fact. Programs' own questions by UDP (ports the kernel gives out by itself) are no services.
"""

import ipaddress
from collections.abc import Iterable, Mapping

import msgspec

from ostiary.agent.posture.computer import Computer, text_of
from ostiary.agent.posture.finding import Collector, Value

TCP_LISTENS = "0A"
UDP_UNCONNECTED = "07"
TABLES = {"tcp": TCP_LISTENS, "tcp6": TCP_LISTENS, "udp": UDP_UNCONNECTED, "udp6": UDP_UNCONNECTED}
EPHEMERAL = "/proc/sys/net/ipv4/ip_local_port_range"
FIRST_EPHEMERAL = 32768


class Service(msgspec.Struct, frozen=True, order=True):
    """A port that is listened on: `tcp` or `udp`."""

    port: int
    protocol: str


def look(computer: Computer) -> Mapping[str, Value]:
    """Return how many there are."""
    return {"listening_services": len(services(computer))}


def services(computer: Computer) -> dict[Service, frozenset[str]]:
    """Return what listens, with the numbers (inodes) of its sockets. Raises `CannotTell`."""
    first = first_ephemeral(text_of(computer, EPHEMERAL))
    found: dict[Service, set[str]] = {}
    tables = {name: computer.read(f"/proc/net/{name}") for name in TABLES if name in {"tcp", "udp"}}
    tables |= {name: text_of(computer, f"/proc/net/{name}") for name in TABLES if name not in tables}
    for name, text in tables.items():
        for service, inode in parse_table(text, name=name, first_ephemeral=first):
            found.setdefault(service, set()).add(inode)
    return {service: frozenset(found[service]) for service in sorted(found)}


def parse_table(text: str, *, name: str, first_ephemeral: int = FIRST_EPHEMERAL) -> Iterable[tuple[Service, str]]:
    """Yield the services in a table of `/proc/net` (proc_net_tcp in the kernel's documentation); lines of another form are passed over.

    Args:
        text: of the table.
        name: `tcp`, `tcp6`, `udp` or `udp6`.
        first_ephemeral: from which port on UDP is programs' own.
    """
    protocol = name.removesuffix("6")
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) < 10 or words[3] != TABLES[name]:
            continue
        address, _, port_text = words[1].partition(":")
        try:
            port, where = int(port_text, 16), read_address(address)
        except ValueError:
            continue
        if where.is_loopback or not 0 < port < 65536 or (protocol == "udp" and port >= first_ephemeral):
            continue
        yield Service(port, protocol), words[9]


def read_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return an address as the kernel prints it: hexadecimal words of four bytes, each in the machine's order (little-endian).

    Raises:
        ValueError: for anything else.
    """
    raw = bytes.fromhex(text)
    if len(raw) not in {4, 16}:
        raise ValueError(text)
    turned = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    if len(turned) == 4:
        return ipaddress.IPv4Address(turned)
    address = ipaddress.IPv6Address(turned)
    return address.ipv4_mapped or address


def first_ephemeral(text: str) -> int:
    """Return the first port that the kernel gives out by itself, from `ip_local_port_range`."""
    words = text.split()
    return int(words[0]) if words and words[0].isdecimal() and len(words[0]) <= 5 else FIRST_EPHEMERAL


def names_of(computer: Computer) -> dict[Service, str]:
    """Return which program each service is of, as far as may be seen; shown on the computer itself and never sent. Raises `CannotTell`."""
    listening = services(computer)
    wanted = {f"socket:[{inode}]": service for service, inodes in listening.items() for inode in inodes}
    names = dict.fromkeys(listening, "")
    for process in computer.processes():
        folder = f"/proc/{process.pid}/fd"
        for number in computer.names_in(folder):
            service = wanted.get(computer.target_of(f"{folder}/{number}"))
            if service is not None:
                names[service] = process.name
    return names


COLLECTOR = Collector(facts=("listening_services",), look=look, quick=True)
