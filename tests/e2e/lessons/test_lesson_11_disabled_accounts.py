"""Lesson 11: a disabled account is refused at every door. Beside each leaver stands somebody for whom the door opens."""

import re
from collections.abc import Callable
from functools import lru_cache

import pytest
from tests.oidc_party import Party, add_party
from tests.openid_directory import sign_in_there
from tests.running_directory import directory_of
from tests.running_instance import IDENTITY, Client, RunningInstance, location, reached
from tests.running_recovery import recovery_of
from tests.workload_asking import FACADE, SERVICE_RULES, Program

from ostiary.identity.domain import ADMINISTRATORS

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
Attempt = Callable[[], bool]
NEW_PASSWORD = "copper lantern meadow quartz"


def inside(client: Client) -> bool:
    return client.get("id", "/profile").status_code == 200


def with_password_and_code(running: RunningInstance) -> tuple[str, Attempt]:
    ada = running.client(running.make_person("staff"))

    def attempt() -> bool:
        page = ada.give_password()
        if 'name="code"' in page.text:
            ada.give_code(page)
        return inside(ada)

    return ada.account.id, attempt


def with_the_second_step_of_a_sign_in_begun_before(running: RunningInstance) -> tuple[str, Attempt]:
    ada = running.client(running.make_person("staff"))
    page = ada.give_password()

    def attempt() -> bool:
        ada.give_code(page)
        return inside(ada)

    return ada.account.id, attempt


def with_a_passkey(running: RunningInstance) -> tuple[str, Attempt]:
    ada = running.signed_in(running.make_person("staff"))
    passkey = ada.add_passkey()
    fresh = running.client(ada.account)

    def attempt() -> bool:
        page = fresh.open("id", "/sign-in")
        fresh.post("id", "/sign-in/passkey", page, credential=fresh.passkey_answer(passkey, "/sign-in/passkey"))
        return inside(fresh)

    return ada.account.id, attempt


def with_a_recovery_code(running: RunningInstance) -> tuple[str, Attempt]:
    ada = running.signed_in(running.make_person("staff"))
    code = ada.make_recovery_codes()[0]
    fresh = running.client(ada.account)

    def attempt() -> bool:
        page = fresh.give_password()
        if 'name="code"' in page.text:
            fresh.give_code(page, code)
        return inside(fresh)

    return ada.account.id, attempt


def with_the_portals_cookie(running: RunningInstance) -> tuple[str, Attempt]:
    ada = running.signed_in(running.make_person("staff"))
    assert inside(ada)
    return ada.account.id, lambda: inside(ada)


def with_a_new_handover(running: RunningInstance) -> tuple[str, Attempt]:
    ada = running.signed_in(running.make_person("staff"))
    return ada.account.id, lambda: ada.open("wiki").request.url.host == running.host("wiki")


def with_an_apps_session(running: RunningInstance) -> tuple[str, Attempt]:
    ada = running.signed_in(running.make_person("staff")).enter("wiki")
    ada.cookies("wiki").pop("__Host-ostiary-grant", None)
    return ada.account.id, lambda: reached(ada.api("wiki", method="POST"))


def with_a_grant(running: RunningInstance) -> tuple[str, Attempt]:
    ada = running.signed_in(running.make_person("staff")).enter("wiki")
    grant = {"cookie": f"__Host-ostiary-grant={ada.cookies('wiki')['__Host-ostiary-grant']}"}

    def attempt() -> bool:
        # A newly made key is in force in milliseconds; other tests' revocations end the grant of who stays as well.
        fresh = running.client(ada.account)
        fresh.browser._cookies[running.host("wiki")] = {
            "__Host-ostiary-session": ada.cookies("wiki")["__Host-ostiary-session"]
        }
        fresh.api("wiki")
        renewed = fresh.cookies("wiki").get("__Host-ostiary-grant")
        on_renewed = renewed is not None and reached(fresh.api("wiki", cookie=f"__Host-ostiary-grant={renewed}"))
        return on_renewed or reached(ada.api("wiki", **grant))

    return ada.account.id, attempt


def with_a_handover_code_made_before(running: RunningInstance) -> tuple[str, Attempt]:
    ada = running.signed_in(running.make_person("staff"))
    fresh = running.client(ada.account)
    code = location(ada.browser.send("GET", location(fresh.get("wiki"))))
    assert "/.ostiary/callback?code=" in code

    def attempt() -> bool:
        fresh.browser.send("GET", code)
        return reached(fresh.api("wiki"))

    return ada.account.id, attempt


def with_a_step_up(running: RunningInstance) -> tuple[str, Attempt]:
    ada = running.signed_in(running.make_person("staff")).enter("vault")
    path = "/step-up?need=otp&app=vault&return=/"
    page, code = ada.get("id", path), ada.next_code()

    def attempt() -> bool:
        answer = ada.post("id", path, page, code=code)
        return location(answer) == running.url("vault") and reached(ada.api("vault"))

    return ada.account.id, attempt


def with_an_invitation(running: RunningInstance) -> tuple[str, Attempt]:
    number = next(running._numbers)
    invited = running.operator(f"{IDENTITY}:invite_person", email=f"invited-{number}@corp.test", groups=["staff"])
    fresh = running.client()

    def attempt() -> bool:
        page = fresh.browser.open(invited["link"])
        if page.request.url.path != "/invitation":
            return False
        answer = fresh.post("id", "/invitation/password", page, password=NEW_PASSWORD)
        return location(answer) == running.url("id", "/set-up") and fresh.get("id", "/set-up").status_code == 200

    return invited["person_id"], attempt


def with_an_invitation_that_was_opened_before(running: RunningInstance) -> tuple[str, Attempt]:
    number = next(running._numbers)
    invited = running.operator(f"{IDENTITY}:invite_person", email=f"invited-{number}@corp.test", groups=["staff"])
    fresh = running.client()
    page = fresh.browser.open(invited["link"])
    assert page.request.url.path == "/invitation"

    def attempt() -> bool:
        answer = fresh.post("id", "/invitation/password", page, password=NEW_PASSWORD)
        return location(answer) == running.url("id", "/set-up") and fresh.get("id", "/set-up").status_code == 200

    return invited["person_id"], attempt


def with_a_link_for_a_new_password(running: RunningInstance) -> tuple[str, Attempt]:
    made = running.make_person("staff")
    fresh = running.client(made)
    page = fresh.open("id", "/sign-in/forgotten")
    fresh.post("id", "/sign-in/forgotten", page, email=made.email)
    link = running.eventually(lambda: mailed_link(running, made.email), "the mail is there")

    def attempt() -> bool:
        opened = fresh.browser.open(link)
        if opened.request.url.path != "/new-password":
            return False
        return location(fresh.post("id", "/new-password", opened, password=NEW_PASSWORD)) == running.url(
            "id", "/sign-in"
        )

    return made.id, attempt


def with_an_emergency_link(running: RunningInstance) -> tuple[str, Attempt]:
    made = running.make_person(ADMINISTRATORS)
    link = running.operator(f"{IDENTITY}:recover_administrator", email=made.email)["link"]
    fresh = running.client(made)

    def attempt() -> bool:
        page = fresh.browser.open(link)
        if page.request.url.path != "/emergency":
            return False
        fresh.post("id", "/emergency", page)
        return fresh.open("admin").request.url.host == running.host("admin")

    return made.id, attempt


def with_a_recovery_that_a_second_person_confirmed(running: RunningInstance) -> tuple[str, Attempt]:
    ada, link = recovery_of(running)
    fresh = running.client(ada.account)

    def attempt() -> bool:
        page = fresh.browser.open(link)
        if page.request.url.path != "/recovery":
            return False
        answer = fresh.post("id", "/recovery", page, password=ada.account.password)
        return location(answer) == running.url("id", "/set-up") and fresh.get("id", "/set-up").status_code == 200

    return ada.account.id, attempt


def with_a_recovery_that_was_opened_before(running: RunningInstance) -> tuple[str, Attempt]:
    ada, link = recovery_of(running)
    fresh = running.client(ada.account)
    page = fresh.browser.open(link)
    assert page.request.url.path == "/recovery"

    def attempt() -> bool:
        answer = fresh.post("id", "/recovery", page, password=ada.account.password)
        return location(answer) == running.url("id", "/set-up") and fresh.get("id", "/set-up").status_code == 200

    return ada.account.id, attempt


def mailed_link(running: RunningInstance, email: str) -> str:
    folder = running.instance.mail
    for path in sorted(folder.iterdir(), reverse=True) if folder.exists() else ():
        text = path.read_text(errors="replace").replace("=\n", "")
        if email in text and (found := re.search(r"https://\S+/link/[\w-]+", text)):
            return found[0]
    return ""


def with_another_directory(running: RunningInstance) -> tuple[str, Attempt]:
    there, provider = directory_of(running)
    number = next(running._numbers)
    name, email = f"federated-{number}", f"federated-{number}@corp.test"
    there.say(name, {"email": email, "email_verified": True, "amr": ["mfa"]})

    def attempt() -> bool:
        fresh = running.client()
        asked = location(fresh.get("id", f"/sign-in/with/{provider}"))
        fresh.browser.send("GET", sign_in_there(asked, name))
        return inside(fresh)

    assert attempt()
    return running.operator(f"{IDENTITY}:find_person", email, acting=False)["id"], attempt


@lru_cache(maxsize=1)
def the_wiki_as_a_client(running: RunningInstance) -> Party:
    return add_party(running, "wiki")


def with_a_refresh_token(running: RunningInstance) -> tuple[str, Attempt]:
    """At an application that signs people in here by OpenID Connect."""
    wiki = the_wiki_as_a_client(running)
    ada = running.signed_in(running.make_person("staff"))
    tokens = wiki.sign_in(ada)

    def attempt() -> bool:
        known = wiki.userinfo(tokens["access_token"]).status_code == 200
        return wiki.refresh(tokens["refresh_token"]).status_code == 200 or known

    return ada.account.id, attempt


DOORS = (
    with_a_refresh_token,
    with_another_directory,
    with_password_and_code,
    with_the_second_step_of_a_sign_in_begun_before,
    with_a_passkey,
    with_a_recovery_code,
    with_the_portals_cookie,
    with_a_new_handover,
    with_an_apps_session,
    with_a_grant,
    with_a_handover_code_made_before,
    with_a_step_up,
    with_an_invitation,
    with_an_invitation_that_was_opened_before,
    with_a_link_for_a_new_password,
    with_an_emergency_link,
    with_a_recovery_that_a_second_person_confirmed,
    with_a_recovery_that_was_opened_before,
)


@pytest.mark.parametrize("door", DOORS)
def test_a_door_is_shut_for_who_is_disabled_and_open_for_who_is_not(
    running: RunningInstance, door: Callable[[RunningInstance], tuple[str, Attempt]]
) -> None:
    leaver, refused = door(running)
    _, opened = door(running)
    running.operator(f"{IDENTITY}:disable_person", person_id=leaver, reason="left the company")
    running.in_force()
    assert not refused()
    assert not refused(), "nor the second time"
    assert opened()


def test_whoever_is_enabled_again_signs_in_anew(running: RunningInstance) -> None:
    ada = running.signed_in(running.make_person("staff")).enter("wiki")
    running.operator(f"{IDENTITY}:disable_person", person_id=ada.account.id, reason="by mistake")
    running.operator(f"{IDENTITY}:enable_person", person_id=ada.account.id)
    running.eventually(lambda: ada.api("wiki").status_code == 401, "the sessions before are gone")
    assert not inside(ada)
    assert inside(ada.sign_in())
    assert reached(ada.enter("wiki").api("wiki"))


def test_a_disabled_service_and_the_script_of_a_disabled_person_are_refused(running: RunningInstance) -> None:
    leaver, stays = running.make_person("staff"), running.make_person("staff")
    apps = {"name": "script", "apps": ["files"], "days": 1}
    tokens = [running.operator(f"{FACADE}:make_token", person_id=one.id, **apps)["secret"] for one in (leaver, stays)]
    robot, other = (Program(running, name, owner=stays.email) for name in ("robot", "other"))
    files = "  - name: scripts-read\n    allow: group:staff\n    to: app:files\n    do: [view]\n"
    with running.rules(SERVICE_RULES + files):
        carried = [robot.token(), other.token()]
        assert all(reached(robot.get("files", token=token)) for token in tokens)
        assert all(reached(robot.get("wiki", token=token)) for token in carried)
        running.operator(f"{IDENTITY}:disable_person", person_id=leaver.id, reason="left the company")
        running.operator(f"{FACADE}:disable_service", "robot")
        running.in_force()
        assert [reached(robot.get("files", token=token)) for token in tokens] == [False, True]
        assert [reached(robot.get("wiki", token=token)) for token in carried] == [False, True]
        assert robot.ask().status_code == 401, "nor does it get a new one"
        assert other.ask().status_code == 200
    for name in ("robot", "other"):
        running.operator(f"{FACADE}:remove_service", name)
