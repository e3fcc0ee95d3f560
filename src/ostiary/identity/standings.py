"""Reads how everybody's means to sign in compare with what `[authenticators]` asks for."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import Prefetch

from ostiary.identity.domain.authenticator_policy import AuthenticatorPolicy, Exemption, Factor, Standing, judge
from ostiary.identity.domain.federation import MEANINGS, STRENGTHS
from ostiary.identity.models import DirectoryLink, Membership, Person
from ostiary.identity.queries import people_of
from ostiary.identity.terms import in_force, seconds_of
from ostiary.policy.identifiers import GroupId
from ostiary.policy.request import AuthStrength

RECOVERY_CODES = 10
DAY_SECONDS = 24 * 3600.0


def authenticator_policy() -> AuthenticatorPolicy:
    """Return what the configuration asks for."""
    asked = settings.INSTANCE.configuration.authenticators
    return AuthenticatorPolicy(
        second_factors=asked.second_factors,
        passkey_groups=frozenset(GroupId(one.strip()) for one in asked.passkey_groups.split(",") if one.strip()),
        recovery_codes=asked.recovery_codes,
        due_at=datetime.fromisoformat(asked.due).replace(tzinfo=UTC).timestamp() if asked.due else 0.0,
        exempt_group=asked.exempt_group,
        breached_seconds=asked.breached_days * DAY_SECONDS,
    )


def list_standings(person_ids: Iterable[str] | None = None) -> tuple[Standing, ...]:
    """Return how people stand, by address.

    Args:
        person_ids: whose; everybody's when left out.
    """
    policy = authenticator_policy()
    rows = Person.objects.order_by("email")
    if person_ids is not None:
        rows = rows.filter(pk__in=tuple(person_ids))
    people = {str(one.id): one for one in people_of(rows)}
    exempt = _exemptions(policy.exempt_group)
    links = _links()
    authenticators = Prefetch("authenticator_set", queryset=Authenticator.objects.order_by("created_at", "pk"))
    return tuple(
        judge(
            Standing(
                person=people[row.pk],
                factors=_factors(row),
                directories=tuple(name for name, _strength in links[row.pk]),
                elsewhere=max((strength for _name, strength in links[row.pk]), default=AuthStrength.SINGLE),
                breached_at=seconds_of(row.password_breached_at),
                nudged_at=seconds_of(row.nudged_at),
                exemption=exempt.get(row.pk),
            ),
            policy,
        )
        for row in rows.prefetch_related(authenticators)
        if row.pk in people
    )


def _factors(row: Person) -> tuple[Factor, ...]:
    found = [_factor(one) for one in row.authenticator_set.all()]  # type: ignore[attr-defined]
    if row.has_usable_password():
        found.insert(0, Factor(kind="password", created_at=seconds_of(row.password_set_at)))
    return tuple(found)


def _factor(row: Authenticator) -> Factor:
    codes = row.type == Authenticator.Type.RECOVERY_CODES
    return Factor(
        kind=row.type,
        name=str(row.data.get("name", "")) if row.type == Authenticator.Type.WEBAUTHN else "",
        created_at=seconds_of(row.created_at),
        last_used_at=seconds_of(row.last_used_at),
        left=RECOVERY_CODES - int(row.data.get("used_mask", 0)).bit_count() if codes else None,
    )


def _links() -> defaultdict[str, list[tuple[str, AuthStrength]]]:
    """Return for each person the directories they are linked to, and what each one's second factor is worth here."""
    found: defaultdict[str, list[tuple[str, AuthStrength]]] = defaultdict(list)
    for link in DirectoryLink.objects.select_related("provider").order_by("provider__name"):
        worth = [STRENGTHS[MEANINGS[meaning]] for meaning in link.provider.mfa.values()]
        found[link.person_id].append((link.provider.name, max(worth, default=AuthStrength.SINGLE)))
    return found


def _exemptions(group: str) -> dict[str, Exemption]:
    if not group:
        return {}
    rows = Membership.objects.filter(in_force(), group_id=group).order_by("ends_at")
    return {
        row.person_id: Exemption(
            reason=row.reason or f"in {group}", granted_by=row.granted_by, ends_at=seconds_of(row.ends_at)
        )
        for row in rows
    }
