"""How a pillar says that its facts changed, or what happened to somebody, without knowing who listens.

The gateway listens to changed facts: it counts the change in the same transaction and publishes a new snapshot when it commits.
What happened to people is for those who tell other systems of it.
"""

from typing import Literal

import msgspec
from django.dispatch import Signal

SectionName = Literal[
    "identity", "sessions", "applications", "rulebook", "clients", "workloads", "devices", "postures", "compliance",
    "given",
]  # fmt: skip

Happened = Literal[
    "sessions_ended", "disabled", "enabled", "authenticator_added", "authenticator_removed", "password_changed",
    "assurance_raised",
]  # fmt: skip

facts_changed = Signal()
happened_to_somebody = Signal()


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """Something happened to somebody, in the transaction that is open.

    Args:
        kind: what.
        person_id: to whom.
        initiated_by: `user` for the person themselves, `admin` for somebody else, `system` for Ostiary or a program.
        session: the one sign-in that it is about; empty for all of theirs, or none.
        what: the kind of authenticator, or the strength that was reached.
        before: the strength before that.
        reason: why, as it stands on the record.
    """

    kind: Happened
    person_id: str
    initiated_by: Literal["admin", "user", "system"]
    session: str = ""
    what: str = ""
    before: str = ""
    reason: str = ""


def announce_change(section: SectionName, *, takes_away: bool, at_once: bool = True) -> None:
    """Say, inside the transaction that made it, that a section of the facts changed.

    Args:
        section: whose facts.
        takes_away: whether anybody could lose access by it; only then do open grants end. When in doubt, true.
        at_once: whether it is published when the transaction commits. Otherwise the worker does so within seconds, together
            with whatever else there is by then: for what may come from thousands at the same time. What takes away is
            always published at once.
    """
    facts_changed.send(sender=None, section=section, takes_away=takes_away, at_once=at_once or takes_away)


def announce_happening(happening: Happening) -> None:
    """Say, inside the transaction that made it so, what happened to somebody."""
    happened_to_somebody.send(sender=None, happening=happening)
