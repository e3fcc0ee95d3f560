"""Reads `ostiary.toml`, applies environment overrides, and says precisely what is wrong with either."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ostiary.config.places import Instance
from ostiary.config.schema import Configuration
from ostiary.errors import OstiaryError

FILE_NAME = "ostiary.toml"
HOME_VARIABLE = "OSTIARY_HOME"
DEFAULT_HOME = Path("/var/lib/ostiary")


class ConfigurationError(OstiaryError):
    """The configuration cannot be used; nothing was started or changed."""


def find_home(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the instance's folder: `OSTIARY_HOME`, or `/var/lib/ostiary`."""
    return Path(environment.get(HOME_VARIABLE, "") or DEFAULT_HOME)


def load_instance(home: Path, environment: Mapping[str, str] = os.environ) -> Instance:
    """Read and validate the instance in `home`.

    Raises:
        ConfigurationError: when the file is missing, is not TOML, or has an unknown key or a wrong value.
    """
    path = home / FILE_NAME
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(
            f"There is no {FILE_NAME} in {home}.",
            hint=f"Create an instance with: ostiary init --home {home} --domain example.com",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.") from None
    if url := environment.get("OSTIARY_DATABASE_URL"):
        values.setdefault("database", {})["url"] = url
    try:
        configuration = msgspec.convert(values, Configuration)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{path}: {error}.") from None
    return Instance(home=home.resolve(), configuration=configuration)
