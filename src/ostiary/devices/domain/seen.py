"""A device that somebody uses and nobody enrolled, as far as the record knows it. Pure."""

import msgspec

from ostiary.policy.identifiers import PersonId


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One person with one browser on no enrolled device.

    Args:
        id: of this line.
        person_id: who.
        email: their address.
        browser: in words: `Firefox on Windows`.
        network: from where the latest request came: `192.0.2.0/24`; empty where that is not known.
        first_at: the earliest request, seconds since the epoch.
        last_at: the latest.
        requests: how many were decided.
        has_device: whether they have an enrolled device in use besides.
        asked_at: when they were asked to enrol it; `None` for never.
        ignored_until: until when nobody wants to hear of it; `None` where somebody does.
    """

    id: int
    person_id: PersonId
    email: str
    browser: str
    network: str
    first_at: float
    last_at: float
    requests: int
    has_device: bool = False
    asked_at: float | None = None
    ignored_until: float | None = None
