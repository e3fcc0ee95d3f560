"""What other systems said, fit to be kept and to be shown to people: nothing in it moves a cursor or turns a line around."""

from typing import Final

_IN_PLACE_OF: Final = "\ufffd"


def fit(text: str, most: int) -> str:
    """Return at most so many characters of a text, each of which can be seen."""
    return "".join(one if one.isprintable() else _IN_PLACE_OF for one in " ".join(text[: 4 * most].split())[:most])
