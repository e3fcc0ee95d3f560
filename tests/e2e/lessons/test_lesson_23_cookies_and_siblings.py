"""Lesson 23 and what an attacker with an app of their own tries: our cookies are ours, and a sibling host is a stranger.

What a stolen session cookie is worth where a device is bound is in `test_lesson_23_stolen_cookies`; elsewhere it opens what it opened until it ends.
"""

import re
from urllib.parse import quote

import pytest
from tests.running_instance import DOMAIN, Client, RunningInstance, location, reached, received

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
SESSION, GRANT, BEGIN = "__Host-ostiary-session", "__Host-ostiary-grant", "__Host-ostiary-begin"


@pytest.fixture(scope="module")
def ada(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff")).enter("wiki", "told", "files")


def test_every_cookie_of_ours_stays_on_its_host_and_away_from_scripts(running: RunningInstance) -> None:
    lines: list[str] = []
    client = running.client(running.make_person("staff"))
    keep = client.browser._keep

    def note(host: str, response: object) -> None:
        lines.extend(response.headers.get_list("set-cookie"))
        keep(host, response)

    client.browser._keep = note
    client.sign_in().enter("wiki")
    names = {line.partition("=")[0] for line in lines}
    assert {SESSION, GRANT, BEGIN, "__Host-ostiary-id", "__Host-ostiary-csrf"} <= names
    for line in lines:
        attributes = {part.strip().lower() for part in line.split(";")[1:]}
        assert line.startswith("__Host-ostiary-"), line
        assert {"path=/", "secure", "httponly", "samesite=lax"} <= attributes, line
        assert not any(attribute.startswith("domain") for attribute in attributes), line


def test_what_a_sibling_plants_is_no_session(ada: Client) -> None:
    """A sibling can set `Domain=` cookies without our prefix only; with another case or a space they are not ours."""
    good = ada.cookies("wiki")[SESSION]
    running = ada.running
    for name in (
        "ostiary-session",
        "__host-ostiary-session",
        "__Secure-ostiary-session",
        " __Host-ostiary-session\t",
        "=__Host-ostiary-session",
    ):
        answer = running.raw_path("wiki", "/", f"Cookie: {name}={good}")
        if name.strip() != SESSION:
            assert answer.status in {400, 401}, name
    for planted in (f"{SESSION}=x; {SESSION}={good}", f"{SESSION}={good}; {SESSION}=x"):
        assert running.raw_path("wiki", "/", f"Cookie: {planted}").status == 401, (
            "two are none, and never the planted one"
        )


def test_an_app_sees_none_of_our_cookies(ada: Client) -> None:
    for _ in range(2):
        answer = ada.get("wiki")
        assert "__Host-ostiary" not in answer.text
        assert received(answer, "cookie") in ([], [""])


def test_what_an_app_plants_under_our_names_arrives_nowhere_and_is_worth_nothing_elsewhere(ada: Client) -> None:
    """An app that is broken into can neither give a visitor another's session nor take theirs; and no host would take it."""
    running = ada.running
    mallory = running.signed_in(running.make_person("staff")).enter("told")
    theirs = mallory.cookies("told")[SESSION]
    bob = running.signed_in(running.make_person("staff")).enter("told", "wiki")
    before = dict(bob.cookies("wiki")), dict(bob.cookies("id"))
    for value in ("planted", theirs):
        planted = quote(f"{SESSION}={value}; Path=/; Secure")
        kept = dict(bob.cookies("told"))[SESSION]
        answer = bob.get("told", f"/?Set-Cookie={planted}&Set-Cookie={quote('x=1; Domain=corp.localhost')}")
        assert [line for line in answer.headers.get_list("set-cookie") if line.startswith(SESSION)] == []
        assert bob.cookies("told")[SESSION] == kept
        assert (dict(bob.cookies("wiki")), dict(bob.cookies("id"))) == before
        assert received(bob.api("wiki"), "remote-user") == [bob.account.email]
        assert bob.get("id", "/profile").status_code == 200
        for name in ("wiki", "vault", "files", "admin"):
            assert running.raw_path(name, "/public/x", f"Cookie: {SESSION}={value}").status == 401, name
    assert running.raw_path("told", "/", f"Cookie: {SESSION}=planted").status == 401


def test_an_apps_own_cookies_reach_the_browser(ada: Client) -> None:
    path = f"/?Set-Cookie={quote('one=1; Path=/')}&Set-Cookie={quote('two=__Host-ostiary; Path=/')}"
    lines = ada.get("told", path).headers.get_list("set-cookie")
    assert [line for line in lines if not line.startswith("__Host-")] == ["one=1; Path=/", "two=__Host-ostiary; Path=/"]


def test_only_a_page_of_the_app_signs_out_of_it(ada: Client) -> None:
    running = ada.running
    victim = running.signed_in(ada.running.make_person("staff")).enter("wiki")
    own = running.url("wiki").rstrip("/")
    for headers in (
        {"origin": "https://evil.test", "sec-fetch-site": "cross-site"},
        {"origin": running.url("told").rstrip("/"), "sec-fetch-site": "same-site"},
        {"origin": own, "sec-fetch-site": "same-site"},
        {"origin": "null"},
        {},
    ):
        answer = victim.send("POST", "wiki", "/.ostiary/sign-out", headers=headers)
        assert answer.status_code == 403, headers
        assert not answer.headers.get_list("set-cookie"), headers
    assert victim.get("wiki", "/.ostiary/sign-out").status_code == 200, "looking signs nobody out"
    assert reached(victim.api("wiki"))
    answer = victim.send("POST", "wiki", "/.ostiary/sign-out", headers={"origin": own, "sec-fetch-site": "same-origin"})
    assert answer.status_code == 200
    assert victim.api("wiki").status_code == 401


def test_nobody_signs_a_person_out_of_everything_from_elsewhere(ada: Client) -> None:
    for origin in ("https://evil.test", ada.running.url("told").rstrip("/")):
        page = ada.get("id", "/sign-out")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token is not None
        data = {"csrfmiddlewaretoken": token[1]}
        answer = ada.send("POST", "id", "/sign-out", data=data, headers={"origin": origin, "referer": f"{origin}/"})
        assert answer.status_code == 403
    assert ada.get("id", "/profile").status_code == 200


def test_a_preflight_is_nobodys_and_answered_by_nobody(ada: Client) -> None:
    before = ada.running.echo.requests.total()
    headers = (
        "Origin: https://evil.test",
        "Access-Control-Request-Method: DELETE",
        "Access-Control-Request-Headers: x",
    )
    answer = ada.running.raw_path("wiki", "/", *headers, method="OPTIONS")
    assert answer.status == 401
    assert not any(name.lower().startswith("access-control") for name, _ in answer.headers)
    assert ada.running.echo.requests.total() == before


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "TRACE", "get", "FROB"]
)
def test_a_method_is_what_it_is(ada: Client, method: str) -> None:
    """Reading and writing is allowed at the wiki, deleting is not, and what nobody knows is not."""
    allowed = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "PROPFIND"}
    cookie = f"Cookie: {SESSION}={ada.cookies('wiki')[SESSION]}"
    tricks = ("X-HTTP-Method-Override: GET", "X-Method-Override: GET", "X-HTTP-Method: GET")
    answer = ada.running.raw_path("wiki", "/?_method=GET", cookie, *tricks, "Content-Length: 0", method=method)
    if method in allowed:
        assert answer.status == 200
        if method != "HEAD":
            assert answer.json()["method"] == method
            assert received(answer, "x-http-method-override") == []
    else:
        assert answer.status in {400, 403, 405, 501}, answer


def test_a_grant_is_for_looking_only(ada: Client) -> None:
    ada.enter("wiki")
    grant = f"Cookie: {GRANT}={ada.cookies('wiki')[GRANT]}"
    assert reached(ada.running.raw_path("wiki", "/", grant))
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"):
        assert ada.running.raw_path("wiki", "/", grant, "Content-Length: 0", method=method).status == 401, method
    assert ada.running.raw_path("wiki", "/", grant, "Upgrade: websocket", "Connection: upgrade").status in {400, 401}
    assert ada.running.raw_path("wiki", "/events", grant, "Accept: text/event-stream").status == 401
    assert "__Host-ostiary-grant" not in str(ada.get("files", "/public/x").headers), "paths are decided each time"


def test_a_grant_is_for_its_app_and_by_our_key_only(ada: Client) -> None:
    running = ada.running
    ada.enter("wiki")
    grant = ada.cookies("wiki")[GRANT]
    head, body, signature = grant.split(".")
    for name, path in (("files", "/public/x"), ("vault", "/"), ("admin", "/"), ("payroll", "/")):
        assert running.raw_path(name, path, f"Cookie: {GRANT}={grant}").status == 401, name
    for spoilt in (f"{head}.{body}.", f"{head}.{body}.{signature[:-4]}AAAA", f"eyJhbGciOiJub25lIn0.{body}."):
        assert running.raw_path("wiki", "/", f"Cookie: {GRANT}={spoilt}").status == 401
    for where in (f"Authorization: Bearer {grant}", f"X-Ostiary-Grant: {grant}"):
        assert running.raw_path("wiki", "/", where).status == 401
    assert running.raw_path("wiki", f"/?access_token={grant}").status == 401
    assert reached(running.raw_path("wiki", "/", f"Cookie: {GRANT}={grant}"))


def test_what_one_may_take_from_a_refusal_page_is_text(ada: Client) -> None:
    """A path or a host in a refusal is shown as text, never as markup."""
    answer = ada.get("files", "/private/%3Cscript%3Ealert(1)%3C/script%3E?x=%3Cimg%20src=x%3E")
    assert answer.status_code in {400, 403}
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_our_pages_are_framed_and_cached_by_nobody(ada: Client) -> None:
    for name, path in (("id", "/"), ("id", "/sign-in"), ("files", "/private"), ("wiki", "/.ostiary/sign-out")):
        answer = ada.get(name, path)
        policy = answer.headers.get("content-security-policy", "")
        assert "frame-ancestors 'none'" in policy or answer.headers.get("x-frame-options") == "DENY", (name, path)
        if name != "wiki":
            assert "no-store" in answer.headers.get("cache-control", "") or answer.status_code == 302, (name, path)
    assert location(ada.get("id", "/sign-in")) == ada.running.url("id", "/")
    assert DOMAIN in ada.running.url("id")
