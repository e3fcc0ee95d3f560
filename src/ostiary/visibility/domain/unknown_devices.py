"""What the record says of people who came with a device that nobody enrolled: which browser, and from which network. Pure.

No more of a browser is kept than its name and its system in words, and no more of an address than its network.
"""

import ipaddress
from typing import Final

import msgspec

from ostiary.policy.bearers import TOKEN_METHOD
from ostiary.visibility.domain.browsers import describe_browser
from ostiary.visibility.domain.decision_record import DecisionRecord

NETWORK_BITS: Final = {4: 24, 6: 48}


class SeenBrowser(msgspec.Struct, frozen=True, kw_only=True):
    """One person with one browser on no device that is enrolled.

    Args:
        id: of this line.
        person: who.
        email: their address then.
        browser: in words: `Firefox on Windows`.
        network: from where the latest request came: `192.0.2.0/24`; empty where that is not known.
        first_at: the earliest request, seconds since the epoch.
        last_at: the latest.
        requests: how many were decided; those that passed on a grant are not among them.
    """

    id: int
    person: str
    email: str
    browser: str
    network: str
    first_at: float
    last_at: float
    requests: int


def unknown_browser(record: DecisionRecord) -> str:
    """Return the browser of somebody who came with no enrolled device; empty for everybody and everything else.

    Tokens and programs that ask on somebody's behalf are no browsers.
    """
    request = record.request
    if request is None or request.subject.person is None or request.device is not None:
        return ""
    if (
        record.client
        or record.stream_ended
        or any(one.method == TOKEN_METHOD for one in request.subject.authentications)
    ):
        return ""
    return describe_browser(record.http.user_agent)


def network_of(address: str) -> str:
    """Return the network of an address, 256 addresses of IPv4 or 2⁸⁰ of IPv6; empty for what is no address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    plain = (parsed.ipv4_mapped or parsed) if isinstance(parsed, ipaddress.IPv6Address) else parsed
    return str(ipaddress.ip_network(f"{plain}/{NETWORK_BITS[plain.version]}", strict=False))
