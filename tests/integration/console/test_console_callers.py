"""Who may open the console at all, and who may open which page: every address is tried by somebody it must refuse."""

import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.test import Client
from django.urls import reverse
from tests.console_addresses import company_addresses, every_address
from tests.console_company import OPERATOR, Company, sign_assertion
from tests.console_fixtures import Visit, text_of, visitor

from ostiary.config.places import Instance
from ostiary.identity.facade import ConsoleRole, disable_person, revoke_session
from ostiary.visibility.facade import EventQuery, index_new_events, list_events
from ostiary.web.console.assertion import NotIdentified, read_assertion_key
from ostiary.web.console.guard import Declaration, declaration_of
from ostiary.web.console.permissions import PERMISSIONS, Action, Resource, may
from ostiary.web.urls_console import pages

WHO = {ConsoleRole.ADMINISTRATOR: "ada_admin", ConsoleRole.AUDITOR: "audrey_audit", ConsoleRole.HELPDESK: "henk_help"}

# Reviewed like code. A letter stands for a role that may: A administrator, U auditor, H help desk.
GOLDEN = """
overview view AUH
apps view AUH
apps export AU
apps enter A
apps change A
apps remove A
people view AUH
people export AU
people enter AH
people change A
people disable AH
people reset AH
groups view AUH
groups export AU
groups enter A
groups remove A
groups grant A
groups change A
roles view AUH
roles enter A
roles change A
roles remove A
roles grant A
requests view AUH
requests export AU
requests grant A
requests revoke A
reviews view AU
reviews export AU
reviews enter A
reviews change A
services view AUH
services enter A
services change A
services disable A
services remove A
services revoke A
devices view AUH
devices export AU
devices change A
devices grant A
devices revoke A
software view AUH
software export AU
sessions view AUH
sessions export AU
sessions revoke AH
signals view AU
signals change A
rules view AU
rules export AU
rules change A
explain view AU
decisions view AUH
decisions export AU
audit view AU
audit export AU
"""
LETTERS = {"A": ConsoleRole.ADMINISTRATOR, "U": ConsoleRole.AUDITOR, "H": ConsoleRole.HELPDESK}


def declared() -> dict[str, Declaration]:
    """Return what each page declared, by its name."""
    found = {page.name or "": declaration_of(page.callback) for page in pages}
    assert all(found.values()), [name for name, declaration in found.items() if declaration is None]
    return {name: declaration for name, declaration in found.items() if declaration is not None}


def test_the_table_is_the_reviewed_one() -> None:
    golden = {}
    for line in GOLDEN.split("\n"):
        if line:
            resource, action, letters = line.split()
            golden[Resource(resource), Action(action)] = frozenset(LETTERS[letter] for letter in letters)
    assert golden == PERMISSIONS
    assert not any(may(ConsoleRole.NONE, resource, action) for resource in Resource for action in Action)


def test_every_page_declares_its_permission_and_names_a_cell_of_the_table() -> None:
    assert len(declared()) == len(pages)
    for name, declaration in declared().items():
        assert (declaration.resource, declaration.action) in PERMISSIONS, name


def test_a_page_whose_address_nobody_can_fill_is_named() -> None:
    with pytest.raises(AssertionError, match=r"service_trust_remove: <service_id>, service_trust_remove: <trust_id>"):
        every_address({})


def test_every_page_opens_for_exactly_the_roles_of_the_table(company: Company, visit: Visit) -> None:
    for name, address in company_addresses(company).items():
        page = declared()[name]
        for role, who in WHO.items():
            status = visit(who).get(address).status_code
            assert (status != 403) is may(role, page.resource, page.action), f"{who} {name}: {status}"
            assert status in {200, 302, 403}, f"{who} {name}: {status}"


def test_no_write_is_done_for_a_role_that_may_not(company: Company, visit: Visit) -> None:
    for name, address in company_addresses(company).items():
        page = declared()[name]
        for role, who in WHO.items():
            if "POST" in page.methods and not may(role, page.resource, page.action):
                assert visit(who).post(address, {"reason": "mine"}).status_code == 403, f"{who} {name}"


def test_no_page_takes_a_write_without_its_token(company: Company, visit: Visit) -> None:
    writes = [name for name, page in declared().items() if "POST" in page.methods]
    assert len(writes) > 10
    addresses = company_addresses(company)
    for name in writes:
        answer = visit("ada_admin", csrf=True).post(addresses[name], {"reason": "forged"})
        assert answer.status_code == 403, name


def test_pages_that_only_show_refuse_to_be_written_to(company: Company, visit: Visit) -> None:
    addresses = company_addresses(company)
    for name, page in declared().items():
        if "POST" not in page.methods:
            assert visit().post(addresses[name]).status_code == 405, name


def refused_callers(company: Company) -> dict[str, str]:
    """Return assertions that must open nothing, by what is wrong with them."""
    now = int(time.time())
    ada = company.people["ada_admin"]
    session = company.sessions["ada_admin"]
    good = {"sub": ada.id, "sid": session.id}
    other_key = ec.generate_private_key(ec.SECP256R1())
    pem = other_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    token = sign_assertion(good)
    return {
        "anonymous": "",
        "garbage": "not.a.token",
        "too long": token + "A" * 9000,
        "another app's": sign_assertion({**good, "aud": "wiki"}),
        "several audiences": sign_assertion({**good, "aud": ["console", "wiki"]}),
        "no audience": sign_assertion({**good, "aud": None}),
        "another issuer's": sign_assertion({**good, "iss": "https://id.example.org"}),
        "expired": sign_assertion({**good, "iat": now - 120, "exp": now - 60}),
        "without an end": sign_assertion({**good, "exp": None}),
        "without a session": sign_assertion({**good, "sid": None}),
        "signed by somebody else": sign_assertion(good, pem=pem),
        "unsigned": "eyJhbGciOiJub25lIn0." + token.split(".")[1] + ".",
        "about nobody": sign_assertion({**good, "sub": "p_nobody"}),
        "with another's session": sign_assertion({**good, "sid": company.sessions["alice_meyer"].id}),
        "with an ended session": sign_assertion({**good, "sid": "s_ended"}),
        "an ordinary person's": company.assertion("alice_meyer"),
    }


def test_nobody_opens_the_console_without_proving_to_have_a_role(company: Company) -> None:
    for wrong, assertion in refused_callers(company).items():
        for answer in (visitor(assertion).get("/people/"), visitor(assertion).post("/groups/add", {"name": "x"})):
            assert answer.status_code == 403, f"{wrong}: {answer.status_code}"
            assert b"Alice" not in answer.content


def test_every_address_refuses_strangers_other_audiences_and_ordinary_people(company: Company) -> None:
    callers = refused_callers(company)
    for name, address in company_addresses(company).items():
        for wrong in ("anonymous", "another app's", "an ordinary person's"):
            assert visitor(callers[wrong]).get(address).status_code == 403, f"{wrong} at {name}"
            assert visitor(callers[wrong]).post(address, {"reason": "x"}).status_code == 403, f"{wrong} at {name}"


def test_unknown_addresses_tell_strangers_nothing(company: Company, visit: Visit) -> None:
    assert visitor("").get("/nothing").status_code == 403
    assert visit().get("/nothing").status_code == 404


@pytest.mark.parametrize("header", ["x-ostiary-email", "remote-user", "authorization"])
def test_no_other_header_identifies_anybody(company: Company, header: str) -> None:
    client = Client(
        headers={"host": "admin.example.test", "x-forwarded-proto": "https", header: company.assertion("ada_admin")}
    )
    assert client.get("/").status_code == 403


def test_an_act_is_on_record_with_the_address_that_the_gateway_saw(company: Company) -> None:
    client = visitor(
        company.assertion("ada_admin"), **{"x-ostiary-client": "198.51.100.9", "x-real-ip": "198.51.100.9"}
    )
    assert client.post("/groups/add", {"group_id": "night-shift", "name": "Night shift"}).status_code == 302
    index_new_events(time.time())
    (event,) = list_events(EventQuery(text="night-shift")).items
    assert event.address == "192.0.2.17"


def test_somebody_disabled_is_refused_at_once(company: Company, visit: Visit) -> None:
    client = visit("audrey_audit")
    assert client.get("/").status_code == 200
    disable_person(person_id=company.people["audrey_audit"].id, reason="left", actor=OPERATOR)
    assert client.get("/").status_code == 403


def test_a_revoked_session_is_refused_at_once(company: Company, visit: Visit) -> None:
    client = visit("audrey_audit")
    assert client.get("/").status_code == 200
    revoke_session(session_id=company.sessions["audrey_audit"].id, reason="lost", actor=OPERATOR)
    assert client.get("/").status_code == 403


def test_the_help_desk_does_nothing_to_people_with_a_role(company: Company, visit: Visit) -> None:
    for who in ("max_admin", "audrey_audit"):
        person = company.people[who]
        for name in ("person_disable", "person_enable", "person_reset", "sessions_revoke_of"):
            address = reverse(f"console:{name}", "ostiary.web.urls_console", args=(person.id,))
            visit("henk_help").post(address, {"reason": "mine"})
        page = text_of(visit().get(reverse("console:person", "ostiary.web.urls_console", args=(person.id,))))
        assert "Disabled" not in page
    assert visit("audrey_audit").get("/").status_code == 200


def test_the_help_desk_invites_without_granting_access(company: Company, visit: Visit) -> None:
    answer = visit("henk_help").post(
        "/people/invite", {"email": "new@example.test", "name": "New", "groups": ["administrators"]}
    )
    assert answer.status_code == 200
    assert "administrators" not in text_of(visit().get("/people/?q=new@example.test")).split("<tbody>")[1]


def test_an_assertion_key_of_another_kind_stops_the_start(console_instance: Instance) -> None:
    path = console_instance.secrets / "assertion.pem"
    wrong = ed25519.Ed25519PrivateKey.generate()
    path.write_bytes(wrong.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(NotIdentified):
        read_assertion_key()
