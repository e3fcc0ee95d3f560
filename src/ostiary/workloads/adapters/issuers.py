"""The keys of issuers, asked for where they publish them and kept for a while. What their tokens must say is `domain.trust`'s.

Anybody can name a trusted issuer, so little waits for one that is slow: few requests at once, each for `ANSWER_SECONDS` in all, however
the issuer spends them. Fetching itself is `fetching`'s, reading keys `domain.key_sets`'.
Source: OpenID Connect Discovery 1.0, section 4; RFC 7517.
"""

import json
import threading
import time
from typing import Final, NamedTuple

from ostiary.workloads.adapters.fetching import Fetch, IssuerUnreachable
from ostiary.workloads.domain.assertions import AssertionRefused
from ostiary.workloads.domain.key_sets import IssuerKey, read_key_set

ANSWER_SECONDS: Final = 5.0
"""How long an issuer has, all in all: to be found, to be reached, and to give its document and its keys."""

KEEP_SECONDS: Final = 600.0
ASK_AGAIN_SECONDS: Final = 15.0
MAX_WAITING: Final = 4
"""Requests that wait for issuers at once, of the twelve that the sign-in host works on."""

MAX_ASKING: Final = 8
"""Questions under way at once, those included that nobody waits for any more."""

DISCOVERY: Final = "/.well-known/openid-configuration"

Keys = tuple[IssuerKey, ...]


class _Said(NamedTuple):
    """What is known of an issuer: when it was asked last, the keys it gave last and when, and what went wrong since."""

    at: float = float("-inf")
    keys: Keys = ()
    keys_at: float = float("-inf")
    problem: IssuerUnreachable | None = None

    def knows(self, kid: str | None) -> bool:
        """Whether there are keys that are young enough, and the one that is wanted among them."""
        young = time.monotonic() - self.keys_at < KEEP_SECONDS
        return young and (kid is None or any(key.id == kid for key in self.keys))


class _Kept:
    """What is kept of an issuer; the lock is held by whoever asks it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.said = _Said()


class _Question(threading.Thread):
    """Asks one issuer, and lets go of whoever waits when it has its answer."""

    def __init__(self, issuer: str) -> None:
        super().__init__(name="issuer", daemon=True)
        self.fetch = Fetch(time.monotonic() + ANSWER_SECONDS)
        self.answered = threading.Event()
        self.said = _Said()
        self._issuer = issuer

    def run(self) -> None:
        """Ask."""
        try:
            self.said = _ask(self._issuer, self.fetch)
        finally:
            _asking.release()
            self.answered.set()


_kept: dict[str, _Kept] = {}
_guard = threading.Lock()
_waiting = threading.BoundedSemaphore(MAX_WAITING)
_asking = threading.BoundedSemaphore(MAX_ASKING)


def keys_of(issuer: str, *, kid: str | None) -> Keys:
    """Return the keys of an issuer, at most ten minutes old; asked for again when one is wanted that is not among them.

    Args:
        issuer: an https address, as an administrator wrote it.
        kid: the key that is wanted, where the token names one.

    Raises:
        IssuerUnreachable: when it does not answer in time, answers for another issuer, may not be asked, or too many wait already.
    """
    with _guard:
        kept = _kept.setdefault(issuer, _Kept())
    if _is_due(kept.said, kid):
        if not _waiting.acquire(blocking=False):
            raise _later(issuer)
        try:
            with kept.lock:
                if _is_due(kept.said, kid):
                    kept.said = _after(kept.said, _ask_in_time(issuer))
        finally:
            _waiting.release()
    said = kept.said
    if said.problem is not None and not said.knows(kid):
        raise IssuerUnreachable(said.problem.message, detail=said.problem.detail)
    return said.keys


def _is_due(said: _Said, kid: str | None) -> bool:
    return not said.knows(kid) and time.monotonic() - said.at >= ASK_AGAIN_SECONDS


def read_keys(content: str) -> Keys:
    """Return the keys of a key set (RFC 7517) as text.

    Raises:
        AssertionRefused: when there are none that can verify anything.
    """
    try:
        return read_key_set(json.loads(content))
    except (ValueError, RecursionError):
        raise AssertionRefused("This is no key set (JWKS).") from None


def _after(before: _Said, said: _Said) -> _Said:
    """Return what is known now. An answer that fails takes away no key: else anybody who names a made-up one could do that."""
    return said if said.problem is None else said._replace(keys=before.keys, keys_at=before.keys_at)


def _ask_in_time(issuer: str) -> _Said:
    if not _asking.acquire(blocking=False):
        raise _later(issuer)
    question = _Question(issuer)
    try:
        question.start()
    except RuntimeError:
        _asking.release()
        raise _later(issuer) from None
    if question.answered.wait(ANSWER_SECONDS):
        return question.said
    question.fetch.give_up()
    return _unreachable(issuer, AssertionRefused(f"It did not answer within {ANSWER_SECONDS:g} seconds."))


def _ask(issuer: str, fetch: Fetch) -> _Said:
    try:
        document = fetch.json(f"{issuer.rstrip('/')}{DISCOVERY}")
        if document.get("issuer") != issuer:
            raise IssuerUnreachable("The issuer's document is for another issuer.")
        keys = read_key_set(fetch.json(str(document.get("jwks_uri", ""))))
    except AssertionRefused as error:
        return _unreachable(issuer, error)
    now = time.monotonic()
    return _Said(now, keys, now)


def _unreachable(issuer: str, error: AssertionRefused) -> _Said:
    problem = IssuerUnreachable(f"The keys of {issuer} cannot be had: {error.message}", detail=error.detail)
    return _Said(at=time.monotonic(), problem=problem)


def _later(issuer: str) -> IssuerUnreachable:
    return IssuerUnreachable(f"The keys of {issuer} are being asked for. Try again in a few seconds.")
