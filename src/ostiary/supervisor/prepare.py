"""Readies an instance to run: database, builtin parts, published facts, the data plane's files. Needs Django.

Run as `python -m ostiary.supervisor.prepare` by the supervisor, which itself stays small: one line a step on standard
output, errors on standard error.
"""

import os
import sys
import time
from collections.abc import Callable

from ostiary.config.loader import find_home, load_instance
from ostiary.config.places import Instance
from ostiary.config.secrets import AUDIT_KEY, read_secret
from ostiary.errors import OstiaryError
from ostiary.visibility.adapters.checkpoints import write_public_key


def prepare(instance: Instance, say: Callable[[str], None]) -> None:
    """Do everything that must be done before the processes start. Repeating is harmless. Django is set up.

    Args:
        instance: the instance.
        say: is told each step, in words.

    Raises:
        OstiaryError: when a step fails; what was done before it stays.
    """
    from ostiary.applications.facade import ensure_builtin_apps  # noqa: PLC0415 - needs Django's settings
    from ostiary.devices.facade import ready_authority  # noqa: PLC0415
    from ostiary.gateway.publisher import publish  # noqa: PLC0415
    from ostiary.gateway.reconfigure import prepare_gateway  # noqa: PLC0415
    from ostiary.rulebook.facade import roll_back_due  # noqa: PLC0415
    from ostiary.supervisor.upgrade import upgrade_database  # noqa: PLC0415

    upgrade_database(instance, say)
    ensure_builtin_apps()
    ensure_rules()
    if done := roll_back_due(time.time()):
        say(f"nobody confirmed the rules in time: {done}")
    write_public_key(instance.audit, read_secret(instance.secrets, AUDIT_KEY).reveal())
    if ready_authority(now=time.time()):
        say("readied the authority of devices")
    say("publishing the facts")
    publish("start")
    say("checking the gateway's configuration")
    prepare_gateway(instance)


def ensure_rules() -> bool:
    """Apply the initial rules where none were ever applied; return whether they were. Django is set up."""
    from ostiary.rulebook.facade import apply_rules, get_current, initial_rules  # noqa: PLC0415
    from ostiary.visibility.facade import Actor  # noqa: PLC0415

    if get_current().number:
        return False
    actor = Actor(kind="system", id="start", label="the first start")
    apply_rules(document=initial_rules(), comment="What a new instance begins with", actor=actor)
    return True


def main() -> int:
    """Prepare the instance in `OSTIARY_HOME`; return the exit status."""
    os.umask(0o077)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ostiary.config.django")
    try:
        instance = load_instance(find_home())
        import django  # noqa: PLC0415 - the instance is checked first

        django.setup()
        prepare(instance, lambda words: print(words, flush=True))  # noqa: T201 - the supervisor reads it
    except OstiaryError as error:
        sys.stderr.write(f"{error.message}\n{error.hint}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
