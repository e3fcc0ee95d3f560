"""What the record calls the things of this room, and how a verdict stands there."""

from typing import Final

from ostiary.baselines.models import DeviceVerdict
from ostiary.visibility.domain.events import EntityChange
from ostiary.visibility.facade import Actor, record_entity_change

BASELINE: Final = "device baseline"
REQUIREMENT: Final = "required device baseline"
EXCEPTION: Final = "device exception"
VERDICT: Final = "device compliance"
HELD: Final = "held device compliance"

JUDGED_BY: Final = Actor(kind="system", id="judge_devices", label="Ostiary")


def record_verdict(
    row: DeviceVerdict, name: str, owner: str, *, compliant: bool, now: float, comment: str = ""
) -> None:
    """Put on record that a device counts as compliant from now on, or not.

    Args:
        row: its verdict.
        name: what people call it.
        owner: the address of whoever has it.
        compliant: as what it counts.
        now: seconds since the epoch.
        comment: why, where that is not said by what it fails.
    """
    told = {
        "compliant": compliant,
        "failing": ", ".join(row.failing),
        "required": ", ".join(row.required),
        "owner": owner,
    }
    change: EntityChange = "enable" if compliant else "disable"
    record_entity_change(VERDICT, row.pk, change, at=now, actor=JUDGED_BY, name=name, after=told, comment=comment)
