"""Which security updates wait, by whatever installs packages here."""

from collections.abc import Callable, Mapping

from ostiary.agent.posture.computer import CannotTell, Computer
from ostiary.agent.posture.finding import Collector, Value
from ostiary.agent.posture.linux import updates_apt, updates_dnf, updates_pacman, updates_zypper
from ostiary.agent.posture.linux.packaging import packaging_here
from ostiary.agent.system.packaging import Packaging

_LOOKS: Mapping[Packaging, Callable[[Computer], Mapping[str, Value]]] = {
    Packaging.DEB: updates_apt.look,
    Packaging.DNF: updates_dnf.look,
    Packaging.ZYPPER: updates_zypper.look,
    Packaging.PACMAN: updates_pacman.look,
}


def look(computer: Computer) -> Mapping[str, Value]:
    """Return how many wait, and how long the oldest has."""
    packaging = packaging_here(computer)
    if packaging is None or packaging not in _LOOKS:
        raise CannotTell("Which of the updates here are security updates cannot be told.")
    return _LOOKS[packaging](computer)


COLLECTOR = Collector(facts=("security_updates_pending", "security_update_age_days"), look=look)
