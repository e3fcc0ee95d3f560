"""The facts are published when a change commits, by whoever made it, and mended after a crash in between."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import msgspec
import pytest
from django.conf import settings
from django.db import transaction
from tests.instance import make_instance_home

from ostiary.applications.facade import add_app, change_app, list_apps, remove_app
from ostiary.changes import announce_change
from ostiary.config.places import Instance
from ostiary.gateway import publisher
from ostiary.gateway.grant_keys import key_set, new_grant_key
from ostiary.gateway.heartbeat import read_heartbeat
from ostiary.gateway.models import FactsVersion
from ostiary.gateway.plan import GRANTS_FILE, render_grants
from ostiary.gateway.publication_lock import publication_lock
from ostiary.gateway.publisher import publish, published
from ostiary.gateway.reconciliation import reconcile
from ostiary.gateway.replaced_file import replace_file
from ostiary.gateway.snapshots import SNAPSHOT_FILE, EncodedSnapshot, read_snapshot
from ostiary.policy.identifiers import AppId
from ostiary.policy.snapshot import SCHEMA_VERSION
from ostiary.visibility.facade import Actor

pytestmark = [pytest.mark.django_db(transaction=True)]

ADMIN = Actor(kind="machine", id="os:root", label="root")


@pytest.fixture
def instance() -> Iterator[Instance]:
    instance: Instance = settings.INSTANCE
    kept = {path: path.read_bytes() for path in _files(instance) if path.exists()}
    for path in _files(instance):
        path.unlink(missing_ok=True)
    yield instance
    for path in _files(instance):
        path.unlink(missing_ok=True)
    for path, content in kept.items():
        replace_file(path, content, durable=False)


def _files(instance: Instance) -> tuple[Path, ...]:
    return (
        instance.facts / SNAPSHOT_FILE,
        instance.facts / "heartbeat",
        instance.envoy / GRANTS_FILE,
        instance.envoy / "bootstrap.json",
        instance.envoy / "generation",
    )


def now_published(instance: Instance) -> EncodedSnapshot:
    snapshot = published(instance)
    assert snapshot is not None
    return snapshot


def announce(section: str, *, takes_away: bool) -> None:
    with transaction.atomic():
        announce_change(section, takes_away=takes_away)  # type: ignore[arg-type]


def test_the_first_publication_is_whole(instance: Instance) -> None:
    publication = publish("test")

    written = {"identity", "sessions", "applications", "rulebook", "clients", "workloads", "devices"}
    written |= {"postures", "compliance", "given"}
    assert set(publication.sections) == written
    snapshot = read_snapshot(instance.facts)
    assert snapshot.generation == publication.generation == 1
    assert len(snapshot.grant_key.private) == 32


def test_without_a_change_nothing_is_written(instance: Instance) -> None:
    publish()
    before = (instance.facts / SNAPSHOT_FILE).stat().st_ino

    assert publish().sections == ()
    assert (instance.facts / SNAPSHOT_FILE).stat().st_ino == before


def test_a_commit_publishes_and_a_rollback_does_not(instance: Instance) -> None:
    publish()
    add_app("wiki", upstream="http://10.0.0.5", actor=ADMIN)
    after = now_published(instance)
    assert "wiki" in read_snapshot(instance.facts).applications.apps

    with transaction.atomic():
        remove_app("wiki", actor=ADMIN)
        transaction.set_rollback(True)
    assert now_published(instance).generation == after.generation
    assert "wiki" in read_snapshot(instance.facts).applications.apps


def _noting(name: str, reader: Callable[[], msgspec.Raw], read: list[str]) -> Callable[[], msgspec.Raw]:
    def noting() -> msgspec.Raw:
        read.append(name)
        return reader()

    return noting


def test_only_what_changed_is_read_again(instance: Instance) -> None:
    publish()
    read: list[str] = []
    real = dict(publisher._READERS)
    watched = {name: _noting(name, real[name], read) for name in real}
    with patch.object(publisher, "_READERS", watched):
        announce("sessions", takes_away=False)

    assert read == ["sessions"]


@pytest.mark.parametrize("takes_away", [False, True])
def test_the_key_changes_exactly_when_something_is_taken_away(instance: Instance, takes_away: bool) -> None:
    publish()
    before = now_published(instance)

    announce("identity", takes_away=takes_away)

    after = now_published(instance)
    assert after.generation == before.generation + 1
    assert (after.grant_key.kid != before.grant_key.kid) is takes_away


def test_the_data_plane_follows_the_key_at_once(instance: Instance) -> None:
    add_app("wiki", upstream="http://10.0.0.5", actor=ADMIN)
    path = instance.envoy / GRANTS_FILE
    replace_file(path, render_grants(list_apps(), key_set(now_published(instance).grant_key)), durable=False)
    before = path.read_bytes()

    announce("sessions", takes_away=False)
    assert path.read_bytes() == before

    announce("sessions", takes_away=True)
    assert path.read_bytes() == render_grants(list_apps(), key_set(now_published(instance).grant_key)) != before


def test_a_crash_between_commit_and_publication_is_mended_by_the_worker(instance: Instance) -> None:
    publish()
    before = now_published(instance)
    with patch("ostiary.gateway.publisher.publish", side_effect=OSError("killed")):
        announce("identity", takes_away=True)
    assert now_published(instance).generation == before.generation

    reconcile(now=time.time())

    after = now_published(instance)
    assert after.generation == before.generation + 1
    assert after.grant_key.kid != before.grant_key.kid
    assert after.versions["identity"] == FactsVersion.objects.get(section="identity").version


def test_a_crash_between_snapshot_and_key_set_is_mended_too(instance: Instance) -> None:
    add_app("wiki", upstream="http://10.0.0.5", actor=ADMIN)
    path = instance.envoy / GRANTS_FILE
    replace_file(path, render_grants(list_apps(), key_set(new_grant_key())), durable=False)

    assert publish().ended_grants

    assert path.read_bytes() == render_grants(list_apps(), key_set(now_published(instance).grant_key))
    assert not publish().ended_grants


def test_a_full_disk_leaves_the_change_and_stops_the_heart(instance: Instance) -> None:
    publish()
    before = (instance.facts / SNAPSHOT_FILE).read_bytes()
    with patch("ostiary.gateway.publisher.write_snapshot", side_effect=OSError(28, "No space left on device")):
        announce("sessions", takes_away=True)
        with pytest.raises(OSError, match="No space"):
            reconcile(now=time.time())

    assert (instance.facts / SNAPSHOT_FILE).read_bytes() == before
    assert read_heartbeat(instance.facts) is None
    reconcile(now=1000.0)
    assert read_heartbeat(instance.facts) == 1000.0


def test_a_database_that_went_back_ends_every_grant(instance: Instance) -> None:
    publish()
    announce("identity", takes_away=False)
    announce("identity", takes_away=False)
    before = now_published(instance)
    FactsVersion.objects.filter(section="identity").update(version=1, taken_away_at=0)

    publish()

    after = now_published(instance)
    assert after.generation == before.generation + 1
    assert after.grant_key.kid != before.grant_key.kid


@pytest.mark.parametrize("content", [b"", b"\x00garbage", b"\x80"])
def test_a_damaged_snapshot_is_replaced_by_one_no_reader_can_take_for_older(instance: Instance, content: bytes) -> None:
    publish()
    for _ in range(3):
        announce("sessions", takes_away=False)
    before = now_published(instance)
    replace_file(instance.facts / SNAPSHOT_FILE, content, durable=False)

    publish()

    after = now_published(instance)
    assert after.generation > before.generation
    assert after.grant_key.kid != before.grant_key.kid
    assert after.schema == SCHEMA_VERSION


def test_several_announcements_in_one_transaction_are_published_once_each_section(instance: Instance) -> None:
    publish()
    before = now_published(instance)
    with transaction.atomic():
        for _ in range(5):
            announce_change("identity", takes_away=False)
        announce_change("sessions", takes_away=True)
        assert now_published(instance).generation == before.generation

    after = now_published(instance)
    assert after.generation == before.generation + 1
    assert after.versions["identity"] == before.versions["identity"] + 5
    assert after.versions["sessions"] == before.versions["sessions"] + 1


_WRITER = """
import os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "ostiary.config.django"
django.setup()
from django.core.management import call_command
from django.db import transaction
from ostiary.changes import announce_change
if sys.argv[1] == "prepare":
    call_command("migrate", verbosity=0)
else:
    for _ in range(5):
        with transaction.atomic():
            announce_change(sys.argv[1], takes_away=sys.argv[2] == "yes")
"""


def test_many_processes_lose_nothing() -> None:
    home = make_instance_home()
    environment = {**os.environ, "OSTIARY_HOME": str(home)}
    try:
        command = [sys.executable, "-c", _WRITER]
        subprocess.run([*command, "prepare"], check=True, env=environment, timeout=300)
        jobs = [("sessions", "yes"), ("sessions", "no"), ("identity", "yes"), ("identity", "no")]
        writers = [subprocess.Popen([*command, *job], env=environment) for job in jobs]
        assert [writer.wait(300) for writer in writers] == [0, 0, 0, 0]

        snapshot = read_snapshot(home / "state/facts")
        assert (snapshot.versions["sessions"], snapshot.versions["identity"]) == (10, 10)
        assert 2 <= snapshot.generation <= 21
    finally:
        shutil.rmtree(home)


_HOLDER = """
import os, sys
from pathlib import Path
from ostiary.config.loader import load_instance
from ostiary.gateway.publication_lock import publication_lock
with publication_lock(load_instance(Path(sys.argv[1]), {})):
    print("held", flush=True)
    sys.stdin.read(1)
    os.kill(os.getpid(), 9)
"""


def test_a_killed_publisher_holds_nobody_up(instance: Instance) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", _HOLDER, str(instance.home)], stdin=pipe, stdout=pipe) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == b"held\n"
        done = threading.Event()
        waiting = threading.Thread(target=_take, args=(instance, done))
        waiting.start()
        assert not done.wait(0.3), "one publisher at a time"
        holder.stdin.write(b"x")
        holder.stdin.flush()
        waiting.join(60)
    assert done.is_set()


def _take(instance: Instance, done: threading.Event) -> None:
    with publication_lock(instance):
        done.set()


def test_an_app_that_changes_is_a_new_decision(instance: Instance) -> None:
    add_app("wiki", upstream="http://10.0.0.5", actor=ADMIN)
    before = now_published(instance)

    change_app("wiki", actor=ADMIN, labels=["restricted"])

    assert now_published(instance).grant_key.kid != before.grant_key.kid
    assert read_snapshot(instance.facts).applications.apps[AppId("wiki")].labels == ("restricted",)
