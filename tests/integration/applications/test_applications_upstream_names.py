"""A name that leads where no app may live: refused when it is typed, found again while it stands, and told to everybody concerned."""

import json
import socket
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings

from ostiary.applications.facade import UnusableApp, add_app, change_app, get_app, list_apps
from ostiary.gateway.plan import contents
from ostiary.gateway.publisher import publish
from ostiary.gateway.reconfigure import plan_now
from ostiary.gateway.upstream_watch import FORBIDDEN_FILE, read_forbidden, watch_upstreams
from ostiary.supervisor.alarms import list_alarms
from ostiary.supervisor.diagnosis.finding import Finding
from ostiary.supervisor.diagnosis.upstreams import check_upstreams
from ostiary.visibility.facade import Actor

pytestmark = [pytest.mark.django_db]
ADMIN = Actor(kind="person", id="p_admin", label="admin@example.test")
METADATA = "wiki.internal leads to 169.254.169.254, where clouds keep machine credentials"


@pytest.fixture
def hosts() -> Iterator[dict[str, str]]:
    """What the machine's own file of hosts says, as far as a test can say it."""
    overrides: dict[str, str] = {}
    real = socket.getaddrinfo

    def look_up(host: str, *args: Any, **options: Any) -> Any:
        if host.endswith(".internal") and host not in overrides:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(overrides.get(host, host), *args, **options)

    with patch.object(socket, "getaddrinfo", look_up):
        yield overrides
    (settings.INSTANCE.run / FORBIDDEN_FILE).unlink(missing_ok=True)


def ids() -> set[str]:
    return {app.id for app in list_apps()}


def endpoints() -> dict[str, list[Any]]:
    clusters = json.loads(plan_now(settings.INSTANCE).files[contents.CLUSTERS_FILE])["resources"]
    return {one["name"]: one["load_assignment"]["endpoints"] for one in clusters}


def findings() -> list[Finding]:
    return list(check_upstreams(settings.INSTANCE))


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"]
)
def test_such_a_name_is_neither_added_nor_changed_to(hosts: dict[str, str], address: str) -> None:
    hosts |= {"wiki.internal": address, "fine.internal": "10.0.0.5"}
    add_app("fine", upstream="http://fine.internal", actor=ADMIN)
    before = ids()

    with pytest.raises(UnusableApp, match=r"leads to .* credentials|in disguise"):
        add_app("wiki", upstream="https://wiki.internal", actor=ADMIN)
    with pytest.raises(UnusableApp, match=r"leads to .* credentials|in disguise"):
        change_app("fine", upstream="https://wiki.internal", actor=ADMIN)

    assert ids() == before
    assert get_app("fine").upstream.url == "http://fine.internal"


def test_a_name_of_this_machine_is_refused_on_the_gateways_own_ports(hosts: dict[str, str]) -> None:
    hosts["wiki.internal"] = "127.0.0.1"
    port = settings.INSTANCE.configuration.gateway.https_port

    with pytest.raises(UnusableApp, match="this gateway itself"):
        add_app("wiki", upstream=f"https://wiki.internal:{port}", actor=ADMIN)
    assert add_app("wiki", upstream="http://wiki.internal:3000", actor=ADMIN).id == "wiki"


def test_a_name_that_turns_takes_its_app_away_until_it_turns_back(hosts: dict[str, str]) -> None:
    instance = settings.INSTANCE
    instance.run.mkdir(parents=True, exist_ok=True)
    add_app("wiki", upstream="https://wiki.internal", actor=ADMIN)
    add_app("other", upstream="http://10.0.0.5", actor=ADMIN)
    publish("test")
    hosts["wiki.internal"] = "10.0.0.6"
    assert watch_upstreams(instance) == 0
    assert endpoints()["app-wiki"]
    assert [finding.level for finding in findings()] == ["ok"]
    assert list_alarms(instance.run) == ()

    hosts["wiki.internal"] = "169.254.169.254"
    assert watch_upstreams(instance) == 1
    found = endpoints()
    assert found["app-wiki"] == found["app-wiki-streams"] == []
    assert found["app-other"]
    assert plan_now(instance).problems == (f"App 'wiki' is out of reach: {METADATA}.",)
    assert [METADATA in alarm for alarm in list_alarms(instance.run)] == [True]
    assert [(one.check, one.is_problem, METADATA in one.words) for one in findings()] == [("upstreams", True, True)]

    del hosts["wiki.internal"]
    assert watch_upstreams(instance) == 1, "what was found stands while nobody knows the name"

    hosts["wiki.internal"] = "10.0.0.6"
    assert watch_upstreams(instance) == 0
    assert endpoints()["app-wiki"]
    assert list_alarms(instance.run) == ()


def test_findings_that_cannot_be_read_are_none(hosts: dict[str, str]) -> None:
    """The data plane judges each request for itself, so nothing opens by this."""
    settings.INSTANCE.run.mkdir(parents=True, exist_ok=True)
    for content in (b"", b"[]", b'{"wiki": 1}', b"\xff"):
        (settings.INSTANCE.run / FORBIDDEN_FILE).write_bytes(content)
        assert read_forbidden(settings.INSTANCE.run) == {}
