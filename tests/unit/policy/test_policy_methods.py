"""Methods and the class of action each is."""

import pytest

from ostiary.policy.methods import action_class
from ostiary.policy.request import ActionClass


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("GET", ActionClass.VIEW),
        ("HEAD", ActionClass.VIEW),
        ("PROPFIND", ActionClass.VIEW),
        ("POST", ActionClass.EDIT),
        ("PUT", ActionClass.EDIT),
        ("MOVE", ActionClass.DELETE),
        ("DELETE", ActionClass.DELETE),
        ("CONNECT", ActionClass.CONNECT),
        ("get", ActionClass.UNKNOWN),
        ("TRACE", ActionClass.UNKNOWN),
        ("", ActionClass.UNKNOWN),
    ],
)
def test_default(method, expected):
    assert action_class(method, {}) is expected


def test_the_app_may_say_otherwise():
    assert action_class("POST", {"POST": ActionClass.VIEW}) is ActionClass.VIEW
    assert action_class("GET", {"POST": ActionClass.VIEW}) is ActionClass.VIEW
    assert action_class("BAKE", {"BAKE": ActionClass.EDIT}) is ActionClass.EDIT
