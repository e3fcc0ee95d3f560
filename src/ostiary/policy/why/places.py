"""Addresses that stand for being inside some networks and outside others. Exact: where there is one, one is found."""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence

from ostiary.policy.conditions import networks

_ELSEWHERE = ("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1")
"""Addresses for documentation, which stand for any other one. Source: RFC 5737, RFC 3849."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def address_in(inside: str, shut: Sequence[str]) -> str | None:
    """Return an address of a range that is in none of the shut ranges; `None` when they cover it.

    The lowest such address is the range's first, or the one after the last of a shut range.
    """
    (network,), closed = networks((inside,)), networks(tuple(shut))
    usual = [network[1], network[-1]] if network.num_addresses > 1 else []
    return _first_free((one for one in (*usual, network[0], *_after(closed)) if one in network), closed)


def address_outside(shut: Sequence[str]) -> str | None:
    """Return an address that is in none of the ranges; `None` when they cover everything."""
    closed = networks(tuple(shut))
    return _first_free((*map(ipaddress.ip_address, _ELSEWHERE), *_after(closed)), closed)


def overlapping(inside: str, others: Iterable[str]) -> tuple[str, ...]:
    """Return those of the other ranges that have addresses in common with a range."""
    (network,) = networks((inside,))
    return tuple(text for text in others if _overlap(network, ipaddress.ip_network(text)))


def _overlap(one: _Network, other: _Network) -> bool:
    return one.version == other.version and (one[0] in other or other[0] in one)


def _after(closed: Iterable[_Network]) -> Iterator[_Address]:
    return (one[-1] + 1 for one in closed if int(one[-1]) + 1 < 2**one.max_prefixlen)


def _first_free(addresses: Iterable[_Address], closed: Sequence[_Network]) -> str | None:
    return next((str(address) for address in addresses if not any(address in one for one in closed)), None)
