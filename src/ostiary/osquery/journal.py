"""What the record calls the things of this room."""

from typing import Final

SECRET: Final = "osquery enrol secret"  # noqa: S105 - a word
HOST: Final = "osquery host"
