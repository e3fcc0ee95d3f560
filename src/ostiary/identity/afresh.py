"""What rooms above this one keep that opens something in somebody's name, and that must not outlive a new beginning.

Whoever is let in again after being switched off, or whose sign-in is reset, begins with nothing: what was made before may be
somebody else's work. Such a room tells of itself once, when it is ready.
"""

from collections.abc import Callable

from ostiary.policy.identifiers import PersonId
from ostiary.visibility.facade import Actor

End = Callable[[PersonId, Actor, str], None]

_ends: dict[str, End] = {}


def end_too(what: str, end: End) -> None:
    """Have something else ended when somebody begins afresh; telling the same again changes nothing.

    Args:
        what: names it.
        end: ends all of it for a person, inside the transaction that is open: whose it is, who does it, why.
    """
    _ends[what] = end


def begin_afresh(person_id: PersonId, *, actor: Actor, reason: str, keeps: frozenset[str] = frozenset()) -> None:
    """End all that opened something in somebody's name until now, inside the transaction that is open.

    Args:
        person_id: whose.
        actor: who does it.
        reason: why, for the record.
        keeps: what goes on all the same, as it was named to `end_too`.
    """
    for what, end in _ends.items():
        if what not in keeps:
            end(person_id, actor, reason)
