"""Makes a throw-away instance: its own folder, secrets and places; nothing outside it is touched."""

import tempfile
from pathlib import Path

from ostiary.config.secrets import create_missing_secrets


def make_instance_home(configuration: str = 'domain = "example.test"\norganisation = "Example"\n') -> Path:
    """Return a new folder that holds a usable instance; its path is short enough for Unix sockets."""
    home = Path(tempfile.mkdtemp(prefix="ost-"))
    (home / "ostiary.toml").write_text(configuration)
    create_missing_secrets(home / "secrets")
    for name in ("state", "run", "log"):
        (home / name).mkdir()
    return home
