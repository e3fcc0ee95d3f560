"""What a device is told of how it stands, in the answer to its report, and how soon it is to come again."""

from functools import lru_cache
from typing import Final

import msgspec
from django.conf import settings

from ostiary.baselines.facade import NEVER, Finding, Standing, Verdict, block_at, count_lacking, lacks_nothing, look_at
from ostiary.devices.facade import (
    REPORT_SECONDS,
    Failing,
    Posture,
    Taken,
    UnknownDevice,
    UnusableDevice,
    get_posture,
    is_watched,
)
from ostiary.policy.identifiers import DeviceId
from ostiary.web.fact_words import seen_in_words

SOON_SECONDS: Final = 10
"""A device that is kept out reports again so soon, and one that lacks something while somebody looks at its page."""
SOME_TIME_SECONDS: Final = 30
"""One that lacks something and is not kept out yet."""
MOST_A_SECOND: Final = 2
"""Where many lack something at the same time they come less often: no more than so many of them a second."""
COUNTED_FOR_SECONDS: Final = 10


def with_compliance(taken: Taken, device: str, *, now: float) -> Taken:
    """Return the answer to a report with how the device stands to what is required of it; as it is, where the device ended meanwhile.

    The agent hears of that when it reports next: that this report was taken stays so.

    Args:
        taken: the answer so far.
        device: whose.
        now: seconds since the epoch.
    """
    if lacks_nothing(DeviceId(device)):
        return msgspec.structs.replace(taken, compliant=True)
    try:
        standing, posture = look_at(device, now=now), get_posture(device, now=now)
    except (UnknownDevice, UnusableDevice):
        return taken
    found: dict[str, Finding] = {}
    for one in (one for judged in standing.of_required for one in judged.failing):
        if one.check.name not in found or one.blocks:
            found[one.check.name] = one
    failing = tuple(_failing(one, posture, now, standing.verdict) for one in found.values())
    instance = settings.INSTANCE
    watched = is_watched(DeviceId(device), now=now)
    return msgspec.structs.replace(
        taken,
        compliant=standing.verdict.compliant,
        failing=failing,
        again_in=min(taken.again_in, SOON_SECONDS if failing and watched else pause_of(standing, now=now)),
        mend=instance.url(instance.identity_host, f"/devices/{device}/mend") if failing else "",
    )


def pause_of(standing: Standing, *, now: float) -> int:
    """Return after how many seconds a device reports again as it stands, while nobody looks at it.

    Args:
        standing: how it stands.
        now: seconds since the epoch.
    """
    if not any(judged.failing for judged in standing.of_required):
        return REPORT_SECONDS
    least = SOME_TIME_SECONDS if standing.verdict.compliant else SOON_SECONDS
    return min(REPORT_SECONDS, max(least, _lacking(int(now // COUNTED_FOR_SECONDS)) // MOST_A_SECOND))


@lru_cache(maxsize=1)
def _lacking(_moment: int) -> int:
    """Return how many devices lack something; counted anew every few seconds."""
    return count_lacking()


def _failing(one: Finding, posture: Posture, now: float, verdict: Verdict) -> Failing:
    seen = [seen_in_words(fact, posture, one.check.evidence) for fact in one.failing]
    held = one.blocks and one.check.name in verdict.held_checks
    ends = verdict.held_until if held else block_at(one, now)
    return Failing(
        name=one.check.name,
        words=" ".join([f"{'; '.join(seen)}.", one.check.why]).strip(),
        stage=one.stage.value if one.stage is not None else "",
        blocks_at=None if ends == NEVER else ends,
    )
