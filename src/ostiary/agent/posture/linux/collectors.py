"""Everything that is looked at on Linux."""

from typing import Final

from ostiary.agent.posture.finding import Collector
from ostiary.agent.posture.linux import (
    administrators,
    antivirus,
    automatic_updates,
    clock,
    disks,
    firewall,
    listening,
    screen_lock,
    secure_boot,
    system,
    updates,
)

COLLECTORS: Final[tuple[Collector, ...]] = tuple(
    module.COLLECTOR
    for module in (
        system,
        updates,
        disks,
        firewall,
        screen_lock,
        antivirus,
        secure_boot,
        automatic_updates,
        administrators,
        listening,
        clock,
    )
)
