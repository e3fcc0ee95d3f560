"""Limits that labels bring: the strictest counts, the facts say so, and it is shown where it comes from."""

import json

import pytest
from tests.identity_people import MACHINE
from tests.integration.identity.test_identity_cli import logs_as_before, ostiary
from tests.requests_firm import on_record

from ostiary.applications.facade import (
    Limit,
    UnusableApp,
    add_app,
    get_app,
    limits_of,
    list_label_limits,
    read_applications,
    set_label_limits,
)
from ostiary.policy.identifiers import AppId, MalformedIdentifier

pytestmark = pytest.mark.django_db
__all__ = ["logs_as_before"]


def fact(app: str) -> tuple[int | None, int | None]:
    found = read_applications().apps[AppId(app)]
    return found.idle_seconds, found.longest_seconds


def test_what_a_label_brings_is_in_the_facts_until_it_is_taken_away() -> None:
    given_labels = {"upstream": "http://127.0.0.1:8080", "actor": MACHINE}
    add_app("payroll", labels=["restricted", "internal"], idle="30m", longest="4h", **given_labels)  # type: ignore[arg-type]
    add_app("wiki", **given_labels)  # type: ignore[arg-type]
    set_label_limits("restricted", idle="15m", longest="8h", actor=MACHINE)
    assert (fact("payroll"), fact("wiki")) == ((900, 4 * 3600), (None, None))
    held = limits_of(get_app("payroll"))
    assert (held.idle, held.longest) == (Limit(seconds=900, label="restricted"), Limit(seconds=4 * 3600))
    set_label_limits("internal", idle="5m", longest="", actor=MACHINE)
    assert fact("payroll")[0] == 300
    for label in ("internal", "restricted"):
        set_label_limits(label, idle="none", longest="", actor=MACHINE)
    assert fact("payroll") == (1800, 4 * 3600)
    assert list_label_limits() == ()
    assert len(on_record("restricted")) == 2


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"label": "Not A Label"}, MalformedIdentifier),
        ({"label": ""}, MalformedIdentifier),
        ({"idle": "soon"}, UnusableApp),
        ({"longest": "10s"}, UnusableApp),
    ],
)
def test_what_cannot_be_meant_changes_nothing(wrong: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        set_label_limits(actor=MACHINE, **{"label": "restricted", "idle": "15m", "longest": "8h", **wrong})  # type: ignore[arg-type]
    assert list_label_limits() == ()


def test_at_the_terminal() -> None:
    add_app("payroll", upstream="http://127.0.0.1:8080", labels=["restricted"], actor=MACHINE)
    assert ostiary("app", "limits", "list") == "", "what to do is said beside it"
    set_ = json.loads(ostiary("app", "limits", "set", "restricted", "--idle", "15m", "--longest", "8h", "--json"))
    assert set_ == {"label": "restricted", "idle_seconds": 900, "longest_seconds": 28_800}
    shown = ostiary("app", "limits", "list")
    assert "15m" in shown
    assert "payroll" in shown
    assert "15m (from the label restricted)" in ostiary("app", "show", "payroll")
    limits = json.loads(ostiary("app", "show", "payroll", "--json"))["limits"]
    assert limits["longest"] == {"seconds": 28_800, "label": "restricted"}
    ostiary("app", "limits", "clear", "restricted")
    assert json.loads(ostiary("app", "limits", "list", "--json")) == []
    ostiary("app", "limits", "set", "restricted", "--idle", "never", code=1)
