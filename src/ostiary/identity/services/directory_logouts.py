"""What follows when another directory says that somebody is signed out there: their sign-ins by it end here.

Source: OpenID Connect Back-Channel Logout 1.0, sections 2.6 and 2.7.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from ostiary.changes import announce_change
from ostiary.identity.domain.federation import STRENGTHS, DirectoryRefused, Logout, Origin, Provider, Reason
from ostiary.identity.journal import record_sign_out
from ostiary.identity.models import DirectoryLink, DirectoryLogout, DirectoryProvider
from ostiary.identity.models import SignInSession as SessionRow
from ostiary.visibility.facade import Actor

KEEP_SECONDS: Final = 3600
"""Longer than a logout token counts, and than a sign-in may stay between the directory and its second step."""


@transaction.atomic
def end_by_directory(*, provider: Provider, logout: Logout, now: float) -> int:
    """End the sign-ins here that began by a sign-in there which is over, and return how many there were.

    A sign-in of the same person of which it is not known which one it was there ends too.

    Args:
        provider: who says so.
        logout: what it said, checked.
        now: seconds since the epoch.

    Raises:
        DirectoryRefused: when this very word was taken before.
    """
    DirectoryProvider.objects.select_for_update().filter(pk=provider.id).first()
    try:
        with transaction.atomic():
            DirectoryLogout.objects.create(
                provider_id=provider.id,
                digest=hashlib.sha256(logout.id.encode()).hexdigest(),
                subject=logout.subject,
                sid=logout.sid,
                at=datetime.fromtimestamp(now, UTC),
            )
    except IntegrityError:
        raise DirectoryRefused(Reason.TOKEN_REFUSED, detail="the logout token was used before") from None
    ended = [row for row in _meant(provider, logout) if row.directory or _by_any_directory(row)]
    for row in ended:
        SessionRow.objects.filter(pk=row.pk).delete()
        record_sign_out(
            actor=Actor(kind="system", id=provider.via, label=f"{provider.name} (directory {provider.id})"),
            person=row.person,
            session=row.pk,
            reason="signed_out_at_directory",
        )
    if ended:
        announce_change("sessions", takes_away=True)
    return len(ended)


def is_signed_out_there(origin: Origin) -> bool:
    """Say whether the directory said, since somebody went there, that they are signed out. Call it in a transaction.

    The directory's row is locked, so that its word and the sign-in that it is about do not miss each other.
    """
    DirectoryProvider.objects.select_for_update().filter(pk=origin.provider).first()
    said = DirectoryLogout.objects.filter(provider_id=origin.provider)
    meant = Q(subject=origin.subject, at__gte=datetime.fromtimestamp(origin.at, UTC))
    if origin.sid:
        meant = Q(sid=origin.sid) | meant & Q(sid="")
    return said.filter(meant).exists()


def forget_old_logouts(*, now: float) -> None:
    """Delete what can neither be sent again nor be about a sign-in under way. For the worker."""
    DirectoryLogout.objects.filter(at__lt=datetime.fromtimestamp(now, UTC) - timedelta(seconds=KEEP_SECONDS)).delete()


def _meant(provider: Provider, logout: Logout) -> QuerySet[SessionRow]:
    rows = SessionRow.objects.select_related("person").filter(directory__in=(provider.id, ""))
    if not logout.subject:
        return rows.filter(directory=provider.id, directory_sid=logout.sid)
    links = DirectoryLink.objects.filter(provider_id=provider.id, issuer=provider.issuer, subject=logout.subject)
    theirs = rows.filter(person__in=links.values("person_id"))
    return theirs.filter(directory_sid__in=("", logout.sid)) if logout.sid else theirs


def _by_any_directory(row: SessionRow) -> bool:
    return any(one[0] in STRENGTHS for one in row.authentications)
