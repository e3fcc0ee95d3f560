"""Black box: a person at an Apache with mod_auth_openidc, let in and kept out by rules, signed out by a revocation."""

from collections.abc import Iterator

import pytest
from tests.oidc_party import FACADE, Party
from tests.protected_apache import ProtectedApache
from tests.running_instance import RunningInstance

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]


@pytest.fixture(scope="module")
def apache(running: RunningInstance, books: Party) -> Iterator[ProtectedApache]:
    server = ProtectedApache()
    added = running.operator(
        f"{FACADE}:add_client",
        "apache",
        redirect_uris=[server.redirect_uri],
        backchannel_logout_uri=server.backchannel_uri,
    )
    try:
        yield server.start(issuer=books.issuer, client_id="apache", secret=added["secret"], authority=running.authority)
    finally:
        server.stop()


def test_somebody_signs_in_is_known_there_and_is_signed_out_by_a_revocation(
    running: RunningInstance, apache: ProtectedApache
) -> None:
    ada = running.make_person("staff")
    browser = running.signed_in(ada)
    page = browser.browser.open(f"{apache.origin}/")
    assert (page.status_code, page.text) == (200, "the books"), (page.text[:600], apache.last_words())
    assert page.headers["x-user"] == ada.email
    assert page.headers["x-groups"] == "staff"
    again = browser.browser.send("GET", f"{apache.origin}/")
    assert again.status_code == 200, "the app keeps its own session"

    running.operator("ostiary.identity.facade:revoke_sessions_of", person_id=ada.id, reason="left")
    running.eventually(
        lambda: browser.browser.send("GET", f"{apache.origin}/").status_code == 302, "apache was told of the sign-out"
    )


def test_whom_a_rule_keeps_out_never_reaches_it(running: RunningInstance, apache: ProtectedApache) -> None:
    browser = running.signed_in(running.make_person("misled"))
    page = browser.browser.open(f"{apache.origin}/")
    assert page.status_code == 403
    assert page.request.url.host == running.host("id")
    assert "is not open to you" in page.text
    refused = running.decisions()[-1]
    assert (refused["action"], refused["unmapped"]["ostiary"]["request"]["resource"]["app"]) == ("Denied", "apache")
    assert refused["metadata"]["uid"] in page.text


def test_nobody_signs_in_first_and_then_sees_the_page(running: RunningInstance, apache: ProtectedApache) -> None:
    """Somebody without a sign-in is sent to the form and from there back to the very app."""
    browser = running.client(running.make_person("staff"))
    form = browser.browser.open(f"{apache.origin}/")
    assert form.request.url.host == running.host("id")
    assert "https://" in form.headers["content-security-policy"]
    assert apache.origin in form.headers["content-security-policy"], "browsers follow a form's redirects only there"
    page = browser.give_code(browser.give_password(form))
    assert (page.status_code, page.text) == (200, "the books"), apache.last_words()
