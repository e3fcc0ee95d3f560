"""Readies the demo's instance and fills it: `python -m ostiary.demo.seed`, with the instance in `OSTIARY_HOME`.

Prints one line a step, for the supervisor.
"""

import os
import sys

from ostiary.config.loader import find_home, load_instance
from ostiary.demo.notes import read_notes, write_notes
from ostiary.errors import OstiaryError


def say(words: str) -> None:
    """Tell the supervisor a step."""
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def seed() -> None:
    """Prepare and fill the instance.

    Raises:
        OstiaryError: when it cannot be done.
    """
    instance = load_instance(find_home())
    import django  # noqa: PLC0415 - the instance is checked first

    django.setup()
    from ostiary.cli.output import quiet_logs  # noqa: PLC0415 - after the settings
    from ostiary.demo.populate import populate  # noqa: PLC0415
    from ostiary.supervisor.prepare import prepare  # noqa: PLC0415

    quiet_logs("error")
    prepare(instance, say)
    notes = read_notes(instance.home)
    if notes is None:
        raise OstiaryError("The demo's notes are missing.", hint="Remove the demo's folder and start again.")
    write_notes(instance.home, populate(notes, say))


def main() -> int:
    """Do it; return the exit status."""
    os.umask(0o077)
    os.environ["DJANGO_SETTINGS_MODULE"] = "ostiary.config.django"
    try:
        seed()
    except OstiaryError as error:
        sys.stderr.write(f"{error.message}\n{error.hint}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
