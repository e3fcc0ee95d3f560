"""Where no app may live: the same for an address that was typed, a name that was looked up, and the data plane's own look."""

import ipaddress
import re
import socket
from collections.abc import Collection
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.applications.destinations import find_forbidden, own_ports, refuse_forbidden
from ostiary.applications.domain import (
    App,
    UnusableApp,
    Upstream,
    describe_forbidden,
    forbidden_patterns,
    parse_upstream,
)
from ostiary.config.places import Instance
from ostiary.config.schema import Configuration, Decisions, Gateway
from ostiary.policy.identifiers import AppId

INSTANCE = Instance(
    home=Path("/srv/ostiary"),
    configuration=Configuration(
        domain="example.test",
        gateway=Gateway(https_port=8443, http_port=8080),
        decisions=Decisions(forward_auth_port=9091),
    ),
)
FORBIDDEN = (
    "169.254.169.254",
    "169.254.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "0.0.0.0",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "fd00:ec2::254",
    "fe80::1",
    "febf::1",
    "ff02::1",
    "::",
    "::2",
    "::a9fe:a9fe",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.5",
    "2002:a9fe:a9fe::1",
    "2001:0:a9fe:a9fe::1",
    "2001::1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::a9fe:0",
    "64:ff9b::100.100.100.200",
    "64:ff9b::168.63.129.16",
    "64:ff9b::192.0.0.192",
)
ALLOWED = (
    "10.0.0.5",
    "127.0.0.1",
    "100.100.100.20",
    "169.253.1.1",
    "169.255.1.1",
    "192.0.0.19",
    "223.255.255.255",
    "22.4.0.1",
    "::1",
    "fd00:ec2::253",
    "fd00:ec2::1:254",
    "fec0::1",
    "2001:db8::7",
    "2001:1::1",
    "2003::1",
    "64:ff9b::a00:5",
    "64:ff9b::a9fd:1",
)
_NETWORKS = (
    *(
        "0.0.0.0/0",
        "169.0.0.0/8",
        "169.254.0.0/16",
        "100.100.100.0/24",
        "168.63.129.0/24",
        "192.0.0.0/24",
        "127.0.0.0/8",
    ),
    *("224.0.0.0/3", "0.0.0.0/24", "::/0", "::/120", "::/96", "::ffff:0:0/96", "::/16", "64:ff9b::/96", "64::/16"),
    *("64:ff9b::a9fe:0/112", "fe80::/9", "ff00::/8", "fd00:ec2::/112", "2002::/16", "2001::/31", "2001::/16"),
)
_ADDRESSES = st.sampled_from(_NETWORKS).flatmap(lambda network: st.ip_addresses(network=network))


def written(address: str, port: int) -> str:
    """Return an address as the data plane writes it: IPv6 as the C library does, in brackets."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    text = socket.inet_ntop(family, socket.inet_pton(family, address))
    return f"[{text}]:{port}" if ":" in address else f"{text}:{port}"


def forbids(own_ports: Collection[int], text: str) -> bool:
    """Whether the data plane would refuse this destination."""
    return any(re.search(pattern, text) for pattern in forbidden_patterns(own_ports))


@pytest.mark.parametrize("address", FORBIDDEN)
def test_no_app_lives_there_however_it_is_found(address: str) -> None:
    assert describe_forbidden(address, port=80)
    assert forbids((), written(address, 80))
    with pytest.raises(UnusableApp):
        parse_upstream(f"http://[{address}]" if ":" in address else f"http://{address}")


@pytest.mark.parametrize("address", ALLOWED)
def test_ordinary_addresses_are_let_be(address: str) -> None:
    assert not describe_forbidden(address, port=80, own_ports={443})
    assert not forbids({443}, written(address, 80))
    parse_upstream(f"http://[{address}]" if ":" in address else f"http://{address}")


def test_an_address_of_one_interface_is_refused() -> None:
    assert describe_forbidden("fd12::1%eth0", port=80)
    assert forbids((), "[fd12::1%2]:80")


@given(_ADDRESSES, st.sampled_from([80, 443, 8443, 4430, 44]))
@settings(max_examples=300)
def test_the_data_planes_pattern_forbids_what_we_forbid(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
) -> None:
    own = {443, 8443}
    ours = bool(describe_forbidden(str(address), port=port, own_ports=own))
    assert bool(forbids(own, written(str(address), port))) is ours


@given(_ADDRESSES)
def test_typed_and_found_addresses_are_judged_alike(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    typed = f"http://[{address}]" if address.version == 6 else f"http://{address}"
    if describe_forbidden(str(address), port=80):
        with pytest.raises(UnusableApp):
            parse_upstream(typed)
    else:
        assert parse_upstream(typed).is_address


def test_this_machine_is_refused_with_the_gateways_own_ports_only() -> None:
    assert own_ports(INSTANCE) == {8443, 8080, 9091}
    for address in ("127.0.0.1", "127.9.9.9", "::1"):
        for port in (8443, 8080, 9091):
            assert "this gateway itself" in describe_forbidden(address, port=port, own_ports=own_ports(INSTANCE))
        assert not describe_forbidden(address, port=8000, own_ports=own_ports(INSTANCE))
    assert not describe_forbidden("10.0.0.5", port=8443, own_ports=own_ports(INSTANCE))


class Names:
    """A name service of the test's own."""

    def __init__(self, **addresses: tuple[str, ...]) -> None:
        self.addresses = addresses
        self.asked: list[str] = []

    def __call__(self, name: str) -> tuple[str, ...]:
        self.asked.append(name)
        return self.addresses.get(name.partition(".")[0], ())


def app(name: str, url: str) -> App:
    return App(id=AppId(name), name=name, host=f"{name}.example.test", upstream=Upstream(url=url))


@pytest.mark.parametrize("addresses", [("169.254.169.254",), ("10.0.0.5", "169.254.169.254"), ("fd00:ec2::254",)])
def test_a_name_that_leads_there_is_not_taken(addresses: tuple[str, ...]) -> None:
    with pytest.raises(UnusableApp, match=r"wiki\.internal leads to .* credentials"):
        refuse_forbidden(INSTANCE, "https://wiki.internal", resolve=Names(wiki=addresses))


def test_a_name_that_leads_to_this_machine_is_the_gateway_on_its_own_ports() -> None:
    names = Names(wiki=("127.0.0.1",))
    refuse_forbidden(INSTANCE, "http://wiki.internal:3000", resolve=names)
    for port in (8443, 8080, 9091):
        with pytest.raises(UnusableApp, match="this gateway itself"):
            refuse_forbidden(INSTANCE, f"http://wiki.internal:{port}", resolve=names)


def test_names_that_nobody_knows_yet_and_addresses_are_let_pass() -> None:
    names = Names()
    refuse_forbidden(INSTANCE, "http://wiki.internal", resolve=names)
    refuse_forbidden(INSTANCE, "http://10.0.0.5", resolve=names)
    assert names.asked == ["wiki.internal"]


def test_what_was_found_stands_until_the_name_leads_elsewhere() -> None:
    apps = [app("wiki", "http://wiki.internal"), app("plain", "http://plain.internal"), app("fixed", "http://10.0.0.5")]
    names = Names(wiki=("169.254.169.254",), plain=("10.0.0.6",))

    found = find_forbidden(INSTANCE, apps, known={"gone": "x"}, resolve=names)
    silent = find_forbidden(INSTANCE, apps, known=found, resolve=Names())
    names.addresses["wiki"] = ("10.0.0.7",)
    mended = find_forbidden(INSTANCE, apps, known=silent, resolve=names)

    assert found == silent == {"wiki": "wiki.internal leads to 169.254.169.254, where clouds keep machine credentials"}
    assert mended == {}
