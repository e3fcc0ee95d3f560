"""Devices that people use and nobody enrolled: listing them, asking for one to be enrolled, hearing nothing of one for a while."""

from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction

from ostiary.devices.domain.devices import State, UnknownDevice, UnusableDevice
from ostiary.devices.domain.seen import Seen
from ostiary.devices.models import SeenMark, StoredDevice
from ostiary.devices.services.freshness import require_enabled
from ostiary.devices.services.letters import ask_to_enrol_by_mail
from ostiary.identity.facade import get_person, names_of
from ostiary.policy.identifiers import PersonId
from ostiary.visibility.facade import Actor, list_seen_browsers, record_entity_change

KIND: Final = "unknown device"
MAX_IGNORED_DAYS: Final = 365
AGAIN_AFTER: Final = timedelta(days=1)


def list_seen(*, now: float, ignored: bool = False) -> tuple[Seen, ...]:
    """Return who was seen on a device that nobody enrolled, the latest first; people who are gone are left out.

    Args:
        now: seconds since the epoch.
        ignored: whether those are among them of which nobody wants to hear.
    """
    browsers = list_seen_browsers()
    people = names_of(PersonId(one.person) for one in browsers)
    marks = {(mark.person_id, mark.browser): mark for mark in SeenMark.objects.all()}
    in_use = StoredDevice.objects.filter(state__in=(State.ACTIVE, State.QUARANTINED))
    owners = set(in_use.order_by().values_list("owner_id", flat=True))
    found = []
    for one in browsers:
        mark = marks.get((one.person, one.browser))
        until = mark.ignored_until.timestamp() if mark is not None and mark.ignored_until is not None else None
        if until is not None and until <= now:
            until = None
        if PersonId(one.person) in people and (until is None or ignored):
            found.append(
                Seen(
                    id=one.id,
                    person_id=PersonId(one.person),
                    email=one.email,
                    browser=one.browser,
                    network=one.network,
                    first_at=one.first_at,
                    last_at=one.last_at,
                    requests=one.requests,
                    has_device=one.person in owners,
                    asked_at=mark.asked_at.timestamp() if mark is not None and mark.asked_at is not None else None,
                    ignored_until=until,
                )
            )
    return tuple(found)


def get_seen(seen_id: int, *, now: float) -> Seen:
    """Return one of them, ignored or not.

    Raises:
        UnknownDevice: when there is none.
    """
    found = next((one for one in list_seen(now=now, ignored=True) if one.id == seen_id), None)
    if found is None:
        raise UnknownDevice("Nobody was seen on such a device.", hint="See: ostiary device seen")
    return found


@transaction.atomic
def ask_to_enrol(seen_id: int, *, now: float, actor: Actor, reason: str = "") -> Seen:
    """Ask somebody by mail to enrol the device they were seen on.

    Args:
        seen_id: which.
        now: seconds since the epoch.
        actor: who asks.
        reason: why, for the record.

    Raises:
        UnknownDevice: when there is none.
        UnusableDevice: when they cannot enrol one now, or were asked within a day.
        AgentRefused: when devices are switched off.
    """
    require_enabled()
    seen, moment = get_seen(seen_id, now=now), datetime.fromtimestamp(now, UTC)
    person = get_person(seen.person_id)
    if not person.active:
        raise UnusableDevice(f"{person.email} cannot sign in, so they cannot enrol anything.")
    mark, _made = SeenMark.objects.select_for_update().get_or_create(person_id=person.id, browser=seen.browser)
    if mark.asked_at is not None and moment - mark.asked_at < AGAIN_AFTER:
        raise UnusableDevice(
            f"{person.email} was asked within the last day.", hint="Ask again tomorrow, or talk to them."
        )
    mark.asked_at = moment
    mark.save(update_fields=["asked_at"])
    ask_to_enrol_by_mail(person.email, seen)
    _record(seen, {"asked": True}, actor=actor, reason=reason)
    return get_seen(seen_id, now=now)


@transaction.atomic
def ignore_seen(seen_id: int, *, days: int, now: float, actor: Actor, reason: str = "") -> Seen:
    """Hear nothing of such a device for some days; of 0 days, hear of it again. It is let in as before: rules decide that.

    Args:
        seen_id: which.
        days: 0 to 365.
        now: seconds since the epoch.
        actor: who wants that.
        reason: why, for the record.

    Raises:
        UnknownDevice: when there is none.
        UnusableDevice: for another number of days.
    """
    if not 0 <= days <= MAX_IGNORED_DAYS:
        raise UnusableDevice(f"It can be ignored for 0 to {MAX_IGNORED_DAYS} days.")
    seen = get_seen(seen_id, now=now)
    until = datetime.fromtimestamp(now, UTC) + timedelta(days=days) if days else None
    SeenMark.objects.update_or_create(person_id=seen.person_id, browser=seen.browser, defaults={"ignored_until": until})
    _record(seen, {"ignored_for_days": days}, actor=actor, reason=reason)
    return get_seen(seen_id, now=now)


def _record(seen: Seen, after: dict[str, object], *, actor: Actor, reason: str) -> None:
    record_entity_change(
        KIND,
        f"{seen.person_id} {seen.browser}",
        "update",
        actor=actor,
        name=f"{seen.browser} of {seen.email}",
        after=after,
        comment=reason,
    )
