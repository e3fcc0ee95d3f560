"""Reads `ostiary.toml`, applies environment overrides, and says precisely what is wrong with either."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ostiary.config.domain_name import parse_domain
from ostiary.config.overrides import UnusableOverride, apply_overrides, read_overrides
from ostiary.config.places import Instance
from ostiary.config.schema import Configuration
from ostiary.config.validation import Problem, find_problems
from ostiary.errors import OstiaryError

FILE_NAME = "ostiary.toml"
HOME_VARIABLE = "OSTIARY_HOME"
DEFAULT_HOME = Path("/var/lib/ostiary")


class ConfigurationError(OstiaryError):
    """The configuration cannot be used; nothing was started or changed.

    Args:
        problems: what is wrong, one entry a key; empty when the file itself cannot be read.
    """

    def __init__(self, message: str, *, hint: str = "", problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.problems = problems


def find_home(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the instance's folder: `OSTIARY_HOME`, or `/var/lib/ostiary`."""
    return Path(environment.get(HOME_VARIABLE, "") or DEFAULT_HOME)


def load_instance(home: Path, environment: Mapping[str, str] = os.environ) -> Instance:
    """Read and validate the instance in `home`.

    Raises:
        ConfigurationError: when the file is missing, is not TOML, or has an unknown key or a wrong value.
    """
    configuration = parse_configuration(_read(home), environment, source=str(home / FILE_NAME))
    return Instance(home=home.resolve(), configuration=configuration)


def parse_configuration(text: str, environment: Mapping[str, str], *, source: str = FILE_NAME) -> Configuration:
    """Return what a file says, overrides applied, every key checked.

    Args:
        text: the content of the file.
        environment: the variables of the process.
        source: how the file is called in messages.

    Raises:
        ConfigurationError: with every problem that was found.
    """
    try:
        values: dict[str, object] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        words = str(error) or "it is nested too deeply"
        raise ConfigurationError(
            f"{source} is not valid TOML: {words}.",
            hint='Texts stand in quotes, one key a line: domain = "example.com"',
        ) from None
    try:
        apply_overrides(values, read_overrides(environment))
    except UnusableOverride as error:
        raise ConfigurationError(str(error), hint="Unset it, or correct it.") from None
    if problems := find_problems(values):
        raise _unusable(source, problems)
    values["domain"] = parse_domain(str(values["domain"]))
    try:
        return msgspec.convert(values, Configuration)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{source}: {error}.") from None


def _read(home: Path) -> str:
    path = home / FILE_NAME
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigurationError(
            f"There is no {FILE_NAME} in {home}.",
            hint=f"Create an instance with: ostiary --home {home} init --domain example.com",
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}.") from None
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error.strerror}).", hint="Run the command as the user who owns the instance."
        ) from None


def _unusable(source: str, problems: list[Problem]) -> ConfigurationError:
    if len(problems) == 1:
        return ConfigurationError(f"{source}: {problems[0]}", problems=tuple(problems))
    lines = "\n".join(f"  {problem}" for problem in problems)
    return ConfigurationError(f"{source} has {len(problems)} problems:\n{lines}", problems=tuple(problems))
