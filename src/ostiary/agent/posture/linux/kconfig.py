"""Settings of KDE as its programs read them: the system's file first, the person's over it, unless the first forbids that.

Source: KDE's desktop entry dialect: `[Group]`, `Key=value`; `[$i]` behind a key, a group or alone at the top makes it immutable,
`Key[$d]` takes back what files before said. Keys for one language (`Key[de]`) are left out.
"""

import re
from collections.abc import Iterable

_HEADER = re.compile(r"\[([^\[\]]*)\]")
_OPTIONS = re.compile(r"\$[a-z]{1,4}")
_KEY = re.compile(r"(\w{1,60})(?:\[\$([a-z]{1,4})\])?", re.ASCII)
_TRUE = frozenset({"true", "yes", "on", "1"})


def read_group(texts: Iterable[str], group: str) -> dict[str, str]:
    """Return what files say together in one group.

    Args:
        texts: of the files, the one that counts least first.
        group: its name.
    """
    said: dict[str, str] = {}
    fixed: set[str] = set()
    for text in texts:
        here, closed = False, False
        for line in text.splitlines():
            words = line.strip()
            if words.startswith("["):
                names = _HEADER.findall(words)
                immutable = any(_OPTIONS.fullmatch(one) and "i" in one for one in names)
                here = [one for one in names if not _OPTIONS.fullmatch(one)] == [group]
                closed = closed or (immutable and (here or len(names) == 1))
            elif here:
                _take(said, fixed, words)
        if closed:
            break
    return said


def is_true(word: str) -> bool:
    """Tell whether a switch is on."""
    return word.lower() in _TRUE


def _take(said: dict[str, str], fixed: set[str], line: str) -> None:
    key, equals, value = line.partition("=")
    match = _KEY.fullmatch(key.strip())
    if match is None or match[1] in fixed:
        return
    if equals:
        said[match[1]] = value.strip()
    elif "d" in (match[2] or ""):
        said.pop(match[1], None)
    if "i" in (match[2] or ""):
        fixed.add(match[1])
