"""Every kind of token this system gives out, at every door that takes one: each opens its own door and no other.

A token is made as it is made for real, tried at all doors, and last at its own, so that a refusal elsewhere cannot come from
the token being worth nothing.
"""

import json
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.oidc_party import Party, add_party
from tests.running_instance import Client, RunningInstance, location, reached, received, unix_request
from tests.workload_asking import FACADE, JWT_BEARER, JWT_TYPE, SERVICE_RULES, TOKEN_EXCHANGE, Program

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
SESSION, GRANT, BEGIN = "__Host-ostiary-session", "__Host-ostiary-grant", "__Host-ostiary-begin"
RULES = (
    SERVICE_RULES
    + """\
  - name: staff-use-the-books
    allow: group:staff
    to: app:books
    do: [view]
    when: {mfa: any}
  - name: scripts-of-the-staff-read-the-wiki
    allow: group:staff
    to: app:wiki
    do: [view]
"""
)


class Stand(NamedTuple):
    """Whoever holds tokens, and what is asked with them."""

    running: RunningInstance
    ada: Client
    fresh: Client
    robot: Program
    books: Party
    tokens: dict[str, str]


@pytest.fixture(scope="module")
def stand(running: RunningInstance, owner: str) -> Iterator[Stand]:
    robot = Program(running, "robot", owner=owner)
    books = add_party(running, "books")
    names = ("scim", "authzen")
    made = {name: running.command(name, "client", "add", "door").strip() for name in names}
    receiver = running.command(
        "signal", "receiver", "add", "door", "--audience", "https://door.elsewhere.test", "--format", "email", "--json"
    )
    with running.rules(RULES):
        ada = running.signed_in(running.make_person("staff")).enter("wiki")
        fresh = running.client(ada.account)
        came = location(ada.browser.send("GET", location(fresh.get("wiki"))))
        script = running.operator(f"{FACADE}:make_token", person_id=ada.account.id, name="x", apps=["wiki"], days=1)
        running.in_force()
        openid = books.sign_in(ada)
        (assertion,) = received(ada.api("wiki"), "x-ostiary-assertion")
        tokens = {
            "session": ada.cookies("wiki")[SESSION],
            "grant": ada.cookies("wiki")[GRANT],
            "assertion to an app": assertion,
            "hand-over code": parse_qs(urlsplit(came).query)["code"][0],
            "id token": openid["id_token"],
            "access token": openid["access_token"],
            "refresh token": openid["refresh_token"],
            "authorization code": books.code_for(ada),
            "service's token": robot.token(),
            "service's assertion": robot.assertion(),
            "personal token": script["secret"],
            "directory's token": made["scim"],
            "program's token": made["authzen"],
            "receiver's token": json.loads(receiver)["token"],
        }
        tokens["signal"] = signal(running, robot, tokens["receiver's token"])
        yield Stand(running, ada, fresh, robot, books, tokens)
    running.operator("ostiary.applications.facade:remove_app", "books")
    running.operator(f"{FACADE}:remove_service", "robot")
    for name in names:
        running.command(name, "client", "revoke", "door", "--yes")
    running.command("signal", "receiver", "revoke", "door", "--yes")


def signal(running: RunningInstance, program: Program, token: str) -> str:
    """Return a signal as a receiver fetches it: the answer to its wish to be told something."""
    headers = {"authorization": f"Bearer {token}"}
    poll = {"delivery": {"method": "urn:ietf:rfc:8936"}}
    stream = program.send("POST", running.url("id", "/ssf/streams"), headers=headers, json=poll).json()
    wish = {"stream_id": stream["stream_id"], "state": "a state"}
    program.send("POST", running.url("id", "/ssf/verify"), headers=headers, json=wish)

    def fetched() -> str:
        asked = {"maxEvents": 1, "returnImmediately": True}
        answer = program.send("POST", stream["delivery"]["endpoint_url"], headers=headers, json=asked)
        return next(iter(answer.json()["sets"].values()), "")

    return str(running.eventually(fetched, "the signal is there to be fetched"))


def bearer(at: Stand, host: str, path: str, token: str, *, method: str = "GET", **options: object) -> int:
    headers = {"authorization": f"Bearer {token}"}
    return at.robot.send(method, at.running.url(host, path), headers=headers, **options).status_code


def cookie(at: Stand, app: str, name: str, token: str) -> bool:
    return reached(at.robot.send("GET", at.running.url(app), headers={"cookie": f"{name}={token}"}))


def straight_to_the_console(at: Stand, token: str) -> bool:
    headers = [("Host", at.running.host("admin")), ("X-Forwarded-Proto", "https"), ("X-Ostiary-Assertion", token)]
    return unix_request(at.running.instance.control_socket, "GET", "/people/", headers).status == 200


def come_back(at: Stand, token: str) -> bool:
    answer = at.fresh.browser.send("GET", at.running.url("wiki", f"/.ostiary/callback?code={token}"))
    return answer.status_code == 303


def question(at: Stand, token: str) -> bool:
    asked = {
        "subject": {"type": "person", "id": at.ada.account.email},
        "action": {"name": "view"},
        "resource": {"type": "app", "id": "wiki"},
    }
    return bearer(at, "id", "/access/v1/evaluation", token, method="POST", json=asked) == 200


def exchanged(at: Stand, token: str) -> bool:
    form = {"grant_type": TOKEN_EXCHANGE, "client_id": "robot", "subject_token": token, "subject_token_type": JWT_TYPE}
    return at.robot.post(**form).status_code == 200


Door = Callable[[Stand, str], bool]
DOORS: dict[str, Door] = {
    "an app, as a bearer": lambda at, token: reached(at.robot.get("wiki", token=token)),
    "an app it is not for, as a bearer": lambda at, token: reached(at.robot.get("payroll", token=token)),
    "an app, as its session": lambda at, token: cookie(at, "wiki", SESSION, token),
    "another app, as its session": lambda at, token: cookie(at, "files", SESSION, token),
    "an app, as its grant": lambda at, token: cookie(at, "wiki", GRANT, token),
    "another app, as its grant": lambda at, token: cookie(at, "files", GRANT, token),
    "the sign-in host, as its session": lambda at, token: (
        at.robot.send(
            "GET", at.running.url("id", "/profile"), headers={"cookie": f"__Host-ostiary-id={token}"}
        ).status_code
        == 200
    ),
    "the console, as a bearer": lambda at, token: bearer(at, "admin", "/people/", token) == 200,
    "the console's own socket": straight_to_the_console,
    "the way back from the sign-in": come_back,
    "a link from a mail": lambda at, token: bearer(at, "id", f"/link/{token}", "x") in {200, 302},
    "tokens of services, by a key": lambda at, token: at.robot.ask(token).status_code == 200,
    "tokens of services, by an issuer": lambda at, token: (
        at.robot.post(grant_type=JWT_BEARER, client_id="robot", assertion=token).status_code == 200
    ),
    "tokens of services, exchanged": exchanged,
    "an OpenID client, by a code": lambda at, token: at.books.exchange(token).status_code == 200,
    "an OpenID client, refreshed": lambda at, token: at.books.refresh(token).status_code == 200,
    "userinfo": lambda at, token: at.books.userinfo(token).status_code == 200,
    "a directory": lambda at, token: bearer(at, "id", "/scim/v2/Users?count=1", token) == 200,
    "a program that asks": question,
    "a receiver of signals": lambda at, token: bearer(at, "id", "/ssf/streams", token) == 200,
}
OWN = {
    "session": "an app, as its session",
    "grant": "an app, as its grant",
    "assertion to an app": "",
    "hand-over code": "the way back from the sign-in",
    "id token": "",
    "access token": "userinfo",
    "refresh token": "an OpenID client, refreshed",
    "authorization code": "an OpenID client, by a code",
    "service's token": "an app, as a bearer",
    "service's assertion": "tokens of services, by a key",
    "personal token": "an app, as a bearer",
    "directory's token": "a directory",
    "program's token": "a program that asks",
    "receiver's token": "a receiver of signals",
    "signal": "",
}
"""The one door of each kind. An assertion and a signal are for others, and an id token is for the application that asked."""


def test_each_token_opens_its_own_door_and_no_other(stand: Stand) -> None:
    assert stand.tokens.keys() == OWN.keys()
    opened = {
        (kind, door) for kind, token in stand.tokens.items() for door, opens in DOORS.items()
        if door != OWN[kind] and opens(stand, token)
    }  # fmt: skip
    assert opened == set()
    shut = {kind for kind, door in OWN.items() if door and not DOORS[door](stand, stand.tokens[kind])}
    assert shut == set(), "what was refused elsewhere was worth something"
