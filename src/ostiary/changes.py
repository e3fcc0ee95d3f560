"""How a pillar says that its facts changed, without knowing who listens.

The gateway listens: it counts the change in the same transaction and publishes a new snapshot when it commits.
"""

from typing import Literal

from django.dispatch import Signal

SectionName = Literal["identity", "sessions", "applications", "rulebook", "clients", "workloads"]

facts_changed = Signal()


def announce_change(section: SectionName, *, takes_away: bool) -> None:
    """Say, inside the transaction that made it, that a section of the facts changed.

    Args:
        section: whose facts.
        takes_away: whether anybody could lose access by it; only then do open grants end. When in doubt, true.
    """
    facts_changed.send(sender=None, section=section, takes_away=takes_away)
