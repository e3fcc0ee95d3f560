"""The console's pages about sign-in by SAML: an app is added by its metadata or by its values, shown, changed, removed."""

import re

import pytest
from tests.console_company import Company
from tests.console_fixtures import Visit, text_of
from tests.saml_material import CONSUMER, ENTITY, metadata

from ostiary.applications.facade import get_app
from ostiary.saml import keys
from ostiary.saml.domain.names import NameFormat
from ostiary.saml.facade import get_provider, list_providers, own_description


def test_an_app_is_added_by_its_metadata_shown_and_changed(company: Company, visit: Visit) -> None:
    text = metadata(role_attributes='AuthnRequestsSigned="true"').decode()
    form = {
        "app_id": "crm",
        "name": "Customers",
        "metadata": text,
        "attributes": "mail=email\n\ncn=name",
        "name_format": "",
    }
    assert visit().post("/apps/saml/add", form).headers["Location"] == "/apps/crm/"
    added = get_provider("crm")
    assert (added.entity_id, added.described.signs_requests, len(added.described.certificates)) == (ENTITY, True, 1)
    assert [one.name for one in added.attributes] == ["mail", "cn"]
    assert get_app("crm").launch_url == "https://sp.example/"
    page = text_of(visit().get("/apps/crm/"))
    for words in (ENTITY, CONSUMER, "have to be signed", "Change the sign-in"):
        assert words in page
    listed = text_of(visit().get("/apps/saml"))
    assert ENTITY in listed
    assert "/saml/metadata" in listed
    assert "BEGIN CERTIFICATE" in listed
    assert "PRIVATE KEY" not in listed
    assert "No app matches" in text_of(visit().get("/apps/saml", {"q": "zzzz"}))
    browser = visit()
    assert CONSUMER not in text_of(browser.get("/apps/saml"))
    assert browser.get("/apps/saml", {"columns": ["app", "takes"]}).status_code == 302
    assert CONSUMER in text_of(browser.get("/apps/saml"))
    (row,) = visit().get("/apps/saml/export", {"export": "json", "q": "acs"}).json()
    assert (row["id"], row["entity_id"], row["name_format"]) == ("crm", ENTITY, "email")
    assert visit().get("/apps/saml/export").headers["Location"] == "/apps/saml"
    changed = {"name_format": "PERSISTENT", "attributes": "g=groups", "starts_here": "on", "start_page": "/home"}
    assert visit().post("/apps/crm/saml", changed).headers["Location"] == "/apps/crm/"
    after = get_provider("crm")
    assert (after.name_format, after.starts_here, after.start_page) == (NameFormat.PERSISTENT, True, "/home")
    assert after.described == added.described, "without metadata, what is known stays"
    assert get_app("crm").launch_url.endswith("/saml/open/crm")
    assert visit().post("/apps/crm/remove", {"confirm": "crm"}).status_code == 302
    assert list_providers() == ()


def test_an_app_without_metadata_is_added_by_its_values(company: Company, visit: Visit) -> None:
    form = {"app_id": "zoom", "entity_id": "zoom.example", "acs": CONSUMER, "name_format": "EMAIL"}
    assert visit().post("/apps/saml/add", form).status_code == 302
    assert get_provider("zoom").name_format is NameFormat.EMAIL


def test_what_cannot_be_used_changes_nothing_and_says_what_to_do(company: Company, visit: Visit) -> None:
    good = {"app_id": "crm", "metadata": metadata().decode()}
    for change, words in (
        ({"metadata": "<!DOCTYPE a><a/>"}, "document type"),
        ({"metadata": metadata(consumer="http://sp.example/acs").decode()}, "https address"),
        ({"metadata": ""}, "entity ID"),
        ({"attributes": "mail"}, "NAME=FACT"),
        ({"app_id": "console"}, "reserved"),
        ({"app_id": "wiki"}, "already an app"),
        ({"signed_requests": "on", "metadata": "", "entity_id": "x", "acs": CONSUMER}, "no certificate"),
    ):
        wrong = visit().post("/apps/saml/add", {**good, **change})
        assert wrong.status_code == 422, change
        assert words in text_of(wrong), change
    assert list_providers() == ()
    assert visit().get("/apps/wiki/saml").headers["Location"] == "/apps/wiki/"
    assert visit().get("/apps/nothing/saml").status_code == 404
    assert "No app signs people in by SAML yet" in text_of(visit().get("/apps/saml"))


def test_the_certificate_changes_in_two_steps_with_both_in_the_metadata_between(
    company: Company, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "RSA_BITS", 2048)

    def published() -> int:
        return len(own_description().certificates)

    before = own_description().certificates[0]
    assert "Make the next one" in text_of(visit().get("/apps/saml/certificate"))
    visit().post("/apps/saml/certificate", {"step": "prepare"})
    assert (published(), own_description().certificates[0]) == (2, before)
    page = visit().get("/apps/saml/certificate").content.decode()
    (shown,) = set(re.findall(r'name="next" value="([^"]+)"', page))
    visit().post("/apps/saml/certificate", {"step": "prepare"})
    assert published() == 2, "there is one already"
    visit().post("/apps/saml/certificate", {"step": "change", "next": "another one"})
    assert own_description().certificates[0] == before, "only the one that was looked at is changed to"
    visit().post("/apps/saml/certificate", {"step": "change", "next": shown})
    assert published() == 1
    assert own_description().certificates[0] != before
    visit().post("/apps/saml/certificate", {"step": "prepare"})
    (coming,) = set(re.findall(r'name="next" value="([^"]+)"', visit().get("/apps/saml/certificate").content.decode()))
    after = own_description().certificates[0]
    visit().post("/apps/saml/certificate", {"step": "abandon", "next": coming})
    assert own_description().certificates == (after,)
    visit().post("/apps/saml/certificate", {"step": "anything"})
    assert own_description().certificates == (after,)
