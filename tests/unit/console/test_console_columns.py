"""Choices of columns: whatever a cookie or an address says, a list keeps the column that names the thing."""

import re

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from ostiary.web.console.columns import USUAL, ShownColumns, Table, read_choice, with_columns
from ostiary.web.console.tables import DECISIONS, PEOPLE, TABLES

tables = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.key)


def keys(shown: ShownColumns) -> list[str]:
    return [column.key for column in shown.columns]


@tables
def test_every_list_is_well_described(table: Table) -> None:
    known = [column.key for column in table.columns]
    assert len(set(known)) == len(known)
    assert known.count(table.subject) == 1
    assert USUAL not in known
    assert table.subject in table.usual
    assert all(re.fullmatch(r"[a-z_]+", key) for key in (table.key, *known))
    assert all(str(column.name) for column in table.columns)


def test_no_two_lists_share_a_cookie() -> None:
    assert len({table.cookie for table in TABLES}) == len(TABLES)


@tables
@given(text=st.text(max_size=600))
def test_any_cookie_gives_columns_of_the_list_in_their_order(table: Table, text: str) -> None:
    shown = read_choice(table, text)
    assert table.subject in shown
    assert keys(shown) == [column.key for column in table.columns if column.key in shown]


@tables
@given(data=st.data())
def test_a_choice_survives_its_cookie(table: Table, data: st.DataObject) -> None:
    wanted = data.draw(st.sets(st.sampled_from([column.key for column in table.columns])))
    shown = table.choose(wanted)
    assert set(keys(shown)) == wanted | {table.subject}
    assert read_choice(table, shown.text) == shown


@pytest.mark.parametrize(
    ("cookie", "shown"),
    [
        ("", None),
        ("nonsense", None),
        ("state.groups", None),
        ("person", ["person"]),
        ("person.nonsense.state.state", ["person", "state"]),
        ("groups.person.state", ["person", "state", "groups"]),
        ("person.<script>.id", ["person", "id"]),
        ("PERSON", None),
    ],
)
def test_unknown_columns_are_ignored_and_what_is_no_choice_is_the_usual(cookie: str, shown: list[str] | None) -> None:
    assert keys(read_choice(PEOPLE, cookie)) == (shown or keys(PEOPLE.usual))


def test_what_names_the_thing_stands_elsewhere_on_its_own_page() -> None:
    assert keys(PEOPLE.choose(["state"]).without_subject) == ["state"]


@with_columns(DECISIONS)
def page(_request: HttpRequest, columns: ShownColumns) -> HttpResponse:
    return HttpResponse(columns.text)


def ask(query: str, **headers: str) -> HttpResponse:
    answer = page(RequestFactory().get(f"/decisions/{query}", headers=headers))
    assert isinstance(answer, HttpResponse)
    return answer


def test_a_choice_is_kept_and_the_address_comes_back_without_it() -> None:
    answer = ask("?q=a%26b&columns=&columns=when&columns=nonsense&span=week&columns=rule&page=3")
    assert answer.status_code == 302
    assert answer["Location"] == "/decisions/?q=a%26b&span=week&page=3"
    cookie = answer.cookies[DECISIONS.cookie]
    assert cookie.value == "when.happened.rule"
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, True, "Lax", "/")
    assert cookie["max-age"] > 30 * 86400
    assert not cookie["domain"]


def test_choosing_nothing_leaves_the_name() -> None:
    answer = ask("?columns=")
    assert answer["Location"] == "/decisions/"
    assert answer.cookies[DECISIONS.cookie].value == "happened"


def test_going_back_to_the_usual_columns_forgets_the_choice() -> None:
    cookie = ask("?columns=&columns=when&columns=usual").cookies[DECISIONS.cookie]
    assert (cookie.value, cookie["max-age"], cookie["secure"]) == ("", 0, True)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_a_link_on_another_site_chooses_nothing(site: str) -> None:
    answer = ask("?columns=when&q=x", **{"sec-fetch-site": site})
    assert (answer.status_code, answer["Location"]) == (302, "/decisions/?q=x")
    assert not answer.cookies


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_the_forms_own_site_chooses(site: str) -> None:
    assert ask("?columns=when", **{"sec-fetch-site": site}).cookies


def test_a_form_that_does_something_is_no_choice() -> None:
    answer = page(RequestFactory().post("/decisions/?columns=when"))
    assert isinstance(answer, HttpResponse)
    assert answer.content.decode() == DECISIONS.usual.text
