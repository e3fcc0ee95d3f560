"""The choice of columns on every list of the console: remembered, beside filters, paging and exports that go on as before."""

import csv
import io
import re
import time

import pytest
from tests.console_company import OPERATOR, RULES, Company, grow_old, make_company
from tests.console_fixtures import Visit, text_of
from tests.saml_material import metadata

from ostiary.config.places import Instance
from ostiary.rulebook.facade import apply_rules
from ostiary.saml.facade import add_provider, read_metadata
from ostiary.web.console.columns import Table
from ostiary.web.console.looking import LOOKS
from ostiary.web.console.tables import (
    APPS,
    CLIENTS,
    DECISIONS,
    DEVICES,
    DIRECTORIES,
    EVENTS,
    FINDINGS,
    GROUPS,
    HISTORY,
    LINKED,
    MEMBERS,
    PEOPLE,
    REQUESTS,
    REVIEWS,
    ROLES,
    SAML_APPS,
    SEEN,
    SERVICES,
    SESSIONS,
    STREAMS,
    TABLES,
    TOLD,
    TRANSMITTERS,
    UNUSED,
)

pytestmark = pytest.mark.django_db
LISTS = {
    PEOPLE: "/people/",
    GROUPS: "/groups/",
    MEMBERS: "/groups/staff/",
    DIRECTORIES: "/directories/",
    LINKED: "/directories/office/",
    ROLES: "/roles/",
    APPS: "/apps/",
    CLIENTS: "/apps/clients",
    SAML_APPS: "/apps/saml",
    REQUESTS: "/requests/",
    REVIEWS: "/reviews/",
    SERVICES: "/services/",
    DEVICES: "/devices/",
    FINDINGS: "/software/",
    SEEN: "/devices/seen",
    SESSIONS: "/sessions/",
    TRANSMITTERS: "/signals/",
    STREAMS: "/signals/receivers/",
    TOLD: "/signals/events/",
    DECISIONS: "/decisions/",
    EVENTS: "/audit/",
    HISTORY: "/rules/history",
    UNUSED: "/rules/unused",
}
EXPORTS = {
    PEOPLE: (
        "/people/export",
        {
            "person": {"name", "email"},
            "state": {"active", "invited", "guessed_at"},
            "groups": {"groups"},
            "methods": {"methods"},
            "last_sign_in": {"last_sign_in_at"},
            "created": {"created_at"},
            "id": {"id"},
        },
    ),
    MEMBERS: (
        "/groups/staff/export",
        {
            "person": {"name", "email"},
            "way": {"via"},
            "since": {"granted_at"},
            "until": {"ends_at"},
            "by": {"granted_by"},
            "reason": {"reason"},
        },
    ),
    APPS: (
        "/apps/export",
        {
            "app": {"name", "id"},
            "address": {"host", "upstream"},
            "labels": {"labels"},
            "health": {"health"},
            "contact": {"contact"},
        },
    ),
    CLIENTS: (
        "/apps/clients/export",
        {
            "app": {"name", "id"},
            "redirect": {"redirect_uris"},
            "proof": {"proves_itself_by"},
            "sign_ins": {"sign_ins"},
            "pkce": {"pkce"},
            "logout": {"backchannel_logout_uri"},
            "product": {"product"},
            "added": {"added_at"},
        },
    ),
    SAML_APPS: (
        "/apps/saml/export",
        {
            "app": {"id", "entity_id"},
            "named": {"name_format"},
            "requests": {"signed_requests"},
            "opened": {"starts_here"},
            "takes": {"consumers"},
            "sign_out": {"logout_url"},
            "attributes": {"attributes"},
            "certificates": {"certificates"},
        },
    ),
    REQUESTS: (
        "/requests/export",
        {
            "request": {"email", "group", "app"},
            "state": {"state"},
            "reason": {"reason"},
            "asked": {"asked_at"},
            "ends": {"ends_at"},
            "by": {"decided_by"},
            "comment": {"comment"},
        },
    ),
    DEVICES: (
        "/devices/export",
        {
            "device": {"name", "id"},
            "state": {"state", "why"},
            "owner": {"owner"},
            "system": {"os_version"},
            "standing": {"standing", "standing_until"},
            "looks": {"disk_encrypted", "security_updates_pending"},
            "told": {"reported_at"},
            "platform": {"platform"},
            "seen": {"seen_at"},
            "certificate": {"certified_until"},
            "enrolled": {"enrolled_at"},
            "approved": {"approved_by", "approved_at"},
            "key": {"key"},
        },
    ),
    FINDINGS: (
        "/software/export",
        {
            "advisory": {"advisory", "flaw"},
            "severity": {"severity"},
            "package": {"ecosystem", "package", "version"},
            "fixed": {"fixed"},
            "devices": {"devices"},
            "summary": {"summary"},
            "score": {"score"},
        },
    ),
    SEEN: (
        "/devices/seen/export",
        {
            "person": {"person"},
            "browser": {"browser"},
            "last": {"last_at"},
            "first": {"first_at"},
            "network": {"network"},
            "requests": {"requests"},
            "device": {"has_device"},
            "state": {"asked_at", "ignored_until"},
        },
    ),
    SESSIONS: (
        "/sessions/export",
        {
            "person": {"email"},
            "browser": {"browser"},
            "address": {"address"},
            "proved": {"methods"},
            "began": {"created_at"},
            "last_seen": {"last_seen_at"},
            "ends": {"expires_at"},
        },
    ),
    DECISIONS: (
        "/decisions/export",
        {
            "when": {"at"},
            "outcome": {"outcome"},
            "happened": {"email", "app", "reason", "why"},
            "request": {"method", "host", "path"},
            "rule": {"rule"},
            "address": {"address"},
            "country": {"country"},
            "reference": {"reference"},
        },
    ),
    EVENTS: (
        "/audit/export",
        {
            "when": {"at"},
            "happened": {"words", "activity"},
            "kind": {"kind"},
            "actor": {"actor"},
            "target": {"target"},
            "reason": {"reason"},
            "address": {"address"},
            "result": {"success"},
        },
    ),
    UNUSED: (
        "/rules/unused/export",
        {
            "part": {"takes_out", "name"},
            "rule": {"rule"},
            "who": {"who"},
            "to": {"to"},
            "do": {"do"},
        },
    ),
}
tables = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.key)


@pytest.fixture
def company(db: None, console_instance: Instance) -> Company:
    """The company, long enough in business that something was not used, with an app that knows SAML alone."""
    LOOKS.forget()
    made = make_company()
    add_provider("crm", described=read_metadata(metadata(), now=time.time()), actor=OPERATOR)
    grow_old(console_instance)
    return made


def listing(page: str) -> str:
    """Return the part of a page from the control on: the audit page has another table before it."""
    return page[page.index('<details class="column-choice"') :]


def heads(page: str) -> list[str]:
    headings = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', listing(page))
    return [heading for heading in headings if "unseen" not in heading]


def cells(page: str) -> set[int]:
    """Return how many cells the rows have, action included."""
    rows = re.findall(r"<tr>(.*?)</tr>", listing(page).partition("<tbody>")[2])
    assert rows
    return {len(re.findall(r"<t[dh][ >]", row)) for row in rows}


def ticked(page: str) -> list[str]:
    return re.findall(r'type="checkbox" name="columns" value="(\w+)" checked', listing(page))


def names(table: Table, *keys: str) -> list[str]:
    return [str(column.name) for column in table.columns if column.key in keys]


@tables
def test_a_choice_is_shown_remembered_and_taken_back(company: Company, visit: Visit, table: Table) -> None:
    client, address = visit(), LISTS[table]
    usual = text_of(client.get(address))
    assert heads(usual) == names(table, *ticked(usual))
    actions = cells(usual).pop() - len(heads(usual))
    assert actions in {0, 1}

    wanted = [column.key for column in table.columns if column.key != table.subject][::2]
    answer = client.get(address, {"columns": ["", *wanted, "nonsense"]})
    assert (answer.status_code, answer["Location"]) == (302, address)
    chosen = text_of(client.get(address))
    assert heads(chosen) == names(table, table.subject, *wanted)
    assert set(ticked(chosen)) == {table.subject, *wanted}
    assert cells(chosen) == {len(heads(chosen)) + actions}

    every = [column.key for column in table.columns]
    client.get(address, {"columns": every})
    assert heads(whole := text_of(client.get(address))) == names(table, *every)
    assert cells(whole) == {len(every) + actions}

    client.get(address, {"columns": ["", *wanted, "usual"]})
    assert heads(text_of(client.get(address))) == heads(usual)


@tables
def test_what_names_the_thing_cannot_be_left_out_and_nonsense_in_the_cookie_harms_nothing(
    company: Company, visit: Visit, table: Table
) -> None:
    client, address = visit(), LISTS[table]
    client.get(address, {"columns": ""})
    page = text_of(client.get(address))
    assert heads(page) == names(table, table.subject)
    assert re.search(rf'value="{table.subject}" checked disabled', page)
    for nonsense in ("", "zzzz", "person." * 2000, "<script>", "person.<script>alert(1)</script>"):
        client.cookies[table.cookie] = nonsense
        answer = client.get(address)
        assert answer.status_code == 200
        assert "alert(1)" not in text_of(answer)
        assert names(table, table.subject)[0] in heads(text_of(answer))


def test_one_lists_choice_is_not_anothers(company: Company, visit: Visit) -> None:
    client = visit()
    client.get("/people/", {"columns": ""})
    for table, address in LISTS.items():
        shown = table.choose(()) if table is PEOPLE else table.usual
        assert heads(text_of(client.get(address))) == [str(column.name) for column in shown.columns]


def test_whoever_may_only_look_can_choose_too(company: Company, visit: Visit) -> None:
    auditor = visit("audrey_audit")
    auditor.get("/rules/history", {"columns": "when"})
    assert heads(text_of(auditor.get("/rules/history"))) == ["Number", "When"]


def test_filters_and_the_page_stay_through_a_choice(
    company: Company, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ostiary.web.console.people.PAGE_SIZE", 3)
    client = visit()
    page = text_of(client.get("/people/", {"group": "staff", "q": "example", "page": "2"}))
    form = listing(page).partition("</form>")[0]
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    assert hidden == {"group": "staff", "q": "example", "page": "2", "columns": ""}
    answer = client.get("/people/", {**hidden, "columns": ["", "state"]})
    assert answer["Location"] == "/people/?group=staff&q=example&page=2"
    after = text_of(client.get(answer["Location"]))
    assert heads(after) == ["Person", "State"]
    assert "4–6 of 9" in after
    assert "?group=staff&amp;q=example&amp;page=3" in after
    assert not re.search(r'href="[^"]*columns=', after)


def test_what_an_address_carries_is_kept_as_text(company: Company, visit: Visit) -> None:
    page = text_of(visit().get("/people/", {'"><i>': '"><script>alert(1)</script>'}))
    assert "<script>alert" not in page
    assert "&quot;&gt;&lt;script&gt;alert(1)" in listing(page)


def test_decisions_keep_their_search_through_a_choice(company: Company, visit: Visit) -> None:
    client = visit()
    query = {"outcome": "refused", "span": "week", "person": "dana", "grants": "on"}
    answer = client.get("/decisions/", {**query, "columns": ["", "rule", "address"]})
    page = text_of(client.get(answer["Location"]))
    assert heads(page) == ["What happened", "Rule", "Address"]
    assert "Dana Novák" in page
    assert "Bruno Costa" not in listing(page)
    assert "192.0.2.17" in listing(page)
    assert 'value="refused" selected' in page
    assert "decisions/export?outcome=refused&amp;span=week&amp;person=dana&amp;grants=on&amp;export=csv" in page


def test_a_check_of_the_record_does_not_disturb_the_choice(company: Company, visit: Visit) -> None:
    client = visit()
    client.get("/audit/", {"columns": ["kind", "actor"]})
    page = text_of(client.post("/audit/?q=wiki"))
    assert "Nothing was changed, removed or reordered" in page
    assert heads(page) == ["What happened", "Kind", "By"]
    assert "Apps, rules, settings" in listing(page)
    assert '<input type="hidden" name="q" value="wiki">' in listing(page)


@pytest.mark.parametrize("table", EXPORTS, ids=lambda table: table.key)
def test_an_export_holds_every_column_whatever_is_shown(company: Company, visit: Visit, table: Table) -> None:
    address, fields = EXPORTS[table]
    assert fields.keys() == {column.key for column in table.columns}
    client = visit()
    before = client.get(address, {"export": "csv"}).content.decode()
    client.get(LISTS[table], {"columns": ""})
    assert "Exports hold every column, whatever is shown." in text_of(client.get(LISTS[table]))
    after = client.get(address, {"export": "csv"}).content.decode()
    assert client.get(address, {"export": "json"}).json()
    for text in (before, after):
        (first, *_rest) = csv.DictReader(io.StringIO(text))
        assert set().union(*fields.values()) <= first.keys()


def test_exports_are_only_spoken_of_where_there_are_any(company: Company, visit: Visit) -> None:
    assert {table for table in TABLES if table.exported} == set(EXPORTS)
    for table, address in LISTS.items():
        assert ("Exports hold every column" in text_of(visit().get(address))) is (table in EXPORTS)
    assert "Exports hold every column" not in text_of(visit("henk_help").get("/people/"))


def test_a_persons_own_page_shows_the_usual_columns(company: Company, visit: Visit) -> None:
    client = visit()
    client.get("/sessions/", {"columns": ""})
    client.get("/decisions/", {"columns": ""})
    page = text_of(client.get(f"/people/{company.people['alice_meyer'].id}/"))
    assert "column-choice" not in page
    for heading in ("Browser", "Address", "Proved", "Last seen", "Ends", "Outcome", "Request"):
        assert f'<th scope="col">{heading}</th>' in page
    assert '<th scope="col">Person</th>' not in page


def test_the_history_of_the_rules_is_paged_with_the_chosen_columns(company: Company, visit: Visit) -> None:
    for number in range(60):
        apply_rules(f"{RULES}\n# {number}\n", actor=OPERATOR, comment=f"Number {number}")
    client = visit()
    client.get("/rules/history", {"columns": "comment"})
    page = text_of(client.get("/rules/history"))
    assert "1–50 of 61" in page
    assert heads(page) == ["Number", "What and why"]
