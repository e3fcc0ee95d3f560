"""Reads an upstream's address, and refuses those that could only be a mistake or an attack.

Names are not resolved here: where they lead is judged by `destination`. An administrator may point an app anywhere in the
network, but never at a cloud's metadata service, at the gateway itself, or at an address written so that two programs read it
differently.

Source: RFC 3986 section 3.2; RFC 6890 (special-purpose addresses).
"""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from ostiary.applications.domain.destination import is_disguised, keeps_credentials, means_no_machine
from ostiary.applications.domain.wording import UnusableApp

_NAME_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMERIC_LABEL = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)", re.ASCII)
_HEALTH_PATH = re.compile(r"/[A-Za-z0-9._~/-]{0,254}", re.ASCII)
_METADATA_NAMES: Final = frozenset(
    {"metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"}
)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class UpstreamScheme(StrEnum):
    """How the gateway speaks to an upstream."""

    HTTP = "http"
    HTTPS = "https"


@dataclass(frozen=True, slots=True)
class UpstreamAddress:
    """Where to connect.

    Args:
        host: a name or an IP address in its canonical text form, without brackets.
        is_address: whether `host` is an IP address.
    """

    scheme: UpstreamScheme
    host: str
    port: int
    is_address: bool

    @property
    def url(self) -> str:
        """The address as a URL; the port is left out where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def parse_upstream(text: str, *, own_hosts: Collection[str] = (), own_ports: Collection[int] = ()) -> UpstreamAddress:
    """Return the address in `http://host[:port]` or `https://host[:port]`.

    Args:
        text: what was typed.
        own_hosts: host names the gateway answers for; an upstream there would be a loop.
        own_ports: ports the gateway listens on; loopback addresses with one of them would be a loop.

    Raises:
        UnusableApp: with what to write instead.
    """
    if not text.isascii() or any(character.isspace() or not character.isprintable() for character in text):
        raise UnusableApp("The upstream holds a space or a character outside ASCII.", hint=_EXAMPLE)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UnusableApp(f"The upstream {text!r} is not an address: {error}.", hint=_EXAMPLE) from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise UnusableApp(f"The upstream {text!r} is neither http:// nor https:// with a host.", hint=_EXAMPLE)
    if "@" in parts.netloc or "\\" in text:
        raise UnusableApp("The upstream holds a user name or a backslash.", hint=_EXAMPLE)
    if parts.path not in {"", "/"} or "?" in text or "#" in text:
        raise UnusableApp(
            "The upstream has a path, a query or a fragment.",
            hint="Name only scheme, host and port: the path that people ask for is passed on as it is.",
        )
    if port == 0 or parts.netloc.endswith(":"):
        raise UnusableApp("The upstream's port is missing or zero.", hint=_EXAMPLE)
    host, is_address = _parse_host(parts.hostname.lower())
    address = UpstreamAddress(UpstreamScheme(parts.scheme), host, port or _DEFAULT_PORTS[parts.scheme], is_address)
    _refuse_loop(address, own_hosts=own_hosts, own_ports=own_ports)
    return address


def parse_health_path(text: str) -> str:
    """Return a path for health checks: it starts with `/` and needs no escaping."""
    if text and (not _HEALTH_PATH.fullmatch(text) or ".." in text):
        raise UnusableApp(f"{text[:60]!r} cannot be a health path.", hint="Write a plain path such as /healthz.")
    return text


def parse_host_header(text: str) -> str:
    """Return what to send as `Host`: a name or address, with a port where wanted."""
    if not text:
        return ""
    name, colon, port = text.lower().rpartition(":")
    host = name if colon and port.isdigit() and "]" not in port else text.lower()
    if colon and port.isdigit() and not 1 <= int(port) <= 65535:
        raise UnusableApp(f"{text[:60]!r} has a port that does not exist.")
    _parse_host(host.strip("[]"))
    return text.lower()


_EXAMPLE: Final = "Write it like http://10.0.0.5:8080 or https://wiki.internal."


def _parse_host(host: str) -> tuple[str, bool]:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return _parse_name(host), False
    if isinstance(address, ipaddress.IPv6Address) and is_disguised(address):
        raise UnusableApp(f"{host} is an address in disguise or bound to one interface.", hint="Write the plain one.")
    if keeps_credentials(address):
        raise UnusableApp(f"{host} is where clouds keep machine credentials.", hint="No app can live there.")
    if means_no_machine(address):
        raise UnusableApp(f"{host} is not the address of one machine.", hint=_EXAMPLE)
    return address.compressed, True


def _parse_name(name: str) -> str:
    labels = name.split(".")
    if len(name) > 253 or not all(_NAME_LABEL.fullmatch(label) for label in labels):
        raise UnusableApp(f"{name[:60]!r} is not a host name.", hint=_EXAMPLE)
    if _NUMERIC_LABEL.fullmatch(labels[-1]):
        raise UnusableApp(f"{name!r} looks like an address but is not one.", hint="Write four numbers, as in 10.0.0.5.")
    if name in _METADATA_NAMES:
        raise UnusableApp(f"{name} is where clouds keep machine credentials.", hint="No app can live there.")
    return name


def _refuse_loop(address: UpstreamAddress, *, own_hosts: Collection[str], own_ports: Collection[int]) -> None:
    local = address.host == "localhost" or (address.is_address and ipaddress.ip_address(address.host).is_loopback)
    if address.host in own_hosts or (local and address.port in own_ports):
        raise UnusableApp(
            f"{address.url} is this gateway itself: requests would go round in a circle.",
            hint="Name the machine and port where the app itself listens.",
        )
