"""What a device is told of how it stands, in the answer to its report."""

from functools import lru_cache
from typing import Final

import msgspec
from django.conf import settings

from ostiary.baselines.facade import NEVER, Finding, Verdict, block_at, count_lacking, lacks_nothing, look_at
from ostiary.devices.facade import Failing, Posture, Taken, UnknownDevice, UnusableDevice, get_posture
from ostiary.policy.identifiers import DeviceId
from ostiary.web.fact_words import seen_in_words

SOON_SECONDS: Final = 10
"""A device that fails something reports again so soon, so that whoever mends it sees it."""
MOST_A_SECOND: Final = 20
"""Where many fail at the same time they come less often: no more than so many of them a second."""
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
    return msgspec.structs.replace(
        taken,
        compliant=standing.verdict.compliant,
        failing=failing,
        again_in=min(taken.again_in, _soon(int(now // COUNTED_FOR_SECONDS))) if failing else taken.again_in,
        mend=instance.url(instance.identity_host, f"/devices/{device}/mend") if failing else "",
    )


@lru_cache(maxsize=1)
def _soon(_moment: int) -> int:
    """Return after how many seconds a device that fails something reports again; counted anew every few seconds."""
    return max(SOON_SECONDS, count_lacking() // MOST_A_SECOND)


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
