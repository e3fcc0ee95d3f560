"""Fixtures for tests of the console: an instance of their own, the company in it, and ways to visit as somebody."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from ostiary.config.loader import load_instance
from ostiary.config.places import Instance
from tests.console_company import Company, make_company
from tests.instance import make_instance_home

CONSOLE_HOST = "admin.example.test"
Visit = Callable[..., Client]


@pytest.fixture
def console_instance(settings: Any) -> Iterator[Instance]:
    """Return an instance with a record of its own, so that no other test's decisions are found."""
    home = make_instance_home('domain = "example.test"\norganisation = "Example"\n[record]\nmin_free_mib = 1\n')
    settings.INSTANCE = load_instance(home)
    yield settings.INSTANCE
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def company(db: None, console_instance: Instance) -> Company:
    """Return the company, made in the present database."""
    return make_company()


@pytest.fixture
def visit(company: Company) -> Visit:
    """Return a function that opens the console as somebody, by the part of their address before the @."""

    def open_as(who: str = "ada_admin", *, csrf: bool = False, **claims: object) -> Client:
        return visitor(company.assertion(who, **claims), csrf=csrf)

    return open_as


def visitor(assertion: str, *, csrf: bool = False, **more: str) -> Client:
    """Return a client whose requests arrive as the gateway passes them on."""
    headers = {
        "host": CONSOLE_HOST,
        "x-forwarded-proto": "https",
        "x-forwarded-for": "192.0.2.17",
        "origin": f"https://{CONSOLE_HOST}",
        **more,
    }
    if assertion:
        headers["x-ostiary-assertion"] = assertion
    return Client(enforce_csrf_checks=csrf, headers=headers, raise_request_exception=True)


def text_of(response: Any) -> str:
    """Return a page's text with white space collapsed, markup included."""
    return " ".join(response.content.decode().split())
