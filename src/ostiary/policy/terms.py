"""What is true of somebody at one moment: accounts and memberships may have an end, which needs nobody to carry it out."""

import msgspec

from ostiary.policy.decision import Decision
from ostiary.policy.snapshot import PersonFact


def person_at(person: PersonFact, now: float) -> PersonFact:
    """Return somebody as they are at a moment: without the groups whose term is over, inactive once the account's is.

    Args:
        person: as published.
        now: seconds since the epoch.
    """
    if person.ends_at is None and not person.terms:
        return person
    over = {group for group, end in person.terms.items() if end <= now}
    return msgspec.structs.replace(
        person,
        active=person.active and (person.ends_at is None or now < person.ends_at),
        groups=tuple(group for group in person.groups if group not in over),
        terms={group: end for group, end in person.terms.items() if group not in over},
    )


def next_end(person: PersonFact, now: float) -> float | None:
    """Return the first moment after `now` at which time alone changes what is true of somebody; `None` for never."""
    ends = [end for end in (person.ends_at, *person.terms.values()) if end is not None and end > now]
    return min(ends, default=None)


def holds_until(decision: Decision, end: float | None) -> Decision:
    """Return a decision that holds no longer than the facts it was made on; `None` for facts without an end."""
    if end is None or (decision.valid_until is not None and decision.valid_until <= end):
        return decision
    return msgspec.structs.replace(decision, valid_until=end)
