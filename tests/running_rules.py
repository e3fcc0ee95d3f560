"""Changing the rules of a running instance in its console, as an administrator does: text, review, the button."""

import re

import httpx

from ostiary.demo.walk.browser import PAGE_HEADERS, _ThisMachine, form_with, trusting, words_of
from ostiary.demo.walk.forms import read_forms
from tests.running_client import Client


def review(admin: Client, document: str) -> httpx.Response:
    """Return the page that says what a change would do."""
    page = admin.get("admin", "/rules/edit")
    assert page.status_code == 200, words_of(page)
    shown = admin.browser.submit(page, form_with(page, "document"), document=document)
    assert shown.status_code == 200, words_of(shown, 2000)
    return shown


def people_losing(page: httpx.Response) -> str:
    """Return how many people lose something, as a review says it."""
    found = re.search(r"(\d+) of \d+ people with access lose", page.text)
    return found[1] if found else "0"


def change(admin: Client, document: str, comment: str = "") -> httpx.Response:
    """Change the rules after looking at what that does, and follow where it leads."""
    shown = review(admin, document)
    form = form_with(shown, "document")
    named = {"people": people_losing(shown)} if "people" in form.values else {}
    return admin.browser.submit(shown, form, apply="1", comment=comment, **named)


def confirm(admin: Client, page: httpx.Response) -> httpx.Response:
    """Press the button that lets rules on trial stay, on a page that has it."""
    form = next(form for form in read_forms(page.text) if form.action.endswith("/rules/confirm"))
    return admin.browser.submit(page, form)


def move(admin: Client, address: str) -> None:
    """Let a browser's requests to the console come from another address of this machine from now on."""
    browser, host = admin.browser, admin.running.host("admin")
    transport = _ThisMachine(verify=trusting(browser.authority), http2=True, local_address=address)
    browser.client_for(host).close()
    browser._clients[host] = httpx.Client(transport=transport, headers=PAGE_HEADERS, timeout=30, trust_env=False)
