"""Where a request comes from, as Envoy says. Nothing a client writes about itself is believed."""

import ipaddress
from dataclasses import dataclass

from django.http import HttpRequest

MAX_USER_AGENT_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Client:
    """The other end of a request.

    Args:
        address: its IP address in text form; empty when it is not known.
        user_agent: what the browser calls itself, shortened, without control characters.
    """

    address: str
    user_agent: str


def client_of(request: HttpRequest) -> Client:
    """Return where this request comes from."""
    headers = request.headers
    address = client_address(client=headers.get("x-ostiary-client", ""), peer=headers.get("x-ostiary-peer", ""))
    agent = "".join(one for one in request.headers.get("user-agent", "") if one.isprintable())
    return Client(address=address, user_agent=agent[:MAX_USER_AGENT_CHARACTERS])


def client_address(*, client: str, peer: str) -> str:
    """Return the client's IP address, or nothing when Envoy named none.

    Args:
        client: the address with trusted proxies taken into account, as Envoy set it.
        peer: address and port of the connection itself, as Envoy set it.
    """
    host, separator, _port = peer.rpartition(":")
    return _as_address(client) or _as_address((host if separator else peer).strip("[]"))


def _as_address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
