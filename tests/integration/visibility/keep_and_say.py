"""A process that keeps past requests, a few lines at a time, and says each time that it did: `keep_and_say HOME`."""

import sys
from pathlib import Path

import django

django.setup()

from tests.visibility_material import NOW  # noqa: E402 - as above

from ostiary.config.loader import load_instance  # noqa: E402 - needs Django
from ostiary.visibility.keeping import PastKeeper  # noqa: E402 - needs Django


def main() -> None:
    keeper = PastKeeper(load_instance(Path(sys.argv[1])))
    while done := keeper.keep(NOW, limit=10):
        sys.stdout.write(f"kept {done}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
