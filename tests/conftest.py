"""Every run works on an instance of its own."""

import os
import shutil

import django

from tests.instance import make_instance_home

HOME = make_instance_home()
os.environ["OSTIARY_HOME"] = str(HOME)
os.environ["DJANGO_SETTINGS_MODULE"] = "ostiary.config.django"
django.setup()


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)
