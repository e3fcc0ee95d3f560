"""The order of Alpine's versions, as a key by which they sort. Pure.

Source: apk-package(5), and apk-tools' `version.c`.
"""

import re
from typing import Final

Key = tuple[tuple[int | str, ...], ...]

_BEFORE: Final = ("alpha", "beta", "pre", "rc")
_AFTER: Final = ("cvs", "svn", "git", "hg", "p")
_VERSION: Final = re.compile(
    r"\A(?P<numbers>[0-9]+(?:\.[0-9]+)*)(?P<letter>[a-z]?)"
    rf"(?P<suffixes>(?:_(?:{'|'.join((*_BEFORE, *_AFTER))})[0-9]*)*)(?:~(?P<commit>[0-9a-f]+))?(?:-r(?P<revision>[0-9]+))?\Z"
)
_SUFFIX: Final = re.compile(r"([a-z]+)([0-9]*)")
_SOONER, _END, _REVISION, _COMMIT, _COUNT, _LATER, _LETTER, _NUMBER = range(-1, 7)
"""What may follow, the oldest first: where one version goes on with something else than another, this decides."""


def sort_key(text: str) -> Key:
    """Return what sorts as the version does.

    Args:
        text: as apk writes it.

    Raises:
        ValueError: when it is no version of Alpine's.
    """
    found = _VERSION.match(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is no version of Alpine's.")
    first, *others = found["numbers"].split(".")
    parts: list[tuple[int | str, ...]] = [(_NUMBER, 1, int(first))]
    # after the first, a number that begins with a zero is read as a fraction: as text, before all others
    parts += [(_NUMBER, 0, one) if one.startswith("0") else (_NUMBER, 1, int(one)) for one in others]
    if found["letter"]:
        parts.append((_LETTER, found["letter"]))
    for name, count in _SUFFIX.findall(found["suffixes"]):
        parts.append((_SOONER, _BEFORE.index(name)) if name in _BEFORE else (_LATER, _AFTER.index(name)))
        if count:
            parts.append((_COUNT, int(count)))
    if found["commit"]:
        parts.append((_COMMIT, found["commit"]))
    if found["revision"]:
        parts.append((_REVISION, int(found["revision"])))
    return (*parts, (_END,))
