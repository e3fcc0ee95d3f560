"""What the agent shows the person at the computer: facts, what is not as required, and the last report. Pure but for who listens."""

import sys
from datetime import UTC, datetime

import msgspec

from ostiary.agent.outbox import Looked, Reports
from ostiary.agent.posture.computer import CannotTell, ThisComputer
from ostiary.devices.domain.answers import Failing, Taken
from ostiary.devices.domain.posture import FACTS, Reported


def as_sent(looked: Looked) -> str:
    """Return what a report says, as JSON: this and no more goes over the wire, besides who says it and when."""
    return msgspec.json.format(msgspec.json.encode(looked)).decode()


def as_table(looked: Looked, listening: str = "") -> str:
    """Return the same for people; `listening` names what listens, which is not sent."""
    lines = []
    for fact in looked.facts:
        words = FACTS[fact.name].words if fact.name in FACTS else fact.name
        lines.append(f"{words:<63}  {value_words(fact)}")
    if listening:
        lines.append(f"\nWhat listens, which is not sent: {listening}")
    return "\n".join(lines)


def value_words(fact: Reported) -> str:
    """Return a fact's value in words, or why there is none."""
    match fact.value:
        case None:
            return f"not known: {fact.problem}"
        case True:
            return "yes"
        case False:
            return "no"
    return str(fact.value)


def check_words(taken: Taken) -> str:
    """Return what an instance answered to a report."""
    if taken.compliant is None:
        return "Reported. Nothing is required of this computer."
    if not taken.failing:
        return "Reported. This computer is as required." if taken.compliant else "Reported. It is not as required."
    lines = ["Reported. Not as required:", *(f"  {_failing(one)}" for one in taken.failing)]
    if taken.mend:
        lines.append(f"How to mend it: {taken.mend}")
    return "\n".join(lines)


def last_words(reports: Reports) -> str:
    """Return when this computer reported last, how it stood, and what waits."""
    answered, parts = reports.answered, []
    if answered is None:
        parts.append("never")
    else:
        stood = {None: "nothing is required", True: "as required", False: "not as required"}[answered.compliant]
        names = ", ".join(one.name for one in answered.failing)
        parts.append(
            f"{datetime.fromtimestamp(answered.at, UTC):%Y-%m-%d %H:%M} UTC, {stood}" + (f": {names}" if names else "")
        )
    if reports.waiting:
        parts.append(f"{len(reports.waiting)} wait to be sent")
    if reports.dropped:
        parts.append(f"{reports.dropped} were given up while the instance could not be reached")
    return "; ".join(parts)


def listening_here() -> str:
    """Return the names of what listens on this computer, for the person at it; empty where that cannot be seen."""
    if sys.platform != "linux":
        return ""
    from ostiary.agent.posture.linux.listening import names_of  # noqa: PLC0415 - the other platforms have none

    try:
        found = names_of(ThisComputer(now=0.0))
    except (CannotTell, OSError):
        return ""
    return ", ".join(f"{one.port}/{one.protocol}" + (f" {name}" if name else "") for one, name in found.items())


def _failing(one: Failing) -> str:
    when = ""
    if one.stage == "block":
        when = " It stands in the way now."
    elif one.blocks_at is not None:
        when = f" From {datetime.fromtimestamp(one.blocks_at, UTC):%Y-%m-%d %H:%M} UTC on it stands in the way."
    return f"- {one.words}{when}"
