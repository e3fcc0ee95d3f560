"""Ends what was issued in sign-ins that are over, and tells the applications. For the worker, and for reuse.

Source: OpenID Connect Back-Channel Logout 1.0.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction

from ostiary.config.places import Instance
from ostiary.identity.facade import living_sessions
from ostiary.oidc.adapters.logout_sender import SECONDS, NotDelivered, Undeliverable, deliver
from ostiary.oidc.journal import record_logout_given_up
from ostiary.oidc.models import Grant, Logout
from ostiary.oidc.signing import sign_logout_token
from ostiary.policy.identifiers import SessionId

PAUSES_SECONDS: Final = (5, 30, 120, 600, 1800)
"""How long after each try that failed the next one comes; after the last there is none."""

LOGOUTS_A_CLIENT: Final = 20
CLIENTS_AT_ONCE: Final = 16
KEEP: Final = timedelta(days=7)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Word:
    """One word to say: that a sign-in ended, signed."""

    logout: Logout
    uri: str
    token: str


def end_grants_of_ended_sessions(now: float) -> int:
    """End what was issued in sign-ins that are over, were revoked, or whose account was switched off; return how many.

    Nothing of it was worth anything before either: each use is decided, and a sign-in that is over is refused.
    """
    sessions = set(Grant.objects.filter(ended_at=None).values_list("session_id", flat=True).distinct())
    over = sessions - living_sessions({SessionId(one) for one in sessions}, now=now)
    count = 0
    for session in sorted(over):
        with transaction.atomic():
            grants = list(Grant.objects.select_for_update().filter(session_id=session, ended_at=None))
            for grant in grants:
                grant.ended_at, grant.end_reason = datetime.fromtimestamp(now, UTC), "session_ended"
                grant.save(update_fields=["ended_at", "end_reason"])
                owe_logout(grant, now=now)
            count += len(grants)
    return count


def owe_logout(grant: Grant, *, now: float) -> None:
    """Note, inside a transaction, that a client is to be told; once for each client and session.

    Args:
        grant: what ended.
        now: seconds since the epoch.
    """
    if not grant.client.backchannel_logout_uri:
        return
    at = datetime.fromtimestamp(now, UTC)
    Logout.objects.get_or_create(
        client_id=grant.client_id,
        session_id=grant.session_id,
        done_at=None,
        defaults={"person_id": grant.person_id, "written_at": at, "next_try_at": at},
    )


def send_logouts(now: float) -> int:
    """Tell applications what is due; return how many words were taken. What failed is tried again, later each time.

    Applications are told side by side, each for a few seconds at most, so that a slow one keeps no other waiting.

    Args:
        now: seconds since the epoch.
    """
    at = datetime.fromtimestamp(now, UTC)
    owed: dict[str, list[Logout]] = {}
    for logout in (
        Logout.objects.filter(done_at=None, next_try_at__lte=at).order_by("next_try_at").select_related("client")
    ):
        mine = owed.setdefault(logout.client_id, [])
        if len(mine) < LOGOUTS_A_CLIENT:
            mine.append(logout)
    told = 0
    for logout, error in _tell_all([_words(several, now) for several in owed.values()]):
        if error is None:
            told += 1
            Logout.objects.filter(pk=logout.pk).update(done_at=at, tries=logout.tries + 1, problem="")
        else:
            _try_again(logout, error, now)
    Logout.objects.filter(done_at__lt=at - KEEP).delete()
    return told


def _words(several: list[Logout], now: float) -> list[_Word]:
    return [
        _Word(
            logout=one,
            uri=one.client.backchannel_logout_uri,
            token=sign_logout_token(client=one.client_id, person=one.person_id, session=one.session_id, now=now),
        )
        for one in several
    ]


def _tell_all(clients: list[list[_Word]]) -> Iterator[tuple[Logout, NotDelivered | None]]:
    """Tell each client its words in turn, all clients at once; yield how each try ended. What was not tried stays due."""
    if not clients:
        return
    pool = ThreadPoolExecutor(max_workers=min(len(clients), CLIENTS_AT_ONCE), thread_name_prefix="logout")
    rounds = -(-len(clients) // CLIENTS_AT_ONCE)
    try:
        running = {pool.submit(_tell_one, words, settings.INSTANCE): words for words in clients}
        done, late = wait(running, timeout=rounds * (SECONDS + 1))
        for one in done:
            yield from one.result()
        for one in late:
            yield running[one][0].logout, NotDelivered("It took too long to find its address.")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _tell_one(words: list[_Word], instance: Instance) -> list[tuple[Logout, NotDelivered | None]]:
    """Tell one client what it is owed, as far as its time goes. In a thread of its own: it asks the database nothing."""
    until = time.monotonic() + SECONDS
    ended: list[tuple[Logout, NotDelivered | None]] = []
    for word in words:
        if ended and time.monotonic() >= until:
            break
        try:
            deliver(instance, word.uri, word.token, deadline=until)
        except NotDelivered as error:
            ended.append((word.logout, error))
        else:
            ended.append((word.logout, None))
    return ended


def _try_again(logout: Logout, error: NotDelivered, now: float) -> None:
    at, problem = datetime.fromtimestamp(now, UTC), str(error)[:300]
    tries = logout.tries + 1
    if tries <= len(PAUSES_SECONDS) and not isinstance(error, Undeliverable):
        pause = timedelta(seconds=PAUSES_SECONDS[tries - 1])
        Logout.objects.filter(pk=logout.pk).update(tries=tries, next_try_at=at + pause, problem=problem)
        return
    log.warning("oidc_logout_given_up", client=logout.client_id, problem=problem)
    with transaction.atomic():
        Logout.objects.filter(pk=logout.pk).update(tries=tries, done_at=at, problem=problem)
        record_logout_given_up(
            client=logout.client_id, person=logout.person_id, session=logout.session_id, problem=problem
        )
