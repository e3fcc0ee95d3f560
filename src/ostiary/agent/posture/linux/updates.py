"""Which security updates wait, by whatever installs packages here."""

from collections.abc import Mapping

from ostiary.agent.posture.computer import CannotTell, Computer
from ostiary.agent.posture.finding import Collector, Value
from ostiary.agent.posture.linux import updates_apt, updates_dnf


def look(computer: Computer) -> Mapping[str, Value]:
    """Return how many wait, and how long the oldest has."""
    if computer.has("apt-get"):
        return updates_apt.look(computer)
    if computer.has("dnf") or computer.has("dnf5"):
        return updates_dnf.look(computer)
    raise CannotTell("Which of the updates here are security updates cannot be told.")


COLLECTOR = Collector(facts=("security_updates_pending", "security_update_age_days"), look=look)
