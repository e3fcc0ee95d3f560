"""`ostiary authzen client`, typed as an operator types it; what it stores, publishes and puts on record."""

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from typer.testing import CliRunner

from ostiary.authzen.facade import list_clients, revoke_all_clients
from ostiary.authzen.facts import read_clients
from ostiary.authzen.models import StoredClient
from ostiary.cli.main import app
from ostiary.cli.output import ExitCode
from ostiary.gateway.publisher import publish
from ostiary.gateway.snapshots import read_snapshot
from ostiary.visibility.facade import Actor

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Actor(kind="machine", id="os:root", label="root")


def typed(*words: str, code: int = ExitCode.OK) -> Any:
    done = CliRunner().invoke(app, ["authzen", "client", *words])
    assert done.exit_code == code, done.output
    return done


def on_record() -> str:
    """Everything in the stream of administrators' acts."""
    return "".join(path.read_text() for path in sorted((settings.INSTANCE.audit / "control").glob("*.jsonl")))


def test_a_token_is_shown_once_and_only_its_digest_is_kept() -> None:
    done = typed("add", "reporting", "--expires", "30d", "--reason", "monthly report")
    token = done.stdout.strip()
    assert token.startswith("ostiary_")
    assert "shown this once" in done.stderr
    assert "authzen.enabled" in done.stderr
    row = StoredClient.objects.get()
    assert row.digest == hashlib.sha256(token.encode()).hexdigest()
    assert row.expires_at - row.added_at == timedelta(days=30)
    assert token not in typed("list").stdout + typed("list", "--json").stdout + on_record()
    assert "monthly report" in on_record()


def test_what_is_added_is_published_and_what_is_revoked_is_gone_from_the_facts() -> None:
    publish("before")
    grant_key = read_snapshot(settings.INSTANCE.facts).grant_key
    token = json.loads(typed("add", "reporting", "--may-search", "--json").stdout)["token"]
    snapshot = read_snapshot(settings.INSTANCE.facts)
    (fact,) = snapshot.clients.clients
    assert (fact.name, fact.may_search) == ("reporting", True)
    assert fact.digest == hashlib.sha256(token.encode()).digest()
    assert typed("revoke", "reporting", code=ExitCode.REFUSED).stderr.count("--yes") == 1
    assert len(read_clients().clients) == 1
    typed("revoke", "reporting", "--yes", "--reason", "it leaked")
    after = read_snapshot(settings.INSTANCE.facts)
    assert after.clients.clients == ()
    assert after.grant_key == grant_key, "people's grants do not rest on clients"
    assert "it leaked" in on_record()


def test_listing_says_how_each_stands() -> None:
    assert "Let one" in typed("list").stderr
    typed("add", "gone")
    typed("revoke", "gone", "--yes")
    typed("add", "old")
    StoredClient.objects.filter(pk="old").update(expires_at=StoredClient.objects.get(pk="old").added_at)
    typed("add", "works", "--may-search")
    states = {one["name"]: one["state"] for one in json.loads(typed("list", "--json").stdout)}
    assert states == {"gone": "revoked", "old": "expired", "works": "works"}
    shown = typed("list").stdout
    assert "ask, search" in shown
    assert "revoked" in shown


def test_a_name_is_given_again_only_when_its_token_is_worth_nothing() -> None:
    first = typed("add", "reporting").stdout.strip()
    refused = typed("add", "reporting", code=ExitCode.FAILED)
    assert "ostiary authzen client revoke reporting" in refused.stderr
    assert [one.name for one in list_clients()] == ["reporting"]
    typed("revoke", "reporting", "--yes")
    second = typed("add", "reporting").stdout.strip()
    assert second != first
    (fact,) = read_clients().clients
    assert fact.digest == hashlib.sha256(second.encode()).digest()


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("add", "Reporting Tool"), "small letters"),
        (("add", "reporting", "--expires", "forever"), "90d"),
        (("revoke", "reportin", "--yes"), "Did you mean reporting?"),
        (("revoke", "x" * 70, "--yes"), "client list"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_to_do_and_changes_nothing(words: tuple[str, ...], hint: str) -> None:
    typed("add", "reporting") if words[0] == "revoke" else None
    before = list_clients()
    assert hint in typed(*words, code=ExitCode.FAILED).stderr
    assert list_clients() == before


def test_every_token_is_taken_back_at_once() -> None:
    typed("add", "one")
    typed("add", "two")
    assert revoke_all_clients(actor=ROOT, reason="a backup was restored") == 2
    assert read_clients().clients == ()
    assert revoke_all_clients(actor=ROOT, reason="again") == 0
