"""Every way back in after something was lost: no mailbox alone takes an account over, and nobody has less than before."""

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest import mock

import msgspec
import pyotp
import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core import mail
from django.utils import timezone
from tests.identity_people import MACHINE, PASSWORD, Browser, make_person, make_person_with_app, path_of

from ostiary.identity.adapters.mail import wait_until_sent
from ostiary.identity.afresh import _ends
from ostiary.identity.facade import (
    HELPDESK,
    Invitation,
    NotAllowed,
    Profile,
    change_profile,
    confirm_recovery,
    find_person,
    invite_person,
    list_sessions,
    may_answer_recovery,
    refuse_recovery,
    reset_sign_in,
    search_recoveries,
)
from ostiary.identity.models import Person as PersonRow
from ostiary.identity.models import Recovery
from ostiary.identity.services.authenticators import make_recovery_codes
from ostiary.policy.identifiers import PersonId
from ostiary.visibility.facade import Actor

pytestmark = pytest.mark.django_db(transaction=True)
ADA = "ada@example.test"
MADE_SURE = "called her at her desk"


@pytest.fixture(autouse=True)
def _mails_are_counted_from_here() -> Iterator[None]:
    wait_until_sent(seconds=30)
    mail.outbox.clear()
    yield
    wait_until_sent(seconds=30)


def words(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def mails_to(address: str) -> list[str]:
    wait_until_sent(seconds=30)
    return [message.body for message in mail.outbox if message.to == [address]]


def person_actor(email: str) -> Actor:
    person = find_person(email)
    return Actor(kind="person", id=person.id, label=person.email)


def ask(email: str = ADA, password: str = PASSWORD) -> str:
    """Ask for a recovery as its owner would, and return its identifier."""
    browser = Browser(address="198.51.100.9")
    assert browser.password_step(email, password)["Location"] == "/sign-in/second-step"
    assert "Ask somebody to confirm" in words(browser.get("/sign-in/lost"))
    assert "Somebody was asked" in words(browser.post("/sign-in/lost"))
    assert not browser.is_signed_in()
    return search_recoveries(waiting=True).items[0].id


def open_with(invitation: Invitation, password: str = PASSWORD) -> tuple[Browser, Any]:
    """Open a recovery's link in a fresh browser and type a password."""
    browser = Browser(address="198.51.100.9")
    assert browser.get(path_of(invitation.link))["Location"] == "/recovery"
    return browser, browser.post("/recovery", password=password)


def secret_on(page: Any) -> str:
    found = re.search(r"secret=([A-Z2-7]+)", page.context["picture"]) if "picture" in page.context else None
    return found[1] if found else "".join(page.context["secret"].split())


def set_up_app(browser: Browser) -> Any:
    secret = secret_on(browser.get("/set-up/app"))
    return browser.post("/set-up/app", code=pyotp.TOTP(secret).now())


def give_passkey(person_id: PersonId) -> Authenticator:
    """Give somebody a passkey that nobody holds: enough to have had one."""
    return Authenticator.objects.create(
        user_id=person_id, type=Authenticator.Type.WEBAUTHN, data={"name": "Key", "credential": {}}
    )


def test_a_lost_app_is_replaced_when_somebody_confirms_and_the_password_is_typed() -> None:
    person_id, old = make_person_with_app()
    make_recovery_codes(person_id=person_id, actor=MACHINE)
    elsewhere = Browser()
    elsewhere.sign_in(ADA, old)
    recovery = ask()
    invitation = confirm_recovery(recovery_id=recovery, reason=MADE_SURE, actor=MACHINE)
    assert elsewhere.is_signed_in(), "a confirmation alone ends nothing"
    browser, answer = open_with(invitation)
    assert answer["Location"] == "/set-up"
    assert list_sessions(person_id=person_id).total <= 1, "every other sign-in ended"
    assert not elsewhere.is_signed_in()
    assert browser.get("/profile").status_code == 302, "nothing opens before the new one is set up"
    assert {"totp", "recovery_codes"} <= set(find_person(ADA).methods), "what was lost stays until then"
    assert set_up_app(browser)["Location"] == "/set-up/recovery-codes"
    assert browser.is_signed_in()
    assert find_person(ADA).methods == ("password", "totp"), "the codes that were lost as well are gone"
    stranger = Browser()
    stranger.password_step(ADA)
    assert stranger.code_step(pyotp.TOTP(old).now()).status_code == 200, "the lost app opens nothing"
    told = mails_to(ADA)
    assert [said in " ".join(told) for said in ("asks to replace", "confirmed", "being replaced", "was replaced")] == [
        True
    ] * 4
    assert not any("/link/" in body for body in told), "no link goes by mail"


def test_a_refusal_ends_the_link_that_was_handed_over_before() -> None:
    make_person_with_app()
    invitation = confirm_recovery(recovery_id=ask(), reason=MADE_SURE, actor=MACHINE)
    refuse_recovery(recovery_id=ask(), reason="that was not her", actor=MACHINE)
    assert Browser().get(path_of(invitation.link)).status_code == 404


def test_whoever_found_what_was_lost_keeps_nothing_that_they_made_with_it() -> None:
    person_id, _secret = make_person_with_app()
    ended: list[str] = []
    with mock.patch.dict(_ends, {"a test": lambda who, _actor, _reason: ended.append(who)}):
        invitation = confirm_recovery(recovery_id=ask(), reason=MADE_SURE, actor=MACHINE)
        open_with(invitation, "not the password at all")
        assert ended == []
        open_with(invitation)
    assert ended == [person_id]


def test_whoever_s_account_has_ended_confirms_nothing() -> None:
    person_id, _secret = make_person_with_app()
    boss = make_person("boss@example.test", groups=[HELPDESK])
    change_profile(person_id=person_id, profile=Profile(manager="boss@example.test"), actor=MACHINE)
    recovery = ask()
    PersonRow.objects.filter(pk=boss).update(ends_at=timezone.now())
    with pytest.raises(NotAllowed):
        confirm_recovery(recovery_id=recovery, reason=MADE_SURE, actor=person_actor("boss@example.test"))


def test_the_link_without_the_password_is_worth_nothing() -> None:
    make_person_with_app()
    invitation = confirm_recovery(recovery_id=ask(), reason=MADE_SURE, actor=MACHINE)
    for tried in ("", "not the password at all"):
        browser, answer = open_with(invitation, tried)
        assert answer.status_code == 200
        assert browser.get("/set-up").status_code == 302
        assert browser.get("/set-up/app").status_code == 302
    assert open_with(invitation)[1]["Location"] == "/set-up"
    assert Browser().get(path_of(invitation.link)).status_code == 404, "it works once"


def test_after_the_link_and_before_the_set_up_the_password_alone_opens_nothing() -> None:
    make_person_with_app()
    open_with(confirm_recovery(recovery_id=ask(), reason=MADE_SURE, actor=MACHINE))
    browser = Browser()
    assert browser.password_step(ADA)["Location"] == "/sign-in/second-step"
    for path in ("/set-up", "/set-up/app", "/set-up/passkey", "/profile"):
        assert browser.get(path).status_code == 302, path
    assert not browser.is_signed_in()


def test_who_had_a_passkey_sets_up_a_passkey_again() -> None:
    person_id = make_person()
    give_passkey(person_id)
    browser, answer = open_with(confirm_recovery(recovery_id=ask(), reason=MADE_SURE, actor=MACHINE))
    assert answer["Location"] == "/set-up"
    assert "Use an authenticator app" not in words(browser.get("/set-up"))
    assert browser.get("/set-up/app")["Location"] == "/set-up"
    assert browser.post("/set-up/app", code="000000")["Location"] == "/set-up"
    assert browser.get("/set-up/passkey").status_code == 200
    assert find_person(ADA).methods == ("password", "webauthn")


def test_who_may_confirm() -> None:
    person_id, _secret = make_person_with_app()
    boss, desk = make_person("boss@example.test"), make_person("desk@example.test", groups=[HELPDESK])
    make_person("other@example.test")
    change_profile(person_id=person_id, profile=Profile(manager="boss@example.test"), actor=MACHINE)
    recovery = ask()
    asked = search_recoveries().items[0]
    assert (asked.address, asked.manager, asked.factors) == ("198.51.100.9", "boss@example.test", ("password", "totp"))
    allowed = {
        email: may_answer_recovery(recovery=asked, actor=person_actor(email))
        for email in (ADA, "boss@example.test", "desk@example.test", "other@example.test")
    }
    assert allowed == {ADA: False, "boss@example.test": True, "desk@example.test": True, "other@example.test": False}
    for email in (ADA, "other@example.test"):
        with pytest.raises(NotAllowed):
            confirm_recovery(recovery_id=recovery, reason=MADE_SURE, actor=person_actor(email))
    with pytest.raises(NotAllowed):
        confirm_recovery(recovery_id=recovery, reason=" ", actor=person_actor("boss@example.test"))
    assert boss != desk
    assert any(f"/recoveries/{recovery}" in body for body in mails_to("boss@example.test"))


def test_an_administrators_recovery_is_for_administrators_to_confirm() -> None:
    person_id, _secret = make_person_with_app(groups=["administrators"])
    make_person("desk@example.test", groups=[HELPDESK])
    make_person("boss@example.test")
    make_person("second@example.test", groups=["administrators"])
    change_profile(person_id=person_id, profile=Profile(manager="boss@example.test"), actor=MACHINE)
    recovery = ask()
    for email in ("desk@example.test", "boss@example.test"):
        with pytest.raises(NotAllowed):
            confirm_recovery(recovery_id=recovery, reason=MADE_SURE, actor=person_actor(email))
    assert mails_to("boss@example.test") == mails_to("desk@example.test") == []
    assert confirm_recovery(recovery_id=recovery, reason=MADE_SURE, actor=person_actor("second@example.test")).link


def test_refused_lapsed_and_answered_ones_are_over() -> None:
    make_person_with_app()
    recovery = ask()
    refuse_recovery(recovery_id=recovery, reason="it was not her", actor=MACHINE)
    with pytest.raises(NotAllowed):
        confirm_recovery(recovery_id=recovery, reason=MADE_SURE, actor=MACHINE)
    assert "refused" in " ".join(mails_to(ADA))
    again = ask()
    assert again != recovery
    Recovery.objects.filter(pk=again).update(expires_at=timezone.now())
    with pytest.raises(NotAllowed):
        confirm_recovery(recovery_id=again, reason=MADE_SURE, actor=MACHINE)
    assert search_recoveries(waiting=True).total == 0


def test_nobody_asks_without_the_password_and_asking_is_limited() -> None:
    make_person_with_app()
    stranger = Browser()
    assert stranger.get("/sign-in/lost")["Location"] == "/sign-in"
    assert stranger.post("/sign-in/lost")["Location"] == "/sign-in"
    stranger.password_step(ADA, "not the password at all")
    assert stranger.post("/sign-in/lost")["Location"] == "/sign-in"
    assert search_recoveries().total == 0
    browser = Browser()
    browser.password_step(ADA)
    statuses = [browser.post("/sign-in/lost").status_code for _time in range(5)]
    assert statuses[0] == 200
    assert statuses[-1] == 429
    assert search_recoveries().total == 1, "asked again, it is the same one"


def test_a_manager_confirms_in_the_portal() -> None:
    person_id, _secret = make_person_with_app()
    _boss, secret = make_person_with_app("boss@example.test", name="Boss")
    change_profile(person_id=person_id, profile=Profile(manager="boss@example.test"), actor=MACHINE)
    recovery = ask()
    boss = Browser()
    boss.sign_in("boss@example.test", secret)
    assert "lost their second factor" in words(boss.get("/"))
    assert "198.51.100.9" in words(boss.get("/recoveries"))
    shown = words(boss.get(f"/recoveries/{recovery}"))
    assert "198.51.100.9" in shown
    assert "no sign-in of theirs is open from there" in shown
    assert boss.post(f"/recoveries/{recovery}", answer="confirm").context["form"].errors
    page = boss.post(f"/recoveries/{recovery}", answer="confirm", reason=MADE_SURE)
    assert open_with(page.context["invitation"])[1]["Location"] == "/set-up"
    other = Browser()
    _id, other_secret = make_person_with_app("other@example.test")
    other.sign_in("other@example.test", other_secret)
    assert other.get(f"/recoveries/{recovery}").status_code == 404


@pytest.mark.parametrize("again", [False, True], ids=["reset", "invited again after it"])
def test_an_administrators_reset_is_never_mailed(again: bool) -> None:
    person_id, _secret = make_person_with_app()
    invitation = reset_sign_in(person_id=person_id, reason="lost it all", actor=MACHINE)
    if again:
        invitation = invite_person(email=ADA, actor=MACHINE)
    assert not invitation.mailed
    told = mails_to(ADA)
    assert any("reset your sign-in" in body for body in told)
    assert not any("/link/" in body for body in told)
    browser = Browser()
    browser.post("/sign-in/forgotten", email=ADA)
    assert not any("/link/" in body for body in mails_to(ADA)), "nor by asking for a new password"


def test_after_a_reset_what_is_set_up_is_worth_as_much_as_before() -> None:
    person_id = make_person()
    give_passkey(person_id)
    browser = Browser()
    browser.get(path_of(reset_sign_in(person_id=person_id, reason="lost it all", actor=MACHINE).link))
    assert browser.post("/invitation/password", password="quite another passphrase 7")["Location"] == "/set-up"
    assert "Use an authenticator app" not in words(browser.get("/set-up"))
    assert browser.get("/set-up/app")["Location"] == "/set-up"
    stranger = Browser(address="203.0.113.50")
    stranger.password_step(ADA, "quite another passphrase 7")
    assert stranger.get("/set-up").status_code == 403, "the password alone sets nothing up"
    assert stranger.get("/set-up/passkey").status_code == 302
    assert "Ask for a new link" in words(stranger.client.get("/set-up/passkey", follow=True))


def test_where_no_second_factor_is_demanded_a_reset_demands_the_one_that_was_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person_id, _secret = make_person_with_app()
    sign_in = msgspec.structs.replace(settings.INSTANCE.configuration.sign_in, require_second_factor=False)
    monkeypatch.setattr(
        "ostiary.identity.services.sessions.settings",
        SimpleNamespace(INSTANCE=SimpleNamespace(configuration=SimpleNamespace(sign_in=sign_in))),
    )
    browser = Browser()
    browser.get(path_of(reset_sign_in(person_id=person_id, reason="lost it all", actor=MACHINE).link))
    browser.post("/invitation/password", password="quite another passphrase 7")
    assert not browser.is_signed_in()
    assert set_up_app(browser)["Location"] == "/set-up/recovery-codes"
    assert browser.is_signed_in()
    assert PersonRow.objects.get(pk=person_id).second_factor_floor == 0


def test_a_mailbox_alone_does_not_replace_the_password_of_who_has_no_second_factor() -> None:
    make_person()
    Browser().post("/sign-in/forgotten", email=ADA)
    (body,) = mails_to(ADA)
    assert "/link/" not in body
    assert "your mailbox alone would open your account" in " ".join(body.split())


def test_a_recovery_code_opens_the_way_to_a_new_app_and_the_lost_one_goes() -> None:
    person_id, old = make_person_with_app()
    codes = make_recovery_codes(person_id=person_id, actor=MACHINE)
    browser = Browser()
    browser.password_step(ADA)
    assert browser.code_step(codes[0]).status_code == 302
    assert set_up_app(browser).status_code == 302
    again = Browser()
    again.password_step(ADA)
    assert again.code_step(pyotp.TOTP(old).now()).status_code == 200
    assert again.code_step(codes[0]).status_code == 200, "a code works once"
