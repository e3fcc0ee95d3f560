"""What was granted, or begun by oneself, ends when what it stood on is gone; and nobody is locked out by that."""

import time
from collections.abc import Callable
from unittest import mock

import msgspec
import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core import mail
from tests.identity_people import MACHINE, make_group, make_person
from tests.integration.requests.test_requests_administrators import (
    approval_needed,
    become,
    by_passkey,
    eli,
    give_passkey,
    root,
)
from tests.requests_firm import LEDGER, Firm, actor_for

from ostiary.config.places import Instance
from ostiary.identity.domain.proofs import proof
from ostiary.identity.entrance import remove_authenticator
from ostiary.identity.facade import (
    ADMINISTRATORS,
    ELIGIBLE,
    ConsoleRole,
    NotAllowed,
    add_member,
    change_members_via,
    console_role,
    delete_group,
    disable_person,
    enable_person,
    find_person,
    get_person,
    invite_person,
    recover_administrator,
    remove_member,
    reset_sign_in,
    revoke_sessions_of,
    unsafe_provision_totp,
)
from ostiary.identity.models import Person
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.requests.facade import (
    CannotAsk,
    ProofNeeded,
    State,
    answer_review,
    approve,
    ask,
    extend,
    get_request,
    hand_back,
    send_letters,
    turn_into_eligible,
    use_emergency,
)

pytestmark = pytest.mark.django_db
__all__ = ["eli", "root"]


@pytest.fixture
def firm() -> Firm:
    return Firm()


def with_emergency_group(group_id: str) -> "mock._patch[Instance]":
    """Let the configuration name who may use emergency access."""
    instance: Instance = settings.INSTANCE
    access = msgspec.structs.replace(instance.configuration.access, emergency_group=group_id)
    changed = msgspec.structs.replace(instance.configuration, access=access)
    return mock.patch.object(settings, "INSTANCE", Instance(instance.home, changed))


def again(person_id: PersonId) -> None:
    disable_person(person_id=person_id, reason="odd sign-ins", actor=MACHINE)
    enable_person(person_id=person_id, actor=MACHINE)


def by_another_directory(person_id: PersonId) -> None:
    """Take somebody out as a directory does, who was put in by it."""
    change_members_via(group_id=ELIGIBLE, via="scim:1", remove=[person_id], actor=MACHINE)


@pytest.mark.parametrize(
    "end",
    [
        lambda who: remove_member(group_id=ELIGIBLE, person_id=who, actor=MACHINE),
        again,
        lambda who: reset_sign_in(person_id=who, reason="lost", actor=MACHINE),
        lambda who: revoke_sessions_of(person_id=who, reason="stolen", actor=MACHINE, afresh=True),
    ],
    ids=["not eligible any more", "switched off and on", "reset", "signed out everywhere, afresh"],
)
def test_whoever_became_an_administrator_is_none_any_more(
    eli: PersonId, root: PersonId, end: Callable[[PersonId], object]
) -> None:
    made = become(eli)
    end(eli)
    assert console_role(get_person(eli)) is ConsoleRole.NONE
    assert get_request(made.id).state is State.RETURNED


def test_a_directory_that_takes_eligibility_away_ends_what_followed_from_it(root: PersonId) -> None:
    ida = make_person("ida@example.test")
    give_passkey(ida)
    change_members_via(group_id=ELIGIBLE, via="scim:1", add=[ida], actor=MACHINE)
    add_member(group_id=ELIGIBLE, person_id=ida, actor=MACHINE)
    become(ida)
    by_another_directory(ida)
    assert console_role(get_person(ida)) is ConsoleRole.ADMINISTRATOR, "may still, by hand"
    remove_member(group_id=ELIGIBLE, person_id=ida, actor=MACHINE)
    assert console_role(get_person(ida)) is ConsoleRole.NONE


def test_what_waited_is_withdrawn_by_a_new_beginning(eli: PersonId, root: PersonId) -> None:
    with approval_needed():
        made = become(eli)
        again(eli)
        assert get_request(made.id).state is State.WITHDRAWN


def test_ending_what_prolongs_ends_what_is_prolonged(firm: Firm) -> None:
    first = firm.ask(hours=1)
    approve(request_id=first, actor=actor_for(firm.owner))
    longer = extend(request_id=first, seconds=3600, reason="More", actor=actor_for(firm.asker)).id
    approve(request_id=longer, actor=actor_for(firm.owner))
    hand_back(request_id=longer, actor=actor_for(firm.admin), reason="not needed")
    assert firm.ways() == []
    assert {get_request(one).state for one in (first, longer)} == {State.RETURNED}


def test_a_review_can_be_written_though_the_group_is_gone(firm: Firm) -> None:
    make_group("on-call")
    add_member(group_id=GroupId("on-call"), person_id=firm.asker, actor=MACHINE)
    with with_emergency_group("on-call"):
        proofs = (proof("totp", at=time.time()),)
        given = {"group_id": LEDGER, "reason": "Stands still", "proofs": proofs, "actor": actor_for(firm.asker)}
        used = use_emergency(person_id=firm.asker, **given)  # type: ignore[arg-type]
        delete_group(group_id=LEDGER, actor=MACHINE)
        said = answer_review(request_id=used.id, justified=False, words="No need", actor=actor_for(firm.admin))
    assert said.justified is False
    assert get_request(used.id).state is State.RETURNED


def test_who_may_use_emergency_access_is_not_asked_for(firm: Firm) -> None:
    group = make_group("on-call")
    given = {"seconds": 3600, "reason": "Me too", "actor": actor_for(firm.asker)}
    before = ask(person_id=firm.asker, group_id=group, **given)  # type: ignore[arg-type]
    with with_emergency_group("on-call"):
        with pytest.raises(CannotAsk, match="not given away by request"):
            approve(request_id=before.id, actor=actor_for(firm.boss))
        with pytest.raises(CannotAsk, match="cannot be asked for"):
            ask(person_id=firm.boss, group_id=group, **given)  # type: ignore[arg-type]


def test_a_proof_from_the_future_is_none(eli: PersonId) -> None:
    with pytest.raises(ProofNeeded):
        become(eli, proofs=by_passkey(-600))


def test_who_is_told_of_an_administrator_finds_the_way_to_end_it(eli: PersonId, root: PersonId) -> None:
    made = become(eli)
    send_letters(now=time.time())
    console = settings.INSTANCE.url(settings.INSTANCE.console_host, f"/requests/{made.id}/")
    bodies = {one.to[0]: one.body for one in mail.outbox}
    assert console in bodies["root@example.test"]
    assert console not in bodies["eli@example.test"]


def test_where_another_has_to_agree_two_are_kept(root: PersonId) -> None:
    second = make_person("second@example.test")
    add_member(group_id=ELIGIBLE, person_id=second, actor=MACHINE)
    with approval_needed():
        with pytest.raises(NotAllowed, match="agree"):
            turn_into_eligible(actor=MACHINE)
        key = give_passkey(second)
        unsafe_provision_totp(person_id=second, actor=MACHINE)
        turn_into_eligible(actor=MACHINE)
        for takes_away in (
            lambda: remove_member(group_id=ELIGIBLE, person_id=root, actor=MACHINE),
            lambda: disable_person(person_id=second, reason="left", actor=MACHINE),
            lambda: remove_authenticator(person_id=second, authenticator_id=str(key.pk), actor=actor_for(second)),
        ):
            with pytest.raises(NotAllowed, match="nobody could agree"):
                takes_away()
    disable_person(person_id=second, reason="left", actor=MACHINE)


def test_the_last_who_could_administer_is_reset_on_the_machine_only_or_after_an_emergency(root: PersonId) -> None:
    turn_into_eligible(actor=MACHINE)
    helper = make_person("helper@example.test")
    in_an_hour = time.time() + 3600
    add_member(group_id=ADMINISTRATORS, person_id=helper, ends_at=in_an_hour, actor=MACHINE)
    with pytest.raises(NotAllowed, match=r"last administrator.*nobody could administer") as refused:
        reset_sign_in(person_id=root, reason="lost phone", actor=actor_for(helper))
    assert "ostiary user reset" in refused.value.hint
    assert Authenticator.objects.filter(user_id=root).exists(), "nothing was taken away"
    emergency = recover_administrator(actor=MACHINE).person_id
    reset_sign_in(person_id=root, reason="lost phone", actor=actor_for(emergency))
    assert not Authenticator.objects.filter(user_id=root).exists()
    other = make_person("other@example.test")
    reset_sign_in(person_id=other, reason="lost phone", actor=actor_for(helper))


@pytest.mark.parametrize("group", ["administrators", "administrators-eligible", "auditors"])
def test_a_helpdesk_gets_no_link_to_an_account_with_a_role(root: PersonId, group: str) -> None:
    helper = make_person("henk@example.test", groups=("helpdesk",))
    invited = invite_person(email="new@example.test", groups=(GroupId(group),), actor=actor_for(root)).person_id
    for email in ("new@example.test", "NEW@example.test"):
        with pytest.raises(NotAllowed, match="Only administrators"):
            invite_person(email=email, actor=actor_for(helper))
    with pytest.raises(NotAllowed, match="Only administrators"):
        reset_sign_in(person_id=invited, reason="lost", actor=actor_for(helper))
    assert invite_person(email="new@example.test", actor=actor_for(root)).person_id == invited
    plain = invite_person(email="plain@example.test", actor=actor_for(helper)).person_id
    assert invite_person(email="plain@example.test", actor=actor_for(helper)).person_id == plain


def test_an_account_that_has_ended_is_not_recovered_by_a_link_that_would_not_work(root: PersonId) -> None:
    Person.objects.filter(pk=root).update(ends_at=Person.objects.get(pk=root).created_at)
    with pytest.raises(NotAllowed, match="has ended"):
        recover_administrator(email="root@example.test", actor=MACHINE)
    assert find_person("root@example.test").ends_at is not None
