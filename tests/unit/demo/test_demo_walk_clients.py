"""What the walk sends is what a browser would send."""

import json
import socket
from urllib.parse import parse_qs

import httpx
import pytest

from ostiary.demo.__main__ import _usable_port
from ostiary.demo.notes import Account, Notes, read_notes, write_notes
from ostiary.demo.walk.browser import Browser, WalkFailed, form_with, words_of
from ostiary.demo.walk.forms import read_forms
from ostiary.demo.walk.passkey import Passkey
from ostiary.demo.walk.report import Report

PAGE = """<html><head><title>not a word</title></head><body><h1>Sign&nbsp;in</h1>
<form method="post" action="/sign-in?x=1"><input type="hidden" name="csrf" value="a&amp;b"><input name="email">
<input type="password" name="password"><input type="checkbox" name="keep"><button name="go">Go</button></form>
<form hidden action="/never"><input name="email"></form>
<form hidden data-passkey="get" data-options="/o" method="post"><input type="hidden" name="credential"></form>
<script>not a word either</script></body></html>"""


def page(text: str = PAGE, url: str = "https://id.localhost:8443/sign-in", status: int = 200) -> httpx.Response:
    return httpx.Response(status, text=text, request=httpx.Request("GET", url))


def test_forms_are_read_as_somebody_sees_them():
    sign_in, passkey = read_forms(PAGE)
    assert (sign_in.action, sign_in.method) == ("/sign-in?x=1", "post")
    assert sign_in.values == {"csrf": "a&b", "email": "", "password": "", "keep": ""}
    assert sign_in.visible == ["email", "password"]
    assert (passkey.passkey, passkey.options) == ("get", "/o")


def test_a_page_is_words_without_its_markup():
    assert words_of(page()) == "Sign in Go"


def test_a_missing_form_says_what_the_page_says():
    with pytest.raises(WalkFailed, match="no form with code"):
        form_with(page(), "code")


def browser_with(tmp_path, answers: list[httpx.Response]) -> tuple[Browser, list[httpx.Request]]:
    browser = Browser(tmp_path / "authority.pem")
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return answers.pop(0)

    browser.client_for = lambda host: httpx.Client(transport=httpx.MockTransport(answer))  # type: ignore[method-assign]
    return browser, sent


def test_cookies_go_back_to_their_host_alone_and_go_when_told(tmp_path):
    browser, sent = browser_with(
        tmp_path,
        [
            httpx.Response(200, headers=[("set-cookie", "__Host-a=1; Path=/"), ("set-cookie", "b=x=y; Path=/")]),
            httpx.Response(200, headers=[("set-cookie", "__Host-a=; Max-Age=0")]),
            httpx.Response(200),
            httpx.Response(200),
        ],
    )
    for host in ("one", "one", "one", "other"):
        browser.send("GET", f"https://{host}.localhost/")
    assert [request.headers.get("cookie") for request in sent] == [None, "__Host-a=1; b=x=y", "b=x=y", None]


def test_a_form_is_sent_with_its_hidden_fields_and_origin_and_followed(tmp_path):
    browser, sent = browser_with(
        tmp_path, [httpx.Response(302, headers={"location": "/next"}), httpx.Response(200, text="there")]
    )
    landed = browser.submit(page(), read_forms(PAGE)[0], email="ada@example.com", password="x")
    assert landed.text == "there"
    assert str(landed.request.url) == "https://id.localhost:8443/next"
    assert parse_qs(sent[0].content.decode())["csrf"] == ["a&b"]
    assert sent[0].headers["origin"] == "https://id.localhost:8443"
    assert str(sent[0].url) == "https://id.localhost:8443/sign-in?x=1"


def test_redirects_without_end_end(tmp_path):
    browser, _ = browser_with(tmp_path, [httpx.Response(302, headers={"location": "/"}) for _ in range(30)])
    with pytest.raises(WalkFailed, match="without end"):
        browser.open("https://id.localhost/")


def test_a_passkey_in_software_satisfies_a_real_verifier(tmp_path):
    from fido2.server import Fido2Server
    from fido2.webauthn import PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity

    origin = "https://id.localhost:8443"
    server = Fido2Server(
        PublicKeyCredentialRpEntity(name="x", id="id.localhost"), verify_origin=lambda given: given == origin
    )
    options, state = server.register_begin(PublicKeyCredentialUserEntity(name="ada", id=b"ada", display_name="Ada"))
    path = tmp_path / "passkey.json"
    made = Passkey(path).create(json.loads(json.dumps(dict(options)["publicKey"], default=dict)), origin)
    registered = server.register_complete(state, json.loads(made))
    assert registered.credential_data is not None
    assert path.stat().st_mode & 0o077 == 0
    for _ in range(2):
        asked, state = server.authenticate_begin([registered.credential_data])
        answer = Passkey(path).answer(json.loads(json.dumps(dict(asked)["publicKey"], default=dict)), origin)
        server.authenticate_complete(state, [registered.credential_data], json.loads(answer))
    asked, state = server.authenticate_begin([registered.credential_data])
    elsewhere = Passkey(path).answer(
        json.loads(json.dumps(dict(asked)["publicKey"], default=dict)), "https://evil.example"
    )
    with pytest.raises(ValueError, match="origin"):
        server.authenticate_complete(state, [registered.credential_data], json.loads(elsewhere))


def test_a_walk_with_one_wrong_step_is_wrong(capsys):
    import sys

    def wrong() -> str:
        raise WalkFailed("it is not so")

    report = Report(sys.stdout)
    report.take("one", lambda: "seen")
    report.take("two", wrong)
    report.take("three", lambda: "")
    assert report.finish() == 1
    said = capsys.readouterr().out
    assert "✗" in said
    assert "it is not so" in said
    assert "2 of 3 steps" in said
    right = Report(sys.stdout)
    right.take("one", lambda: "")
    assert right.finish() == 0


def test_notes_are_their_owners_alone(tmp_path):
    account = Account(name="Ada", email="a@b.example", story="x", password="y", totp="JBSWY3DPEHPK3PXP")
    write_notes(tmp_path, Notes(https_port=1, ports={"a": 2}, accounts=(account,)))
    assert read_notes(tmp_path) == Notes(https_port=1, ports={"a": 2}, accounts=(account,))
    assert (tmp_path / "demo.json").stat().st_mode & 0o077 == 0
    assert read_notes(tmp_path / "elsewhere") is None


def test_an_application_gets_the_port_it_likes_or_another_free_one():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen(1)
        taken = holder.getsockname()[1]
        assert _usable_port(taken) not in (0, taken)
    assert _usable_port(taken) == taken
