"""What can be done to people and groups, by whom, and what stays on record."""

import pytest
from tests.identity_people import MACHINE, make_group, make_person, make_person_with_app

from ostiary.changes import facts_changed
from ostiary.errors import OstiaryError
from ostiary.identity import facade
from ostiary.identity.facade import (
    AlreadyExists,
    NotAllowed,
    UnacceptableText,
    UnknownGroup,
    UnknownPerson,
    add_member,
    create_group,
    create_person,
    delete_group,
    disable_person,
    enable_person,
    find_person,
    get_person,
    invite_person,
    list_groups,
    list_members,
    list_people,
    recover_administrator,
    remove_member,
    rename_person,
    reset_sign_in,
)
from ostiary.identity.facts import read_identity
from ostiary.policy.identifiers import GroupId, MalformedIdentifier, PersonId
from ostiary.visibility import services as record_services
from ostiary.visibility.facade import Actor, RecordUnavailable

pytestmark = pytest.mark.django_db
ADMINISTRATORS = GroupId("administrators")


def actor_of(person_id: PersonId) -> Actor:
    person = get_person(person_id)
    return Actor(kind="person", id=person.id, label=person.email)


@pytest.fixture
def announced() -> object:
    heard: list[tuple[str, bool]] = []

    def hear(section: str, takes_away: bool, **_rest: object) -> None:
        heard.append((section, takes_away))

    facts_changed.connect(hear, weak=False)
    yield heard
    facts_changed.disconnect(hear)


def test_builtin_groups_are_there_from_the_start() -> None:
    assert [(one.id, one.builtin) for one in list_groups()] == [
        ("administrators", True),
        ("administrators-eligible", True),
        ("auditors", True),
        ("helpdesk", True),
    ]


def test_a_disabled_person_is_in_the_facts_as_such_and_nowhere_signed_in(announced: list[tuple[str, bool]]) -> None:
    person_id = make_person(groups=("staff",))
    announced.clear()
    disable_person(person_id=person_id, reason="left", actor=MACHINE)
    assert ("identity", True) in announced
    assert ("sessions", True) in announced
    fact = read_identity().people[person_id]
    assert not fact.active
    assert fact.groups == ("staff",)
    announced.clear()
    disable_person(person_id=person_id, reason="again", actor=MACHINE)
    assert announced == []
    enable_person(person_id=person_id, actor=MACHINE)
    assert announced == [("identity", False)]


def test_the_last_administrator_stays(announced: list[tuple[str, bool]]) -> None:
    boss = make_person("boss@example.test", groups=("administrators",))
    with pytest.raises(NotAllowed):
        disable_person(person_id=boss, reason="", actor=MACHINE)
    with pytest.raises(NotAllowed):
        remove_member(group_id=ADMINISTRATORS, person_id=boss, actor=MACHINE)
    invite_person(email="waiting@example.test", groups=(ADMINISTRATORS,), actor=MACHINE)
    recover_administrator(actor=MACHINE)
    with pytest.raises(NotAllowed):
        disable_person(person_id=boss, reason="somebody invited and an emergency account do not count", actor=MACHINE)
    make_person("second@example.test", groups=("administrators",))
    disable_person(person_id=boss, reason="left", actor=MACHINE)
    assert not get_person(boss).active


def test_nobody_disables_themselves() -> None:
    boss = make_person("boss@example.test", groups=("administrators",))
    make_person("second@example.test", groups=("administrators",))
    with pytest.raises(NotAllowed):
        disable_person(person_id=boss, reason="", actor=actor_of(boss))
    assert get_person(boss).active


def test_lesson_20_only_administrators_act_on_administrators() -> None:
    boss = make_person("boss@example.test", groups=("administrators",))
    make_person("second@example.test", groups=("administrators",))
    helper = make_person("helper@example.test", groups=("helpdesk",))
    actor = actor_of(helper)
    for attempt in (
        lambda: disable_person(person_id=boss, reason="", actor=actor),
        lambda: reset_sign_in(person_id=boss, reason="", actor=actor),
        lambda: rename_person(person_id=boss, name="X", actor=actor),
        lambda: facade.revoke_sessions_of(person_id=boss, reason="", actor=actor),
        lambda: add_member(group_id=ADMINISTRATORS, person_id=helper, actor=actor),
        lambda: add_member(group_id=GroupId("auditors"), person_id=helper, actor=actor),
        lambda: remove_member(group_id=ADMINISTRATORS, person_id=boss, actor=actor),
        lambda: invite_person(email="x@example.test", groups=(ADMINISTRATORS,), actor=actor),
        lambda: recover_administrator(email="helper@example.test", actor=actor),
        lambda: facade.revoke_all_sessions(reason="", actor=actor),
        lambda: facade.unsafe_provision_totp(person_id=boss, actor=actor),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    assert get_person(helper).groups == ("helpdesk",)
    with pytest.raises(UnknownPerson):
        find_person("x@example.test")


def test_a_disabled_administrator_is_not_brought_back_by_a_helper() -> None:
    boss = make_person("boss@example.test", groups=("administrators",))
    make_person("second@example.test", groups=("administrators",))
    helper = make_person("helper@example.test", groups=("helpdesk",))
    disable_person(person_id=boss, reason="", actor=MACHINE)
    with pytest.raises(NotAllowed):
        enable_person(person_id=boss, actor=actor_of(helper))


def test_memberships_say_who_why_and_when(announced: list[tuple[str, bool]]) -> None:
    person_id = make_person()
    group = make_group("staff")
    announced.clear()
    add_member(group_id=group, person_id=person_id, actor=MACHINE, reason="new colleague")
    assert announced == [("identity", True)], "a rule may deny the group something"
    member = list_members(group)[0]
    assert (member.granted_by, member.reason) == ("root", "new colleague")
    announced.clear()
    add_member(group_id=group, person_id=person_id, actor=MACHINE)
    assert announced == []
    remove_member(group_id=group, person_id=person_id, actor=MACHINE)
    assert announced == [("identity", True)]
    assert get_person(person_id).groups == ()


def test_groups_are_created_and_deleted_builtin_ones_are_not(announced: list[tuple[str, bool]]) -> None:
    create_group(id="staff", name="Staff", actor=MACHINE)
    with pytest.raises(AlreadyExists):
        create_group(id="staff", actor=MACHINE)
    with pytest.raises(NotAllowed):
        delete_group(group_id=ADMINISTRATORS, actor=MACHINE)
    announced.clear()
    delete_group(group_id=GroupId("staff"), actor=MACHINE)
    assert announced == [("identity", True)]
    with pytest.raises(UnknownGroup) as caught:
        add_member(group_id=GroupId("administrator"), person_id=make_person(), actor=MACHINE)
    assert "administrators" in str(caught.value)


@pytest.mark.parametrize(
    "group",
    ["", "Staff", "staff ", "stаff", "st\u200baff", "a" * 64, "-a", "a-", 'a"', "a/b", "..", "a\x00", "group:staff"],
)
def test_lesson_24_a_group_cannot_be_called_like_another(group: str) -> None:
    with pytest.raises(MalformedIdentifier):
        create_group(id=group, actor=MACHINE)


@pytest.mark.parametrize(
    "email",
    ["", "ada", "аda@example.test", "ada@exämple.test", "ada@example.test\n", "a b@example.test", "a@b@c.test",
     "ada\u200b@example.test", "a" * 250 + "@example.test", "ada@example.test\x00", "<a@example.test>"],
)  # fmt: skip
def test_lesson_24_an_address_cannot_look_like_another(email: str) -> None:
    if email.strip() == "ada@example.test":
        assert find_or_invite(email) == "ada@example.test"
        return
    with pytest.raises(UnacceptableText):
        invite_person(email=email, actor=MACHINE)


def find_or_invite(email: str) -> str:
    return get_person(invite_person(email=email, actor=MACHINE).person_id).email


def test_addresses_are_one_whatever_their_case() -> None:
    person_id = make_person("Ada@Example.test")
    assert get_person(person_id).email == "ada@example.test"
    assert find_person(" ADA@EXAMPLE.TEST ").id == person_id
    with pytest.raises(AlreadyExists):
        create_person(email="ADA@example.test", name="", password="violet tram engine lantern", actor=MACHINE)


@pytest.mark.parametrize("name", ["a\x00b", "a\u202eb", "a\u200db", "x" * 201, "\x1b[31m"])
def test_names_hide_nothing(name: str) -> None:
    with pytest.raises(UnacceptableText):
        invite_person(email="new@example.test", name=name, actor=MACHINE)
    with pytest.raises(UnknownPerson):
        find_person("new@example.test")


def test_names_in_any_script_are_kept_composed() -> None:
    invite_person(email="new@example.test", name="  Zoe\u0308   Ångström 李 ", actor=MACHINE)
    assert find_person("new@example.test").name == "Zo\u00eb Ångström 李"


def test_people_are_found_by_text_and_group_in_pages() -> None:
    for number in range(5):
        make_person(f"p{number}@example.test", name=f"Person {number}", groups=("staff",) if number % 2 else ())
    assert list_people(page_size=2).pages == 3
    assert [one.email for one in list_people(page=2, page_size=2).items] == ["p2@example.test", "p3@example.test"]
    assert [one.email for one in list_people(text="PERSON 3").items] == ["p3@example.test"]
    assert list_people(group=GroupId("staff")).total == 2
    assert list_people(text="%").total == 0
    assert list_people(text="' OR 1=1 --").total == 0


def test_the_number_of_queries_does_not_grow_with_people(django_assert_num_queries: object) -> None:
    for number in range(6):
        make_person(f"p{number}@example.test", groups=("staff",))
    with django_assert_num_queries(6):  # type: ignore[operator]
        assert list_people().total == 6


def test_somebody_similar_is_suggested() -> None:
    make_person("ada@example.test")
    with pytest.raises(UnknownPerson) as caught:
        find_person("adda@example.test")
    assert "ada@example.test" in caught.value.hint


def test_what_cannot_be_put_on_record_does_not_happen(monkeypatch: pytest.MonkeyPatch) -> None:
    person_id, _secret = make_person_with_app(groups=("staff",))
    make_group("other")

    def full(*_a: object, **_k: object) -> None:
        raise RecordUnavailable("the disk is full")

    monkeypatch.setattr("ostiary.identity.journal.record", full)
    before = get_person(person_id)
    for attempt in (
        lambda: disable_person(person_id=person_id, reason="", actor=MACHINE),
        lambda: rename_person(person_id=person_id, name="Other", actor=MACHINE),
        lambda: add_member(group_id=GroupId("other"), person_id=person_id, actor=MACHINE),
        lambda: remove_member(group_id=GroupId("staff"), person_id=person_id, actor=MACHINE),
        lambda: delete_group(group_id=GroupId("other"), actor=MACHINE),
        lambda: create_group(id="third", actor=MACHINE),
        lambda: invite_person(email="x@example.test", actor=MACHINE),
        lambda: reset_sign_in(person_id=person_id, reason="", actor=MACHINE),
        lambda: recover_administrator(actor=MACHINE),
    ):
        with pytest.raises(RecordUnavailable):
            attempt()
    assert get_person(person_id) == before
    assert {one.id for one in list_groups()} == {
        "administrators",
        "administrators-eligible",
        "auditors",
        "helpdesk",
        "staff",
        "other",
    }
    assert list_people().total == 1


def test_every_change_is_on_record(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded: list[str] = []
    real = record_services.record

    def keep(event: object) -> None:
        recorded.append(event.body["unmapped"]["change"])  # type: ignore[attr-defined]
        real(event)  # type: ignore[arg-type]

    monkeypatch.setattr("ostiary.identity.journal.record", keep)
    make_group("staff")
    person_id = make_person(groups=("staff",))
    rename_person(person_id=person_id, name="Other", actor=MACHINE)
    remove_member(group_id=GroupId("staff"), person_id=person_id, actor=MACHINE)
    disable_person(person_id=person_id, reason="left", actor=MACHINE)
    enable_person(person_id=person_id, actor=MACHINE)
    delete_group(group_id=GroupId("staff"), actor=MACHINE)
    recover_administrator(actor=MACHINE)
    assert recorded == [
        "create", "add_member", "create", "rename", "remove_member", "disable", "enable", "delete", "add_member", "recover",
    ]  # fmt: skip


def test_errors_speak_to_people() -> None:
    with pytest.raises(OstiaryError) as caught:
        get_person(PersonId("p_nobody"))
    assert "nobody" in str(caught.value).lower()
