"""`ostiary request approvers`, `reviews`, `review` and `ostiary admin`, typed as an operator types them."""

import json
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import msgspec
import pytest
import structlog
from allauth.mfa.models import Authenticator
from django.conf import settings
from tests.identity_people import make_group, make_person
from tests.requests_firm import LEDGER, Firm, actor_for
from typer.testing import CliRunner

from ostiary.cli.main import app
from ostiary.config.places import Instance
from ostiary.identity.domain.proofs import proof
from ostiary.identity.facade import ELIGIBLE, get_person
from ostiary.requests.facade import use_emergency

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A command sends logs to its own standard error, which the runner closes."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def ostiary(*words: str, code: int = 0) -> str:
    """Type a command and return what it printed as its result."""
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == code, done.output
    return done.stdout


def shown(*words: str) -> Any:
    return json.loads(ostiary(*words, "--json"))


def test_who_answers_is_said_listed_and_taken_back() -> None:
    for group in ("archive", "council"):
        make_group(group)
    ostiary("request", "approvers", "archive", "--by", "council", "--needed", "3")
    assert shown("request", "approvers") == [{"group": "archive", "by": "council", "needed": 3}]
    assert "council" in ostiary("request", "approvers", "archive")
    ostiary("request", "approvers", "archive", "--by", "nobody", code=1)
    ostiary("request", "approvers", "archive", "--owner")
    assert shown("request", "approvers") == []


def test_emergency_access_is_listed_and_reviewed() -> None:
    firm = Firm()
    night = make_person("ned@example.test", groups=("on-call",))
    instance: Instance = settings.INSTANCE
    access = msgspec.structs.replace(instance.configuration.access, emergency_group="on-call")
    changed = Instance(instance.home, msgspec.structs.replace(instance.configuration, access=access))
    with mock.patch.object(settings, "INSTANCE", changed):
        used = use_emergency(
            person_id=night,
            group_id=LEDGER,
            reason="The press stands still",
            proofs=(proof("totp", at=time.time()),),
            actor=actor_for(night),
        )
    assert [one["request"]["id"] for one in shown("request", "reviews")] == [used.id]
    assert [one["id"] for one in shown("request", "list", "--kind", "emergency")] == [used.id]
    ostiary("request", "list", "--kind", "nonsense", code=1)
    ostiary("request", "review", used.id, "--words", "Fine", code=2)
    ostiary("request", "review", "r_none", "--justified", "--words", "Fine", code=1)
    said = shown("request", "review", used.id, "--not-justified", "--words", "Could have waited")
    assert (said["justified"], said["words"]) == (False, "Could have waited")
    ostiary("request", "review", used.id, "--justified", "--words", "Fine", code=1)
    assert shown("request", "reviews") == []
    assert len(shown("request", "reviews", "--all")) == 1
    assert "not justified" in ostiary("request", "show", used.id)
    assert firm.ways() == []


def test_administrators_are_listed_and_turned_after_a_look() -> None:
    root = make_person("root@example.test", groups=("administrators",))
    Authenticator.objects.create(user_id=root, type=Authenticator.Type.WEBAUTHN, data={"name": "Key"})
    looked = shown("admin", "only-when-needed", "--dry-run")
    assert (looked["turned"], looked["dry_run"]) == (["root@example.test"], True)
    assert get_person(root).groups == ("administrators",)
    assert "without an end" in ostiary("admin", "list")
    assert shown("admin", "only-when-needed", "--keep", "ROOT@example.test", "--yes")["turned"] == []
    assert shown("admin", "only-when-needed", "--yes")["turned"] == ["root@example.test"]
    assert get_person(root).groups == (ELIGIBLE,)
    assert [(one["standing"], one["eligible"]) for one in shown("admin", "list")] == [(False, True)]
