"""One thing that needs somebody. Which there are is `attention`'s."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that needs somebody.

    Args:
        kind: `refused` when something does not work now, `held` when it should be looked at.
        words: what, in one sentence.
        href: where to act on it; empty when that is on the machine.
        action: the link's words.
    """

    kind: Literal["refused", "held"]
    words: str
    href: str = ""
    action: str = ""
