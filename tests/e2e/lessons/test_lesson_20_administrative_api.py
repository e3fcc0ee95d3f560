"""Lesson 20: nobody administers who may not, through the gateway or at the control plane's own socket, at any address of
the console and with any method; nobody grants themselves anything; checking rules runs nothing."""

import time
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.console_addresses import every_address
from tests.running_instance import IDENTITY, Client, RunningInstance, token_of, unix_request
from tests.workload_asking import FACADE, SERVICE_RULES, Program

from ostiary.demo.walk.browser import form_with
from ostiary.identity.domain import ADMINISTRATORS, AUDITORS, HELPDESK

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "TRACE", "FROB")
REFUSED = frozenset({302, 400, 401, 403, 404, 405, 421, 501})


@pytest.fixture(scope="module")
def admin(running: RunningInstance) -> Client:
    return running.administrator()


@pytest.fixture(scope="module")
def addresses(running: RunningInstance, admin: Client) -> tuple[str, ...]:
    """Every address of the console, as the console itself declares them, filled in with things that exist."""
    secret = running.folder / "lesson-20.secret"
    secret.write_text("only for tests")
    running.command(
        "directory", "provider", "add", "lesson-20", "--issuer", "https://login.lesson-20.test", "--client-id", "x",
        "--secret-file", str(secret),
    )  # fmt: skip
    running.command("role", "create", "lesson-20", "--owner", admin.account.email)
    running.command(
        "app", "oidc", "add", "books-20", "--redirect-uri", "https://books.lesson-20.test/callback",
        "--url", "https://books.lesson-20.test/",
    )  # fmt: skip
    running.command("workload", "add", "lesson-20", "--owner", admin.account.email)
    held = running.session_claims(admin.cookies("admin")["__Host-ostiary-session"])
    known = {
        "person_id": admin.account.id,
        "app_id": "books-20",
        "group_id": "staff",
        "provider_id": "lesson-20",
        "role_id": "lesson-20",
        "request_id": "r_0",
        "review_id": "c_0",
        "recovery_id": "l_0",
        "link_id": "1",
        "client_name": "lesson-20",
        "service_id": "lesson-20",
        "key_id": "none",
        "trust_id": 1,
        "token_id": "t_0",
        "device_id": "dev-000000000000",
        "baseline_name": "minimum",
        "exception_id": 1,
        "advisory_id": "CVE-2020-0000",
        "seen_id": 1,
        "session_id": held["sid"],
        "stream_id": "none",
        "transmitter_name": "none",
        "connection_name": "none",
        "record_id": 1,
        "host_id": 1,
        "secret_name": "none",
        "number": 1,
        "proposal_id": 1,
        "reference": "AAAAA-AAAAA",
        "stream": "control",
        "seq": 1,
    }
    found = tuple(every_address(known).values())
    assert len(found) > 35
    return found


def state(running: RunningInstance) -> object:
    """Return what an attack would change: rules, apps, groups, people and who is in the administrators' group."""
    return (
        running.operator("ostiary.rulebook.facade:get_current", acting=False)["version"],
        running.operator("ostiary.applications.facade:list_apps", acting=False),
        running.operator("ostiary.oidc.facade:list_clients", acting=False),
        running.operator(f"{IDENTITY}:list_groups", acting=False),
        running.operator(f"{IDENTITY}:list_members", ADMINISTRATORS, acting=False),
    )


def straight(
    running: RunningInstance, path: str, assertion: str, *, method: str = "GET", body: bytes = b"", **more: str
) -> int:
    """Ask the control plane past the gateway, as somebody with a foothold on the machine would."""
    headers = [("Host", running.host("admin")), ("X-Forwarded-Proto", "https"), *more.items()]
    if assertion:
        headers.append(("X-Ostiary-Assertion", assertion))
    if body:
        headers.append(("Content-Type", "application/x-www-form-urlencoded"))
    return unix_request(running.instance.control_socket, method, path, headers, body).status


def test_an_ordinary_person_reaches_no_address_with_no_method(
    running: RunningInstance, admin: Client, addresses: tuple[str, ...]
) -> None:
    ada = running.signed_in(running.make_person("staff"))
    before = state(running)
    assert ada.open("admin").status_code == 403
    for path in addresses:
        for method in METHODS:
            answer = ada.send(method, "admin", path, headers={"origin": running.url("admin").rstrip("/")}, content=b"")
            assert answer.status_code in REFUSED - {302}, (method, path)
            assert not answer.headers.get_list("set-cookie") or "grant" not in str(answer.headers), (method, path)
    assert state(running) == before
    assert admin.get("admin", "/people/").status_code == 200


def test_rules_that_say_too_much_open_the_gateway_and_not_the_console(
    running: RunningInstance, admin: Client, addresses: tuple[str, ...]
) -> None:
    """The gateway lets this person through to the console; the console knows them by their role, and they have none."""
    eve = running.signed_in(running.make_person("misled"))
    before = state(running)
    token = token_of(admin.get("admin", "/groups/add"))
    first = eve.open("admin")
    assert first.status_code == 403
    assert eve.api("admin", "/").status_code == 403
    for path in addresses:
        assert eve.get("admin", path).status_code == 403, path
        for fields in (
            {},
            {"csrfmiddlewaretoken": token, "email": eve.account.email, "group_id": "x", "name": "x", "reason": "me"},
        ):
            headers = {"origin": running.url("admin").rstrip("/"), "referer": running.url("admin")}
            answer = eve.send("POST", "admin", path, data=fields, headers=headers)
            assert answer.status_code == 403, path
    assert state(running) == before


@pytest.mark.parametrize("role", [AUDITORS, HELPDESK])
def test_a_lesser_role_makes_nobody_an_administrator(running: RunningInstance, admin: Client, role: str) -> None:
    lesser = running.signed_in(running.make_person(role, "staff"))
    page = lesser.open("admin")
    assert page.status_code == 200, "they have a place in the console"
    before = state(running)
    me, them = lesser.account, admin.account
    attempts = {
        f"/groups/{ADMINISTRATORS}/members/add": {"email": me.email, "reason": "me"},
        f"/groups/{role}/members/add": {"email": me.email, "reason": "me"},
        f"/groups/{ADMINISTRATORS}/members/{them.id}/remove": {"reason": "me"},
        f"/groups/{ADMINISTRATORS}/remove": {"confirm": ADMINISTRATORS},
        "/rules/edit": {
            "document": "version: 1\nrules: []\n",
            "apply": "1",
            "based_on": "1",
            "despite_failing_tests": "on",
        },
        "/apps/add": {"app_id": "mine", "name": "Mine", "upstream": running.echo.url},
        "/apps/wiki/change": {"name": "Mine", "upstream": running.echo.url},
        "/apps/wiki/remove": {"confirm": "wiki"},
        "/apps/clients/add": {"app_id": "mine", "redirect_uris": "https://evil.test/callback"},
        "/apps/books-20/client/change": {"redirect_uris": "https://evil.test/callback"},
        "/apps/books-20/client/secret": {"confirm": "books-20"},
        "/apps/books-20/client/remove": {"confirm": "books-20"},
        f"/people/{them.id}/rename": {"name": "Nobody"},
        f"/people/{them.id}/disable": {"reason": "me"},
        f"/people/{them.id}/reset": {"reason": "me"},
        f"/people/{them.id}/sign-out": {"reason": "me"},
    }
    for path, fields in attempts.items():
        answer = lesser.post("admin", path, page, **fields)
        assert answer.status_code in {302, 400, 403, 404, 409}, (path, answer.status_code)
    assert state(running) == before
    assert admin.get("admin", "/people/").status_code == 200, "the administrator is who they were"


def test_an_administrator_can_do_what_the_others_cannot(running: RunningInstance, admin: Client) -> None:
    page = admin.get("admin", "/groups/add")
    answer = admin.post("admin", "/groups/add", page, group_id="made-here", name="Made here")
    assert answer.status_code == 302, answer.text
    assert "made-here" in str(running.operator(f"{IDENTITY}:list_groups", acting=False))
    running.operator(f"{IDENTITY}:delete_group", group_id="made-here")


def test_no_form_is_taken_from_elsewhere(running: RunningInstance, admin: Client) -> None:
    """Another site, and a sibling app, which is the same site to a browser."""
    before = state(running)
    page = admin.get("admin", "/groups/add")
    fields = {"group_id": "forged", "name": "Forged", "csrfmiddlewaretoken": token_of(page)}
    for origin in ("https://evil.test", running.url("wiki").rstrip("/"), running.url("id").rstrip("/"), "null"):
        headers = {"origin": origin, "referer": f"{origin}/"}
        assert admin.send("POST", "admin", "/groups/add", data=fields, headers=headers).status_code == 403, origin
    own = {"origin": running.url("admin").rstrip("/")}
    without = {name: value for name, value in fields.items() if name != "csrfmiddlewaretoken"}
    assert admin.send("POST", "admin", "/groups/add", data=without, headers=own).status_code == 403
    for method in ("PUT", "DELETE", "PATCH"):
        answer = admin.send(method, "admin", "/groups/staff/remove", data=fields, headers=own)
        assert answer.status_code in {403, 405}, method
    override = {**own, "x-http-method-override": "POST", "x-method-override": "POST"}
    admin.send("GET", "admin", "/groups/add?" + urlencode({**fields, "_method": "POST"}), headers=override)
    assert state(running) == before


def test_an_assertion_must_be_ours_for_the_console_and_alive(
    running: RunningInstance, admin: Client, addresses: tuple[str, ...]
) -> None:
    held = running.session_claims(admin.cookies("admin")["__Host-ostiary-session"])
    good = {"sub": held["sub"], "sid": held["sid"]}
    now = int(time.time())
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    ordinary = running.signed_in(running.make_person("staff")).enter("wiki")
    theirs = running.session_claims(ordinary.cookies("wiki")["__Host-ostiary-session"])
    token = running.sign_assertion(good)
    head, body, signature = token.split(".")
    bad = {
        "nothing": "",
        "garbage": "a.b.c",
        "expired": running.sign_assertion({**good, "iat": now - 7200, "exp": now - 3600}),
        "another app's": running.sign_assertion({**good, "aud": "wiki"}),
        "several apps'": running.sign_assertion({**good, "aud": ["console", "wiki"]}),
        "nobody's": running.sign_assertion({**good, "aud": None}),
        "endless": running.sign_assertion({**good, "exp": None}),
        "another issuer's": running.sign_assertion({**good, "iss": "https://id.evil.test"}),
        "signed by another key": running.sign_assertion(good, other),
        "unsigned": f"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{body}.",
        "cut": f"{head}.{body}.{signature[:-4]}",
        "with another's session": running.sign_assertion({**good, "sid": theirs["sid"]}),
        "an ordinary person's": running.sign_assertion({"sub": theirs["sub"], "sid": theirs["sid"]}),
        "without a session": running.sign_assertion({**good, "sid": None}),
        "with an ended session": running.sign_assertion({**good, "sid": "s_ended"}),
    }
    assert straight(running, "/people/", token) == 200
    for wrong, assertion in bad.items():
        assert straight(running, "/people/", assertion) == 403, wrong
        assert straight(running, "/groups/add", assertion, method="POST", body=b"name=x&group_id=x") == 403, wrong
    for path in addresses:
        for wrong in ("nothing", "another app's", "an ordinary person's"):
            for method in ("GET", "POST"):
                assert straight(running, path, bad[wrong], method=method) in {403, 405}, (wrong, method, path)
    for header in ("Remote-User", "X-Forwarded-User", "X-Ostiary-Email", "Authorization"):
        assert straight(running, "/people/", "", **{header: token}) == 403, header


def test_a_cookie_of_the_portal_is_no_key_to_the_console(running: RunningInstance, admin: Client) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in admin.cookies("id").items())
    assert straight(running, "/people/", "", Cookie=cookie) == 403
    stranger = running.client()
    assert stranger.api("admin", "/people/", cookie=cookie).status_code == 401


def test_checking_rules_runs_nothing_and_breaks_nothing(running: RunningInstance, admin: Client) -> None:
    """What a document could carry: YAML that makes objects, aliases that grow, text that looks like another language."""
    marker = running.folder / "ran"
    page = admin.get("admin", "/rules/edit")
    based_on = form_with(page, "document").values["based_on"]
    documents = (
        f"!!python/object/apply:os.system ['touch {marker}']",
        f"version: 1\nrules: !!python/object/apply:pathlib.Path.touch [{marker}]\n",
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: &d [*c, *c]\n" * 50,
        "version: 1\nrules:\n" + "  - {name: a, allow: anyone, to: anything, do: any}\n" * 3,
        "{% load os %}{{ settings.SECRET_KEY }}{% debug %}",
        "version: 1\nrules:\n  - name: x\n    allow: 'group:staff\"); permit(principal, action, resource);//'\n    to: anything\n    do: any\n",
        "[" * 20_000,
        "version: 1\nrules: [" + "x, " * 20_000,
        "\x00\x01\ufeffversion: 1",
        "version: 1\nrules:\n  - name: x\n    allow: anyone\n    to: anything\n    do: any\n    paths: ['/(a+)+$']\n    when: {hours: "
        + "9" * 5000
        + "}",
    )
    before = state(running)
    for document in documents:
        for button in ({}, {"apply": "1", "despite_failing_tests": "on"}):
            fields = {"document": document, "based_on": based_on, "comment": "x", **button}
            answer = admin.post("admin", "/rules/edit", page, **fields)
            assert answer.status_code in {200, 400, 403, 413, 422}, (document[:60], button)
            assert running.secret("django.key").decode() not in answer.text
    assert not marker.exists()
    assert state(running) == before
    assert admin.get("admin", "/people/").status_code == 200


def test_no_token_reaches_the_console_whoever_carries_it(
    running: RunningInstance, admin: Client, addresses: tuple[str, ...]
) -> None:
    """Rules that open the console to a service, and an administrator's own script, open nothing of it."""
    robot = Program(running, "robot", owner=admin.account.email)
    made = running.operator(f"{FACADE}:make_token", person_id=admin.account.id, name="script", apps=["wiki"], days=1)
    before = state(running)
    with running.rules(SERVICE_RULES):
        for token in (robot.token(), made["secret"]):
            for path in addresses:
                for method in ("GET", "POST"):
                    answer = robot.get("admin", path, token=token, method=method)
                    assert (answer.status_code, answer.json()["reason"]) == (403, "token_scope"), (method, path)
    said = running.sign_assertion({"sub": "service:robot", "sid": "service:robot", "email": "", "amr": ["workload"]})
    assert straight(running, "/people/", said) in REFUSED
    running.operator(f"{FACADE}:remove_service", "robot")
    assert state(running)[1:] == before[1:]  # type: ignore[index]
