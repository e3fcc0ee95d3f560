"""Where an upstream may be."""

import pytest

from ostiary.applications.domain import UnusableApp, UpstreamScheme, parse_upstream
from ostiary.applications.domain.upstream import parse_health_path, parse_host_header


@pytest.mark.parametrize(
    ("text", "url", "host", "port", "is_address"),
    [
        ("http://10.0.0.5:8080", "http://10.0.0.5:8080", "10.0.0.5", 8080, True),
        ("http://10.0.0.5", "http://10.0.0.5", "10.0.0.5", 80, True),
        ("https://wiki.internal/", "https://wiki.internal", "wiki.internal", 443, False),
        ("https://WIKI.Internal:443", "https://wiki.internal", "wiki.internal", 443, False),
        ("http://[2001:DB8::1]:8080", "http://[2001:db8::1]:8080", "2001:db8::1", 8080, True),
        ("http://[::1]", "http://[::1]", "::1", 80, True),
        ("http://my_service:3000", "http://my_service:3000", "my_service", 3000, False),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1", 8080, True),
    ],
)
def test_ordinary_addresses(text: str, url: str, host: str, port: int, is_address: bool) -> None:
    address = parse_upstream(text)

    assert (address.url, address.host, address.port, address.is_address) == (url, host, port, is_address)
    assert parse_upstream(address.url) == address
    assert address.scheme is (UpstreamScheme.HTTPS if text.startswith("https") else UpstreamScheme.HTTP)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "wiki",
        "10.0.0.5:8080",
        "//10.0.0.5",
        "ftp://10.0.0.5",
        "unix:///run/x.sock",
        "file:///etc/passwd",
        "http://",
        "http://:80",
        "http://user@10.0.0.5",
        "http://user:secret@10.0.0.5",
        "http://10.0.0.5/path",
        "http://10.0.0.5/?q",
        "http://10.0.0.5?q",
        "http://10.0.0.5/#f",
        "http://10.0.0.5#",
        "http://10.0.0.5:",
        "http://10.0.0.5:0",
        "http://10.0.0.5:65536",
        "http://10.0.0.5:-1",
        "http://10.0.0.5:8o",
        "http://10.0.0.5\\@evil",
        "http://10.0.0 .5",
        "http://10.0.0.5\n",
        "http://wíki.internal",
        "http://wiki..internal",
        "http://-wiki",
        "http://wiki.",
        "http://" + "a" * 64,
        "http://" + "a." * 130 + "a",
        "http://[fe80::1%25eth0]",
        "http://[::ffff:10.0.0.5]",
        "http://[2002:a9fe:a9fe::]",
        "http://[]",
        "http://[10.0.0.5]",
    ],
)
def test_what_is_no_address_of_an_upstream(text: str) -> None:
    with pytest.raises(UnusableApp):
        parse_upstream(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://169.254.169.254",
        "http://169.254.170.2:80",
        "http://[fd00:ec2::254]",
        "http://[fe80::1]",
        "http://[::ffff:169.254.169.254]",
        "http://[::169.254.169.254]",
        "http://[64:ff9b::169.254.169.254]",
        "http://[2001:0:a9fe:a9fe::1]",
        "http://100.100.100.200",
        "http://168.63.129.16",
        "http://192.0.0.192",
        "http://metadata.google.internal",
        "http://METADATA",
        "http://0.0.0.0:8080",
        "http://[::]:8080",
        "http://224.0.0.1",
        "http://255.255.255.255",
        "http://2852039166",
        "http://0xa9fea9fe",
        "http://0xa9.0xfe.0xa9.0xfe",
        "http://0251.0376.0251.0376",
        "http://169.254.43518",
        "http://127.1",
        "http://010.0.0.5",
    ],
)
def test_addresses_where_no_app_lives_in_any_spelling(text: str) -> None:
    with pytest.raises(UnusableApp):
        parse_upstream(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://localhost:8443",
        "http://127.0.0.1:8443",
        "http://127.8.9.1:8443",
        "https://[::1]:8443",
        "https://id.example.test",
        "https://WIKI.example.test:1234",
    ],
)
def test_the_gateway_is_no_upstream_of_itself(text: str) -> None:
    with pytest.raises(UnusableApp, match="this gateway itself"):
        parse_upstream(text, own_hosts={"id.example.test", "wiki.example.test"}, own_ports={8443})


def test_another_port_on_this_machine_is_fine() -> None:
    assert parse_upstream("http://127.0.0.1:8080", own_ports={8443}).port == 8080


@pytest.mark.parametrize("path", ["", "/", "/healthz", "/api/v1/health.json", "/~me/-_."])
def test_health_paths(path: str) -> None:
    assert parse_health_path(path) == path


@pytest.mark.parametrize("path", ["healthz", "/a b", "/a?b", "/a#b", "/../x", "/a%20", "/\n", "/" + "a" * 300])
def test_no_health_paths(path: str) -> None:
    with pytest.raises(UnusableApp):
        parse_health_path(path)


@pytest.mark.parametrize("header", ["", "inner.local", "inner.local:8080", "10.0.0.5:80", "[2001:db8::1]:80"])
def test_host_headers(header: str) -> None:
    assert parse_host_header(header) == header


@pytest.mark.parametrize("header", ["a b", "a/b", "a:0", "a:70000", "a\r\nx: y", "a@b", "169.254.169.254"])
def test_no_host_headers(header: str) -> None:
    with pytest.raises(UnusableApp):
        parse_host_header(header)
