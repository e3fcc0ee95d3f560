"""Administrators only when needed: by those who may, with a passkey, for a while; and nobody is ever locked out."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import msgspec
import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core import mail
from tests.identity_people import MACHINE, make_person
from tests.requests_firm import LEDGER, actor_for, on_record

from ostiary.config.places import Instance
from ostiary.identity.domain.proofs import proof
from ostiary.identity.entrance import remove_authenticator
from ostiary.identity.facade import (
    ADMINISTRATORS,
    ELIGIBLE,
    ConsoleRole,
    NotAllowed,
    add_member,
    console_role,
    create_group,
    disable_person,
    expire_terms,
    get_person,
    recover_administrator,
    remove_member,
    reset_sign_in,
)
from ostiary.identity.facts import read_identity
from ostiary.identity.models import Group, Membership
from ostiary.policy.identifiers import PersonId
from ostiary.policy.request import Authentication
from ostiary.policy.terms import person_at
from ostiary.requests.facade import (
    AlreadyAnswered,
    CannotAsk,
    Kind,
    NotYours,
    ProofNeeded,
    Request,
    State,
    approve,
    ask,
    become_administrator,
    extend,
    get_request,
    hand_back,
    list_administrators,
    may_become_administrator,
    send_letters,
    settle_requests,
    turn_into_eligible,
)

pytestmark = pytest.mark.django_db


def give_passkey(person_id: PersonId) -> Authenticator:
    return Authenticator.objects.create(user_id=person_id, type=Authenticator.Type.WEBAUTHN, data={"name": "Key"})


def by_passkey(age_seconds: float = 5.0) -> tuple[Authentication, ...]:
    return (proof("webauthn", at=time.time() - age_seconds),)


def become(person_id: PersonId, **more: object) -> Request:
    given = {"reason": "A new app", "proofs": by_passkey(), **more}
    return become_administrator(person_id=person_id, actor=actor_for(person_id), **given)  # type: ignore[arg-type]


@contextmanager
def approval_needed() -> Iterator[None]:
    instance: Instance = settings.INSTANCE
    access = msgspec.structs.replace(instance.configuration.access, administrator_approval="administrator")
    changed = msgspec.structs.replace(instance.configuration, access=access)
    with mock.patch.object(settings, "INSTANCE", Instance(instance.home, changed)):
        yield


@pytest.fixture
def root() -> PersonId:
    """Return a standing administrator."""
    made = make_person("root@example.test", groups=("administrators",))
    give_passkey(made)
    return made


@pytest.fixture
def eli(root: PersonId) -> PersonId:
    """Return somebody who may become an administrator."""
    made = make_person("eli@example.test")
    add_member(group_id=ELIGIBLE, person_id=made, actor=actor_for(root))
    give_passkey(made)
    return made


def test_whoever_may_is_an_administrator_for_an_hour_and_then_no_more(eli: PersonId, root: PersonId) -> None:
    assert console_role(get_person(eli)) is ConsoleRole.NONE
    assert may_become_administrator(eli)
    before = time.time()
    made = become(eli, return_path="/rules/")
    assert (made.kind, made.state, made.app, made.return_path) == (
        Kind.ADMINISTRATOR, State.GRANTED, "console", "/rules/",
    )  # fmt: skip
    assert made.ends_at is not None
    assert before + 3600 <= made.ends_at <= time.time() + 3600
    assert console_role(get_person(eli)) is ConsoleRole.ADMINISTRATOR
    fact = read_identity().people[eli]
    assert ADMINISTRATORS in person_at(fact, made.ends_at - 1).groups
    assert ADMINISTRATORS not in person_at(fact, made.ends_at).groups
    with pytest.raises(CannotAsk, match="already"):
        become(eli)
    with pytest.raises(CannotAsk, match="cannot be prolonged"):
        extend(request_id=made.id, seconds=3600, reason="More", actor=actor_for(eli))
    send_letters(now=time.time())
    assert {one.to[0] for one in mail.outbox} == {"root@example.test", "eli@example.test"}
    assert "A new app" in mail.outbox[0].body
    assert on_record(made.id)[0].actor_label == "eli@example.test"
    assert expire_terms(now=made.ends_at) == 1
    assert console_role(get_person(eli)) is ConsoleRole.NONE
    again = become(eli)
    hand_back(request_id=again.id, actor=actor_for(root))
    assert console_role(get_person(eli)) is ConsoleRole.NONE


def test_what_it_takes(eli: PersonId, root: PersonId) -> None:
    other = make_person("olaf@example.test")
    for who, given, error, words in (
        (other, {}, CannotAsk, "may not become"),
        (root, {}, CannotAsk, "may not become"),
        (eli, {"reason": " "}, CannotAsk, "why"),
        (eli, {"proofs": (proof("totp", at=time.time()),)}, ProofNeeded, "once more"),
        (eli, {"proofs": by_passkey(601)}, ProofNeeded, "once more"),
    ):
        with pytest.raises(error, match=words):
            become(who, **given)
    with pytest.raises(CannotAsk, match="console"):
        ask(person_id=eli, group_id=ADMINISTRATORS, seconds=3600, reason="Please", actor=actor_for(eli))
    assert console_role(get_person(eli)) is ConsoleRole.NONE
    disable_person(person_id=eli, reason="left", actor=MACHINE)
    with pytest.raises(CannotAsk, match="may not become"):
        become(eli)


def test_a_group_of_that_name_that_was_there_before_lets_nobody_in(root: PersonId) -> None:
    Group.objects.filter(pk=ELIGIBLE).delete()
    create_group(id=ELIGIBLE, actor=MACHINE)
    olaf = make_person("olaf@example.test", groups=(ELIGIBLE,))
    give_passkey(olaf)
    assert not may_become_administrator(olaf)
    with pytest.raises(CannotAsk, match="may not become"):
        become(olaf)
    with pytest.raises(NotAllowed, match="group of your own"):
        turn_into_eligible(actor=actor_for(root))


def test_only_administrators_say_who_may_and_helpdesks_leave_them_alone(eli: PersonId, root: PersonId) -> None:
    helper = make_person("henk@example.test", groups=("helpdesk",))
    for who in (helper, eli):
        with pytest.raises(NotAllowed):
            add_member(group_id=ELIGIBLE, person_id=helper, actor=actor_for(who))
    with pytest.raises(NotAllowed):
        reset_sign_in(person_id=eli, reason="lost", actor=actor_for(helper))
    with pytest.raises(NotAllowed):
        disable_person(person_id=eli, reason="x", actor=actor_for(helper))


def test_where_somebody_has_to_agree_it_is_another_with_a_passkey_used_now(eli: PersonId, root: PersonId) -> None:
    with approval_needed():
        made = become(eli)
        assert made.state is State.WAITING
        assert console_role(get_person(eli)) is ConsoleRole.NONE
        with pytest.raises(CannotAsk, match="asked already"):
            become(eli)
        with pytest.raises(NotYours, match="own request"):
            approve(request_id=made.id, actor=actor_for(eli), proofs=by_passkey())
        olaf = make_person("olaf@example.test")
        with pytest.raises(NotYours):
            approve(request_id=made.id, actor=actor_for(olaf), proofs=by_passkey())
        for proofs in ((), (proof("totp", at=time.time()),), by_passkey(601)):
            with pytest.raises(ProofNeeded):
                approve(request_id=made.id, actor=actor_for(root), proofs=proofs)
        assert settle_requests(now=time.time()) == 0
        approve(request_id=made.id, actor=actor_for(root), proofs=by_passkey())
        assert console_role(get_person(eli)) is ConsoleRole.ADMINISTRATOR
        with pytest.raises(AlreadyAnswered):
            approve(request_id=made.id, actor=actor_for(root), proofs=by_passkey())


def test_whoever_may_not_any_more_gets_nothing_and_one_who_may_can_agree(eli: PersonId, root: PersonId) -> None:
    ina = make_person("ina@example.test")
    add_member(group_id=ELIGIBLE, person_id=ina, actor=MACHINE)
    with approval_needed():
        made = become(eli)
        remove_member(group_id=ELIGIBLE, person_id=eli, actor=actor_for(root))
        with pytest.raises(CannotAsk, match="may not become an administrator any more"):
            approve(request_id=made.id, actor=actor_for(ina), proofs=by_passkey())
        add_member(group_id=ELIGIBLE, person_id=eli, actor=actor_for(root))
        approve(request_id=made.id, actor=actor_for(ina), proofs=by_passkey())
    assert get_request(made.id).state is State.GRANTED


def test_standing_administrators_are_turned_as_far_as_nobody_is_locked_out(root: PersonId) -> None:
    bare = make_person("bare@example.test", groups=("administrators",))
    recover_administrator(actor=MACHINE)
    kept = make_person("kept@example.test", groups=("administrators",))
    give_passkey(kept)
    look = {one.email: one for one in turn_into_eligible(keep=("kept@example.test",), actor=MACHINE, dry_run=True)}
    assert {email: one.stays for email, one in look.items()} == {
        "bare@example.test": "has no passkey, without which nobody becomes an administrator",
        f"emergency@{settings.INSTANCE.configuration.domain}": "is the emergency account of this machine",
        "kept@example.test": "is to stay",
        "root@example.test": "",
    }
    assert Membership.objects.filter(group_id=ELIGIBLE).count() == 0, "a dry run changes nothing"
    turn_into_eligible(keep=("kept@example.test",), actor=MACHINE)
    assert (get_person(root).groups, get_person(bare).groups) == ((ELIGIBLE,), (ADMINISTRATORS,))
    turn_into_eligible(actor=actor_for(kept))
    assert get_person(kept).groups == (ELIGIBLE,)
    assert [one.email for one in list_administrators() if one.eligible] == ["kept@example.test", "root@example.test"]
    assert become(root).state is State.GRANTED
    with pytest.raises(NotAllowed, match="Only administrators"):
        turn_into_eligible(actor=actor_for(kept))


def test_the_last_who_may_keeps_passkey_account_and_eligibility(root: PersonId) -> None:
    turn_into_eligible(actor=MACHINE)
    assert get_person(root).groups == (ELIGIBLE,)
    become(root)
    key = Authenticator.objects.get(user_id=root)
    for takes_away in (
        lambda: remove_member(group_id=ELIGIBLE, person_id=root, actor=MACHINE),
        lambda: disable_person(person_id=root, reason="left", actor=MACHINE),
        lambda: add_member(group_id=ELIGIBLE, person_id=root, ends_at=time.time() + 60, actor=MACHINE),
        lambda: remove_authenticator(person_id=root, authenticator_id=str(key.pk), actor=actor_for(root)),
    ):
        with pytest.raises(NotAllowed):
            takes_away()
    second = make_person("second@example.test")
    add_member(group_id=ELIGIBLE, person_id=second, actor=MACHINE)
    with pytest.raises(NotAllowed, match="last administrator"):
        disable_person(person_id=root, reason="left", actor=MACHINE)
    give_passkey(second)
    disable_person(person_id=root, reason="left", actor=MACHINE)
    assert become(second).state is State.GRANTED


def test_a_standing_administrator_without_a_passkey_is_not_the_last_to_be_turned(root: PersonId) -> None:
    Authenticator.objects.filter(user_id=root).delete()
    assert [one.stays for one in turn_into_eligible(actor=MACHINE)] != [""]
    assert get_person(root).groups == (ADMINISTRATORS,)
    with pytest.raises(NotAllowed, match="last administrator"):
        remove_member(group_id=ADMINISTRATORS, person_id=root, actor=MACHINE)


def test_where_somebody_has_to_agree_one_alone_is_not_turned(root: PersonId) -> None:
    with approval_needed():
        with pytest.raises(NotAllowed, match="Nobody could agree"):
            turn_into_eligible(actor=MACHINE)
        second = make_person("second@example.test")
        add_member(group_id=ELIGIBLE, person_id=second, actor=MACHINE)
        give_passkey(second)
        turn_into_eligible(actor=MACHINE)
    assert get_person(root).groups == (ELIGIBLE,)
    assert LEDGER not in get_person(root).groups
