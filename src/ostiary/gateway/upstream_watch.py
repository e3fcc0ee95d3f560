"""Looks again where the names of upstreams lead, and keeps what was found for the plan, the status and the console."""

from pathlib import Path
from typing import Final

import msgspec
import structlog

from ostiary.applications.facade import find_forbidden, list_apps
from ostiary.config.places import Instance
from ostiary.gateway.replaced_file import replace_file

_log = structlog.get_logger(__name__)

FORBIDDEN_FILE: Final = "forbidden-upstreams.json"


def watch_upstreams(instance: Instance) -> int:
    """Look up every app's name; return how many lead where no app may live. The next reconciliation takes those away.

    Raises:
        OSError: when the findings cannot be written.
        django.db.Error: when the database does not answer.
    """
    known = read_forbidden(instance.run)
    found = find_forbidden(instance, list_apps(), known=known)
    if found != known:
        replace_file(instance.run / FORBIDDEN_FILE, msgspec.json.encode(found), durable=False)
        for app, problem in sorted(found.items()):
            if known.get(app) != problem:
                _log.error("upstream_forbidden", app=app, problem=problem)
        for app in sorted(known.keys() - found.keys()):
            _log.warning("upstream_allowed_again", app=app)
    return len(found)


def read_forbidden(run: Path) -> dict[str, str]:
    """Return what is wrong, in words, by app; nothing before names were looked up for the first time.

    Args:
        run: the instance's folder of that name.
    """
    try:
        return msgspec.json.decode((run / FORBIDDEN_FILE).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError):
        return {}


def say_forbidden(app: str, problem: str) -> str:
    """Return the sentence for the administrator."""
    return (
        f"App {app!r} is out of reach: {problem}. Correct the DNS record, or: ostiary app change {app} --upstream URL"
    )
