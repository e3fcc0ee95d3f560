"""Applications that sign people in here, at the whole instance, which starts once a process."""

from collections.abc import Iterator

import pytest
from tests.oidc_party import Party, add_party
from tests.running_company import RULES
from tests.running_instance import RunningInstance

BOOKS_RULES = (
    RULES
    + """\
  - name: staff-use-the-books
    allow: group:staff
    to: [app:books, app:apache, app:node, app:keyed]
    do: [view]
    when: {mfa: any}
  - name: finance-uses-the-books-with-a-passkey
    allow: group:finance
    to: app:books
    do: [view]
    when: {mfa: phishing-resistant}
"""
)


@pytest.fixture(scope="module")
def books(running: RunningInstance) -> Iterator[Party]:
    """An application elsewhere, open to the staff."""
    party = add_party(
        running,
        "books",
        name="Books",
        post_logout_redirect_uris=["https://books.elsewhere.test/bye"],
        roles={"administrators": "admin", "staff": "writer", "*": "reader"},
        claims={"role": "role"},
    )
    for name in ("apache", "node", "keyed"):
        running.operator(
            "ostiary.applications.facade:add_app_elsewhere", name, sign_in="oidc", launch_url="http://127.0.0.1/"
        )
    try:
        with running.rules(BOOKS_RULES):
            yield party
    finally:
        for name in ("books", "apache", "node", "keyed"):
            running.operator("ostiary.applications.facade:remove_app", name)
        running.in_force()
