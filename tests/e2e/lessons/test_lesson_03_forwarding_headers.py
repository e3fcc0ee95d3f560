"""Lesson 3: nobody gets in, or is somebody else or somewhere else, by forwarding headers of their own."""

import pytest
from tests.running_instance import DOMAIN, Client, RunningInstance, reached, received

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]

FORGED = (
    ("X-Forwarded-For", "10.9.9.9"),
    ("X-Forwarded-For", "garbage, , 10.9.9.9, ::1, \x80"),
    ("X-Forwarded-Host", f"wiki.{DOMAIN}"),
    ("X-Forwarded-Host", f"id.{DOMAIN}"),
    ("X-Forwarded-Proto", "http"),
    ("X-Forwarded-Uri", "/public/x"),
    ("X-Forwarded-Method", "GET"),
    ("X-Forwarded-Prefix", "/public"),
    ("X-Forwarded-User", "root"),
    ("X-Original-URL", "/public/x"),
    ("X-Original-URI", "/public/x"),
    ("X-Original-Method", "GET"),
    ("X-Original-Host", f"wiki.{DOMAIN}"),
    ("X-Rewrite-URL", "/public/x"),
    ("X-Envoy-Original-Path", "/public/x"),
    ("X-Envoy-Internal", "true"),
    ("X-Envoy-External-Address", "10.9.9.9"),
    ("Forwarded", "for=10.9.9.9;host=wiki;proto=http"),
    ("X-Real-IP", "10.9.9.9"),
    ("True-Client-IP", "10.9.9.9"),
    ("X-HTTP-Method-Override", "GET"),
    ("X-Ostiary-Peer", "10.9.9.9:1"),
    ("X-Ostiary-Client", "10.9.9.9"),
    ("X-Ostiary-App", "wiki"),
)
FROM_ELSEWHERE = """\
version: 1
rules:
  - name: from-the-office
    allow: group:staff
    to: app:wiki
    do: [view]
    when: {networks: [10.9.9.0/24]}
  - name: from-here
    allow: group:staff
    to: app:vault
    do: [view]
    when: {networks: [127.0.0.0/8]}
"""


@pytest.fixture(scope="module")
def ada(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff")).enter("files", "wiki")


@pytest.mark.parametrize(("name", "value"), FORGED)
def test_a_forged_header_opens_nothing(ada: Client, name: str, value: str) -> None:
    before = ada.running.echo.requests.total()
    cookie = f"Cookie: {ada.browser.cookie_header(ada.running.host('files'))}"
    assert ada.running.raw_path("files", "/private", f"{name}: {value}").status in {400, 401}
    assert ada.running.raw_path("files", "/private", f"{name}: {value}", cookie).status in {400, 403}
    assert ada.running.echo.requests.total() == before
    allowed = ada.running.raw_path("files", "/public/x", f"{name}: {value}", cookie)
    assert allowed.status == 400 or reached(allowed)


def test_the_app_hears_the_truth_only(ada: Client) -> None:
    cookie = f"Cookie: {ada.browser.cookie_header(ada.running.host('wiki'))}"
    lines = [f"{name}: {value}" for name, value in FORGED if "garbage" not in value]
    answer = ada.running.raw_path("wiki", "/", cookie, *lines)
    assert received(answer, "x-forwarded-for") == ["127.0.0.1"]
    assert received(answer, "x-forwarded-host") == [f"wiki.{DOMAIN}:{ada.running.https_port}"]
    assert received(answer, "x-forwarded-proto") == ["https"]
    for name in ("forwarded", "x-real-ip", "x-original-url", "x-rewrite-url", "x-forwarded-user", "x-ostiary-peer"):
        assert received(answer, name) == [], name


def test_a_rule_about_networks_sees_the_connection(ada: Client) -> None:
    running = ada.running
    bob = running.signed_in(running.make_person("staff")).enter("wiki", "vault")
    with running.rules(FROM_ELSEWHERE):
        assert bob.api("vault").status_code == 200
        for name in ("x-forwarded-for", "x-real-ip", "x-ostiary-client", "x-ostiary-peer", "forwarded"):
            assert bob.api("wiki", **{name: "10.9.9.9"}).status_code == 403, name
