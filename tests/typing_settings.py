"""Django's settings for the type checker, which needs an instance to exist."""

import atexit
import os
import shutil

from tests.instance import make_instance_home

if "OSTIARY_HOME" not in os.environ:
    _home = make_instance_home()
    os.environ["OSTIARY_HOME"] = str(_home)
    atexit.register(shutil.rmtree, _home, ignore_errors=True)

from ostiary.config.django import *  # noqa: F403
