"""Concrete values for each dimension of a request: enough that every possible value behaves like one of them.

Too many is no harm: values that every rule treats alike are one class in the end. The usual value comes first, since
it stands for its class and is what a counterexample prefers.
"""

import ipaddress
import math
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from string import ascii_lowercase

from ostiary.policy.conditions import CLOCK_SKEW_SECONDS
from ostiary.policy.proof.moments import representative_moments
from ostiary.policy.proof.questions import PathPrefix, Question, Scopes
from ostiary.policy.rules.countries import COUNTRY_CODES
from ostiary.policy.rules.document import Countries, DeviceFact, Hours, Mfa, Networks

Posture = bool | int | str | None

UNKNOWN_PATH = "//"
"""Apps could read it in more than one way."""

OWN_FACTS = ("managed", "compliant")
_FUTURE_SECONDS = -(CLOCK_SKEW_SECONDS + 55.0)
_FIRST_LETTER, _LAST_LETTER = ord("Ā"), ord("\ud7ff")
"""Far more letters lie between them than Cedar beside a document has room to name."""

_MAPPED = ipaddress.ip_network("::ffff:0:0/96")


def paths(questions: Sequence[Question]) -> list[str]:
    """Return every path that is named, one below each prefix that is named, and one that is not known.

    A path that equals none of the named ones behaves like any other continuation of the longest prefix it has, if
    that does not have a longer one itself.
    """
    exact: dict[str, None] = {"/": None}
    prefixes: dict[str, None] = {"/": None}
    begun = [question.text for question in questions if isinstance(question, PathPrefix)]
    for question in questions:
        if isinstance(question, Scopes):
            exact.update(dict.fromkeys(scope.path for scope in question.scopes))
            prefixes.update(dict.fromkeys(scope.path + "/" for scope in question.scopes if scope.below))
        elif isinstance(question, PathPrefix):
            exact.setdefault(question.text)
            prefixes.setdefault(question.text)
    fresh = _fresh(_going_on(prefixes, begun), "".join([*exact, *prefixes]))
    return [*exact, *prefixes, *(prefix + fresh for prefix in prefixes), UNKNOWN_PATH]


def ages(questions: Iterable[Question]) -> list[float | None]:
    """Return how old a proof may be, seconds: none was given, one for each span between two limits, one in the future."""
    limits = sorted({one.within_seconds for one in questions if isinstance(one, Mfa) and one.within_seconds})
    between = [begin + min(60.0, (end - begin) / 2) for begin, end in pairwise([*limits, math.inf])]
    return [None, min([60.0, *(limit / 2 for limit in limits)]), *between, _FUTURE_SECONDS]


def moments(questions: Iterable[Question]) -> list[float]:
    """Return moments, seconds since the epoch."""
    windows = dict.fromkeys(window for one in questions if isinstance(one, Hours) for window in one.windows)
    return list(representative_moments(windows))


def addresses(questions: Iterable[Question]) -> list[str | None]:
    """Return no address, and the first of each span between the ends of ranges.

    IPv6 addresses that mean IPv4 ones are read as these, so both ends of that range cut IPv6.
    """
    four, six = {0}, {0, int(_MAPPED.network_address), int(_MAPPED.broadcast_address) + 1}
    for question in questions:
        for text in question.ranges if isinstance(question, Networks) else ():
            network = ipaddress.ip_network(text)
            cuts, limit = (four, 2**32) if network.version == 4 else (six, 2**128)
            cuts.update(c for c in (int(network.network_address), int(network.broadcast_address) + 1) if c < limit)
    return [
        None,
        *(str(ipaddress.IPv4Address(cut)) for cut in sorted(four)),
        *(str(ipaddress.IPv6Address(cut)) for cut in sorted(six)),
    ]


def countries(questions: Iterable[Question]) -> list[str | None]:
    """Return no country, each that is named, and another."""
    named = dict.fromkeys(code for one in questions if isinstance(one, Countries) for code in one.codes)
    other = next((code for code in sorted(COUNTRY_CODES) if code not in named), "ZZ")
    return [None, *named, other]


def risks() -> list[int | None]:
    """Return every risk there is."""
    return [0, None, *range(1, 101)]


def facts(name: str, questions: Iterable[Question]) -> list[Posture]:
    """Return values of a device fact: not known, each that is named, its neighbours, and another of every type."""
    if name in OWN_FACTS:
        return [None, True, False]
    named = [one.value for one in questions if isinstance(one, DeviceFact) and one.name == name]
    texts = [value for value in named if isinstance(value, str)]
    numbers = sorted({n + step for n in [0, *named] if type(n) is int for step in (0, 1, -1)}, key=abs)
    return [None, *named, True, False, *numbers, _fresh("other", "".join(texts))]


def other_than(names: Iterable[str], word: str) -> str:
    """Return a name that begins with `word` and is none of `names`."""
    return _fresh(word, "".join(names))


def _going_on(prefixes: Iterable[str], begun: Sequence[str]) -> str:
    """Return a word with which no prefix goes on towards another that may end inside a part of a path."""
    taken = {text[len(one)] for text in begun for one in prefixes if text != one and text.startswith(one)}
    letters = map(chr, range(_FIRST_LETTER, _LAST_LETTER))
    return next(word for word in chain(["other"], ascii_lowercase, letters) if word[0] not in taken)


def _fresh(word: str, text: str) -> str:
    while word in text:
        word += "x"
    return word
