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
    address = client_address(request.headers.get("x-forwarded-for", ""))
    agent = "".join(one for one in request.headers.get("user-agent", "") if one.isprintable())
    return Client(address=address, user_agent=agent[:MAX_USER_AGENT_CHARACTERS])


def client_address(forwarded_for: str) -> str:
    """Return the client's IP address, or nothing when Envoy named none.

    Args:
        forwarded_for: `X-Forwarded-For` as Envoy wrote it: one address, trusted proxies taken into account. Were
            there several, the last is what the nearest program saw itself.
    """
    return _as_address(forwarded_for.rpartition(",")[2].strip())


def _as_address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
