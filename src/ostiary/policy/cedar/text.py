"""Cedar's lexical rules: how any text at all becomes a literal and stays one.

Source: Cedar language reference, "String literals" and "like".
"""

_FLAT = 8
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 !#$%&'()*+,-./:;<=>?@[]^_`{|}~")


def literal(text: str) -> str:
    """Return `text` as a Cedar string literal: plain ASCII as it is, everything else by its code point."""
    return '"' + "".join(c if c in _PLAIN else f"\\u{{{ord(c):x}}}" for c in text) + '"'


def pattern_below(path: str) -> str:
    r"""Return the pattern of a `like` that matches everything below `path`; a `*` in `path` means itself."""
    return literal(path)[:-1].replace("*", r"\*") + '/*"'


def entity(kind: str, name: str) -> str:
    """Return an entity reference, such as `Group::"staff"`."""
    return f"{kind}::{literal(name)}"


def set_of(texts: tuple[str, ...]) -> str:
    """Return a set literal of string literals."""
    return "[" + ", ".join(map(literal, texts)) + "]"


def every(tests: list[str]) -> str:
    """Return the conjunction of some tests, at least one."""
    return _balanced(tests, " && ")


def some(tests: list[str]) -> str:
    """Return the disjunction of some tests, at least one, in brackets."""
    return f"({_balanced(tests, ' || ')})"


def _balanced(tests: list[str], operator: str) -> str:
    """Join as a flat tree. A long chain would be as deep as it is long, and Cedar gives up on deep expressions."""
    if len(tests) <= _FLAT:
        return operator.join(tests)
    middle = len(tests) // 2
    return f"({_balanced(tests[:middle], operator)}){operator}({_balanced(tests[middle:], operator)})"
