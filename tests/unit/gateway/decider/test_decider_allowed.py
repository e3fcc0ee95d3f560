"""What an allowed request carries."""

import time
from collections.abc import Iterator
from typing import Any

import jwt
import msgspec
import pytest
from tests.decider_company import ANNA, GRANT_PRIVATE, House, app, company, open_house, person, session

from ostiary.gateway.decider.credentials import header_text, identity_headers
from ostiary.policy.request import ActionClass, AuthStrength

TIMED = """\
version: 1
rules:
  - name: fresh-proof
    allow: group:staff
    to: app:wiki
    do: any
    when:
      mfa: {method: otp, within: 1m}
"""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with open_house(company()) as opened:
        yield opened


def assertion_of(house: House, token: str, audience: str) -> dict:
    key = jwt.PyJWKSet.from_json(house.own("wiki", "/.well-known/ostiary/jwks.json").text)
    chosen = key[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, chosen, algorithms=["ES256"], audience=audience, issuer="https://id.example.test")


def grant_of(set_cookie: str, audience: str = "wiki") -> dict:
    token = set_cookie.partition(";")[0].removeprefix("__Host-ostiary-grant=")
    return jwt.decode(token, GRANT_PRIVATE.public_key(), algorithms=["EdDSA"], audience=audience)


def test_the_app_learns_who_it_is(house: House) -> None:
    reply = house.ask("wiki", cookies=house.cookie(ANNA, "wiki"))
    assert reply.status == 200
    assert reply.one("remote-user") == "anna@example.test"
    assert reply.one("remote-groups") == "staff"
    claims = assertion_of(house, reply.one("x-ostiary-assertion"), "wiki")
    assert claims["sub"] == ANNA.id
    assert claims["email"] == ANNA.email
    assert claims["groups"] == ["staff"]
    assert claims["sid"] == "s-p-anna"
    assert claims["amr"] == ["pwd", "otp", "mfa"]
    assert time.time() + 60 <= claims["exp"] <= time.time() + 181


def test_a_view_is_granted_for_a_while(house: House) -> None:
    reply = house.ask("wiki", cookies=house.cookie(ANNA, "wiki"))
    cookie = reply.one("set-cookie")
    for attribute in ("Path=/", "Secure", "HttpOnly", "SameSite=Lax"):
        assert f"; {attribute}" in cookie
    claims = grant_of(cookie)
    assert claims["iss"] == "https://id.example.test"
    assert (claims["sub"], claims["sid"], claims["act"], claims["gen"]) == (ANNA.id, "s-p-anna", "view", 1)
    assert claims["assertion"] == reply.one("x-ostiary-assertion")
    assert claims["h_remote_user"] == "anna@example.test"
    assert claims["exp"] <= time.time() + 60
    assert claims["jti"] in {event["metadata"]["uid"] for event in house.events()}


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", {}),
        ("PUT", {}),
        ("PROPFIND", {}),
        ("GET", {"upgrade": "websocket"}),
        ("GET", {"accept": "text/event-stream"}),
        ("GET", {"content-type": "application/grpc+proto"}),
        ("GET", {"x-ostiary-stream": "upgrade"}),
    ],
)
def test_nothing_else_is_granted(house: House, method: str, headers: dict[str, Any]) -> None:
    reply = house.ask("wiki", method=method, cookies=house.cookie(ANNA, "wiki"), **headers)
    assert reply.status == 200
    assert not reply.all("set-cookie")


def test_what_depends_on_the_path_is_not_granted(house: House) -> None:
    reply = house.ask("files", "/public/a", cookies=house.cookie(ANNA, "files"))
    assert reply.status == 200
    assert not reply.all("set-cookie")


def test_an_app_that_edits_by_get_has_no_grants() -> None:
    apps = (app("wiki", methods={"GET": ActionClass.EDIT}),)
    with open_house(company(apps=apps)) as house:
        reply = house.ask("wiki", cookies=house.cookie(ANNA, "wiki"))
        assert reply.status == 200
        assert not reply.all("set-cookie")


def test_a_grant_ends_before_anything_it_rests_on() -> None:
    now = time.time()
    with open_house(company(rules=TIMED)) as house:
        claims = grant_of(house.ask("wiki", cookies=house.cookie(ANNA, "wiki")).one("set-cookie"))
        assert claims["exp"] <= now - 9 + 60 - 1 + 5
        assert claims["exp"] < now + 55
    with open_house(company(sessions=(session(ANNA, seconds=20),))) as house:
        reply = house.ask("wiki", cookies=house.cookie(ANNA, "wiki"))
        assert grant_of(reply.one("set-cookie"))["exp"] <= now + 20
        assert assertion_of(house, reply.one("x-ostiary-assertion"), "wiki")["exp"] <= now + 21
    with open_house(company(sessions=(session(ANNA, seconds=2.5),))) as house:
        assert not house.ask("wiki", cookies=house.cookie(ANNA, "wiki")).all("set-cookie")


def test_what_was_signed_is_used_again_only_while_it_is_true() -> None:
    with open_house(company()) as house:
        first = house.ask("wiki", cookies=house.cookie(ANNA, "wiki"))
        again = house.ask("wiki", cookies=house.cookie(ANNA, "wiki"))
        assert again.one("x-ostiary-assertion") == first.one("x-ostiary-assertion")
        renamed = msgspec.structs.replace(ANNA, name="Anna B", email="anna.b@example.test")
        house.publish(company(2, people=(renamed,)))
        later = house.ask("wiki", cookies=house.cookie(ANNA, "wiki"))
        assert assertion_of(house, later.one("x-ostiary-assertion"), "wiki")["email"] == "anna.b@example.test"
        assert later.one("remote-user") == "anna.b@example.test"
        assert grant_of(later.one("set-cookie"))["h_remote_user"] == "anna.b@example.test"


def test_grants_are_signed_with_the_key_of_the_moment() -> None:
    with open_house(company()) as house:
        before = house.ask("wiki", cookies=house.cookie(ANNA, "wiki")).one("set-cookie")
        key = msgspec.structs.replace(company().grant_key, kid="k2")
        house.publish(msgspec.structs.replace(company(2), grant_key=key))
        after = house.ask("wiki", cookies=house.cookie(ANNA, "wiki")).one("set-cookie")
        kids = [
            jwt.get_unverified_header(cookie.partition("=")[2].partition(";")[0])["kid"] for cookie in (before, after)
        ]
        assert kids == ["k1", "k2"]
        assert grant_of(after)["gen"] == 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Anna", "Anna"),
        ("a@b.test", "a@b.test"),
        ("Zoë", "Zo%C3%AB"),
        ("Zoe\u0308", "Zoe%CC%88"),
        ("a\r\nX-Evil: 1", "a%0D%0AX-Evil: 1"),
        ("100%", "100%25"),
        ("Zo%C3%AB", "Zo%25C3%25AB"),
        ("\ud800", "\\ud800"),
        (" x ", "x"),
        ("\x00", "%00"),
    ],
)
def test_a_name_in_a_header_cannot_be_mistaken(text: str, shown: str) -> None:
    assert header_text(text) == shown


def test_every_identity_header_is_said_even_when_empty() -> None:
    target = app("wiki", identity_headers={"X-Groups": "groups", "X-What": "nonsense"})
    assert identity_headers(target, person("dora", groups=())) == [("x-groups", ""), ("x-what", "")]


def test_a_huge_person_gets_no_grant_that_a_browser_would_drop() -> None:
    crowd = tuple(f"group-{number:04}" for number in range(400))
    big = person("anna", groups=("staff", *crowd))
    with open_house(company(people=(big,))) as house:
        reply = house.ask("wiki", cookies=house.cookie(ANNA, "wiki"))
        assert reply.status == 200
        assert not reply.all("set-cookie")


def test_stronger_proof_is_said() -> None:
    with open_house(company(sessions=(session(ANNA, strength=AuthStrength.PHISHING_RESISTANT),))) as house:
        assert house.ask("payroll", cookies=house.cookie(ANNA, "payroll")).status == 200
