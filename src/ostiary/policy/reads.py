"""Which parts of a request some rules look at. Parts they do not look at cannot change the answer."""

from enum import StrEnum
from typing import Final

from ostiary.policy.rules.document import Condition, Countries, DeviceFact, Hours, Mfa, Networks, RiskBelow, Rule


class Part(StrEnum):
    """A part of a request. Subject, action, app and labels are always looked at."""

    PATH = "path"
    ADDRESS = "address"
    COUNTRY = "country"
    RISK = "risk"
    DEVICE = "device"
    PROOFS = "proofs"


Reads = frozenset[Part]

EVERYTHING: Final[Reads] = frozenset(Part)
NOT_IN_GRANT: Final[Reads] = frozenset({Part.PATH, Part.ADDRESS, Part.COUNTRY})
"""What a grant does not name: it names session, app, action and device, and a higher risk ends every grant."""

_BY_CONDITION: Final[dict[type[Condition], Reads]] = {
    Mfa: frozenset({Part.PROOFS}),
    DeviceFact: frozenset({Part.DEVICE}),
    Hours: frozenset(),
    Networks: frozenset({Part.ADDRESS}),
    Countries: frozenset({Part.COUNTRY}),
    RiskBelow: frozenset({Part.RISK}),
}


def what_it_reads(rule: Rule) -> Reads:
    """Return the parts that the rule looks at."""
    own = frozenset({Part.PATH}) if rule.paths else frozenset()
    return own.union(*(_BY_CONDITION[type(condition)] for condition in (*rule.when, *rule.unless)))
