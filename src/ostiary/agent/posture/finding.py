"""What a collector brings: values by name, or why there are none. Pure."""

from collections.abc import Callable, Hashable, Mapping

import msgspec

from ostiary.agent.posture.computer import CannotTell, Computer
from ostiary.devices.domain.posture import Reported

MAX_CHARACTERS = 200


class Unknown(msgspec.Struct, frozen=True):
    """One fact that cannot be told, while others of the same look can; `why` is a sentence."""

    why: str


Value = bool | int | str | Unknown
Look = Callable[[Computer], Mapping[str, Value]]


class Collector(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is looked at.

    Args:
        facts: every name that it brings, always.
        look: looks; raises `CannotTell` where none of them can be told.
        quick: whether it is cheap enough to be looked at every few seconds.
        mark: of one that is not, something cheap that is another when it is worth looking at again; it is told to nobody.
    """

    facts: tuple[str, ...]
    look: Look
    quick: bool = False
    mark: Callable[[Computer], Hashable] | None = None


def look_at(collector: Collector, computer: Computer) -> tuple[Reported, ...]:
    """Return each of a collector's facts, with its value or with why there is none; nothing else comes out of it."""
    try:
        found = collector.look(computer)
    except CannotTell as error:
        found = {name: Unknown(error.why) for name in collector.facts}
    return tuple(
        _reported(name, found.get(name, Unknown("This was not looked at.")), computer.now) for name in collector.facts
    )


def _reported(name: str, value: Value, at: float) -> Reported:
    if isinstance(value, Unknown):
        return Reported(name=name, at=at, problem=_plain(value.why))
    return Reported(name=name, value=_plain(value) if isinstance(value, str) else value, at=at)


def _plain(text: str) -> str:
    """Return a text as it can be stored and shown anywhere: in one line, without what cannot be seen."""
    return "".join(char for char in text if char.isprintable())[:MAX_CHARACTERS]
