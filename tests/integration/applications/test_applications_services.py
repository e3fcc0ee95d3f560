"""Adding, changing and removing apps: stored, counted, on record, or not at all."""

import json
from pathlib import Path
from unittest.mock import patch

import pytest
from django.conf import settings

from ostiary.applications import facade
from ostiary.applications.facade import (
    SignIn,
    UnknownApp,
    UnusableApp,
    add_app,
    add_app_elsewhere,
    change_app,
    get_app,
    list_apps,
    list_guarded_apps,
    remove_app,
)
from ostiary.applications.facts import read_applications
from ostiary.errors import OstiaryError
from ostiary.gateway.models import FactsVersion
from ostiary.policy.request import ActionClass
from ostiary.visibility.facade import Actor, RecordUnavailable

pytestmark = [pytest.mark.django_db]

ADMIN = Actor(kind="person", id="p_admin", label="admin@example.test")


def version() -> tuple[int, int]:
    """Return how often the section changed, and when access was last taken away."""
    row = FactsVersion.objects.filter(section="applications").first()
    return (row.version, row.taken_away_at) if row else (0, 0)


def recorded() -> str:
    return "".join(path.read_text() for path in Path(settings.INSTANCE.audit).rglob("*.jsonl"))


def test_an_app_is_stored_with_every_value_and_told_to_the_policy_engine() -> None:
    before = version()
    added = add_app(
        "files",
        upstream="HTTP://10.0.0.5:8080/",
        actor=ADMIN,
        name="  Files ",
        labels=["internal", "docs"],
        methods={"propfind": "view"},
        identity_headers={"Remote-User": "email"},
        contact="it@example.test",
        health_path="/healthz",
        description="Shared files",
        icon="folder",
        streams=False,
    )

    assert get_app("files") == added
    assert added.host == "files.example.test"
    assert added.upstream.url == "http://10.0.0.5:8080"
    assert added.name == "Files"
    fact = read_applications().apps[added.id]
    assert (fact.host, fact.labels, fact.methods) == (added.host, ("docs", "internal"), {"PROPFIND": ActionClass.VIEW})
    assert (fact.identity_headers, fact.contact, fact.streams) == ({"remote-user": "email"}, "it@example.test", False)
    assert version() == (before[0] + 1, before[1]), "nobody loses anything by a new app"
    assert '"files"' in recorded()


def test_the_name_is_the_identifier_where_none_is_given() -> None:
    assert add_app("wiki", upstream="http://10.0.0.5", actor=ADMIN).name == "wiki"


@pytest.mark.parametrize(
    "wrong",
    [
        {"upstream": "http://169.254.169.254"},
        {"upstream": "https://id.example.test"},
        {"upstream": "http://127.0.0.1:443"},
        {"host": "admin.example.test"},
        {"host": "ID.example.test"},
        {"host": "first.example.test"},
        {"name": "a\x00b"},
        {"labels": ["Not A Slug"]},
        {"methods": {"GET": "steal"}},
        {"identity_headers": {"Cookie": "email"}},
        {"ca_file": "/does/not/exist"},
        {"upstream": "http://10.0.0.5", "ca_file": __file__},
        {"health_path": "no slash"},
        {"host_header": "a b"},
        {"icon": "<svg>"},
        {"contact": "x" * 201},
    ],
)
def test_a_wrong_value_stores_and_counts_nothing(wrong: dict[str, object]) -> None:
    add_app("first", upstream="http://10.0.0.4", actor=ADMIN)
    before = version()
    values: dict[str, object] = {"upstream": "http://10.0.0.5", **wrong}

    with pytest.raises(OstiaryError) as error:
        add_app("second", actor=ADMIN, **values)  # type: ignore[arg-type]

    assert error.value.message
    assert [app.id for app in list_apps() if not app.builtin] == ["first"]
    assert version() == before


def test_an_identifier_is_used_once() -> None:
    add_app("wiki", upstream="http://10.0.0.5", actor=ADMIN)
    with pytest.raises(UnusableApp, match="already"):
        add_app("wiki", upstream="http://10.0.0.6", host="other.example.test", actor=ADMIN)


@pytest.mark.parametrize(
    ("change", "takes_away"),
    [
        ({"name": "Other"}, False),
        ({"description": "d"}, False),
        ({"contact": "c"}, False),
        ({"health_path": "/h"}, False),
        ({"icon": "book"}, False),
        ({"host": "other.example.test"}, True),
        ({"upstream": "http://10.0.0.6"}, True),
        ({"labels": ["restricted"]}, True),
        ({"methods": {"GET": "edit"}}, True),
        ({"identity_headers": {"X-User": "id"}}, True),
        ({"streams": False}, True),
        ({"verify_tls": False}, True),
    ],
)
def test_a_change_ends_grants_unless_it_is_harmless(change: dict[str, object], takes_away: bool) -> None:
    add_app("wiki", upstream="https://10.0.0.5", actor=ADMIN)
    before = version()

    changed = change_app("wiki", actor=ADMIN, **change)  # type: ignore[arg-type]

    assert get_app("wiki") == changed
    number = before[0] + 1
    assert version() == (number, number if takes_away else before[1])


def test_a_change_that_changes_nothing_is_none() -> None:
    app = add_app("wiki", upstream="http://10.0.0.5", labels=["a"], actor=ADMIN)
    before = version(), recorded()

    assert change_app("wiki", actor=ADMIN, upstream="http://10.0.0.5:80/", labels=["a"], name="wiki") == app
    assert (version(), recorded()) == before


def test_removing_takes_away() -> None:
    add_app("wiki", upstream="http://10.0.0.5", actor=ADMIN)
    remove_app("wiki", actor=ADMIN)

    assert version()[1] == version()[0]
    assert "wiki" not in read_applications().apps
    with pytest.raises(UnknownApp):
        remove_app("wiki", actor=ADMIN)
    with pytest.raises(UnknownApp):
        change_app("wiki", actor=ADMIN, name="x")


def test_the_console_is_there_stays_there_and_stays_ours() -> None:
    console = facade.ensure_builtin_apps()

    assert facade.ensure_builtin_apps() == console
    assert (console.id, console.host, console.builtin) == ("console", "admin.example.test", True)
    with pytest.raises(UnusableApp):
        remove_app("console", actor=ADMIN)
    for fixed in ({"upstream": "http://10.0.0.5"}, {"host": "x.example.test"}, {"identity_headers": {"X-U": "id"}}):
        with pytest.raises(UnusableApp):
            change_app("console", actor=ADMIN, **fixed)
    assert change_app("console", actor=ADMIN, contact="it@example.test").contact == "it@example.test"


def test_what_cannot_be_recorded_does_not_happen() -> None:
    add_app("wiki", upstream="http://10.0.0.5", actor=ADMIN)
    before = version()
    with patch(
        "ostiary.applications.services.record_entity_change", side_effect=RecordUnavailable("The disk is full.")
    ):
        for act in (
            lambda: add_app("late", upstream="http://10.0.0.6", actor=ADMIN),
            lambda: change_app("wiki", actor=ADMIN, name="Other"),
            lambda: remove_app("wiki", actor=ADMIN),
        ):
            with pytest.raises(RecordUnavailable):
                act()

    assert [app.id for app in list_apps() if not app.builtin] == ["wiki"]
    assert get_app("wiki").name == "wiki"
    assert version() == before


def test_the_record_says_who_changed_what() -> None:
    add_app("wiki", upstream="http://10.0.0.5", actor=ADMIN)
    change_app("wiki", actor=ADMIN, upstream="http://10.0.0.99:8080")

    events = [json.loads(line) for line in recorded().splitlines() if "10.0.0.99:8080" in line]
    assert len(events) == 1
    text = json.dumps(events[0])
    assert "admin@example.test" in text
    assert "http://10.0.0.5" in text


def test_an_app_elsewhere_is_in_the_catalogue_and_has_no_host() -> None:
    before = version()
    added = add_app_elsewhere(
        "cloud", sign_in=SignIn.OIDC, launch_url="HTTPS://Cloud.Example.org", actor=ADMIN, labels=["files"]
    )
    assert get_app("cloud") == added
    assert (added.behind_gateway, added.host, added.launch_url) == (False, "", "https://cloud.example.org/")
    assert added not in list_guarded_apps()
    assert added in list_apps()
    fact = read_applications().apps[added.id]
    assert (fact.host, fact.labels, fact.name) == ("", ("files",), "cloud")
    assert version() == (before[0] + 1, before[1])
    assert '"cloud"' in recorded()
    add_app_elsewhere("tickets", sign_in=SignIn.SAML, launch_url="http://10.0.0.7:8080/t", actor=ADMIN)
    remove_app("cloud", actor=ADMIN)
    assert version()[1] == version()[0]


def test_an_app_elsewhere_changes_as_such_and_no_other_way() -> None:
    add_app_elsewhere("cloud", sign_in=SignIn.OIDC, launch_url="https://cloud.example.org/", actor=ADMIN)
    add_app("wiki", upstream="http://10.0.0.5", actor=ADMIN)
    changed = change_app("cloud", launch_url="https://files.example.org/start?x=1", name="Files", actor=ADMIN)
    assert (changed.launch_url, changed.name) == ("https://files.example.org/start?x=1", "Files")
    for wrong in ({"upstream": "http://10.0.0.6"}, {"host": "cloud.example.test"}, {"streams": False}):
        with pytest.raises(UnusableApp, match="not behind the gateway"):
            change_app("cloud", actor=ADMIN, **wrong)
    with pytest.raises(UnusableApp, match="opens at its host"):
        change_app("wiki", launch_url="https://elsewhere.example.org/", actor=ADMIN)
    assert get_app("cloud") == changed


@pytest.mark.parametrize(
    "url",
    [
        "",
        "cloud.example.org",
        "javascript:alert(1)",
        "https://",
        "https://user@cloud.example.org/",
        "https://cloud.example.org\\@evil.test/",
        "https://cloud.example.org:0/",
        "https://cloud.example.org:/",
        "https://clöud.example.org/",
        "https://cloud.example.org/ x",
        'https://cloud.example.org/"',
        "https://[::1",
        "https://" + "a" * 600 + ".test/",
    ],
)
def test_an_address_that_no_browser_should_open_is_refused(url: str) -> None:
    with pytest.raises(UnusableApp):
        add_app_elsewhere("cloud", sign_in=SignIn.OIDC, launch_url=url, actor=ADMIN)
    assert "cloud" not in {app.id for app in list_apps()}


def test_two_apps_never_share_a_host() -> None:
    from django.db import IntegrityError

    from ostiary.applications.models import StoredApp

    StoredApp.objects.create(id="a", name="a", host="a.example.test")
    with pytest.raises(IntegrityError):
        StoredApp.objects.create(id="b", name="b", host="a.example.test")
