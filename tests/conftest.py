"""Every run works on an instance of its own, and so does every process of a parallel run."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import pytest
import structlog

from tests.instance import make_instance_home

IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
HOME = Path(os.environ["OSTIARY_HOME"]) if IS_WORKER else make_instance_home()
os.environ["OSTIARY_HOME"] = str(HOME)
os.environ["DJANGO_SETTINGS_MODULE"] = "ostiary.config.django"
django.setup()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: list[Any]) -> None:
    """Give each worker its instance before it starts: pytest-django reads the settings before this file runs there."""
    for spec in specs:
        spec.env["OSTIARY_HOME"] = str(make_instance_home())


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(autouse=True)
def _the_log_is_left_as_found() -> Iterator[None]:
    """A command run inside a test points the log at that test's standard error, which is closed after it."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)
