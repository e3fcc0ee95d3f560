"""Reads of many devices at once: found by the database, and what is known of each as it was worked out for rules."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

import msgspec
from django.db.models import Case, Q, QuerySet, When

from ostiary.devices.domain.devices import State
from ostiary.devices.domain.fleet import Fleet, Member, Telling, summarise
from ostiary.devices.domain.platforms import platform_of
from ostiary.devices.domain.posture import Platform, Value, combine
from ostiary.devices.models import DevicePosture, StoredDevice
from ostiary.devices.queries import source_facts
from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.policy.identifiers import DeviceId

_KNOWN: Final = msgspec.msgpack.Decoder(dict[str, Value])
_SEARCHED: Final = ("name", "owner__email", "id", "platform")


class KnownNow(msgspec.Struct, frozen=True):
    """What is known of a device now, by the names that rules use, and whether it is told of."""

    values: Mapping[str, Value]
    telling: Telling


def find_device_ids(*, text: str = "", states: Collection[State] = (), platform: str = "") -> tuple[DeviceId, ...]:
    """Return the identifiers of devices, those that wait to be approved first, then by name.

    Args:
        text: words that each occur in its name, its owner's address, its identifier or its platform.
        states: how it stands; none for any.
        platform: what it runs on; empty for anything.
    """
    waits = Case(When(state=State.WAITING, then=0), default=1)
    rows = StoredDevice.objects.order_by(waits, "name", "id")
    rows = rows.filter(state__in=states) if states else rows
    rows = rows if can_be_stored(text) else rows.none()
    for word in text.split():
        rows = rows.filter(_occurs(word))
    if not platform:
        return tuple(map(DeviceId, rows.values_list("pk", flat=True)))
    return tuple(DeviceId(pk) for pk, said in rows.values_list("pk", "platform") if _family(said) == platform)


def list_known(*, now: float) -> dict[DeviceId, KnownNow]:
    """Return what is known at a moment (seconds since the epoch) of every device in use, quarantined ones included."""
    rows = _in_use().values_list("pk", "known", "known_until")
    return dict(_known_of(rows, now))


def get_fleet(*, now: float) -> Fleet:
    """Return all devices together that are in use, quarantined ones included, at a moment (seconds since the epoch)."""
    known = list_known(now=now)
    rows = _in_use().values_list("pk", "name", "owner__email", "platform")
    return summarise([_member(pk, name, owner, platform, known) for pk, name, owner, platform in rows if pk in known])


def _member(pk: str, name: str, owner: str, platform: str, known: Mapping[DeviceId, KnownNow]) -> Member:
    found = known[DeviceId(pk)]
    return Member(
        id=DeviceId(pk),
        name=name,
        owner=owner,
        family=_family(platform),
        values=found.values,
        telling=found.telling,
    )


def _in_use() -> QuerySet[StoredDevice]:
    return StoredDevice.objects.filter(state__in=(State.ACTIVE, State.QUARANTINED)).order_by()


def _known_of(
    rows: "Iterable[tuple[str, bytes | memoryview[int], float]]", now: float
) -> Iterator[tuple[DeviceId, KnownNow]]:
    """Read what was worked out; what has grown too old since, and nobody worked out anew yet, is worked out here."""
    over: list[str] = []
    silent: set[str] | None = None
    for pk, known, until in rows:
        if 0.0 < until <= now:
            over.append(pk)
        elif values := _KNOWN.decode(bytes(known)):
            yield DeviceId(pk), KnownNow(values, Telling.TELLS)
        else:
            silent = _told_of_once() if silent is None else silent
            yield DeviceId(pk), KnownNow({}, Telling.SILENT if pk in silent else Telling.NEVER)
    for row in StoredDevice.objects.filter(pk__in=over).prefetch_related("postures").order_by():
        found = combine(map(source_facts, row.postures.all()), now).for_rules()
        yield DeviceId(row.pk), KnownNow(found, Telling.TELLS if found else Telling.SILENT)


def _told_of_once() -> set[str]:
    """Return the devices of which nothing is known now and something was told."""
    return set(DevicePosture.objects.filter(device__known_until=0.0).values_list("device_id", flat=True))


def _occurs(word: str) -> Q:
    """SQLite ignores the case of ASCII letters alone, so that others are looked for in each case."""
    forms = {word} if word.isascii() else {word, word.lower(), word.upper(), word.capitalize()}
    found = Q()
    for form in sorted(forms):
        for field in _SEARCHED:
            found |= Q(**{f"{field}__icontains": form})
    return found


@lru_cache(maxsize=1000)
def _family(platform: str) -> Platform | None:
    return platform_of(platform)
