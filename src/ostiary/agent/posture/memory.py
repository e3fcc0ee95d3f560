"""What collectors remember from one look to the next: answers that took long to get, and since when something waits."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")
MAX_WAITING = 2000


class Memory:
    """Lives as long as the agent runs; `first_seen` it keeps on disk as well."""

    def __init__(self, first_seen: Mapping[str, float] | None = None) -> None:
        """Begin with what was seen before, by name, in seconds since the epoch."""
        self.first_seen: dict[str, float] = dict(first_seen or {})
        self._answers: dict[str, tuple[object, Any]] = {}

    def answer(self, name: str, mark: object, ask: Callable[[], T]) -> T:
        """Return the answer to a question, from memory while `mark`, which tells whether it can have changed, is the same."""
        known = self._answers.get(name)
        if known is None or known[0] != mark:
            known = (mark, ask())
            self._answers[name] = known
        return known[1]

    def waiting_since(self, kind: str, names: Iterable[str], *, at_latest: float) -> dict[str, float]:
        """Return since when each of these is known to wait, and forget the rest of their kind.

        Args:
            kind: whose names these are.
            names: what waits now.
            at_latest: since when what was not seen before has waited at least (seconds since the epoch).
        """
        seen: dict[str, float] = {}
        for key, at in self.first_seen.items():
            # Earlier agents kept packages of apt with the version that waited: `apt:curl=7.81.0`.
            name = key.partition("=")[0] if key.startswith("apt:") else key
            seen[name] = min(at, seen.get(name, at))
        waiting = {f"{kind}:{name}": name for name in sorted(set(names))[:MAX_WAITING]}
        found = {name: min(seen.get(key, at_latest), at_latest) for key, name in waiting.items()}
        self.first_seen = {key: at for key, at in self.first_seen.items() if not key.startswith(f"{kind}:")}
        self.first_seen |= {f"{kind}:{name}": at for name, at in found.items()}
        return found
