"""Every page of the console, opened as its administrator would and timed. Import it when Django is set up."""

import gc
import time
from collections.abc import Mapping
from typing import Any, Final

import jwt
from django.conf import settings
from django.test import Client
from django.urls import reverse

from bench.office import CLERK, STAFF, begin_visit
from ostiary.config.places import Instance
from ostiary.config.secrets import ASSERTION_KEY, read_secret
from ostiary.identity.facade import list_people, list_sessions
from ostiary.rulebook.facade import get_current
from ostiary.visibility.facade import DecisionQuery, latest_decisions
from ostiary.web.urls_console import pages

ABSENT: Final = frozenset(
    {
        "advisory_id",
        "client_name",
        "connection_name",
        "device_id",
        "exception_id",
        "host_id",
        "key_id",
        "link_id",
        "proposal_id",
        "provider_id",
        "record_id",
        "recovery_id",
        "request_id",
        "review_id",
        "secret_name",
        "seen_id",
        "service_id",
        "stream_id",
        "token_id",
        "transmitter_name",
        "trust_id",
    }
)
"""Parts of addresses for which there is nothing in this company: nobody asked for access, no review was started, nothing is
proposed, and it has no other directory, no service, no device and no token. Pages about them are not timed."""

NOT_TIMED: Final = frozenset(
    {
        "audit_download",
        "client",
        "client_change",
        "client_remove",
        "client_secret",
        "saml_change",
        "rules_confirm",
        "rules_roll_back",
        "rules_unused_review",
        *(str(page.name) for page in pages if ABSENT & page.pattern.converters.keys()),
    }
)
"""The whole record as an archive takes as long as the record is. Nothing is on trial in this company, nothing is chosen to be
taken back, and no app signs people in."""
ASKED: Final[Mapping[str, Mapping[str, str]]] = {
    "overview": {"week": "?span=week", "hour": "?span=hour"},
    "people": {"search": "?q=person-09", "group": f"?group={STAFF}", "late page": "?page=150"},
    "groups": {"search": "?q=team"},
    "group": {"search": "?q=person-09", "late page": "?page=150"},
    "sessions": {"late page": "?page=20"},
    "search": {"person": "?q=person-0123", "reference": "?q={reference}", "nothing": "?q=zzzz"},
    "decisions": {
        "held": "?outcome=held",
        "reason": "?reason=conditions_unmet",
        "app": "?app=app-3",
        "person": "?person={email}",
        "part of an address": "?person=person-012",
        "words": "?q=board+app-3",
        "nothing": "?q=zzzz",
        "week": "?span=week",
        "with grants": "?grants=on",
        "late page": "?page=900",
        "late page with grants": "?page=900&grants=on",
    },
    "explain": {"refused": "?person={email}&app=app-3&do=view"},
    "audit": {"kind": "?kind=account", "words": "?q=person-0123", "nothing": "?q=zzzz", "late page": "?page=300"},
}
"""What people ask of a page besides its beginning."""


def addresses() -> dict[str, str]:
    """Return the path of every page of the console, then those with what people ask of them, by what they are called."""
    person = list_people(text="person-", page_size=3).items[2]
    waiting = next(one for one in list_people(text="person-", page_size=100).items if one.invited)
    reference = latest_decisions(DecisionQuery(outcome="held", page_size=1))[0].reference
    usual: dict[str, Any] = {
        "app_id": "app-3",
        "person_id": person.id,
        "group_id": STAFF,
        "role_id": CLERK,
        "baseline_name": "standard",
        "reference": reference,
        "session_id": list_sessions(page_size=2).items[1].id,
        "number": get_current().number,
        "stream": "control",
        "seq": 3,
    }
    others: Mapping[str, Mapping[str, Any]] = {"person_invite_again": {"person_id": waiting.id}}
    found = {}
    for page in pages:
        name = str(page.name)
        if name not in NOT_TIMED:
            unknown = page.pattern.converters.keys() - usual.keys()
            assert not unknown, f"{name} is about {unknown}: name something in `usual`, or put it into ABSENT"
            arguments = {part: {**usual, **others.get(name, {})}[part] for part in page.pattern.converters}
            found[name] = reverse(f"console:{name}", "ostiary.web.urls_console", kwargs=arguments)
    asked = {
        f"{name}: {what}": found[name] + query.format(reference=reference, email=person.email)
        for name, queries in ASKED.items()
        for what, query in queries.items()
    }
    files = {name: f"{path}?export=csv" for name, path in found.items() if name.endswith("_export")}
    return {name: path for name, path in (found | files | asked).items() if name != "search"}


def administrator() -> Client:
    """Return a client whose requests arrive as the gateway passes those of an administrator on."""
    instance: Instance = settings.INSTANCE
    person, session = begin_visit()
    key = read_secret(instance.secrets, ASSERTION_KEY).reveal()
    now = int(time.time())
    claims = {"iss": instance.url(instance.identity_host, ""), "aud": "console", "sub": person, "sid": session.id}
    return Client(
        headers={
            "host": instance.console_host,
            "x-forwarded-proto": "https",
            "x-forwarded-for": "192.0.2.1",
            "x-ostiary-assertion": jwt.encode(claims | {"iat": now, "exp": now + 3600}, key, algorithm="ES256"),
        }
    )


def time_pages(*, rounds: int, warm_up: int) -> dict[str, list[float]]:
    """Return the milliseconds each page took, by what it is called; all in turn, `rounds` times.

    What an export leaves behind is cleared away before the next page is timed.

    Raises:
        AssertionError: when a page is not what it should be.
    """
    client, every = administrator(), addresses()
    took: dict[str, list[float]] = {name: [] for name in every}
    for number in range(warm_up + rounds):
        for name, path in every.items():
            began = time.perf_counter()
            answer = client.get(path)
            milliseconds = (time.perf_counter() - began) * 1000
            expected = 302 if name == "search: reference" else 200
            assert answer.status_code == expected, f"{path} answered {answer.status_code}"
            if number >= warm_up:
                took[name].append(milliseconds)
            if name.endswith("_export"):
                gc.collect()
    return took
