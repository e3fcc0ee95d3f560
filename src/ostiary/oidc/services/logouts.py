"""Ends what was issued in sign-ins that are over, and tells the applications. For the worker, and for reuse.

Source: OpenID Connect Back-Channel Logout 1.0.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction

from ostiary.identity.facade import living_sessions
from ostiary.oidc.adapters.logout_sender import NotDelivered, Undeliverable, deliver
from ostiary.oidc.journal import record_logout_given_up
from ostiary.oidc.models import Grant, Logout
from ostiary.oidc.signing import sign_logout_token
from ostiary.policy.identifiers import SessionId

PAUSES_SECONDS: Final = (5, 30, 120, 600, 1800)
"""How long after each try that failed the next one comes; after the last there is none."""

LOGOUTS_A_ROUND: Final = 50
KEEP: Final = timedelta(days=7)

log = structlog.get_logger(__name__)


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
    """Tell applications what is due; return how many were told. What failed is tried again, later each time."""
    at = datetime.fromtimestamp(now, UTC)
    due = Logout.objects.filter(done_at=None, next_try_at__lte=at).order_by("next_try_at").select_related("client")
    told = 0
    for logout in due[:LOGOUTS_A_ROUND]:
        token = sign_logout_token(client=logout.client_id, person=logout.person_id, session=logout.session_id, now=now)
        try:
            deliver(settings.INSTANCE, logout.client.backchannel_logout_uri, token)
        except NotDelivered as error:
            _try_again(logout, error, now)
        else:
            told += 1
            Logout.objects.filter(pk=logout.pk).update(done_at=at, tries=logout.tries + 1, problem="")
    Logout.objects.filter(done_at__lt=at - KEEP).delete()
    return told


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
