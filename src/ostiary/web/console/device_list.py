"""The list of devices: which wait to be approved, how they stand, found by what is known of them, and as a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import time
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ostiary.baselines.facade import Stand, list_stands, stands_of_all
from ostiary.devices.facade import (
    FACTS,
    PLATFORMS,
    Device,
    KnownNow,
    Looks,
    Posture,
    State,
    Telling,
    bad_facts,
    fact_is,
    find_device_ids,
    get_devices,
    list_known,
    list_postures,
    telling_of,
)
from ostiary.policy.identifiers import DeviceId
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.device_words import STATE_WORDS, ShownDevice, shown
from ostiary.web.console.export import export_table, wants_export
from ostiary.web.console.guard import console_page
from ostiary.web.console.listing import cut
from ostiary.web.console.page import page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.tables import DEVICES
from ostiary.web.fact_words import fact_name, fact_value
from ostiary.web.stands_words import STANDS_WORDS

IN_USE: Final = frozenset({State.ACTIVE, State.QUARANTINED})
STILL_USED: Final = "in_use"
"""As a state to filter by: those in use, quarantined ones included."""
PLATFORM_NAMES: Final = {"linux": "Linux", "macos": "macOS", "windows": "Windows"}
TELLING_WORDS: Final[dict[Telling, Promise]] = {
    Telling.TELLS: _("Told of lately"),
    Telling.SILENT: _("Went silent"),
    Telling.NEVER: _("Never told of"),
}
LOOKS_WORDS: Final[dict[Looks, Promise]] = {
    Looks.GOOD: _("looks good"),
    Looks.BAD: _("looks bad"),
    Looks.UNKNOWN: _("is not known"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the list is filtered by; empty for anything.

    Args:
        text: words that occur in its name, owner, identifier or platform.
        state: whether it is enrolled, waits, or has ended; `in_use` for those in use, quarantined ones included.
        standing: how it stands to what is required of it.
        platform: what it runs on.
        telling: whether it is told of.
        fact: the name of a fact; one that is no fact is no filter.
        value: how that has to be: `good`, `bad`, `unknown`, or its value.
    """

    text: str = ""
    state: str = ""
    standing: str = ""
    platform: str = ""
    telling: str = ""
    fact: str = ""
    value: str = ""

    @property
    def looks_at_facts(self) -> bool:
        """Whether what is known of devices has to be read for it."""
        return bool(self.telling or (self.fact and self.value))

    @property
    def states(self) -> frozenset[State]:
        """The states it is filtered by; none for any. What nobody is in finds nothing."""
        if self.state == STILL_USED:
            return IN_USE
        return frozenset({State(self.state)}) if self.state in set(State) else frozenset()

    def fits(self, known: KnownNow | None) -> bool:
        """Tell whether what is known of a device is as wanted; nothing is of those that are not in use."""
        if known is None:
            return False
        return (not self.telling or known.telling == self.telling) and (
            not (self.fact and self.value) or fact_is(known.values, self.fact, self.value)
        )


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a device, when it was told of last, its operating system, what looks bad, in words, and how it stands, where it is judged."""

    shown: ShownDevice
    reported_at: float | None
    system: str
    bad: tuple[str, ...]
    telling: Telling
    stand: Stand | None

    @property
    def in_use(self) -> bool:
        """Whether anything is known of it at all."""
        return self.shown.device.state in IN_USE

    @property
    def standing(self) -> tuple[str, Promise] | None:
        """How it stands: what a badge means and says."""
        return STANDS_WORDS[self.stand.stands] if self.stand is not None else None


def read_wanted(request: HttpRequest) -> Wanted:
    """Return what a request filters by."""
    names = ("q", "state", "standing", "platform", "telling", "fact", "is")
    asked = {name: request.GET.get(name, "").strip()[:200] for name in names}
    fact = asked["fact"] if asked["fact"] in FACTS else ""
    text, value = asked["q"], asked["is"]
    return Wanted(text, asked["state"], asked["standing"], asked["platform"], asked["telling"], fact, value)


@console_page(Resource.DEVICES, Action.VIEW)
@with_columns(DEVICES)
def devices(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List the devices, those that wait to be approved first."""
    wanted, now = read_wanted(request), time()
    page = cut(_found(wanted, now), page_number(request))
    postures, stands = list_postures(now=now, devices=page.items), list_stands(page.items, now=now)
    instance = settings.INSTANCE
    context = {
        "page": page,
        "lines": [_line(one, postures, stands) for one in get_devices(page.items)],
        "columns": columns,
        "wanted": wanted,
        "choices": _choices(wanted),
        "filtered": wanted != Wanted(),
        "enabled": instance.configuration.devices.enabled,
        "enrol": f"ostiary-agent enrol {instance.url(instance.identity_host, '')}",
    }
    return render_page(request, "devices/list.html", Resource.DEVICES, context)


@console_page(Resource.DEVICES, Action.EXPORT)
def devices_export(request: HttpRequest) -> HttpResponseBase:
    """Return the listed devices with what is known of them as a file."""
    if not wants_export(request):
        return redirect("console:devices")
    now = time()
    found = _found(read_wanted(request), now)
    postures, stands = list_postures(now=now, devices=found), list_stands(found, now=now)
    rows = [_row(one, postures.get(one.id, Posture()), stands.get(one.id)) for one in get_devices(found)]
    return export_table(request, "devices", rows)


def devices_matching(text: str, most: int) -> tuple[Device, ...]:
    """Return devices of which a name, an owner, an identifier or a platform matches, by name; so many at most."""
    return get_devices(find_device_ids(text=text)[:most])


def _row(one: Device, posture: Posture, stand: Stand | None) -> dict[str, object]:
    return {
        "id": one.id,
        "name": one.name,
        "owner": one.owner,
        "state": one.state.value,
        "why": one.why.value if one.why else None,
        "standing": stand.stands.value if stand else None,
        "standing_until": stand.until if stand else None,
        "platform": one.platform,
        "key": one.thumbprint,
        "key_protection": one.key_protection,
        "enrolled_at": one.enrolled_at,
        "asked_from": one.asked_from,
        "confirmed_from": one.confirmed_from,
        "approved_at": one.approved_at,
        "approved_by": one.approved_by,
        "seen_at": one.seen_at,
        "certified_until": one.certified_until,
        "reported_at": posture.reported_at,
        **{name: posture.value(name) for name in FACTS},
    }


def _found(wanted: Wanted, now: float) -> tuple[DeviceId, ...]:
    if wanted.state and not wanted.states:
        return ()
    found = find_device_ids(text=wanted.text, states=wanted.states, platform=wanted.platform)
    if wanted.standing:
        stands = stands_of_all(now=now)
        found = tuple(one for one in found if stands.get(one) == wanted.standing)
    if wanted.looks_at_facts:
        known = list_known(now=now)
        found = tuple(one for one in found if wanted.fits(known.get(one)))
    return found


def _line(device: Device, postures: Mapping[DeviceId, Posture], stands: Mapping[DeviceId, Stand]) -> Line:
    posture = postures.get(device.id, Posture())
    system = posture.value("os_version")
    bad = tuple(f"{fact_name(name)}: {fact_value(name, posture.value(name))}" for name in bad_facts(posture))
    return Line(shown(device), posture.reported_at, str(system or ""), bad, telling_of(posture), stands.get(device.id))


def _choices(wanted: Wanted) -> dict[str, list[tuple[str, object]]]:
    """Return what each filter offers; a value that a link asks for stands among them."""
    looks: list[tuple[str, object]] = [(one.value, words) for one, words in LOOKS_WORDS.items()]
    if wanted.value and wanted.value not in set(Looks):
        looks.append((wanted.value, f"= {wanted.value}"))
    return {
        "state": [*((one.value, words) for one, words in STATE_WORDS.items()), (STILL_USED, _("In use"))],
        "standing": [(one.value, words) for one, (_meaning, words) in STANDS_WORDS.items()],
        "platform": [(one, PLATFORM_NAMES[one]) for one in PLATFORMS],
        "telling": [(one.value, words) for one, words in TELLING_WORDS.items()],
        "fact": [(name, fact_name(name)) for name in FACTS],
        "value": looks,
    }
