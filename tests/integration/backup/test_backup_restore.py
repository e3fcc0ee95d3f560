"""An instance goes into one file and comes out of it on an empty machine, on either database."""

import json
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.shell_instance import OwnInstance, new_database
from tools.postgres import postgres_server

from ostiary.demo.notes import Account
from ostiary.demo.walk.browser import Browser, words_of
from ostiary.demo.walk.person import Visitor

PASSWORD = "otter-lantern-granite-plum-71"
PASSPHRASE = "the cat sat on the lantern"
MAKE_PERSON = f"""
from ostiary.identity.facade import create_person, unsafe_provision_totp
from ostiary.visibility.facade import Actor
actor = Actor(kind="system", id="test", label="test")
id_ = create_person(email="ada@example.test", name="Ada Ängström", password="{PASSWORD}", groups=("administrators",), actor=actor)
print(unsafe_provision_totp(person_id=id_, actor=actor))
"""
COUNT_ROWS = """
import json
from django.apps import apps
from ostiary.identity.facade import list_people

counts = {model._meta.label_lower: model._base_manager.count() for model in apps.get_models(include_auto_created=True)}
print(json.dumps({"rows": counts, "people": [[p.id, p.email, p.name, list(p.groups), list(p.methods)] for p in list_people().items]}))
"""


@pytest.fixture(scope="module")
def company() -> Iterator[tuple[OwnInstance, str]]:
    own = OwnInstance()
    own.init("--organisation", "Bäckerei Nord")
    totp = own.python(MAKE_PERSON)
    yield own, totp
    own.remove()


@pytest.fixture
def empty() -> Iterator[OwnInstance]:
    own = OwnInstance()
    yield own
    own.remove()


def back_up(own: OwnInstance, tmp_path: Path, *words: str) -> Path:
    file = tmp_path / "house.ostiary"
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n")
    own.cli("backup", str(file), "--passphrase-file", str(tmp_path / "passphrase"), *words)
    return file


def restore(own: OwnInstance, file: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    return own.cli("restore", str(file), "--passphrase-file", str(file.parent / "passphrase"), *words, code=code)


@pytest.mark.e2e
def test_a_restored_instance_comes_up_and_a_password_still_works(company, empty, tmp_path):
    own, totp = company
    restore(empty, back_up(own, tmp_path))
    instance = empty.instance
    account = Account(name="Ada", email="ada@example.test", story="", password=PASSWORD, totp=totp)
    with empty.running():
        browser = Browser(instance.authority_certificate)
        page = Visitor(browser, account, instance.url(instance.identity_host)).open(
            instance.url(instance.identity_host)
        )
        browser.close()
        assert page.status_code == 200
        assert "Ada" in page.text or "My apps" in words_of(page, 2000), words_of(page, 2000)
        assert "Bäckerei Nord" in page.text
        assert str(page.request.url.path) not in ("/sign-in", "/sign-in/second-step")
    assert empty.cli("audit", "verify").stdout


def test_everything_that_was_in_the_database_is_in_it_again(company, empty, tmp_path):
    own, _ = company
    before = json.loads(own.python(COUNT_ROWS))
    restore(empty, back_up(own, tmp_path))
    after = json.loads(empty.python(COUNT_ROWS))
    assert after["people"] == before["people"]
    untouched = {
        name: count for name, count in before["rows"].items() if not name.startswith(("visibility.", "gateway."))
    }
    assert {name: after["rows"][name] for name in untouched} == untouched
    assert (empty.home / "secrets" / "session.key").read_bytes() == (own.home / "secrets" / "session.key").read_bytes()
    for path in empty.home.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_everybody_is_signed_out_by_a_restore(company, empty, tmp_path):
    own, _ = company
    own.python(
        "from ostiary.identity.models import SignInSession as S\nfrom ostiary.identity.models import Person\n"
        "from datetime import UTC, datetime, timedelta\nnow = datetime.now(UTC)\n"
        "fields = {f.name for f in S._meta.fields}\n"
        "S.objects.create(**{k: v for k, v in dict(id='s_left', person=Person.objects.first(), created_at=now,"
        " last_seen_at=now, expires_at=now + timedelta(hours=1), session_key='k', address='192.0.2.1', user_agent='x',"
        " authentications=[]).items() if k in fields})"
    )
    restore(empty, back_up(own, tmp_path))
    assert empty.python("from ostiary.identity.facade import list_sessions\nprint(list_sessions().total)") == "0"


def test_no_token_of_a_program_comes_back_with_a_restore(company, empty, tmp_path):
    own, _ = company
    own.python(
        "from ostiary.authzen.facade import add_client\nfrom ostiary.visibility.facade import Actor\n"
        "add_client('reporting', actor=Actor(kind='machine', id='os:root', label='root'))"
    )
    restore(empty, back_up(own, tmp_path))
    told = "from ostiary.authzen.facade import list_clients\nprint([(c.name, c.revoked_at is None) for c in list_clients()])"
    assert empty.python(told) == "[('reporting', False)]"


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """An empty PostgreSQL database, whichever database the tests run on."""
    if url := new_database():
        yield url
        return
    with postgres_server(durable=False) as server:
        yield server.url


def test_a_backup_moves_to_postgresql_and_back(postgresql, tmp_path):
    small, large, again = OwnInstance(database=""), OwnInstance(database=postgresql), OwnInstance(database="")
    try:
        small.init()
        small.python(MAKE_PERSON)
        restore(large, back_up(small, tmp_path))
        (tmp_path / "back").mkdir()
        restore(again, back_up(large, tmp_path / "back"))
        people = [json.loads(own.python(COUNT_ROWS))["people"] for own in (small, large, again)]
        assert people[0] == people[1] == people[2]
        assert len(people[0]) == 1
        large.python(MAKE_PERSON.replace("ada@", "grace@"))
    finally:
        for own in (small, large, again):
            own.remove()


def test_a_place_that_is_not_empty_is_left_alone(company, empty, tmp_path):
    own, _ = company
    file = back_up(own, tmp_path)
    empty.home.mkdir()
    (empty.home / "letter").write_text("mine")
    assert "is not empty" in restore(empty, file, code=1).stderr
    assert [path.name for path in empty.home.iterdir()] == ["letter"]


def test_another_passphrase_restores_nothing(company, empty, tmp_path):
    own, _ = company
    file = back_up(own, tmp_path)
    (tmp_path / "passphrase").write_text("the cat sat on the landing")
    assert "passphrase is another one" in restore(empty, file, code=1).stderr
    assert not empty.home.exists()


def test_a_damaged_backup_restores_nothing(company, empty, tmp_path):
    own, _ = company
    file = back_up(own, tmp_path)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert "damaged" in restore(empty, file, code=1).stderr
    assert not empty.home.exists()
    assert not list(empty.home.parent.glob(".restore-*"))


def test_a_backup_whose_record_was_changed_is_refused_unless_that_is_accepted(company, empty, tmp_path):
    own, _ = company
    [segment] = (own.home / "state" / "audit" / "control").glob("00000001.jsonl")
    before = segment.read_bytes()
    try:
        segment.write_bytes(before.replace(b"administrators", b"adminiztrators", 1))
        assert segment.read_bytes() != before
        file = back_up(own, tmp_path)
    finally:
        segment.write_bytes(before)
    assert "audit log in the backup does not verify" in restore(empty, file, code=1).stderr
    assert not empty.home.exists()
    said = restore(empty, file, "--accept-damaged-record").stderr
    assert "was damaged before the backup" in said


def test_without_secrets_nothing_secret_is_in_the_file(company, empty, tmp_path):
    own, _ = company
    file = tmp_path / "open.ostiary"
    own.cli("backup", "--without-secrets", str(file))
    empty.cli("restore", str(file))
    old, new = own.home / "secrets", empty.home / "secrets"
    assert {path.name for path in new.iterdir()} == {path.name for path in old.iterdir()}
    for path in old.iterdir():
        assert (new / path.name).read_bytes() != path.read_bytes()
    empty.cli("audit", "verify")
    empty.cli("audit", "verify", str(empty.home / "state" / "audit-before-restore"))


def test_a_backup_is_never_written_over_a_file(company, tmp_path):
    own, _ = company
    file = back_up(own, tmp_path)
    said = own.cli("backup", str(file), "--passphrase-file", str(tmp_path / "passphrase"), code=1).stderr
    assert "Name a file that does not exist" in said


def test_without_a_terminal_a_missing_passphrase_says_how_to_give_one(company, tmp_path):
    own, _ = company
    said = own.cli("backup", str(tmp_path / "x"), code=1).stderr
    assert "--passphrase-file" in said
    assert not (tmp_path / "x").exists()


def test_an_upgrade_is_preceded_by_a_backup_that_can_be_restored(empty):
    own = OwnInstance()
    try:
        own.init()
        own.python(MAKE_PERSON)
        own.python(
            "from django.db.migrations.recorder import MigrationRecorder as R\nfrom django.db import connection\n"
            "from django.core.management import call_command\n"
            "call_command('migrate', 'gateway', 'zero', verbosity=0)"
        )
        own.python(
            "from ostiary.supervisor.prepare import prepare\nfrom django.conf import settings\nprepare(settings.INSTANCE, print)"
        )
        [made] = (own.home / "state" / "backups").iterdir()
        empty.cli("restore", str(made), "--secrets-from", str(own.home))
        assert (empty.home / "secrets" / "audit.pem").read_bytes() == (own.home / "secrets" / "audit.pem").read_bytes()
        empty.cli("audit", "verify")
        assert json.loads(empty.python(COUNT_ROWS))["people"] == json.loads(own.python(COUNT_ROWS))["people"]
    finally:
        own.remove()


def test_a_database_of_a_newer_version_is_left_alone():
    own = OwnInstance()
    try:
        own.init()
        own.python(
            "from django.db.migrations.recorder import MigrationRecorder as R\nfrom django.db import connection\n"
            "R(connection).record_applied('identity', '9999_from_the_future')"
        )
        said = own.cli("up", code=1).stderr
        assert "A newer version of Ostiary has changed this database (identity.9999_from_the_future)" in said
        own.cli("doctor", code=5)
    finally:
        own.remove()


def test_a_sqlite_copy_is_one_moment_while_others_write(tmp_path):
    from ostiary.supervisor.backup.writing import copy_sqlite

    source = tmp_path / "busy.sqlite3"
    writer = sqlite3.connect(source)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("CREATE TABLE pair (a INTEGER, b INTEGER)")
    writer.executemany("INSERT INTO pair VALUES (?, ?)", [(n, n) for n in range(1000)])
    writer.commit()
    writer.execute("UPDATE pair SET a = a + 1")
    copy_sqlite(source, tmp_path / "copy.sqlite3")
    writer.rollback()
    writer.close()
    copy = sqlite3.connect(tmp_path / "copy.sqlite3")
    assert copy.execute("SELECT count(*), sum(a = b) FROM pair").fetchone() == (1000, 1000)
    copy.close()
    assert not (tmp_path / "copy.sqlite3-wal").exists()
