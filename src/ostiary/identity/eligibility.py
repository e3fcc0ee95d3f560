"""What rooms above this one gave to somebody who may become an administrator, and what ends with that.

Such a room tells of itself once, when it is ready.
"""

from ostiary.identity.afresh import End
from ostiary.policy.identifiers import PersonId
from ostiary.visibility.facade import Actor

_ends: dict[str, End] = {}


def end_too_with_eligibility(what: str, end: End) -> None:
    """Have something ended when somebody may not become an administrator any more; telling the same again changes nothing.

    Args:
        what: names it.
        end: ends all of it for a person, inside the transaction that is open: whose it is, who does it, why.
    """
    _ends[what] = end


def end_with_eligibility(person_id: PersonId, *, actor: Actor, reason: str) -> None:
    """End all that followed from it, inside the transaction that is open."""
    for end in _ends.values():
        end(person_id, actor, reason)
