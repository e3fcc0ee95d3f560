"""The supervisor's own process: `python -m ostiary.supervisor [process …]`. `ostiary up` becomes it."""

import sys

from ostiary.config.loader import find_home, load_instance
from ostiary.errors import OstiaryError
from ostiary.supervisor.telling import Lines
from ostiary.supervisor.up import run_instance


def main() -> int:
    """Run the instance in `OSTIARY_HOME`; return the exit status."""
    try:
        run_instance(load_instance(find_home()), telling=Lines(), only=sys.argv[1:])
    except OstiaryError as error:
        sys.stderr.write(f"Error: {error.message}\n" + (f"  {error.hint}\n" if error.hint else ""))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
