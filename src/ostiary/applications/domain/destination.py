"""Which addresses no app may live at, whether an administrator wrote the address or a name leads there.

Pure: names are resolved by `applications.adapters.upstream_names`, and the data plane looks by `FORBIDDEN` at every request.

Source: RFC 6890 (special-purpose addresses); RFC 6052 (NAT64); RFC 5952 (how IPv6 addresses are written).
"""

import ipaddress
from collections.abc import Collection
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA_ADDRESSES: Final = frozenset(
    ipaddress.ip_address(text) for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)
_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 addresses as NAT64 writes them: the last 32 bits say which is meant."""

_UNASSIGNED: Final = ipaddress.IPv6Network("::/16")
"""Nobody's (RFC 4291), but for `::1`; addresses that hide an IPv4 address stand here."""

FORBIDDEN: Final = (
    r"^169\.254\.",
    r"^(?:100\.100\.100\.200|168\.63\.129\.16):",
    r"^(?:192\.0\.0\.192|0\.0\.0\.0):",
    r"^2(?:2[4-9]|[345][0-9])\.",
    r"^\[(?:fe[89ab][0-9a-f]|ff[0-9a-f][0-9a-f]|2002|2001:0?|0):",
    r"^\[::(?:\]|[02-9a-f]|1[0-9a-f:.])",
    r"^\[(?:fd00:ec2::254|64:ff9b::a83f:8110)\]",
    r"^\[64:ff9b::(?:a9fe:|6464:64c8\]|c000:c0\])",
    r"%",
)
"""The same in RE2, of an address and its port as the data plane writes them: `192.0.2.7:80`, `[2001:db8::7]:80`. Ports
aside, `describe_forbidden` and these forbid the same; a test holds them together. The data plane takes short patterns only."""


def forbidden_patterns(own_ports: Collection[int]) -> tuple[str, ...]:
    """Return `FORBIDDEN`, and this machine's own addresses with the gateway's own ports.

    Args:
        own_ports: ports the gateway itself listens on.
    """
    ports = "|".join(str(port) for port in sorted(own_ports))
    return (*FORBIDDEN, rf"^(?:127\.[0-9.]+|\[::1\]):(?:{ports})$") if ports else FORBIDDEN


def describe_forbidden(text: str, *, port: int, own_ports: Collection[int] = ()) -> str:
    """Return why no app may live at an address, as words to follow it; empty where it may.

    Args:
        text: an IP address.
        port: where the app would listen there.
        own_ports: ports the gateway itself listens on.
    """
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address) and is_disguised(address):
        return "an address in disguise or bound to one interface"
    if keeps_credentials(address):
        return "where clouds keep machine credentials"
    if means_no_machine(address):
        return "which is not the address of one machine"
    if address.is_loopback and port in own_ports:
        return f"which is this gateway itself on port {port}"
    return ""


def keeps_credentials(address: Address) -> bool:
    """Whether a cloud's metadata service may answer there, or any other neighbour that has no address of its own."""
    meant = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _TRANSLATED else address
    return meant in _METADATA_ADDRESSES or meant.is_link_local


def means_no_machine(address: Address) -> bool:
    """Whether it is nobody's, or everybody's."""
    return address.is_unspecified or address.is_multicast or (address.is_reserved and address.version == 4)


def is_disguised(address: ipaddress.IPv6Address) -> bool:
    """Whether another address hides in this one, or it means another machine on each interface."""
    embedded = address.ipv4_mapped or address.sixtofour or address.teredo
    unassigned = address in _UNASSIGNED and not address.is_loopback and not address.is_unspecified
    return bool(address.scope_id or embedded or unassigned)
