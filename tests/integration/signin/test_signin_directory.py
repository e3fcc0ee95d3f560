"""Signing in with another directory, which is a real OpenID provider in a process of its own."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from django.conf import settings
from tests.identity_people import (
    MACHINE,
    Browser,
    SteppedTotp,
    invite,
    make_group,
    make_person,
    make_person_with_app,
    row_of,
)
from tests.openid_directory import CLIENT_ID, CLIENT_SECRET, OpenIdDirectory, sign_in_there

from ostiary.identity.domain import ADMINISTRATORS
from ostiary.identity.facade import (
    AlreadyExists,
    NotAllowed,
    Preset,
    Provider,
    ProviderId,
    UnacceptableProvider,
    UnknownGroup,
    add_provider,
    change_provider,
    check_provider,
    disable_person,
    find_person,
    get_person,
    get_provider,
    linked_sign_ins,
    list_members,
    list_sessions,
    remove_provider,
    reset_sign_in,
    search_linked,
)
from ostiary.identity.models import DirectoryLink
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.policy.request import AuthStrength

pytestmark = pytest.mark.django_db
WORK = ProviderId("office")
CALLBACKS = [f"https://id.example.test/sign-in/with/{name}/callback" for name in ("office", "other")]
ADA = {"email": "ada@example.test", "email_verified": True, "name": "Ada Lovelace", "groups": ["engineers"]}
Add = Callable[..., Provider]


@pytest.fixture(scope="module", params=[False, True], ids=["claims in the token", "claims in UserInfo"])
def directory(request: pytest.FixtureRequest) -> Iterator[OpenIdDirectory]:
    with OpenIdDirectory(CALLBACKS, {}, claims_in_userinfo=request.param) as running:
        yield running


@pytest.fixture
def add(directory: OpenIdDirectory) -> Iterator[Add]:
    def make(**described: Any) -> Provider:
        directory.say("ada", ADA)
        told = {"scopes": ("email", "profile", "groups"), "name": "Example Work", **described}
        provider = Provider(id=WORK, preset=Preset.OIDC, issuer=directory.issuer, client_id=CLIENT_ID, **told)
        add_provider(provider=provider, secret=CLIENT_SECRET.encode(), actor=MACHINE)
        return get_provider(WORK)

    yield make
    (settings.INSTANCE.secrets / "directory-office.secret").unlink(missing_ok=True)


def come(browser: Browser, name: str = "ada", **query: str) -> Any:
    """Go to the directory, sign in there as `name`, and return what our callback answers."""
    return back(browser, sign_in_there(begin(browser, **query), name))


def begin(browser: Browser, **query: str) -> str:
    answer = browser.get("/sign-in/with/office", **query)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def back(browser: Browser, url: str) -> Any:
    parts = urlsplit(url)
    return browser.client.get(f"{parts.path}?{parts.query}")


def words(answer: Any) -> str:
    return str(answer.content.decode())


def newcomers(**more: Any) -> dict[str, Any]:
    return {"provisions": True, "domains": ("example.test",), **more}


def test_the_first_sign_in_makes_the_account_and_the_second_finds_it(add: Add) -> None:
    make_group("builders")
    add(**newcomers(groups={"engineers": GroupId("builders")}))
    page = words(Browser().get("/sign-in", next="/sessions"))
    assert "Sign in with Example Work" in page
    assert 'href="/sign-in/with/office?next=/sessions"' in page

    browser = Browser()
    answer = come(browser, next="/sessions")
    assert answer["Location"] == "/sessions"
    ada = find_person("ada@example.test")
    assert (ada.name, ada.email_confirmed, ada.methods, ada.groups) == ("Ada Lovelace", True, (), ("builders",))
    assert list_members(GroupId("builders"))[0].via == "directory:office"
    # The directory is not trusted with the second factor: one of our own has to be set up first.
    assert browser.get("/sessions")["Location"] == "/set-up"

    again = Browser()
    come(again)
    assert [one.person_id for one in list_sessions().items] == [ada.id, ada.id]
    assert DirectoryLink.objects.count() == 1


def test_our_own_second_factor_is_asked_for_after_the_directory(add: Add) -> None:
    add(authoritative=("example.test",))
    person_id, secret = make_person_with_app()
    browser = Browser()
    assert come(browser, next="/profile")["Location"] == "/sign-in/second-step"
    assert not browser.is_signed_in()
    assert browser.code_step(SteppedTotp(secret).code())["Location"] == "/profile"
    session = list_sessions(person_id=person_id).items[0]
    assert [one.method for one in session.authentications] == ["directory", "totp"]


def test_a_second_factor_given_there_counts_where_that_was_chosen(add: Add, directory: OpenIdDirectory) -> None:
    add(**newcomers(mfa={"mfa": "otp", "fido": "phishing-resistant"}))
    directory.say("ada", {**ADA, "amr": ["pwd", "mfa", "fido"]})
    browser = Browser()
    come(browser)
    assert browser.is_signed_in()
    session = list_sessions().items[0]
    assert [(one.method, one.strength) for one in session.authentications] == [
        ("directory_phishing_resistant", AuthStrength.PHISHING_RESISTANT)
    ]
    directory.say("ada", {**ADA, "amr": ["pwd"]})
    weaker = Browser()
    come(weaker)
    assert not weaker.is_signed_in()


def test_groups_are_read_at_each_sign_in_and_taken_away_when_gone(add: Add, directory: OpenIdDirectory) -> None:
    for group in ("builders", "finance"):
        make_group(group)
    add(**newcomers(groups={"engineers": GroupId("builders"), "accounts": GroupId("finance")}))
    come(Browser())
    ada = find_person("ada@example.test")
    assert ada.groups == ("builders",)
    directory.say("ada", {**ADA, "groups": ["accounts", "unknown"]})
    come(Browser())
    assert get_person(ada.id).groups == ("finance",)
    directory.say("ada", {**ADA, "groups": []})
    come(Browser())
    assert get_person(ada.id).groups == ()


def test_a_mapping_that_is_changed_takes_away_at_once(add: Add) -> None:
    make_group("builders")
    provider = add(**newcomers(groups={"engineers": GroupId("builders")}))
    come(Browser())
    change_provider(provider=msgspec.structs.replace(provider, groups={}), secret=None, actor=MACHINE)
    assert find_person("ada@example.test").groups == ()
    with pytest.raises(UnacceptableProvider, match="Another issuer"):
        change_provider(
            provider=msgspec.structs.replace(provider, issuer="https://else.example"), secret=None, actor=MACHINE
        )


def test_who_is_no_longer_in_a_group_that_may_come_in_loses_everything_by_it(
    add: Add, directory: OpenIdDirectory
) -> None:
    make_group("builders")
    add(**newcomers(required=("engineers",), groups={"engineers": GroupId("builders")}))
    come(Browser())
    ada = find_person("ada@example.test")
    directory.say("ada", {**ADA, "groups": ["visitors"]})
    answer = come(Browser())
    assert answer.status_code == 403
    assert "Your group may not sign in here" in words(answer)
    assert get_person(ada.id).groups == ()
    assert list_sessions(person_id=ada.id).total == 0


def test_an_address_that_is_not_verified_neither_links_nor_makes_an_account(
    add: Add, directory: OpenIdDirectory
) -> None:
    add(**newcomers(authoritative=("example.test",)))
    directory.say("ada", {**ADA, "email_verified": False})
    answer = come(Browser())
    assert answer.status_code == 403
    assert "does not confirm your address" in words(answer)
    person_id = make_person()
    answer = come(Browser())
    assert "Link your account first" in words(answer)
    assert linked_sign_ins(person_id) == ()


def test_a_verified_address_links_nothing_unless_the_directory_gives_out_that_domain(add: Add) -> None:
    add(**newcomers())
    person_id = make_person()
    answer = come(Browser())
    assert answer.status_code == 403
    assert "Link your account first" in words(answer)
    assert linked_sign_ins(person_id) == ()


def test_an_account_with_a_role_in_the_console_is_never_linked_by_its_address(add: Add) -> None:
    add(**newcomers(authoritative=("example.test",)))
    person_id = make_person(groups=(ADMINISTRATORS,))
    assert "Link your account first" in words(come(Browser()))
    assert linked_sign_ins(person_id) == ()


def test_an_address_given_to_somebody_else_there_does_not_open_the_first_ones_account(
    add: Add, directory: OpenIdDirectory
) -> None:
    add(**newcomers(authoritative=("example.test",)))
    come(Browser())
    directory.say("mallory", ADA)
    answer = come(Browser(), "mallory")
    assert answer.status_code == 403
    assert list_sessions().total == 1


def test_an_address_that_changes_there_leaves_the_person_who_they_are(add: Add, directory: OpenIdDirectory) -> None:
    add(**newcomers())
    come(Browser())
    ada = find_person("ada@example.test")
    victim = make_person("boss@example.test")
    directory.say("ada", {**ADA, "email": "boss@example.test"})
    come(Browser())
    assert {one.person_id for one in list_sessions().items} == {ada.id}
    assert linked_sign_ins(victim) == ()
    assert linked_sign_ins(ada.id)[0].label == "boss@example.test"


def test_an_invitation_is_taken_up_by_a_directory_that_gives_out_the_address(add: Add) -> None:
    add(authoritative=("example.test",))
    path = invite("ada@example.test")
    come(Browser())
    ada = find_person("ada@example.test")
    assert not ada.invited
    assert Browser().get(path).status_code != 302, "the invitation's link is withdrawn"


def test_strangers_are_told_to_ask_for_an_invitation(add: Add, directory: OpenIdDirectory) -> None:
    add()
    answer = come(Browser())
    assert answer.status_code == 403
    assert "You have no account here yet" in words(answer)
    change_provider(provider=msgspec.structs.replace(get_provider(WORK), **newcomers()), secret=None, actor=MACHINE)
    directory.say("eve", {**ADA, "email": "eve@elsewhere.test"})
    assert "You have no account here yet" in words(come(Browser(), "eve"))


def test_cancelling_there_is_said_in_words(add: Add) -> None:
    add()
    browser = Browser()
    answer = back(browser, sign_in_there(begin(browser), "", cancel=True))
    assert answer.status_code == 403
    assert "You did not sign in at Example Work" in words(answer)


def test_whoever_is_gone_there_does_not_get_in(add: Add, directory: OpenIdDirectory) -> None:
    add(**newcomers())
    come(Browser())
    directory.say("ada", None)
    browser = Browser()
    assert come(browser).status_code == 403
    assert not browser.is_signed_in()


def test_lesson_11_who_is_disabled_here_is_refused_by_the_directorys_door_as_well(add: Add) -> None:
    add(**newcomers())
    come(Browser())
    ada = find_person("ada@example.test")
    disable_person(person_id=ada.id, reason="left", actor=MACHINE)
    browser = Browser()
    assert come(browser)["Location"] == "/sign-in/switched-off"
    assert list_sessions(person_id=ada.id).total == 0


def test_lesson_09_an_answer_opens_only_the_browser_that_asked_and_only_once(add: Add) -> None:
    add(**newcomers())
    attacker, victim = Browser(), Browser()
    answer = sign_in_there(begin(attacker), "ada")
    refused = back(victim, answer)
    assert refused.status_code == 403
    assert "This sign-in was not begun here" in words(refused)
    begin(victim)
    assert back(victim, answer).status_code == 403, "nor when it has begun one of its own"
    assert back(attacker, answer).status_code == 302
    attacker.client.post("/sign-out")
    assert back(attacker, answer).status_code == 403
    assert not victim.is_signed_in()


def test_an_answer_that_names_another_issuer_or_another_door_is_refused(add: Add) -> None:
    add(**newcomers())
    browser = Browser()
    answer = sign_in_there(begin(browser), "ada")
    state = parse_qs(urlsplit(answer).query)["state"][0]
    forged = browser.get("/sign-in/with/office/callback", state=state, code="x", iss="https://evil.example")
    assert forged.status_code == 403
    assert "was not accepted" in words(forged)
    assert browser.get("/sign-in/with/other/callback", state=state, code="x").status_code == 404


def test_a_code_that_the_directory_never_gave_opens_nothing(add: Add) -> None:
    add(**newcomers())
    browser = Browser()
    state = parse_qs(urlsplit(begin(browser)).query)["state"][0]
    answer = browser.get("/sign-in/with/office/callback", state=state, code="made-up")
    assert answer.status_code == 403
    assert "was not accepted" in words(answer)


def test_the_question_carries_pkce_a_state_and_a_nonce_each_time_new(add: Add) -> None:
    add()
    first, second = (parse_qs(urlsplit(begin(Browser())).query) for _ in range(2))
    assert first["code_challenge_method"] == ["S256"]
    assert all(first[one] != second[one] for one in ("state", "nonce", "code_challenge"))
    assert "client_secret" not in first


def test_a_directory_that_does_not_answer_is_said_to_be_away(add: Add) -> None:
    provider = add()
    with OpenIdDirectory(CALLBACKS, {}) as gone:
        issuer = gone.issuer
    other = msgspec.structs.replace(provider, id=ProviderId("away"), name="Away", issuer=issuer)
    add_provider(provider=other, secret=b"x", actor=MACHINE)
    answer = Browser().get("/sign-in/with/away")
    assert answer.status_code == 503
    assert "Away does not answer" in words(answer)
    assert [one.good for one in check_provider(other)] == [True, False]
    remove_provider(provider_id=other.id, actor=MACHINE)


def signed_in(person_id: PersonId, secret: str) -> Browser:
    browser = Browser()
    browser.sign_in(row_of(person_id).email, secret)
    return browser


def link_path(browser: Browser, name: str = "ada") -> Any:
    asked = browser.get("/authenticators/link/office")
    return back(browser, sign_in_there(asked["Location"], name))


def test_an_account_is_linked_after_a_proof_and_a_yes_and_unlinked_again(add: Add) -> None:
    make_group("builders")
    add(groups={"engineers": GroupId("builders")})
    person_id, secret = make_person_with_app("a.lovelace@example.test")
    browser = signed_in(person_id, secret)
    assert "Link Example Work" in words(browser.get("/authenticators"))
    assert link_path(browser)["Location"] == "/authenticators/link"
    assert linked_sign_ins(person_id) == ()
    assert "ada@example.test" in words(browser.get("/authenticators/link"))
    browser.post("/authenticators/link")
    link = linked_sign_ins(person_id)[0]
    assert (link.provider, link.label) == ("office", "ada@example.test")
    assert get_person(person_id).groups == ("builders",)
    assert search_linked(WORK, text="lovelace").total == 1

    other = Browser()
    come(other)
    other.code_step(SteppedTotp(secret).code(1))
    assert other.is_signed_in()
    browser.post(f"/authenticators/linked/{link.id}/remove")
    assert linked_sign_ins(person_id) == ()
    assert get_person(person_id).groups == ()
    assert browser.is_signed_in()
    assert not other.is_signed_in(), "what was begun by it ends with it"


def test_linking_needs_a_fresh_proof_and_its_own_browser(add: Add, monkeypatch: pytest.MonkeyPatch) -> None:
    add()
    person_id, secret = make_person_with_app("a.lovelace@example.test")
    browser = signed_in(person_id, secret)
    answer = sign_in_there(browser.get("/authenticators/link/office")["Location"], "ada")
    stranger_id, other_secret = make_person_with_app("eve@example.test")
    eve = signed_in(stranger_id, other_secret)
    assert back(eve, answer).status_code == 403
    monkeypatch.setattr("ostiary.web.signin.prove.FRESH_SECONDS", -60)
    assert browser.get("/authenticators/link/office")["Location"].startswith("/prove")
    assert browser.post("/authenticators/link")["Location"].startswith("/prove")
    assert not DirectoryLink.objects.exists()


def test_an_account_there_belongs_to_one_person_here(add: Add) -> None:
    add(**newcomers())
    come(Browser())
    person_id, secret = make_person_with_app("eve@example.test")
    eve = signed_in(person_id, secret)
    link_path(eve)
    eve.post("/authenticators/link")
    assert linked_sign_ins(person_id) == ()


def test_the_last_way_in_is_not_unlinked(add: Add, directory: OpenIdDirectory) -> None:
    add(**newcomers(mfa={"mfa": "otp"}))
    directory.say("ada", {**ADA, "amr": ["mfa"]})
    browser = Browser()
    come(browser)
    ada = find_person("ada@example.test")
    link = linked_sign_ins(ada.id)[0]
    browser.post(f"/authenticators/linked/{link.id}/remove")
    assert linked_sign_ins(ada.id) == (link,)


def test_a_stolen_browser_sets_up_nothing_once_the_proof_there_is_old(
    add: Add, directory: OpenIdDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(**newcomers(mfa={"mfa": "otp"}))
    directory.say("ada", {**ADA, "amr": ["mfa"]})
    browser = Browser()
    come(browser)
    assert browser.get("/set-up/app").status_code == 200
    monkeypatch.setattr("ostiary.web.signin.prove.FRESH_SECONDS", -60)
    page = browser.client.get("/set-up/app", follow=True)
    assert page.status_code == 403
    assert "Sign out and in again first" in words(page)


def test_removing_a_directory_takes_what_it_brought_and_signs_out(add: Add) -> None:
    make_group("builders")
    add(**newcomers(groups={"engineers": GroupId("builders")}))
    come(Browser())
    ada = find_person("ada@example.test")
    assert remove_provider(provider_id=WORK, actor=MACHINE) == 1
    assert get_person(ada.id).groups == ()
    assert list_sessions(person_id=ada.id).total == 0
    assert not (settings.INSTANCE.secrets / "directory-office.secret").exists()
    assert Browser().get("/sign-in/with/office").status_code == 404


def test_resetting_somebodys_sign_in_unlinks_as_well(add: Add) -> None:
    add(**newcomers())
    come(Browser())
    ada = find_person("ada@example.test")
    reset_sign_in(person_id=ada.id, reason="lost", actor=MACHINE)
    assert linked_sign_ins(ada.id) == ()


def test_what_cannot_be_right_is_refused_when_a_directory_is_added(add: Add) -> None:
    provider = add()
    with pytest.raises(AlreadyExists):
        add_provider(provider=provider, secret=b"x", actor=MACHINE)
    fresh = msgspec.structs.replace(provider, id=ProviderId("other"), issuer="https://login.example.test")
    for refused, error in (
        ({"groups": {"all": ADMINISTRATORS}}, NotAllowed),
        ({"groups": {"all": GroupId("nobody-made-this")}}, UnknownGroup),
        ({"provisions": True}, UnacceptableProvider),
        ({"mfa": {"pwd": "single"}}, UnacceptableProvider),
        ({"domains": ("not a domain",)}, UnacceptableProvider),
        ({"client_id": "two words"}, UnacceptableProvider),
        ({"issuer": "http://login.example.test"}, UnacceptableProvider),
    ):
        with pytest.raises(error):
            add_provider(provider=msgspec.structs.replace(fresh, **refused), secret=b"x", actor=MACHINE)
    with pytest.raises(UnacceptableProvider, match="no client secret"):
        add_provider(provider=fresh, secret=b" \n", actor=MACHINE)
    assert check_provider(provider)[-1].good
