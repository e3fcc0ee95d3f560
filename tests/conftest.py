"""A throw-away instance for the whole run: its own folder, secrets and database; nothing outside it is touched."""

import os
import shutil
import tempfile
from pathlib import Path

from ostiary.config.secrets import create_missing_secrets

HOME = Path(tempfile.mkdtemp(prefix="ost-"))
(HOME / "ostiary.toml").write_text('domain = "example.test"\norganisation = "Example"\n')
create_missing_secrets(HOME / "secrets")
for _name in ("state", "run", "log"):
    (HOME / _name).mkdir()
os.environ["OSTIARY_HOME"] = str(HOME)
os.environ["DJANGO_SETTINGS_MODULE"] = "ostiary.config.django"


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)
