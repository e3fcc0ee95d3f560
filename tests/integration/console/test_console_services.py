"""Services and people's tokens on the console: found, made, changed, switched off and on, removed, revoked."""

import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from tests.console_company import Company
from tests.console_fixtures import Visit, text_of
from tests.workload_asking import pem_of

from ostiary.identity.facade import Finding, check_directory, disable_person
from ostiary.visibility.facade import Actor
from ostiary.workloads.facade import State, get_service, get_token, list_services

pytestmark = pytest.mark.django_db
MACHINE = Actor(kind="machine", id="root", label="root")


def test_the_list_says_who_answers_for_each_when_it_was_used_and_when_it_ends(company: Company, visit: Visit) -> None:
    page = text_of(visit("audrey_audit").get("/services/"))
    for words in (company.service, "alice.meyer@example.test", "Exports the handbook", "never", "Works"):
        assert words in page
    assert "Add a service" not in page, "an auditor only looks"
    assert "No service matches" in text_of(visit().get("/services/?q=zzzz"))
    assert "No service matches" in text_of(visit().get("/services/?state=over"))
    detail = text_of(visit().get(f"/services/{company.service}/"))
    for words in ("service:nightly-export", "Ed25519", "repository=acme/handbook", "Switch off"):
        assert words in detail


def test_a_service_is_made_with_its_key_all_or_nothing(visit: Visit) -> None:
    client = visit()
    form = {
        "name": "deploy",
        "owner": "alice.meyer@example.test",
        "purpose": "Deploys",
        "days": "30",
        "token_minutes": "5",
        "key": pem_of(ed25519.Ed25519PrivateKey.generate()),
        "reason": "",
    }
    before = len(list_services())
    for field, wrong, words in (
        ("name", "De ploy", "cannot name a service"),
        ("owner", "nobody@example.test", "Nobody who could answer"),
        ("key", "no key", "no public key"),
        ("days", "4000", "731"),
        ("token_minutes", "0", "1"),
    ):
        answer = client.post("/services/add", {**form, field: wrong})
        assert answer.status_code == 422, field
        assert words in text_of(answer), field
    assert len(list_services()) == before
    assert client.post("/services/add", form)["Location"] == "/services/deploy/"
    made = get_service("deploy")
    assert (made.token_seconds, len(made.keys), made.purpose) == (300, 1, "Deploys")
    assert client.post("/services/add", form).status_code == 422, "the name is taken"


def test_a_service_is_changed_switched_off_and_on_and_removed(company: Company, visit: Visit) -> None:
    client, name = visit(), company.service
    ends_at = get_service(name).ends_at
    changed = {"owner": "bruno.costa@example.test", "purpose": "Other", "days": "", "token_minutes": "20", "reason": ""}
    assert client.post(f"/services/{name}/change", changed).status_code == 302
    after = get_service(name)
    assert (after.owner, after.purpose, after.token_seconds, after.ends_at) == (
        "bruno.costa@example.test", "Other", 1200, ends_at,
    )  # fmt: skip
    assert "refused from its next request" in text_of(client.get(f"/services/{name}/disable"))
    assert get_service(name).state(time.time()) is State.WORKS, "looking changes nothing"
    assert client.post(f"/services/{name}/disable", {"reason": "for a test"}).status_code == 302
    assert get_service(name).state(time.time()) is State.DISABLED
    assert "Somebody switched it off" in text_of(client.get(f"/services/{name}/"))
    assert client.post(f"/services/{name}/disable", {"reason": ""}).status_code == 422
    assert client.post(f"/services/{name}/enable", {"reason": ""}).status_code == 302
    assert client.post(f"/services/{name}/remove", {"reason": ""}).status_code == 302
    assert client.get(f"/services/{name}/").status_code == 404


def test_a_service_whose_owner_is_gone_is_to_be_tidied_up(company: Company, visit: Visit) -> None:
    disable_person(person_id=company.people["alice_meyer"].id, reason="left", actor=MACHINE)
    found = [one for one in check_directory(now=time.time()) if one.finding is Finding.SERVICE_OWNER_GONE]
    assert [(one.subject, one.detail) for one in found] == [(company.service, "alice.meyer@example.test")]
    page = text_of(visit().get("/people/to-tidy-up?kind=service_owner_gone"))
    assert f'href="/services/{company.service}/change"' in page
    assert "Nobody answers for it any more" in text_of(visit().get(f"/services/{company.service}/"))
    kept = {"owner": "alice.meyer@example.test", "purpose": "New words", "days": "", "token_minutes": "10"}
    assert visit().post(f"/services/{company.service}/change", kept).status_code == 302, "who is gone may stay for now"


def test_peoples_tokens_are_found_and_revoked(company: Company, visit: Visit) -> None:
    page = text_of(visit("henk_help").get("/tokens/?q=weekly"))
    assert "bruno.costa@example.test" in page
    assert "Weekly report" in page
    assert "/revoke" not in page, "the help desk only looks"
    assert "No token matches" in text_of(visit().get("/tokens/?q=zzzz"))
    assert visit("henk_help").post(f"/tokens/{company.token}/revoke", {"reason": ""}).status_code == 403
    assert visit().post(f"/tokens/{company.token}/revoke", {"reason": "lost"}).status_code == 302
    assert get_token(company.token).revoked_at is not None
    assert visit().post(f"/tokens/{company.token}/revoke", {"reason": ""}).status_code == 422
    assert visit().get("/tokens/t_0/revoke").status_code == 404
