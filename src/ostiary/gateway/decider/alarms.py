"""What needs a person now: kept in a small file that the status command reads, in the log and in the metrics."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import structlog

from ostiary.gateway.replaced_file import replace_file

ALARM_FILE: Final = "decider-alarms.json"

log = structlog.get_logger(__name__)


class Alarm(msgspec.Struct, frozen=True):
    """One thing that is wrong.

    Args:
        code: `record_unavailable`, `facts_unusable`, `facts_unconfirmed`, `rules_broken` or `country_database`.
        words: what it is and what to do.
        since: seconds since the epoch.
    """

    code: str
    words: str
    since: float


class Alarms:
    """The alarms that stand now. The file holds them as a JSON list; it is gone when there are none."""

    def __init__(self, run_folder: Path, clock: Callable[[], float]) -> None:
        self._path = run_folder / ALARM_FILE
        self._clock = clock
        self._alarms: dict[str, Alarm] = {}
        self._write()

    @property
    def standing(self) -> tuple[Alarm, ...]:
        """Every alarm that stands, the oldest first."""
        return tuple(self._alarms.values())

    def sound(self, code: str, words: str, *, detail: str = "") -> None:
        """Raise an alarm; nothing happens when it stands already with these words."""
        known = self._alarms.get(code)
        if known is not None and known.words == words:
            return
        self._alarms[code] = Alarm(code, words, known.since if known else self._clock())
        log.error("alarm_raised", code=code, words=words, detail=detail)
        self._write()

    def silence(self, code: str) -> None:
        """Take an alarm back; nothing happens when it does not stand."""
        if self._alarms.pop(code, None) is not None:
            log.info("alarm_ended", code=code)
            self._write()

    def _write(self) -> None:
        """A full disk is one of the things to report, so a file that cannot be written is no further failure."""
        with contextlib.suppress(OSError):
            if self._alarms:
                replace_file(self._path, msgspec.json.encode(self.standing), durable=False)
            else:
                self._path.unlink(missing_ok=True)


def read_alarms(run_folder: Path) -> tuple[Alarm, ...]:
    """Return the alarms the decision service has raised; none when it keeps no file.

    Raises:
        OSError: when its file cannot be read.
        msgspec.DecodeError: when its file is damaged.
    """
    try:
        return msgspec.json.decode((run_folder / ALARM_FILE).read_bytes(), type=tuple[Alarm, ...])
    except FileNotFoundError:
        return ()
