"""Lesson 15: SAML. What is read is what was signed, by whom it should be, for us, now and once; nobody is signed in to an
application by a message that was wrapped, doubled, split by a comment, bent to another address, or used before; and no
name of a person, however written, becomes another one on its way."""

import base64
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from tests.running_instance import RULES, Client, RunningInstance, location
from tests.saml_material import CONSUMER, ENTITY, authn_request, key_of, logout_request, metadata, query, signed

from ostiary.demo.walk.browser import form_with, words_of
from ostiary.saml.domain import names

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]

SAML_RULES = (
    RULES
    + """\
  - name: staff-signs-in-to-the-suite
    allow: group:staff
    to: [app:suite, app:open-suite]
    do: [view]
    when: {mfa: any}
"""
)
OPEN = "https://open.example/saml"


@pytest.fixture(scope="module")
def suites(running: RunningInstance) -> Iterator[None]:
    """Two applications: `suite` signs its requests, `open-suite` does not."""
    for name, document in (
        ("suite", metadata(role_attributes='AuthnRequestsSigned="true"')),
        ("open-suite", metadata(entity=OPEN, consumer="https://open.example/acs")),
    ):
        file = running.folder / f"{name}.xml"
        file.write_bytes(document)
        running.command(
            "app", "saml", "add", name, "--metadata", str(file), "--attribute", "cn=name", "--name-id", "email"
        )
    with running.rules(SAML_RULES):
        yield
    for name in ("suite", "open-suite"):
        running.operator("ostiary.applications.facade:remove_app", name)


@pytest.fixture(scope="module")
def ada(running: RunningInstance, suites: None) -> Client:
    return running.signed_in(running.make_person("staff"))


def request_of(running: RunningInstance, inside: str = "", **more: Any) -> bytes:
    """Return a request as it should be, except for what is said."""
    given = {"at": time.time(), "destination": running.url("id", "/saml/sign-in"), "request_id": f"_{time.time_ns()}"}
    return authn_request(inside, **{**given, **more})


def posted(client: Client, document: bytes, relay_state: str = "", path: str = "/saml/sign-in") -> httpx.Response:
    """Post a message from another site: without this browser's cookies, as browsers do; go on with them."""
    fields = {"SAMLRequest": base64.b64encode(document).decode(), "RelayState": relay_state}
    headers = {"origin": "https://sp.example", "sec-fetch-site": "cross-site"}
    answer = client.send("POST", "id", path, data=fields, headers=headers, cookies=False)
    return client.browser.open(location(answer)) if answer.status_code in {302, 303} else answer


def by_address(client: Client, text: str, path: str = "/saml/sign-in") -> httpx.Response:
    return client.open("id", f"{path}?{text}")


def assertion_in(page: httpx.Response) -> etree._Element:
    """Return the assertion that a page is about to send."""
    form = form_with(page, "SAMLResponse")
    root = etree.fromstring(base64.b64decode(form.values["SAMLResponse"]))
    found = root.findall(f".//{{{names.ASSERTION}}}Assertion")
    assert len(found) == 1, words_of(page)
    return found[0]


def refused(page: httpx.Response) -> bool:
    return page.status_code == 400 and "SAMLResponse" not in page.text


def test_what_is_as_it_should_be_is_answered_by_either_binding(running: RunningInstance, ada: Client) -> None:
    """Without this, nothing below would show anything."""
    page = posted(ada, signed(request_of(running)), "/deep")
    form = form_with(page, "SAMLResponse", "RelayState")
    assert (form.action, form.values["RelayState"]) == (CONSUMER, "/deep")
    assert assertion_in(page).findtext(f".//{{{names.ASSERTION}}}NameID") == ada.account.email
    page = by_address(ada, query(request_of(running), relay_state="here", who="sp"))
    assert assertion_in(page).findtext(f".//{{{names.ASSERTION}}}Audience") == ENTITY
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert (
        form_with(by_address(ada, query(request_of(running, issuer=OPEN))), "SAMLResponse").action
        == "https://open.example/acs"
    )


def test_messages_that_were_tampered_with_sign_nobody_in(running: RunningInstance, ada: Client) -> None:
    good = signed(request_of(running, request_id="_good")).decode()
    forged = request_of(running, request_id="_evil").decode()
    other = "https://evil.example/acs"
    signature = good[good.index("<ds:Signature") : good.index("</ds:Signature>") + len("</ds:Signature>")]
    after_issuer = "</saml:Issuer>"
    for what, document in {
        "unsigned": forged,
        "signed by somebody else": signed(forged.encode(), "other").decode(),
        "wrapped in an extension": forged.replace(
            after_issuer, f"{after_issuer}{signature}<samlp:Extensions>{good}</samlp:Extensions>"
        ),
        "wrapped in the signature": forged.replace(
            after_issuer, f"{after_issuer}{signature[:-15]}<ds:Object>{good}</ds:Object></ds:Signature>"
        ),
        "somebody else's signature": forged.replace(after_issuer, f"{after_issuer}{signature}"),
        "the same ID twice": forged.replace("_evil", "_good").replace(
            after_issuer, f"{after_issuer}{signature}<samlp:Extensions>{good}</samlp:Extensions>"
        ),
        "signed twice": good.replace(after_issuer, f"{after_issuer}{signature}", 1),
        "two issuers": good.replace(after_issuer, f"{after_issuer}<saml:Issuer>{ENTITY}</saml:Issuer>", 1),
        "a comment in the issuer": good.replace(ENTITY, f"{ENTITY[:12]}<!-- -->{ENTITY[12:]}", 1),
        "a document type": f"<!DOCTYPE a [<!ENTITY b 'c'>]>{good}",
        "entities that grow": f"<!DOCTYPE a [<!ENTITY b 'cccc'><!ENTITY d '&b;&b;&b;&b;'>]>{good.replace('_good', '&d;')}",
        "a file of this machine": f"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>{good.replace(ENTITY, '&b;')}",
        "two messages": good + good,
        "another address for the answer": signed(request_of(running, AssertionConsumerServiceURL=other)).decode(),
        "meant for another": signed(request_of(running, destination="https://other.example/saml/sign-in")).decode(),
        "meant for nobody": signed(request_of(running, destination="")).decode(),
        "too old": signed(request_of(running, at=time.time() - 400)).decode(),
        "from the future": signed(request_of(running, at=time.time() + 400)).decode(),
        "of nobody we know": signed(request_of(running, issuer="https://unknown.example")).decode(),
        "not XML": "<" * 1000,
    }.items():
        page = posted(ada, document.encode())
        assert refused(page), (what, page.status_code, words_of(page))
    whole = query(request_of(running, issuer=OPEN, AssertionConsumerServiceURL=other))
    assert refused(by_address(ada, whole)), "an unsigned request cannot choose where the answer goes"
    for what, text in {
        "a signature over another state": query(request_of(running), relay_state="a", who="sp").replace(
            "State=a", "State=b"
        ),
        "a signature taken away": query(request_of(running), who="sp").partition("&SigAlg")[0],
        "a field twice": query(request_of(running), relay_state="a", who="sp") + "&RelayState=b",
        "a bomb": query(b" " * 20_000_000),
        "nothing": "",
    }.items():
        assert refused(by_address(ada, text)), what
    assert not refused(posted(ada, good.encode())), "the message itself was good all the while"


def test_a_request_is_answered_once(running: RunningInstance, ada: Client) -> None:
    document = signed(request_of(running, request_id="_once"))
    begun = location(ada.send("POST", "id", "/saml/sign-in", data={"SAMLRequest": base64.b64encode(document).decode()}))
    assert "SAMLResponse" in ada.browser.open(begun).text
    assert refused(ada.browser.open(begun))
    assert refused(posted(ada, document))
    bob = running.signed_in(running.make_person("staff"))
    assert refused(bob.browser.open(begun)), "nor by anybody else"
    sealed = begun.partition("asked=")[2]
    changed = sealed[:10] + ("A" if sealed[10] != "A" else "B") + sealed[11:]
    assert refused(ada.browser.open(begun.replace(sealed, changed)))


def test_an_assertion_is_for_whoever_is_signed_in_and_whom_the_rules_let_in(
    running: RunningInstance, ada: Client
) -> None:
    nobody = running.client()
    page = posted(nobody, signed(request_of(running)))
    assert page.request.url.path == "/sign-in"
    assert "SAMLResponse" not in page.text
    eve = running.signed_in(running.make_person("finance"))
    page = posted(eve, signed(request_of(running)))
    assert page.status_code == 403
    assert "SAMLResponse" not in page.text
    disabled = running.make_person("staff")
    gone = running.signed_in(disabled)
    running.operator("ostiary.identity.facade:disable_person", person_id=disabled.id, reason="left")
    assert posted(gone, signed(request_of(running))).request.url.path == "/sign-in"
    someone = "<saml:Subject><saml:NameID>somebody-else@corp.test</saml:NameID></saml:Subject>"
    assert b"UnknownPrincipal" in _answer(posted(ada, signed(request_of(running, someone))))


def test_a_fresh_proof_is_asked_for_where_the_application_wants_one(running: RunningInstance, ada: Client) -> None:
    page = posted(ada, signed(request_of(running, ForceAuthn="true")))
    assert page.request.url.path == "/step-up", words_of(page)
    assert "SAMLResponse" in ada.give_code(page).text
    wanted = (
        "<samlp:RequestedAuthnContext><saml:AuthnContextClassRef>https://refeds.org/profile/mfa/phishing-resistant"
        "</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>"
    )
    assert "SAMLResponse" not in posted(ada, signed(request_of(running, wanted))).text
    assert b"NoPassive" in _answer(posted(ada, signed(request_of(running, wanted, IsPassive="true"))))


def test_nobody_is_signed_out_by_a_message_that_is_not_the_applications(running: RunningInstance, ada: Client) -> None:
    def out(who: str = "", **more: Any) -> bytes:
        given = {
            "at": time.time(),
            "destination": running.url("id", "/saml/sign-out"),
            "request_id": f"_{time.time_ns()}",
        }
        document = logout_request(more.pop("name", ada.account.email), **{**given, **more})
        return signed(document, who) if who else document

    for what, document in {
        "unsigned": out(),
        "of somebody else": out("other"),
        "too old": out("sp", at=time.time() - 400),
        "for another": out("sp", destination="https://other.example/"),
        "a request for a sign-in": signed(request_of(running)),
    }.items():
        assert refused(posted(ada, document, path="/saml/sign-out")), what
    posted(ada, out("sp", name="somebody-else@corp.test"), path="/saml/sign-out")
    assert ada.get("id", "/profile").status_code == 200, "still signed in"
    posted(ada, out("sp"), path="/saml/sign-out")
    assert ada.get("id", "/profile").status_code == 302


def test_metadata_that_hides_another_description_is_not_taken(running: RunningInstance, suites: None) -> None:
    evil = metadata(consumer="https://evil.example/acs", entity="https://evil.example").decode().partition("-->")[2]
    for document in (
        f"<a>{evil}</a>".encode(),
        metadata(),
    ):
        file = running.folder / "evil.xml"
        file.write_bytes(document)
        done = running.command_any("app", "saml", "add", "evil", "--metadata", str(file))
        assert done.returncode != 0
        assert "Traceback" not in done.stderr
    apps = running.operator("ostiary.applications.facade:list_apps", acting=False)
    assert "evil" not in [one["id"] for one in apps]


def test_the_key_is_the_instances_own_and_leaves_it_nowhere(running: RunningInstance, ada: Client) -> None:
    shown = ada.get("id", "/saml/metadata")
    assert shown.status_code == 200
    assert b"PRIVATE" not in shown.content
    assert (running.instance.secrets / "saml.pem").stat().st_mode & 0o077 == 0
    assert key_of("sp").certificate.public_bytes(Encoding.PEM) not in shown.content


def _answer(page: httpx.Response) -> bytes:
    return base64.b64decode(form_with(page, "SAMLResponse").values["SAMLResponse"])
