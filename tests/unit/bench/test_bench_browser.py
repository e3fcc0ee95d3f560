"""The benchmark's browser: forms of a page, cookies by host."""

import http.client
import ssl

import pytest
from bench.browser import Answer, Browser, UnexpectedAnswer, find_form

PAGE = b"""<!doctype html><title>Sign in</title>
<form action="/search"><input name="q"></form>
<form method="post" action="?next=%2Fapps&amp;x=1">
  <input type="hidden" name="csrf" value="a&amp;b"><input type="email" name="login" value="">
  <input type="password" name="password"><input type="checkbox" name="remember"><input type="submit" name="go" value="1">
</form>"""


def make_answer(body: bytes, status: int = 200) -> Answer:
    return Answer(url="https://id.example.test/sign-in", status=status, headers=http.client.HTTPMessage(), body=body)


def test_a_form_is_found_by_a_field_it_has() -> None:
    form = find_form(make_answer(PAGE), having="password")
    assert form.action == "https://id.example.test/sign-in?next=%2Fapps&x=1"
    assert form.fields == {"csrf": "a&b", "login": "", "password": ""}


def test_a_page_without_the_form_says_which_page_it_was() -> None:
    with pytest.raises(UnexpectedAnswer, match="code") as raised:
        find_form(make_answer(PAGE, status=403), having="code")
    assert raised.value.hint == "Sign in"


def test_cookies_stay_with_their_host_and_go_when_told() -> None:
    browser = Browser(ssl.create_default_context())
    browser._keep_cookies("wiki.example.test", ["__Host-a=1; Path=/; Secure; HttpOnly", "__Host-b=2; Path=/; Secure"])
    assert browser.cookie_header("wiki.example.test") == "__Host-a=1; __Host-b=2"
    assert browser.cookie_header("wiki.example.test", without=frozenset({"__Host-b"})) == "__Host-a=1"
    assert browser.cookie_header("id.example.test") == ""
    browser._keep_cookies("wiki.example.test", ['__Host-a=""; Max-Age=0; Path=/'])
    assert browser.cookie_header("wiki.example.test") == "__Host-b=2"
