"""Signing in to Apache with mod_auth_mellon through a running instance: by the rules, as people are called, while keys change."""

import html
import json
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import msgspec
import pytest
from tests.running_instance import RULES, Client, RunningInstance
from tests.running_operator import Made
from tests.saml_mellon import Mellon, deliver, learned

from ostiary.demo.walk.browser import form_with, words_of
from ostiary.saml.domain.names import NameFormat

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]

SAML_RULES = (
    RULES
    + """\
  - name: staff-signs-in-elsewhere
    allow: group:staff
    to: [app:crm, app:late]
    do: [view]
    when: {mfa: any}
"""
)


@pytest.fixture(scope="module")
def mellon(running: RunningInstance) -> Iterator[Mellon]:
    """Two applications: `crm` learned of both certificates, `late` of the one before."""
    with Mellon(running) as apache:
        before = running.command("app", "saml", "metadata").encode()
        running.command("app", "saml", "rotate-certificate")
        both = running.command("app", "saml", "metadata").encode()
        apache.start({"crm": (NameFormat.EMAIL, both), "late": (NameFormat.PERSISTENT, before)})
        for name, more in (
            ("crm", ["--attribute", "cn=name", "--attribute", "g=groups"]),
            ("late", ["--sign-response"]),
        ):
            file = apache.folder / f"{name}.xml"
            file.write_text(apache.metadata(name))
            running.command("app", "saml", "add", name, "--metadata", str(file), *more)
        with running.rules(SAML_RULES):
            yield apache
        for name in ("crm", "late"):
            running.operator("ostiary.applications.facade:remove_app", name)


def employee(running: RunningInstance, mellon: Mellon, *groups: str, name: str = "") -> Client:
    return mellon.browser(running.signed_in(running.make_person(*groups, name=name)))


def test_somebody_whom_the_rules_let_in_arrives_as_they_are_called(running: RunningInstance, mellon: Mellon) -> None:
    name, email = 'Ada <!-- --> O\'Neil ]]> &amp; "King" 王 é', '"ada<!---->]]>&amp;"@corp.test'
    made = running.operator(
        "tests.running_operator:make_person", email, name, ["staff", "finance"], code_app=True, acting=False
    )
    ada = mellon.browser(running.client(msgspec.convert(made, Made)))
    asked = ada.browser.open(mellon.url("/crm/page?x=1"))
    assert asked.request.url.path == "/sign-in", "nobody is signed in yet"
    page = ada.give_code(ada.give_password(asked))
    assert form_with(page, "SAMLResponse", "RelayState"), words_of(page)
    arrived = deliver(ada, page)
    assert str(arrived.request.url) == mellon.url("/crm/page?x=1"), mellon.last_words()
    said = learned(arrived)
    assert said["MELLON_NAME_ID"] == email, "markup in a name is text"
    assert html.unescape(said["MELLON_cn"]) == name, "mellon hands an attribute on as the XML that it is"
    assert {said["MELLON_g_0"], said["MELLON_g_1"]} == {"staff", "finance"}
    decided = [one for one in running.decisions() if json.dumps(email) in json.dumps(one)]
    assert len(decided) == 1, "one decision, on record"
    assert '"crm"' in json.dumps(decided[0])


def test_somebody_whom_the_rules_refuse_is_told_here_and_never_arrives(
    running: RunningInstance, mellon: Mellon
) -> None:
    bob = employee(running, mellon, "finance")
    page = bob.browser.open(mellon.url("/crm/page"))
    assert page.status_code == 403, words_of(page)
    assert page.request.url.host == running.host("id")
    assert "SAMLResponse" not in page.text
    still = bob.browser.send("GET", mellon.url("/crm/page"))
    assert still.status_code == 303, "mellon knows nobody"


def test_nobody_is_asked_anything_where_the_application_forbids_it(running: RunningInstance, mellon: Mellon) -> None:
    quiet = f"/crm/mellon/login?IsPassive=true&ReturnTo={quote(mellon.url('/crm/page'), safe='')}"
    nobody = mellon.browser(running.client())
    page = nobody.browser.open(mellon.url(quiet))
    refused = deliver(nobody, page)
    assert refused.status_code in {400, 401, 403}, words_of(refused)
    assert "NoPassive" in mellon.log()
    ada = employee(running, mellon, "staff")
    assert learned(deliver(ada, ada.browser.open(mellon.url(quiet))))["MELLON_NAME_ID"]


def test_an_application_is_opened_from_here_only_where_that_is_switched_on(
    running: RunningInstance, mellon: Mellon
) -> None:
    ada = employee(running, mellon, "staff")
    assert ada.get("id", "/saml/open/crm").status_code == 404
    running.command("app", "saml", "change", "crm", "--idp-initiated", "--start-page", mellon.url("/crm/home"))
    try:
        running.in_force()
        tiles = ada.open("id", "/")
        assert running.url("id", "/saml/open/crm") in tiles.text
        arrived = deliver(ada, ada.open("id", "/saml/open/crm"))
        assert str(arrived.request.url) == mellon.url("/crm/home"), mellon.last_words()
        assert learned(arrived)["MELLON_NAME_ID"]
    finally:
        running.command("app", "saml", "change", "crm", "--no-idp-initiated")
    assert ada.get("id", "/saml/open/crm").status_code == 404


def test_signing_out_there_signs_out_here_and_at_every_app(running: RunningInstance, mellon: Mellon) -> None:
    ada = employee(running, mellon, "staff").enter("wiki")
    learned(deliver(ada, ada.browser.open(mellon.url("/crm/page"))))
    out = ada.browser.open(mellon.url(f"/crm/mellon/logout?ReturnTo={quote(mellon.url('/'), safe='')}"))
    assert out.request.url.host == "localhost", words_of(out)
    running.in_force()
    assert ada.open("wiki").request.url.path == "/sign-in"
    assert ada.browser.open(mellon.url("/crm/page")).request.url.path == "/sign-in"


def test_names_that_say_nothing_stay_the_same(running: RunningInstance, mellon: Mellon) -> None:
    ada = employee(running, mellon, "staff")
    assert ada.account is not None
    first = learned(deliver(ada, ada.browser.open(mellon.url("/late/page"))))["MELLON_NAME_ID"]
    assert len(first) == 40
    del ada.browser._cookies["localhost"]
    assert learned(deliver(ada, ada.browser.open(mellon.url("/late/page"))))["MELLON_NAME_ID"] == first
    bob = employee(running, mellon, "staff")
    assert learned(deliver(bob, bob.browser.open(mellon.url("/late/page"))))["MELLON_NAME_ID"] != first


def test_a_new_certificate_is_believed_where_it_was_announced(running: RunningInstance, mellon: Mellon) -> None:
    """The last test: the instance's certificate is another one afterwards."""
    ada = employee(running, mellon, "staff")
    assert learned(deliver(ada, ada.browser.open(mellon.url("/late/page"))))["MELLON_NAME_ID"]
    running.command("app", "saml", "rotate-certificate", "--finish", "--yes")
    bob = employee(running, mellon, "staff")
    assert learned(deliver(bob, bob.browser.open(mellon.url("/crm/page"))))["MELLON_NAME_ID"]
    refused: httpx.Response = deliver(bob, bob.browser.open(mellon.url("/late/page")))
    assert refused.status_code in {400, 401, 403}, words_of(refused)
