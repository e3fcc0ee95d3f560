"""Who is asking, and how much more they may ask. Which programs may ask at all is said by the facts."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Final

from ostiary.policy.snapshot import ClientFact

BURST_SECONDS: Final = 4.0
"""How many seconds' worth of questions may be asked at once."""

MAX_CLIENTS: Final = 10_000
"""Beyond so many, those whose bucket is full again are forgotten: a bucket nobody knows is full."""

_BEARER: Final = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]{1,512}=*)", re.ASCII)


def bearer_token(authorization: str) -> str | None:
    """Return the token in an `Authorization` header, or `None` when it holds none (RFC 6750, section 2.1)."""
    match = _BEARER.fullmatch(authorization)
    return match[1] if match else None


def find_client(token: str, clients: Iterable[ClientFact], now: float) -> ClientFact | None:
    """Return whose token it is; `None` for a token that is unknown, revoked or expired.

    Every digest is compared, each in constant time, so that how long it takes says nothing about any of them.

    Args:
        token: as it was sent.
        clients: those that the facts know.
        now: seconds since the epoch.
    """
    digest = hashlib.sha256(token.encode()).digest()
    found = None
    for client in clients:
        if hmac.compare_digest(client.digest, digest):
            found = client
    return found if found is not None and now < found.expires_at else None


class Allowances:
    """For each client a bucket that fills steadily. Who asks for more than is in it waits until the debt is paid."""

    def __init__(self, *, per_second: float) -> None:
        """Start full.

        Args:
            per_second: how many questions one client may ask, in the long run.
        """
        self._per_second = per_second
        self._burst = max(1.0, per_second * BURST_SECONDS)
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, client: str, now: float, *, counted: int = 0) -> float:
        """Return how many seconds a client must wait before a request is answered; 0 when it need not.

        Args:
            client: its name.
            now: seconds on a clock that only goes forward.
            counted: how many questions were taken already for this very request.
        """
        return max(0.0, (1.0 - counted - self._now(client, now)) / self._per_second)

    def charge(self, client: str, questions: int, now: float) -> None:
        """Take as many as were asked; they may be more than there are.

        Args:
            client: its name.
            questions: how many.
            now: as for `wait`.
        """
        self._left[client] = (self._now(client, now) - questions, now)
        if len(self._left) > MAX_CLIENTS:
            self._left = {one: kept for one, kept in self._left.items() if self._now(one, now) < self._burst}

    def _now(self, client: str, now: float) -> float:
        left, at = self._left.get(client, (self._burst, now))
        return min(self._burst, left + max(0.0, now - at) * self._per_second)
