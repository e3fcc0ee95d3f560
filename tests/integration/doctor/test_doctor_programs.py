"""`ostiary doctor` speaks of programs whose tokens will not last."""

import time

import pytest

from ostiary.authzen.facade import add_client, revoke_client
from ostiary.authzen.models import StoredClient
from ostiary.supervisor.diagnosis.finding import Level
from ostiary.supervisor.diagnosis.programs import check_clients
from ostiary.visibility.facade import Actor

pytestmark = pytest.mark.django_db

ROOT = Actor(kind="machine", id="os:root", label="root")
DAY = 86400


def test_of_no_programs_nothing_is_said() -> None:
    assert list(check_clients(time.time())) == []
    add_client("gone", actor=ROOT, lifetime="1h")
    revoke_client("gone", actor=ROOT)
    assert list(check_clients(time.time())) == []


def test_tokens_that_last_are_fine() -> None:
    add_client("steady", actor=ROOT)
    (finding,) = check_clients(time.time())
    assert finding.level is Level.OK


@pytest.mark.parametrize(
    ("days", "words"), [(13.5, "expires in 13 days"), (0.5, "expires in 0 days"), (-1, "has expired")]
)
def test_a_token_that_ends_is_named_with_what_to_type(days: float, words: str) -> None:
    add_client("steady", actor=ROOT)
    add_client("late", actor=ROOT, lifetime="30d")
    ends = StoredClient.objects.get(pk="late").expires_at.timestamp()
    (finding,) = check_clients(ends - days * DAY)
    assert finding.level is Level.WARNING
    assert f"late {words}" in finding.words
    assert finding.mend.endswith("ostiary authzen client revoke late")
