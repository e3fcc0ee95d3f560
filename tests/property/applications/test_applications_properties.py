"""Whatever is typed: an answer or a refusal in words, and nothing between."""

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from ostiary.applications.domain import UnusableApp, parse_upstream, wording
from ostiary.policy.identifiers import MalformedIdentifier

_NEARLY_URLS = st.builds(
    "".join,
    st.lists(
        st.sampled_from(
            [
                "http://",
                "https://",
                "//",
                "[",
                "]",
                ":",
                "@",
                "/",
                "\\",
                "?",
                "#",
                "%",
                ".",
                "0x7f",
                "127.1",
                "::1",
                "169.254.169.254",
                "a",
                "wiki.internal",
                "8080",
                "0",
                " ",
                "\t",
                "\x00",
                "é",
                "::ffff:",
                "fe80::1",
                "_",
                "-",
            ]
        ),
        max_size=8,
    ),
)


@given(st.one_of(_NEARLY_URLS, st.text(max_size=60)))
def test_an_accepted_upstream_is_one_machine_and_reads_the_same_again(text: str) -> None:
    try:
        address = parse_upstream(text)
    except UnusableApp:
        return
    assert parse_upstream(address.url) == address
    assert 1 <= address.port <= 65535
    assert not set(address.host) & set("@/\\?#% []")
    if address.is_address:
        parsed = ipaddress.ip_address(address.host)
        assert not (parsed.is_link_local)
        assert not (parsed.is_multicast)
        assert not (parsed.is_unspecified)
    else:
        assert not address.host.rsplit(".", 1)[-1].isdigit()


@given(st.text(max_size=80))
def test_an_identifier_is_ascii_and_never_reserved(text: str) -> None:
    try:
        app = wording.parse_app_id(text)
    except (UnusableApp, MalformedIdentifier):
        return
    assert app == text
    assert app.isascii()
    assert app not in wording.RESERVED_APP_IDS


@given(st.dictionaries(st.text(max_size=20), st.sampled_from(["email", "id", "name", "groups", "other"]), max_size=3))
def test_identity_headers_never_mean_something_else(headers: dict[str, str]) -> None:
    try:
        parsed = wording.parse_identity_headers(headers)
    except UnusableApp:
        return
    assert all(name.startswith(("x-", "remote-")) and name == name.lower() and name.isascii() for name in parsed)
    assert not any(name.startswith("x-ostiary-") for name in parsed)


@given(st.text(max_size=120))
def test_a_host_is_a_plain_name(text: str) -> None:
    try:
        host = wording.parse_host(text, taken={})
    except UnusableApp:
        return
    assert set(host) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    assert ".." not in host
    assert not host.startswith(".")
    assert not host.endswith(".")
