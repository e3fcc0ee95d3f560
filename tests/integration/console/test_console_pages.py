"""What the console's pages show and do, with a company that its own services made."""

import csv
import io
import json
import tarfile
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation
from tests.console_company import OPERATOR, Company
from tests.console_fixtures import Visit, text_of

from ostiary.applications.facade import get_app, list_apps
from ostiary.baselines.facade import refuse_exception
from ostiary.config.places import Instance
from ostiary.devices.facade import deny_device
from ostiary.gateway.heartbeat import beat
from ostiary.identity.facade import find_person, get_group, get_person, list_sessions, refuse_recovery
from ostiary.visibility.facade import index_new_events


def test_the_overview_says_what_needs_somebody_and_how_the_day_went(company: Company, visit: Visit) -> None:
    page = text_of(visit().get("/"))
    assert "The worker last confirmed the facts at an unknown time" in page
    assert "Held or refused by reason" in page
    assert "no rule allows it" in page
    assert "Payroll" in page


def test_the_overview_is_calm_when_all_is_well(company: Company, visit: Visit, console_instance: Instance) -> None:
    beat(console_instance.facts, time.time())
    refuse_recovery(recovery_id=company.recovery, reason="It was not him.", actor=OPERATOR)
    deny_device(company.waiting_device, actor=OPERATOR)
    refuse_exception(company.exception, now=time.time(), actor=OPERATOR)
    assert "Nothing needs you" in text_of(visit().get("/"))


def test_the_overview_names_the_process_that_is_down(
    company: Company, visit: Visit, console_instance: Instance
) -> None:
    beat(console_instance.facts, time.time())
    status = {
        "written_at": time.time(),
        "processes": [{"name": "decider", "state": "failing", "said": "It ended with exit status 3.", "restarts": 2}],
    }
    (console_instance.run / "status.json").write_text(json.dumps(status))
    page = text_of(visit().get("/parts/overview"))
    assert "decider is failing. It ended with exit status 3." in page
    assert "<html" not in page


def test_searching_a_reference_leads_to_its_decision(company: Company, visit: Visit) -> None:
    reference = company.references[0]
    for typed in (reference, reference.lower(), reference.replace("-", " ")):
        assert visit().get("/search", {"q": typed}).headers["Location"] == f"/decisions/{reference}/"


def test_searching_words_finds_people_apps_and_decisions(company: Company, visit: Visit) -> None:
    page = text_of(visit().get("/search", {"q": "alice"}))
    assert "Alice Meyer" in page
    assert "What matches “alice”" in page
    assert "Nothing matches" in text_of(visit().get("/search", {"q": "zzzz"}))


def test_an_app_is_added_changed_and_removed(company: Company, visit: Visit) -> None:
    wrong = visit().post("/apps/add", {"app_id": "id", "upstream": "http://10.0.0.5"})
    assert wrong.status_code == 422
    assert "is reserved for Ostiary itself" in text_of(wrong)
    form = {"app_id": "tickets", "upstream": "http://10.0.0.5:8080", "name": "Tickets", "labels": "internal, it"}
    headers = {"identity_headers": "Remote-User=email", "methods": "REPORT=view", "streams": "on", "verify_tls": "on"}
    assert visit().post("/apps/add", form | headers).headers["Location"] == "/apps/tickets/"
    added = get_app("tickets")
    assert added.labels == ("internal", "it")
    assert added.identity_headers == {"remote-user": "email"}
    changed = {"name": "Desk", "upstream": "http://10.0.0.6:8080", "host": added.host, "labels": "it"}
    assert visit().post("/apps/tickets/change", changed).status_code == 302
    after = get_app("tickets")
    assert (after.name, after.upstream.url, after.labels, after.streams) == (
        "Desk",
        "http://10.0.0.6:8080",
        ("it",),
        False,
    )
    assert "From that moment nobody reaches" in text_of(visit().get("/apps/tickets/remove"))
    assert visit().post("/apps/tickets/remove").status_code == 302
    assert "tickets" not in {str(app.id) for app in list_apps()}


def test_the_console_itself_cannot_be_removed_or_moved(company: Company, visit: Visit) -> None:
    assert visit().get("/apps/console/remove").status_code == 404
    assert "upstream" not in text_of(visit().get("/apps/console/change"))
    assert visit().post("/apps/console/change", {"name": "Desk", "upstream": "http://evil"}).status_code == 302
    assert get_app("console").upstream.url == ""


def test_people_are_filtered_and_exported_without_formulas(company: Company, visit: Visit) -> None:
    visit().post("/people/invite", {"email": "eve@example.test", "name": '=HYPERLINK("http://evil")'})
    page = text_of(visit().get("/people/", {"group": "contractors"}))
    assert "Dana Novák" in page
    assert "Bruno Costa" not in page
    rows = list(csv.DictReader(io.StringIO(visit().get("/people/export", {"export": "csv"}).content.decode())))
    assert len(rows) == 11
    assert [row["name"] for row in rows if row["email"] == "eve@example.test"] == ['\'=HYPERLINK("http://evil")']
    assert len(json.loads(visit().get("/people/export", {"export": "json", "q": "bruno"}).content)) == 1


def test_names_are_shown_and_never_run(company: Company, visit: Visit) -> None:
    name = "<script>alert(1)</script>"
    assert visit().post("/people/invite", {"email": "eve@example.test", "name": name}).status_code == 200
    for address in ("/people/", "/search?q=script", f"/people/{find_person('eve@example.test').id}/"):
        page = text_of(visit().get(address))
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page


def test_a_person_is_invited_and_the_link_is_shown_once(company: Company, visit: Visit) -> None:
    answer = visit().post("/people/invite", {"email": "new@example.test", "name": "Nia New", "groups": ["staff"]})
    assert "https://id.example.test/" in text_of(answer)
    person = find_person("new@example.test")
    assert person.groups == ("staff",)
    assert "https://id.example.test/" not in text_of(visit().get(f"/people/{person.id}/"))
    again = visit().post(f"/people/{person.id}/invite")
    assert "https://id.example.test/" in text_of(again)
    assert visit().post("/people/invite", {"email": "nonsense", "name": "N"}).status_code == 422


def test_a_person_is_disabled_with_the_consequence_said_first(company: Company, visit: Visit) -> None:
    person = company.people["bruno_costa"]
    assert "the 1 session they have ends now" in text_of(visit().get(f"/people/{person.id}/disable"))
    assert list_sessions(person_id=person.id).total == 1
    visit().post(f"/people/{person.id}/disable", {"reason": "Left the company"})
    assert not get_person(person.id).active
    assert list_sessions(person_id=person.id).total == 0
    assert "This account is disabled" in text_of(visit().get(f"/people/{person.id}/"))
    index_new_events(time.time())
    audit = text_of(visit().get("/audit/"))
    assert "ada.admin@example.test disabled bruno.costa@example.test (Left the company)" in audit
    visit().post(f"/people/{person.id}/enable", {"reason": "Came back"})
    assert get_person(person.id).active


def test_nobody_disables_themselves(company: Company, visit: Visit) -> None:
    ada = company.people["ada_admin"]
    assert "Disable" not in text_of(visit().get(f"/people/{ada.id}/"))
    assert visit().post(f"/people/{ada.id}/disable", {"reason": "x"}).status_code == 302
    assert get_person(ada.id).active


def test_a_person_is_renamed_and_reset(company: Company, visit: Visit) -> None:
    person = company.people["bruno_costa"]
    visit().post(f"/people/{person.id}/rename", {"name": "Bruno C. Costa"})
    assert get_person(person.id).name == "Bruno C. Costa"
    assert "https://id.example.test/" in text_of(visit().post(f"/people/{person.id}/reset", {"reason": "Lost phone"}))
    after = get_person(person.id)
    assert (after.methods, after.invited) == ((), True)


def test_a_person_page_tells_their_story(company: Company, visit: Visit) -> None:
    page = text_of(visit().get(f"/people/{company.people['alice_meyer'].id}/"))
    assert "Authenticator app" in page
    assert "Edge on Windows" in page
    assert "<b>Alice Meyer</b> was held at <b>Payroll</b>" in page
    assert "Finance" in page


def test_groups_are_made_filled_emptied_and_deleted(company: Company, visit: Visit) -> None:
    visit().post("/groups/add", {"group_id": "night-shift", "name": "Night shift", "description": "After eight"})
    visit().post("/groups/night-shift/members/add", {"email": "bruno.costa@example.test", "reason": "Covers May"})
    page = text_of(visit().get("/groups/night-shift/"))
    assert "Bruno Costa" in page
    assert "Covers May" in page
    wrong = visit().post("/groups/night-shift/members/add", {"email": "brono.costa@example.test"})
    assert wrong.status_code == 422
    assert "Did you mean bruno.costa@example.test?" in text_of(wrong)
    bruno = company.people["bruno_costa"].id
    visit().post(f"/groups/night-shift/members/{bruno}/remove", {"reason": "May is over"})
    assert get_group("night-shift").members == 0  # type: ignore[arg-type]
    assert "0 people lose" in text_of(visit().get("/groups/night-shift/remove"))
    visit().post("/groups/night-shift/remove")
    assert visit().get("/groups/night-shift/").status_code == 404
    assert visit().get("/groups/administrators/remove").status_code == 404


def test_sessions_are_revoked_with_the_consequence_said_first(company: Company, visit: Visit) -> None:
    session = company.sessions["bruno_costa"]
    assert "This browser is signed out of every app now" in text_of(visit().get(f"/sessions/{session.id}/revoke"))
    visit().post(f"/sessions/{session.id}/revoke", {"reason": "Lost laptop"})
    assert visit().get(f"/sessions/{session.id}/revoke").status_code == 404
    alice = company.people["alice_meyer"].id
    assert "Sign out 1 session" in text_of(visit().get(f"/people/{alice}/sign-out"))
    visit().post(f"/people/{alice}/sign-out", {"reason": "Asked to"})
    assert list_sessions(person_id=alice).total == 0


def test_decisions_read_as_sentences_and_are_filtered(company: Company, visit: Visit) -> None:
    page = text_of(visit().get("/decisions/"))
    assert "<b>Alice Meyer</b> was held at <b>Payroll</b>: “This needs a passkey" in page
    assert "<b>Bruno Costa</b> was refused <b>Files</b>: no rule allows it." in page
    refused = text_of(visit().get("/decisions/", {"outcome": "refused", "person": "dana", "span": "day"})).split(
        "<tbody>"
    )[1]
    assert "Dana Novák" in refused
    assert "Bruno Costa" not in refused
    reasons = text_of(visit().get("/decisions/", {"reason": "denied_by_rule", "app": "payroll", "span": "week"}))
    assert "a rule denies it" in reasons.split("<tbody>")[1]
    assert "Nothing was found" in text_of(visit().get("/decisions/", {"q": "zzzz"}))


def test_a_decision_lists_every_input_and_what_it_did(company: Company, visit: Visit) -> None:
    page = text_of(visit().get(f"/decisions/{company.references[0]}/"))
    for shown in ("alice.meyer@example.test", "finance", "one-time code (otp)", "restricted", "/salaries/2026-03"):
        assert shown in page
    assert "did not satisfy finance-opens-payroll" in page
    assert "Confirm with a passkey" in page
    event = json.loads(visit().get(f"/decisions/{company.references[0]}/event.json").content)
    assert event["metadata"]["uid"] == company.references[0]
    assert visit().get("/decisions/ZZZZZ-ZZZZZ/").status_code == 404


def test_a_decision_whose_line_is_gone_says_so(company: Company, visit: Visit, console_instance: Instance) -> None:
    for path in (console_instance.audit / "decisions").glob("*.jsonl"):
        path.write_bytes(path.read_bytes()[:200])
    answer = visit().get(f"/decisions/{company.references[0]}/")
    assert answer.status_code == 410
    assert "The record no longer holds this decision" in text_of(answer)
    assert visit().get("/decisions/").status_code == 200


def test_the_record_is_checked_on_request(company: Company, visit: Visit, console_instance: Instance) -> None:
    assert "Nothing was changed, removed or reordered" in text_of(visit().post("/audit/"))
    path = next((console_instance.audit / "decisions").glob("00000001.jsonl"))
    path.write_bytes(path.read_bytes().replace(b"alice", b"malin", 1))
    page = text_of(visit().post("/audit/"))
    assert "The record is not what was written" in page
    assert "is not what was written" in page


def test_the_record_is_downloaded_whole_and_that_is_on_record(
    company: Company, visit: Visit, console_instance: Instance, tmp_path: Path
) -> None:
    answer = visit("audrey_audit").get("/audit/download")
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    for path in console_instance.audit.rglob("*.jsonl"):
        assert (folder / path.relative_to(console_instance.audit)).read_bytes() == path.read_bytes()
    index_new_events(time.time())
    assert "audrey.audit@example.test took a copy of" in text_of(visit().get("/audit/", {"kind": "entity"}))


def test_events_are_searched_opened_and_exported(company: Company, visit: Visit) -> None:
    page = text_of(visit().get("/audit/", {"q": "wiki"}))
    assert "root added app Wiki" in page
    rows = json.loads(visit().get("/audit/export", {"export": "json", "kind": "group"}).content)
    assert any("root put alice.meyer@example.test into Finance" in row["words"] for row in rows)
    assert "class_uid" in text_of(visit().get("/audit/control/1"))
    assert visit().get("/audit/control/999999").status_code == 404


def test_lists_are_cut_into_pages_with_the_filters_kept(
    company: Company, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ostiary.web.console.people.PAGE_SIZE", 3)
    first = text_of(visit().get("/people/", {"group": "staff", "q": "example"}))
    assert "1–3 of 9" in first
    assert "?group=staff&amp;q=example&amp;page=2" in first
    assert "7–9 of 9" in text_of(visit().get("/people/", {"group": "staff", "page": "3"}))
    for nonsense in ("0", "-1", "x", "99999999999", "²"):
        assert visit().get("/people/", {"page": nonsense}).status_code == 200


def test_failures_carry_a_reference_and_no_detail(
    company: Company, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = text_of(visit().get("/people/p_nobody/"))
    assert "There is nothing here" in missing
    assert "Reference" in missing

    def fail(*_arguments: object, **_named: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("ostiary.web.console.people.list_people", fail)
    client = visit()
    client.raise_request_exception = False
    answer = client.get("/people/")
    assert answer.status_code == 500
    assert "This page could not be made" in text_of(answer)
    assert "secret detail" not in text_of(answer)


def test_pages_carry_the_strict_headers_and_nothing_inline(company: Company, visit: Visit) -> None:
    for address in ("/", "/decisions/", "/rules/edit", "/people/", "/apps/add", "/audit/"):
        answer = visit().get(address)
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        page = answer.content.decode()
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick" not in page
        assert all("src=" in part.split(">")[0] for part in page.split("<script")[1:])


def test_words_go_through_translation(company: Company, visit: Visit) -> None:
    with translation.override("de"):
        page = text_of(visit().get("/people/"))
    assert '<html lang="' in page
    assert settings.USE_I18N
