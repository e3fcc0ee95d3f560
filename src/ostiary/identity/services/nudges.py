"""Tells people by mail what their sign-in lacks: at most once in `nudge_days`, and no more once it is mended."""

from datetime import UTC, datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ostiary.identity.adapters.mail import send_now
from ostiary.identity.domain.authenticator_policy import Standing, Unmet
from ostiary.identity.models import Person
from ostiary.identity.standings import list_standings

AT_ONCE: Final = 50
MISSING_WORDS: Final[dict[Unmet, Promise]] = {
    Unmet.ADMINISTRATOR_WITHOUT_PASSKEY: _("You are an administrator and have no passkey."),
    Unmet.BREACHED_PASSWORD: _("Your password is known from a data breach. Choose another one."),
    Unmet.NO_SECOND_FACTOR: _("You have no second factor: a passkey or an authenticator app."),
    Unmet.NO_PASSKEY: _("You have no passkey, and a group you are in needs one."),
    Unmet.TOO_FEW_FACTORS: _("One more passkey or authenticator app is asked for, for the day you lose one."),
    Unmet.NO_RECOVERY_CODES: _("You have no recovery codes left."),
}


def nudge_people(*, now: float) -> int:
    """Write to people who do not meet what is asked for, and to nobody twice within the days the configuration says.

    Each is noted before the mail leaves, so that a mail server that does not answer is not asked again and again.

    Args:
        now: seconds since the epoch.

    Returns:
        How many were written to.
    """
    days: int = settings.INSTANCE.configuration.authenticators.nudge_days
    if not days:
        return 0
    moment = datetime.fromtimestamp(now, UTC)
    quiet = Q(nudged_at=None) | Q(nudged_at__lte=moment - timedelta(days=days))
    reachable = Person.objects.filter(quiet, is_active=True, email_confirmed_at__isnull=False, emergency=False)
    lacking = [one for one in list_standings(reachable.values_list("pk", flat=True)) if one.unmet]
    return sum(_nudge(one, quiet, moment) for one in lacking[:AT_ONCE])


def _nudge(standing: Standing, quiet: Q, moment: datetime) -> int:
    person, instance = standing.person, settings.INSTANCE
    if not Person.objects.filter(quiet, pk=person.id).update(nudged_at=moment):
        return 0
    until = datetime.fromtimestamp(standing.due_at, UTC).strftime("%d %B %Y") if standing.due_at else ""
    shown: dict[str, object] = {
        "name": person.name,
        "missing": [str(MISSING_WORDS[one]) for one in standing.unmet],
        "until": until,
        "link": instance.url(instance.identity_host, "/authenticators"),
    }
    return int(send_now(to=person.email, template="nudge", context=shown))
