"""Who did something, as it stands on the record. What an actor may do is not decided here."""

from typing import Literal

import msgspec


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts: a signed-in person, an operator or program on the machine, or Ostiary itself.

    Args:
        kind: `person` for somebody signed in, `machine` for a command on the machine, `system` for a scheduled job.
        id: the person's identifier, the operating system's user name, or the job's name.
        label: what people read: an e-mail address or a name.
        address: the client's IP address in text form, where there is one.
    """

    kind: Literal["person", "machine", "system"]
    id: str
    label: str
    address: str | None = None
