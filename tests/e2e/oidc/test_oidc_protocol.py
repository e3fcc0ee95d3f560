"""The provider step by step at the real instance: what a client gets, and each way in which it gets nothing."""

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.oidc_party import CALLBACK, Party, add_party
from tests.running_instance import Client, RunningInstance

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]


@pytest.fixture(scope="module")
def ada(running: RunningInstance, books: Party) -> Client:
    return running.signed_in(running.make_person("staff", name="Ada Lovelace"))


def fields(response: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = response.json()
    return found


def checked(party: Party, token: str) -> dict[str, Any]:
    """Return an ID token's claims as a client finds them that checks everything."""
    keys = jwt.PyJWKSet.from_dict(fields(party.running.client().get("id", "/oidc/keys")))
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=["RS256"], audience=party.client_id, issuer=party.issuer, leeway=5
    )
    return claims


def test_a_client_learns_who_signed_in_and_how(books: Party, ada: Client) -> None:
    began = time.time()
    back = books.come_back(books.go(ada))
    assert (back["state"], back["iss"]) == ("a state", books.issuer)
    answer = books.exchange(back["code"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    tokens = fields(answer)
    claims = checked(books, tokens["id_token"])
    assert ada.account is not None
    assert claims["sub"] == ada.account.id
    assert (claims["email"], claims["name"], claims["preferred_username"]) == (
        ada.account.email,
        "Ada Lovelace",
        ada.account.email,
    )
    assert (claims["groups"], claims["role"], claims["roles"]) == (["staff"], "writer", ["writer", "reader"])
    assert (claims["nonce"], claims["acr"], claims["amr"]) == ("a nonce", "mfa", ["mfa", "otp", "pwd"])
    assert claims["auth_time"] <= began <= claims["iat"] + 1
    about = fields(books.userinfo(tokens["access_token"]))
    assert about == {name: claims[name] for name in about}
    assert {"sub", "email", "groups", "role"} <= about.keys()


def test_only_what_is_asked_for_is_told(books: Party, ada: Client) -> None:
    tokens = books.sign_in(ada, scope="openid email")
    assert "refresh_token" not in tokens
    about = fields(books.userinfo(tokens["access_token"]))
    assert about.keys() == {"sub", "email", "email_verified", "role"}, "the client's own claims come always"


def test_discovery_says_what_is_there(books: Party, running: RunningInstance) -> None:
    found = fields(running.client().get("id", "/.well-known/openid-configuration"))
    assert found["issuer"] == books.issuer
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert "none" not in found["id_token_signing_alg_values_supported"]
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint"):
        assert found[name].startswith(f"{books.issuer}/oidc/")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"request": "e30."}, "request_not_supported"),
        ({"request_uri": "https://evil.test/r"}, "request_uri_not_supported"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"state": "x" * 1001}, "invalid_request"),
        ({"nonce": "x" * 1900}, "invalid_request"),
        ({"acr_values": "x\x00"}, "invalid_request"),
    ],
)
def test_what_cannot_be_answered_is_said_to_the_client(
    books: Party, ada: Client, changes: dict[str, str | None], error: str
) -> None:
    back = books.come_back(books.go(ada, books.request(**changes)))
    assert back["error"] == error
    assert "code" not in back


def test_a_parameter_given_twice_is_refused(books: Party, ada: Client) -> None:
    back = books.come_back(books.go(ada, f"{books.request()}&scope=openid"))
    assert back["error"] == "invalid_request"


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.test/callback",
        f"{CALLBACK}/",
        f"{CALLBACK}?x=1",
        f"{CALLBACK}/../evil",
        f"{CALLBACK}%2f..",
        CALLBACK.replace("https", "http"),
        CALLBACK.replace("books.", "BOOKS."),
        CALLBACK.replace(".test", ".test.evil.test"),
        CALLBACK.replace("https://", "https://evil.test@"),
        "javascript:alert(1)",
        "",
        None,
    ],
)
def test_lesson_8_nobody_is_sent_to_an_address_that_is_not_the_clients(
    books: Party, ada: Client, uri: str | None
) -> None:
    page = books.go(ada, books.request(redirect_uri=uri))
    assert page.status_code == 400
    assert "location" not in page.headers


def test_two_addresses_or_two_clients_are_none(books: Party, ada: Client) -> None:
    for more in ("&redirect_uri=https://evil.test/", "&client_id=other"):
        assert books.go(ada, books.request() + more).status_code == 400
    for client_id in ("nobody", "", "console", "x" * 5000, "b\x00ks", "Books", "böoks"):
        assert books.go(ada, books.request(client_id=client_id)).status_code in {400, 414}


def test_a_code_is_good_once_and_its_second_use_ends_all_that_came_of_it(books: Party, ada: Client) -> None:
    code = books.code_for(ada)
    tokens = fields(books.exchange(code))
    assert books.userinfo(tokens["access_token"]).status_code == 200
    assert fields(books.exchange(code))["error"] == "invalid_grant"
    assert books.userinfo(tokens["access_token"]).status_code == 401
    assert fields(books.refresh(tokens["refresh_token"]))["error"] == "invalid_grant"
    last = [one for one in books.running.control_events() if "code_reused" in str(one)]
    assert last, "it is on record"


def test_a_refresh_token_is_good_once_and_its_second_use_ends_the_family(books: Party, ada: Client) -> None:
    first = books.sign_in(ada)
    second = fields(books.refresh(first["refresh_token"]))
    assert second["refresh_token"] != first["refresh_token"]
    assert "nonce" not in checked(books, second["id_token"])
    assert books.userinfo(second["access_token"]).status_code == 200
    assert fields(books.refresh(first["refresh_token"]))["error"] == "invalid_grant"
    for refused in (books.refresh(second["refresh_token"]), books.refresh(first["refresh_token"])):
        assert (refused.status_code, fields(refused)["error"]) == (400, "invalid_grant")
    assert books.userinfo(second["access_token"]).status_code == 401
    assert any("refresh_reused" in str(one) for one in books.running.control_events())


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "wrong" * 12},
        {"code_verifier": ""},
        {"redirect_uri": "https://books.elsewhere.test/other"},
        {"redirect_uri": ""},
        {"code": "never-was"},
        {"code": ""},
        {"code": "x" * 5000},
    ],
)
def test_a_code_without_its_proof_is_worth_nothing(books: Party, ada: Client, changes: dict[str, str]) -> None:
    refused = books.exchange(books.code_for(ada), **changes)
    assert (refused.status_code, fields(refused)["error"]) == (400, "invalid_grant")


def test_a_code_is_used_up_by_a_wrong_verifier(books: Party, ada: Client) -> None:
    code = books.code_for(ada)
    assert books.exchange(code, code_verifier="wrong" * 12).status_code == 400
    assert books.exchange(code).status_code == 400


def test_a_client_that_does_not_prove_itself_gets_nothing(books: Party, ada: Client) -> None:
    code = books.code_for(ada)
    for secret in ("", "wrong", f"{books.secret}x"):
        stranger = Party(books.running, "books", secret, verifier=books.verifier)
        refused = stranger.exchange(code)
        assert (refused.status_code, fields(refused)["error"]) == (401, "invalid_client")
        assert refused.headers["www-authenticate"].startswith("Basic ")
    assert books.exchange(code).status_code == 200, "a stranger's try uses nothing up"


def test_a_code_of_another_client_is_worth_nothing_and_ends(
    running: RunningInstance, books: Party, ada: Client
) -> None:
    other = add_party(running, "other")
    try:
        code = books.code_for(ada)
        other.verifier = books.verifier
        assert fields(other.exchange(code))["error"] == "invalid_grant"
        assert fields(books.exchange(code))["error"] == "invalid_grant"
    finally:
        running.operator("ostiary.applications.facade:remove_app", "other")


def test_a_secret_in_the_header_works_as_one_in_the_form(books: Party, ada: Client, running: RunningInstance) -> None:
    code = books.code_for(ada)
    browser = running.client()
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": books.redirect_uri,
        "code_verifier": books.verifier,
    }
    both = browser.browser.send(
        "POST", running.url("id", "/oidc/token"), data={**form, "client_secret": "x"}, headers=_basic(books)
    )
    assert fields(both)["error"] == "invalid_request"
    answer = browser.browser.send("POST", running.url("id", "/oidc/token"), data=form, headers=_basic(books))
    assert answer.status_code == 200, answer.text


def _basic(party: Party) -> dict[str, str]:
    header = httpx.BasicAuth(party.client_id, party.secret)._auth_header
    return {"authorization": header}


def test_a_client_may_prove_itself_by_a_key_and_each_assertion_counts_once(
    running: RunningInstance, books: Party, ada: Client
) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    public = jwt.algorithms.ECAlgorithm.to_jwk(private.public_key())
    party = add_party(running, "keyed", kind="key", keys=public)
    now = int(time.time())
    claims = {"iss": "keyed", "sub": "keyed", "aud": party.issuer, "jti": "j1", "iat": now, "exp": now + 60}
    proofs = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}

    def attempt(key: Any = private, **changes: Any) -> httpx.Response:
        assertion = jwt.encode({**claims, **changes}, key, algorithm="ES256")
        return party.exchange(party.code_for(ada), client_assertion=assertion, **proofs)

    assert attempt().status_code == 200
    assert attempt().status_code == 401, "the same assertion again"
    stranger = ec.generate_private_key(ec.SECP256R1())
    for refused in (
        attempt(stranger, jti="j2"),
        attempt(jti="j3", aud="https://elsewhere.test"),
        attempt(jti="j4", exp=now - 120),
        attempt(jti="j5", exp=now + 86400),
        attempt(jti="j6", sub="books"),
    ):
        assert fields(refused)["error"] == "invalid_client"
    assert party.exchange(party.code_for(ada)).status_code == 401, "no assertion at all"


def test_what_a_rule_refuses_gets_no_code(running: RunningInstance, books: Party) -> None:
    browser = running.signed_in(running.make_person("misled"))
    page = books.go(browser)
    assert (page.status_code, "Books is not open to you" in page.text) == (403, True)
    silent = books.come_back(books.go(browser, books.request(prompt="none")))
    assert silent["error"] == "access_denied"


def test_a_step_up_that_a_rule_asks_for_leads_back_to_the_app(running: RunningInstance, books: Party) -> None:
    browser = running.signed_in(running.make_person("finance"))
    passkey = browser.add_passkey()
    fresh = running.client(browser.account)
    fresh._last_step = browser._last_step
    fresh.sign_in()
    silent = books.come_back(books.go(fresh, books.request(prompt="none")))
    assert silent["error"] == "interaction_required"
    asked = books.go(fresh)
    assert asked.request.url.path == "/step-up"
    answered = fresh.passkey_answer(passkey, "/prove/options")
    back = fresh.post("id", str(asked.request.url.raw_path.decode()), asked, credential=answered)
    assert back.status_code == 302, back.text[:300]
    assert back.headers["location"].startswith("/oidc/authorize?")
    code = books.come_back(books.go(fresh, back.headers["location"]))["code"]
    assert checked(books, fields(books.exchange(code))["id_token"])["acr"] == "phr"


def test_rules_decide_again_at_each_refresh_and_userinfo(running: RunningInstance, books: Party) -> None:
    """Stale claims (lesson 10): out of the group, the next use of what was issued is refused, and comes back with it."""
    person = running.make_person("staff")
    tokens = books.sign_in(running.signed_in(person))
    running.operator("ostiary.identity.facade:remove_member", group_id="staff", person_id=person.id)
    running.in_force()
    assert books.userinfo(tokens["access_token"]).status_code == 403
    refused = books.refresh(tokens["refresh_token"])
    assert fields(refused)["error"] == "invalid_grant"
    denied = running.decisions()[-1]
    assert (denied["action"], denied["actor"]["app_name"]) == ("Denied", "oidc:books")
    assert denied["metadata"]["uid"] in fields(refused)["error_description"]
    running.operator("ostiary.identity.facade:add_member", group_id="staff", person_id=person.id)
    running.in_force()
    assert books.refresh(tokens["refresh_token"]).status_code == 200


def test_lesson_11_nothing_that_was_issued_outlives_the_account(running: RunningInstance, books: Party) -> None:
    person = running.make_person("staff")
    browser = running.signed_in(person)
    tokens, code = books.sign_in(browser), books.code_for(browser)
    running.operator("ostiary.identity.facade:disable_person", person_id=person.id, reason="left")
    assert fields(books.exchange(code))["error"] == "invalid_grant"
    assert fields(books.refresh(tokens["refresh_token"]))["error"] == "invalid_grant"
    assert books.userinfo(tokens["access_token"]).status_code == 401
    assert books.go(browser).request.url.path == "/sign-in"


def test_lesson_13_a_revoked_session_is_worth_nothing_at_any_endpoint(running: RunningInstance, books: Party) -> None:
    person = running.make_person("staff")
    browser = running.signed_in(person)
    tokens, code = books.sign_in(browser), books.code_for(browser)
    running.operator("ostiary.identity.facade:revoke_sessions_of", person_id=person.id, reason="lost laptop")
    assert fields(books.exchange(code))["error"] == "invalid_grant"
    assert fields(books.refresh(tokens["refresh_token"]))["error"] == "invalid_grant"
    assert books.userinfo(tokens["access_token"]).status_code == 401


def test_prompt_none_shows_no_page(running: RunningInstance, books: Party, ada: Client) -> None:
    assert "code" in books.come_back(books.go(ada, books.request(prompt="none")))
    nobody = running.client()
    assert books.come_back(books.go(nobody, books.request(prompt="none")))["error"] == "login_required"
    unfinished = running.client(running.make_person("staff", code_app=False))
    unfinished.give_password()
    assert books.come_back(books.go(unfinished, books.request(prompt="none")))["error"] == "login_required"


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}])
def test_a_fresh_proof_is_asked_for_once(
    running: RunningInstance, books: Party, changes: dict[str, str | None]
) -> None:
    browser = running.signed_in(running.make_person("staff"))
    asked = books.go(browser, books.request(**changes))
    assert asked.request.url.path == "/prove"
    skipped = books.go(browser, books.request(**changes))
    assert skipped.request.url.path == "/prove", "coming back without a proof changes nothing"
    began = int(time.time())
    back = browser.post("id", str(asked.request.url.raw_path.decode()), asked, code=browser.next_code())
    tokens = fields(books.exchange(books.come_back(books.go(browser, back.headers["location"]))["code"]))
    claims = checked(books, tokens["id_token"])
    assert claims["auth_time"] >= began
    assert claims["amr"] == ["otp"], "the password of the sign-in was not asked for anew"
    assert books.go(browser, books.request(**changes)).request.url.path == "/prove", "the next request wants its own"


def test_max_age_holds_against_the_age_of_the_sign_in(running: RunningInstance, books: Party, ada: Client) -> None:
    assert "code" in books.come_back(books.go(ada, books.request(max_age="3600")))


def test_signing_out_at_the_app_ends_the_sign_in_here(running: RunningInstance, books: Party) -> None:
    browser = running.signed_in(running.make_person("staff"))
    tokens = books.sign_in(browser)
    bye = "https://books.elsewhere.test/bye"
    asked = browser.get("id", f"/oidc/end-session?post_logout_redirect_uri={bye}&client_id=books")
    assert asked.headers["location"] == "/sign-out", "without an ID token the person is asked"
    foreign = browser.get("id", f"/oidc/end-session?id_token_hint={tokens['id_token'][:-4]}AAAA")
    assert foreign.headers["location"] == "/sign-out"
    evil = f"/oidc/end-session?id_token_hint={tokens['id_token']}&post_logout_redirect_uri=https://evil.test/"
    assert running.client().get("id", evil).headers["location"] == "/sign-in"
    out = browser.get(
        "id", f"/oidc/end-session?id_token_hint={tokens['id_token']}&post_logout_redirect_uri={bye}&state=s%261"
    )
    assert (out.status_code, out.headers["location"]) == (303, f"{bye}?state=s%261")
    assert browser.get("id", "/").headers["location"].startswith("/sign-in")
    assert books.userinfo(tokens["access_token"]).status_code == 401


def test_a_token_handed_back_ends_what_came_with_it(books: Party, ada: Client) -> None:
    tokens = books.sign_in(ada)
    assert books.post("/oidc/revoke", {"token": "never-was"}).status_code == 200
    assert books.post("/oidc/revoke", {"token": tokens["refresh_token"]}).status_code == 200
    assert books.userinfo(tokens["access_token"]).status_code == 401
    assert books.refresh(tokens["refresh_token"]).status_code == 400


def test_tokens_are_signed_with_the_new_key_and_the_one_before_still_counts(
    running: RunningInstance, books: Party, ada: Client
) -> None:
    before = books.sign_in(ada)["id_token"]
    running.command("app", "oidc", "rotate-keys", "--yes")
    after = books.sign_in(ada)["id_token"]
    assert jwt.get_unverified_header(before)["kid"] != jwt.get_unverified_header(after)["kid"]
    assert checked(books, before)["sub"] == checked(books, after)["sub"]
    keys = fields(running.client().get("id", "/oidc/keys"))["keys"]
    assert len(keys) == 2
    assert not {"d", "p", "q"} & {member for key in keys for member in key}


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_hint_that_we_did_not_sign_counts_for_nothing(running: RunningInstance, books: Party, algorithm: str) -> None:
    browser = running.signed_in(running.make_person("staff"))
    tokens = books.sign_in(browser)
    claims = running.unverified_claims(tokens["id_token"])
    kid = jwt.get_unverified_header(tokens["id_token"])["kid"]
    forged = jwt.encode(claims, "x" * 32 if algorithm == "HS256" else None, algorithm=algorithm, headers={"kid": kid})
    out = browser.get("id", f"/oidc/end-session?id_token_hint={forged}")
    assert out.headers["location"] == "/sign-out"
    assert books.userinfo(tokens["access_token"]).status_code == 200


def test_post_from_elsewhere_becomes_the_same_question(books: Party, ada: Client, running: RunningInstance) -> None:
    given = {name: values[0] for name, values in parse_qs(urlsplit(books.request()).query).items()}
    answer = ada.browser.send("POST", running.url("id", "/oidc/authorize"), data=given)
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (302, "/oidc/authorize")
    assert "code" in books.come_back(books.go(ada, answer.headers["location"]))


def test_a_program_asks_in_one_form_only(books: Party, running: RunningInstance) -> None:
    browser = running.client()
    url = running.url("id", "/oidc/token")
    for answer in (
        browser.browser.send("POST", url, json={"grant_type": "authorization_code"}),
        browser.browser.send("POST", url, content=b"grant_type=a&grant_type=b", headers=_FORM),
        browser.browser.send("POST", url, content=b"", headers=_FORM),
        browser.browser.send("GET", url),
    ):
        assert answer.status_code in {400, 401, 405}, answer.text
    assert fields(books.post("/oidc/token", {"grant_type": "password"}))["error"] == "unsupported_grant_type"
    for token in ("", "x", "x" * 5000, "é"):
        assert (
            browser.get("id", "/oidc/userinfo", headers={"authorization": f"Bearer {token}".encode()}).status_code
            == 401
        )


_FORM = {"content-type": "application/x-www-form-urlencoded"}
