"""Lesson 24: no name, however odd, changes who or what is meant, or becomes a header of its own."""

from urllib.parse import unquote

import pytest
from tests.running_instance import IDENTITY, RULES, OperatorRefused, RunningInstance, reached, received
from tests.workload_asking import FACADE

from ostiary.demo.walk.browser import form_with

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
ODD_IDENTIFIERS = (
    "st\u0430ff",
    "STAFF",
    "staff ",
    " staff",
    "staff\n",
    "staff\x00",
    "sta\u0301ff",
    "ｓｔａｆｆ",
    "staff\u200b",
    "\u202estaff",
    "group:staff",
    'staff"',
    "staff'); drop table x;--",
    'Group::"staff"',
    "../staff",
    "staff/../administrators",
    "-staff",
    "",
    "a" * 10_000,
    "st%61ff",
    "staff,administrators",
)
ODD_NAMES = (
    "Zoë Åström",
    "李小龍",
    'Ann "the boss" O\'Neil; admin=1',
    "a, b\\ c",
    "Ann <script>alert(1)</script>",
    "{{ 7*7 }} ${7*7} %s %n",
    "👩‍🚀"[0],
    "x" * 200,
)
REFUSED_NAMES = ("Ann\x00", "Ann\u202e", "A\u200bnn", "x" * 10_000, "Ann\x1b[2J")


@pytest.mark.parametrize("odd", ODD_IDENTIFIERS)
def test_no_group_or_app_is_named_so(running: RunningInstance, odd: str) -> None:
    with pytest.raises(OperatorRefused):
        running.operator(f"{IDENTITY}:create_group", id=odd, name="x")
    with pytest.raises(OperatorRefused):
        running.operator("ostiary.applications.facade:add_app", odd, upstream=running.echo.url, name="x")


@pytest.mark.parametrize("odd", ODD_IDENTIFIERS)
def test_a_rule_for_an_odd_name_means_nobody_we_know(running: RunningInstance, odd: str) -> None:
    ada = running.signed_in(running.make_person("staff")).enter("wiki")
    quoted = odd.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\x00", "\\0")
    document = f'version: 1\nrules:\n  - name: odd\n    allow: "group:{quoted}"\n    to: app:wiki\n    do: any\n'
    if not is_applied(running, document):
        assert reached(ada.api("wiki")), "the rules before go on"
        return
    try:
        running.in_force()
        assert ada.api("wiki").status_code == 403
    finally:
        running.apply_rules(RULES)


def is_applied(running: RunningInstance, document: str) -> bool:
    """Apply rules and say whether they were taken."""
    try:
        running.apply_rules(document)
    except OperatorRefused as refused:
        if "InvalidRules" not in str(refused):
            raise
        return False
    return True


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_persons_name_is_theirs_and_nothing_more(running: RunningInstance, name: str) -> None:
    ada = running.signed_in(running.make_person("staff", name=name)).enter("wiki")
    answer = ada.api("wiki", method="POST")
    assert received(answer, "remote-user") == [ada.account.email]
    (seen,) = received(answer, "remote-name")
    assert seen.isascii()
    assert seen.isprintable()
    if name.isascii():
        assert name in {seen, unquote(seen)}
    (assertion,) = received(answer, "x-ostiary-assertion")
    assert running.unverified_claims(assertion)["name"] == name
    page = ada.get("id", "/profile")
    assert "<script>alert" not in page.text
    assert ("7*7" in page.text) == ("7*7" in name), "nothing works it out"


def test_a_name_of_several_lines_is_one_line(running: RunningInstance) -> None:
    ada = running.signed_in(running.make_person("staff", name="Ann\r\nX-Admin: 1")).enter("wiki")
    answer = ada.api("wiki", method="POST")
    assert received(answer, "x-admin") == []
    assert unquote(received(answer, "remote-name")[0]) == "Ann X-Admin: 1"


@pytest.mark.parametrize("name", REFUSED_NAMES)
def test_a_name_with_what_cannot_be_seen_is_refused(running: RunningInstance, name: str) -> None:
    with pytest.raises(OperatorRefused, match="UnacceptableText"):
        running.make_person("staff", name=name)


@pytest.mark.parametrize(
    "email",
    [
        "ann@corp.test\r\nX: 1",
        "ann@corp.tes\u0442",
        "ann@ＣＯＲＰ.test",
        "a" * 300 + "@corp.test",
        '"a b"@corp.test\x00',
        "ann",
        "",
    ],
)
def test_an_address_with_tricks_is_refused(running: RunningInstance, email: str) -> None:
    with pytest.raises(OperatorRefused):
        running.operator(f"{IDENTITY}:invite_person", email=email)


def test_two_spellings_of_an_address_are_one_person(running: RunningInstance) -> None:
    made = running.make_person("staff")
    with pytest.raises(OperatorRefused, match="AlreadyExists"):
        running.operator(f"{IDENTITY}:invite_person", email=f" {made.email.upper()} ")
    ada = running.client(made)
    page = ada.open("id", "/sign-in")
    page = ada.browser.submit(page, form_with(page, "email"), email=made.email.upper(), password=made.password)
    assert ada.give_code(page).status_code == 200
    assert received(ada.enter("wiki").api("wiki"), "remote-user") == [made.email]


def test_odd_apps_in_requests_lead_nowhere(running: RunningInstance) -> None:
    ada = running.signed_in(running.make_person("staff"))
    for odd in (
        "wiki%00",
        "WIKI",
        "wiki%20",
        "w%D1%96ki",
        "../wiki",
        "a" * 5000,
        "",
        "wiki&app=payroll",
        "%27%20or%201=1",
    ):
        answer = ada.get("id", f"/continue?app={odd}&bind={'A' * 43}&return=/")
        assert answer.status_code in {302, 400, 414, 431}, odd
        if answer.status_code == 302:
            assert odd == "wiki&app=payroll"
            assert running.host("payroll") in answer.headers["location"]


@pytest.mark.parametrize("odd", ODD_IDENTIFIERS)
def test_no_service_is_named_so(running: RunningInstance, odd: str) -> None:
    with pytest.raises(OperatorRefused, match="MalformedIdentifier"):
        running.operator(f"{FACADE}:add_service", odd, owner="nobody@corp.test")
