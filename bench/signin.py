"""Signing in as people do: the pages of the sign-in host, a password and a one-time code. Timed, several at once."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

import pyotp

from bench.browser import Answer, Browser, UnexpectedAnswer, find_form
from bench.company import Account

PASSWORD_FIELD = "password"
CODE_FIELD = "code"


@dataclass(frozen=True, slots=True)
class SignIns:
    """Several people signed in.

    Args:
        browsers: of each, in their order.
        per_second: how many were done in a second, at the concurrency used.
        seconds: how long each took.
    """

    browsers: tuple[Browser, ...]
    per_second: float
    seconds: tuple[float, ...]


def sign_in(browser: Browser, account: Account, url: str) -> Answer:
    """Open `url`, prove password and one-time code, and return the page that follows.

    Args:
        browser: without a session.
        account: who signs in.
        url: of an application, or of the sign-in host: whoever is not signed in is asked to.

    Raises:
        UnexpectedAnswer: when a page does not ask for what a person would be asked for next, or refuses it.
    """
    form = find_form(browser.visit(url), having=PASSWORD_FIELD)
    answer = browser.visit(form.action, form={**form.fields, "email": account.email, PASSWORD_FIELD: account.password})
    form = find_form(answer, having=CODE_FIELD)
    answer = browser.visit(form.action, form={**form.fields, CODE_FIELD: pyotp.TOTP(account.seed).now()})
    if answer.status != 200 or b'name="code"' in answer.body:
        raise UnexpectedAnswer(f"{answer.url} answered {answer.status} after the right code.")
    return answer


def sign_in_all(browsers: Sequence[Browser], accounts: Sequence[Account], url: str, *, at_once: int) -> SignIns:
    """Sign everybody in, `at_once` at a time, and time it."""

    def one(pair: tuple[Browser, Account]) -> float:
        began = time.monotonic()
        sign_in(*pair, url)
        return time.monotonic() - began

    began = time.monotonic()
    with ThreadPoolExecutor(at_once) as pool:
        seconds = tuple(pool.map(one, zip(browsers, accounts, strict=True)))
    return SignIns(tuple(browsers), len(accounts) / (time.monotonic() - began), seconds)


def enter(browser: Browser, url: str) -> None:
    """Open the application with a browser that is signed in, so that it has its session and its grant there.

    Raises:
        UnexpectedAnswer: when it ends anywhere but at the application.
    """
    answer = browser.visit(url)
    if answer.status != 200 or urlsplit(answer.url).netloc != urlsplit(url).netloc:
        raise UnexpectedAnswer(f"{url} led to {answer.url}, which answered {answer.status}.")
