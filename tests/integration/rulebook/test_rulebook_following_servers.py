"""Rules followed over SSH and HTTPS, from real servers: an update end to end, and every server that is not the right one."""

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.console_fixtures import console_instance
from tests.followed_repository import Repository
from tests.git_over_https import Authority, HttpsServer
from tests.git_over_ssh import SshServer, make_key
from tests.rulebook_people import OPEN, OPERATOR, make_people

from ostiary.gateway.surroundings import read_surroundings
from ostiary.rulebook.adapters.git_process import Access, RepositoryUnusable
from ostiary.rulebook.adapters.git_repository import Revision, fetch_revision
from ostiary.rulebook.facade import apply_rules, follow_repository, get_current, get_followed

__all__ = ["console_instance"]
TOKEN = "glpat-Not:A_Real-Token/7"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def ssh(tmp_path: Path, repository: Repository) -> Iterator[SshServer]:
    with SshServer(tmp_path / "ssh", repository.bare) as server:
        yield server


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def token(tmp_path: Path) -> str:
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    return str(path)


@pytest.fixture
def https(tmp_path: Path, authority: Authority, repository: Repository) -> Iterator[HttpsServer]:
    with HttpsServer(tmp_path, authority, password=TOKEN) as server:
        yield server


@pytest.fixture
def following(db: None, console_instance: object, settings: Any) -> Any:
    """Return a function that lets the instance, with people and rules, follow an address."""
    make_people()
    apply_rules(OPEN, actor=OPERATOR, comment="First")

    def follow(**keys: str) -> None:
        instance = settings.INSTANCE
        rules = msgspec.structs.replace(instance.configuration.rules, **keys)
        configuration = msgspec.structs.replace(instance.configuration, rules=rules)
        settings.INSTANCE = type(instance)(home=instance.home, configuration=configuration)

    return follow


def fetch(tmp_path: Path, address: str, **access: str) -> Revision:
    return fetch_revision(
        address, branch="main", file="rules.yaml", access=Access(**access), folder=tmp_path / "kept.git"
    )


def an_update_end_to_end(repository: Repository) -> None:
    for number in (1, 2):
        commit = repository.push(OPEN + f"# {number}\n", f"Number {number}")
        assert follow_repository(read_surroundings).startswith(f"{commit[:12]} is applied as number")
        current = get_current()
        assert (current.document, current.comment) == (
            OPEN + f"# {number}\n",
            f"Number {number} ({commit[:12]}, Vera)",
        )


@pytest.mark.django_db
def test_rules_follow_a_repository_over_ssh(following: Any, ssh: SshServer, repository: Repository) -> None:
    following(follow=ssh.address, follow_key=str(ssh.key), follow_known_hosts=str(ssh.known_hosts))
    an_update_end_to_end(repository)


@pytest.mark.django_db
def test_paths_are_below_the_instance_unless_they_are_whole(
    following: Any, ssh: SshServer, repository: Repository, settings: Any
) -> None:
    secrets = settings.INSTANCE.secrets
    ssh.key.rename(secrets / "rules.key")
    ssh.known_hosts.rename(secrets / "hosts")
    following(follow=ssh.address, follow_key="secrets/rules.key", follow_known_hosts="secrets/hosts")
    an_update_end_to_end(repository)


def test_an_ssh_server_with_another_host_key_is_refused(tmp_path: Path, ssh: SshServer, repository: Repository) -> None:
    repository.push(OPEN)
    keys = {"key": str(ssh.key), "known_hosts": str(ssh.known_hosts)}
    ssh.trust(make_key(tmp_path / "another"))
    with pytest.raises(RepositoryUnusable, match=r"Host key verification failed\."):
        fetch(tmp_path, ssh.address, **keys)
    ssh.known_hosts.write_text("")
    with pytest.raises(RepositoryUnusable, match=r"Host key verification failed\."):
        fetch(tmp_path, ssh.address, **keys)
    assert ssh.known_hosts.read_text() == "", "what is trusted is not widened"
    assert "Accepted" not in ssh.log.read_text()
    ssh.trust(ssh.host_key)
    assert fetch(tmp_path, ssh.address, **keys).document == OPEN


def test_an_ssh_key_that_the_server_does_not_know_is_refused(tmp_path: Path, ssh: SshServer) -> None:
    stranger = make_key(tmp_path / "stranger")
    with pytest.raises(RepositoryUnusable, match="Permission denied"):
        fetch(tmp_path, ssh.address, key=str(stranger), known_hosts=str(ssh.known_hosts))
    with pytest.raises(RepositoryUnusable, match="failed"):
        fetch(tmp_path, ssh.address, key=str(tmp_path / "none"), known_hosts=str(ssh.known_hosts))


@pytest.mark.parametrize("name", ["k%h", "${HOME}", 'k"', "k'; touch ran; '", "$(touch ran)", "k\\"])
def test_paths_that_ssh_would_read_otherwise_are_refused(tmp_path: Path, ssh: SshServer, name: str) -> None:
    for access in ({"key": str(tmp_path / name)}, {"known_hosts": str(tmp_path / name)}):
        with pytest.raises(RepositoryUnusable, match="ssh would not take"):
            fetch(tmp_path, ssh.address, **access)
    assert not list(tmp_path.rglob("ran"))


@pytest.mark.django_db
def test_rules_follow_a_repository_over_https_with_a_token(
    following: Any, https: HttpsServer, authority: Authority, token: str, repository: Repository
) -> None:
    address = https.address("rules.git", user="ops")
    following(follow=address, follow_token=token, follow_authority=str(authority.certificate))
    an_update_end_to_end(repository)
    assert set(https.users) == {"ops"}


def test_an_https_server_of_an_unknown_authority_is_told_nothing(
    tmp_path: Path, https: HttpsServer, token: str, repository: Repository
) -> None:
    repository.push(OPEN)
    another = Authority(tmp_path / "another")
    for certificate in (str(another.certificate), ""):
        with pytest.raises(RepositoryUnusable, match="certificate"):
            fetch(tmp_path, https.address("rules.git"), token=token, authority=certificate)
    assert https.authorizations == []


def test_an_https_server_for_another_name_is_told_nothing(
    tmp_path: Path, https: HttpsServer, authority: Authority, token: str
) -> None:
    address = https.address("rules.git").replace("localhost", "127.0.0.1")
    with pytest.raises(RepositoryUnusable, match="certificate"):
        fetch(tmp_path, address, token=token, authority=str(authority.certificate))
    assert https.authorizations == []


def test_without_the_right_token_nothing_is_read(
    tmp_path: Path, https: HttpsServer, authority: Authority, repository: Repository
) -> None:
    repository.push(OPEN)
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong")
    address = https.address("rules.git")
    for access in ({}, {"token": str(wrong)}):
        with pytest.raises(RepositoryUnusable, match="failed") as refused:
            fetch(tmp_path, address, authority=str(authority.certificate), **access)
        assert "wrong" not in str(refused.value)
    assert https.authorizations[-1] == "Basic " + base64.b64encode(b"git:wrong").decode()


def test_a_redirect_takes_the_token_nowhere(
    tmp_path: Path, https: HttpsServer, authority: Authority, token: str, repository: Repository
) -> None:
    repository.push(OPEN)
    with HttpsServer(tmp_path, authority) as elsewhere:
        https.redirect_to = elsewhere.address("")[:-1]
        with pytest.raises(RepositoryUnusable, match="302"):
            fetch(tmp_path, https.address("rules.git"), token=token, authority=str(authority.certificate))
        assert elsewhere.authorizations == []


@pytest.mark.parametrize("content", [b"", b"two\nlines", b"a b", b"\xff", b"x" * 5000])
def test_what_is_no_token_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(RepositoryUnusable, match="token"):
        fetch(tmp_path, "https://localhost:1/x", token=str(path))
    with pytest.raises(RepositoryUnusable, match="cannot be read"):
        fetch(tmp_path, "https://localhost:1/x", token=str(tmp_path / "none"))
    with pytest.raises(RepositoryUnusable, match="only sent to an https"):
        fetch(tmp_path, str(tmp_path), token=str(path))


@pytest.mark.django_db
def test_secrets_are_said_nowhere(
    following: Any, https: HttpsServer, authority: Authority, token: str, tmp_path: Path
) -> None:
    """Neither in what people read nor in the list of processes, while a server that lets nobody in is asked."""
    https.password = "another"
    spy = tmp_path / "git"
    spy.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/words\nPATH={os.environ["PATH"]} exec git "$@"\n')
    spy.chmod(0o755)
    following(follow=https.address("rules.git"), follow_token=token, follow_authority=str(authority.certificate))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        with pytest.raises(RepositoryUnusable) as refused:
            follow_repository(read_surroundings)
    followed = get_followed()
    assert followed is not None
    basic = base64.b64encode(f"git:{TOKEN}".encode()).decode()
    told = (
        str(refused.value),
        refused.value.detail,
        followed.unreadable,
        (tmp_path / "words").read_text(),
    )
    assert https.authorizations == [f"Basic {basic}"]
    assert not [words for words in told if TOKEN in words or basic in words]


def test_an_address_with_a_password_is_refused_and_not_repeated(tmp_path: Path) -> None:
    for address in ("https://ops:hunter2@localhost/x", "ssh://ops:hunter2@localhost/x"):
        with pytest.raises(RepositoryUnusable, match="holds a password") as refused:
            fetch(tmp_path, address)
        assert "hunter2" not in str(refused.value)
