"""Signing out with another directory, both ways, and a key in the place of a client secret. The directory is a real OpenID provider."""

import time
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import jwt
import msgspec
import pytest
from django.conf import settings
from django.test import Client as DjangoClient
from tests.identity_people import MACHINE, Browser, SteppedTotp, make_person_with_app
from tests.integration.signin.test_signin_directory import ADA, CALLBACKS, WORK, back, begin, come, newcomers, words
from tests.openid_directory import CLIENT_ID, CLIENT_SECRET, OpenIdDirectory, sign_in_there

from ostiary.config.secrets import MissingSecret
from ostiary.identity.adapters.client_keys import make_key
from ostiary.identity.domain.federation.logout import LOGOUT_EVENT
from ostiary.identity.facade import (
    NotAllowed,
    Preset,
    Provider,
    ProviderId,
    add_provider,
    change_provider,
    check_provider,
    expire_sessions,
    find_person,
    get_provider,
    list_client_keys,
    list_sessions,
    prepare_key,
    remove_provider,
    switch_key,
)
from ostiary.identity.models import DirectoryLogout
from ostiary.identity.services.directory_logouts import KEEP_SECONDS

pytestmark = pytest.mark.django_db
BASE = "https://id.example.test"
WORD = "/oidc/back-channel/office"
NAMES = ("directory-office.key", "directory-office.next.key")


@pytest.fixture(scope="module")
def directory() -> Iterator[OpenIdDirectory]:
    """The directory knows the key in use, and the next one; the secret counts nothing there."""
    folder = settings.INSTANCE.secrets
    keys = {name: make_key(folder, name, subject="office", now=time.time()) for name in NAMES}
    contents = {name: (folder / name).read_bytes() for name in NAMES}
    client = {
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [one.public_jwk() for one in keys.values()]},
        "post_logout_redirect_uris": [f"{BASE}/sign-in/with/office/signed-out"],
        "backchannel_logout_uri": f"{BASE}{WORD}",
        "backchannel_logout_session_required": True,
    }
    with OpenIdDirectory(CALLBACKS, {}, client=client) as running:
        running.keys = contents  # type: ignore[attr-defined]
        yield running
    for name in NAMES:
        (folder / name).unlink(missing_ok=True)


@pytest.fixture
def work(directory: OpenIdDirectory) -> Provider:
    for name, content in directory.keys.items():  # type: ignore[attr-defined]
        path = settings.INSTANCE.secrets / name
        path.write_bytes(content)
        path.chmod(0o600)
    directory.say("ada", {**ADA, "amr": ["mfa"]})
    directory.words()
    provider = Provider(
        id=WORK,
        preset=Preset.OIDC,
        name="Example Work",
        issuer=directory.issuer,
        client_id=CLIENT_ID,
        proves_by="key",
        signs_out=True,
        **newcomers(mfa={"mfa": "otp"}),
    )
    add_provider(provider=provider, secret=None, actor=MACHINE)
    return get_provider(WORK)


def say(token: str, path: str = WORD) -> Any:
    """Send a logout token as the directory would."""
    host = settings.INSTANCE.authority(settings.INSTANCE.identity_host)
    client = DjangoClient(enforce_csrf_checks=True, HTTP_HOST=host, HTTP_X_FORWARDED_PROTO="https")
    return client.post(path, {"logout_token": token})


def sid_of(browser: Browser) -> str:
    """Return what the directory calls the sign-in there, from the ID token that this browser came with."""
    _provider, token = browser.session["ostiary_directory_hint"]
    sid = jwt.decode(token, options={"verify_signature": False})["sid"]
    assert isinstance(sid, str)
    return sid


def test_a_key_proves_this_instance_and_can_be_changed_for_the_next(work: Provider) -> None:
    browser = Browser()
    come(browser)
    assert browser.is_signed_in()
    assert all(one.good for one in check_provider(work)), check_provider(work)
    keys = list_client_keys(WORK)
    assert [one.current for one in keys] == [True, False]
    published = browser.get("/oidc/keys-for/office").json()["keys"]
    assert published == [one.jwk for one in keys]
    assert all(set(one) == {"kty", "n", "e", "kid", "use"} for one in published), "nothing private"
    with pytest.raises(NotAllowed, match="next key is there"):
        prepare_key(provider_id=WORK, actor=MACHINE)

    assert switch_key(provider_id=WORK, actor=MACHINE).kid == keys[1].kid
    assert [(one.kid, one.current) for one in list_client_keys(WORK)] == [(keys[1].kid, True)]
    other = Browser()
    come(other)
    assert other.is_signed_in()
    with pytest.raises(NotAllowed, match="no next key"):
        switch_key(provider_id=WORK, actor=MACHINE)

    prepare_key(provider_id=WORK, actor=MACHINE)
    switch_key(provider_id=WORK, actor=MACHINE)
    stranger = Browser()
    answer = come(stranger)
    assert answer.status_code == 403, "the directory does not know this one"
    assert "was not accepted" in words(answer)


def test_a_secret_and_a_key_take_each_others_place(work: Provider) -> None:
    folder = settings.INSTANCE.secrets
    by_secret = msgspec.structs.replace(work, proves_by="secret")
    change_provider(provider=by_secret, secret=CLIENT_SECRET.encode(), actor=MACHINE)
    assert list_client_keys(WORK) == ()
    assert come(Browser()).status_code == 403, "the directory wants the key"
    with pytest.raises(MissingSecret, match="no key"):
        change_provider(provider=work, secret=None, actor=MACHINE)
    assert get_provider(WORK).proves_by == "secret"
    prepare_key(provider_id=WORK, actor=MACHINE)
    change_provider(provider=work, secret=None, actor=MACHINE)
    assert not (folder / "directory-office.secret").exists()
    remove_provider(provider_id=WORK, actor=MACHINE)
    assert list_client_keys(WORK) == ()
    assert Browser().get("/oidc/keys-for/office").status_code == 404


@pytest.fixture
def there() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=60) as client:
        yield client


def test_who_signs_out_here_is_led_there_and_back(
    work: Provider, directory: OpenIdDirectory, there: httpx.Client
) -> None:
    browser = Browser()
    back(browser, sign_in_there(begin(browser), "ada", browser=there))
    assert "takes you to Example Work" in words(browser.get("/sign-out"))
    page = browser.client.post("/sign-out")
    assert page.status_code == 200
    assert not browser.is_signed_in(), "signed out here first"
    url = unescape(words(page).partition('content="0; url=')[2].partition('"')[0])
    assert url.startswith(f"{directory.issuer}/session/end?")

    asked = there.get(url)
    xsrf = asked.text.partition('name="xsrf" value="')[2].partition('"')[0]
    answer = there.post(
        urljoin(url, asked.text.partition('action="')[2].partition('"')[0]), data={"xsrf": xsrf, "logout": "yes"}
    )
    returned = urlsplit(answer.headers["location"])
    assert returned.path == "/sign-in/with/office/signed-out"
    assert browser.client.get(f"{returned.path}?{returned.query}")["Location"] == "/sign-in"
    assert "at Example Work" in words(browser.get("/sign-in"))
    assert "at Example Work" not in words(Browser().client.get(f"{returned.path}?{returned.query}", follow=True))
    assert there.get(begin(Browser())).is_redirect
    assert "<form" in there.get(begin(Browser()), follow_redirects=True).text, "there one has to sign in again"


def test_nobody_is_led_there_unless_that_was_chosen_and_signing_out_here_never_fails(
    work: Provider, directory: OpenIdDirectory
) -> None:
    change_provider(provider=msgspec.structs.replace(work, signs_out=False), secret=None, actor=MACHINE)
    browser = Browser()
    come(browser)
    assert "ostiary_directory_hint" not in browser.session
    assert browser.client.post("/sign-out")["Location"] == "/sign-in"
    with OpenIdDirectory(CALLBACKS, {}) as gone:
        issuer = gone.issuer
    away = msgspec.structs.replace(work, id=ProviderId("away"), name="Away", issuer=issuer, proves_by="secret")
    add_provider(provider=away, secret=b"x", actor=MACHINE)
    person_id, secret = make_person_with_app("ben@example.test")
    browser = Browser()
    browser.sign_in("ben@example.test", secret)
    kept = browser.session
    kept["ostiary_directory_hint"] = ["away", ""]
    kept.save()
    answer = browser.client.post("/sign-out", follow=True)
    assert "Away does not answer" in words(answer)
    assert list_sessions(person_id=person_id).total == 0
    remove_provider(provider_id=ProviderId("away"), actor=MACHINE)


def test_the_directorys_word_ends_the_one_sign_in_that_it_is_about(work: Provider, directory: OpenIdDirectory) -> None:
    first, second = Browser(), Browser()
    come(first)
    come(second)
    directory.sign_out("ada", sid=sid_of(first))
    (token,) = directory.words()
    answer = say(token)
    assert answer.status_code == 200, answer.content
    assert answer["Cache-Control"] == "no-store"
    assert not first.is_signed_in()
    assert second.is_signed_in()

    come(first)
    again = say(token)
    assert again.status_code == 400, "it counts once"
    assert "used before" in again.json()["error_description"]
    assert first.is_signed_in()


def test_a_word_about_somebody_ends_all_their_sign_ins_by_it_and_nobody_elses(
    work: Provider, directory: OpenIdDirectory
) -> None:
    directory.say("ben", {**ADA, "email": "ben@example.test", "amr": ["mfa"]})
    ada, also, ben = Browser(), Browser(), Browser()
    for browser, name in ((ada, "ada"), (also, "ada"), (ben, "ben")):
        come(browser, name)
    directory.sign_out("ada")
    (token,) = directory.words()
    assert "sid" not in jwt.decode(token, options={"verify_signature": False})
    assert say(token).status_code == 200
    assert not ada.is_signed_in()
    assert not also.is_signed_in()
    assert ben.is_signed_in()


def test_a_sign_in_under_way_does_not_outlive_the_directorys_word(work: Provider, directory: OpenIdDirectory) -> None:
    change_provider(
        provider=msgspec.structs.replace(work, mfa={}, authoritative=("example.test",)), secret=None, actor=MACHINE
    )
    person_id, secret = make_person_with_app("ada@example.test")
    browser = Browser()
    assert come(browser)["Location"] == "/sign-in/second-step"
    directory.sign_out("ada", sid=sid_of(browser))
    assert say(directory.words()[0]).status_code == 200
    answer = browser.code_step(SteppedTotp(secret).code())
    assert answer.status_code == 403
    assert "signed out at the other directory" in words(answer)
    assert list_sessions(person_id=person_id).total == 0
    expire_sessions(now=time.time() + KEEP_SECONDS + 60)
    assert not DirectoryLogout.objects.exists()


def test_what_is_no_word_of_the_directory_ends_nothing(work: Provider, directory: OpenIdDirectory) -> None:
    browser = Browser()
    come(browser)
    _provider, id_token = browser.session["ostiary_directory_hint"]
    directory.sign_out("ada", sid=sid_of(browser))
    (token,) = directory.words()
    head, _, signature = token.rpartition(".")
    claims = jwt.decode(token, options={"verify_signature": False})
    forged = jwt.encode(claims, "x" * 32, algorithm="HS256")
    unsigned = jwt.encode(claims, None, algorithm="none")
    for bad in ("", "a.b.c", id_token, forged, unsigned, f"{head}.{signature[::-1]}", "x" * 20_000):
        answer = say(bad)
        assert answer.status_code == 400, bad
        assert answer.json()["error"] == "invalid_request"
    assert say(token, "/oidc/back-channel/nobody").status_code == 404
    assert Browser().get(WORD).status_code == 405
    assert LOGOUT_EVENT in claims["events"]
    assert browser.is_signed_in()
    assert say(token).status_code == 200
    assert find_person("ada@example.test").active
    assert parse_qs(urlsplit(begin(Browser())).query)["client_id"] == [CLIENT_ID]
