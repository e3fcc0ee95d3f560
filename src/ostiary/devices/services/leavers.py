"""What becomes of devices when whoever they belong to leaves or begins afresh: they are retired, and are enrolled anew.

When their owner is only switched off they stay, and count as managed for nobody.
"""

from typing import Final

from ostiary.changes import Happening, announce_change
from ostiary.devices.domain.devices import HELD
from ostiary.devices.queries import get_device
from ostiary.devices.services.register import SECTION, devices_held_by, retire_device
from ostiary.identity.facade import Handover, Step
from ostiary.policy.identifiers import PersonId
from ostiary.visibility.facade import Actor


def retire_devices_of(person_id: PersonId, actor: Actor, reason: str) -> None:
    """Retire every device of somebody, inside the transaction that is open."""
    for device_id in devices_held_by(person_id):
        retire_device(device_id, actor=actor, reason=reason)


def tell_of_owner(*, happening: Happening, **_: object) -> None:
    """Have the devices of somebody who was switched off told anew, inside the transaction that is open."""
    if happening.kind == "disabled" and devices_held_by(PersonId(happening.person_id)):
        announce_change(SECTION, takes_away=True)


def _retire(device_id: str, _to: str, actor: Actor, reason: str) -> None:
    if get_device(device_id).state in HELD:
        retire_device(device_id, actor=actor, reason=reason)


DEVICES_OF_LEAVERS: Final = Handover(
    to_somebody=Step.RETIRE_DEVICE, to_nobody=Step.RETIRE_DEVICE, held_by=devices_held_by, hand_over=_retire
)
