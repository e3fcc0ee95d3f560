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

from ostiary.devices.facade import (
    FACTS,
    PLATFORMS,
    Device,
    Looks,
    Posture,
    State,
    Telling,
    bad_facts,
    fact_is,
    list_devices,
    list_postures,
    platform_of,
    telling_of,
)
from ostiary.policy.identifiers import DeviceId
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.device_words import STATE_WORDS, ShownDevice, shown
from ostiary.web.console.export import export_table, wants_export
from ostiary.web.console.guard import console_page
from ostiary.web.console.listing import cut, matches
from ostiary.web.console.page import page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.tables import DEVICES
from ostiary.web.fact_words import fact_name, fact_value

IN_USE: Final = frozenset({State.ACTIVE, State.QUARANTINED})
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
        state: how it stands.
        platform: what it runs on.
        telling: whether it is told of.
        fact: the name of a fact; one that is no fact is no filter.
        value: how that has to be: `good`, `bad`, `unknown`, or its value.
    """

    text: str = ""
    state: str = ""
    platform: str = ""
    telling: str = ""
    fact: str = ""
    value: str = ""

    @property
    def looks_at_facts(self) -> bool:
        """Whether what is known of devices has to be read for it."""
        return bool(self.telling or (self.fact and self.value))

    def fits(self, device: Device, posture: Posture) -> bool:
        """Tell whether a device is wanted; what is known is asked of those alone that are in use."""
        if self.looks_at_facts and device.state not in IN_USE:
            return False
        return (
            matches(self.text, (device.id, device.name, device.owner, device.platform))
            and (not self.state or device.state == self.state)
            and (not self.platform or platform_of(device.platform) == self.platform)
            and (not self.telling or telling_of(posture) == self.telling)
            and (not (self.fact and self.value) or fact_is(posture, self.fact, self.value))
        )


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a device, when it was told of last, its operating system, and what looks bad, in words."""

    shown: ShownDevice
    reported_at: float | None
    system: str
    bad: tuple[str, ...]
    telling: Telling

    @property
    def in_use(self) -> bool:
        """Whether anything is known of it at all."""
        return self.shown.device.state in IN_USE


def read_wanted(request: HttpRequest) -> Wanted:
    """Return what a request filters by."""
    names = ("q", "state", "platform", "telling", "fact", "is")
    asked = {name: request.GET.get(name, "").strip()[:200] for name in names}
    fact = asked["fact"] if asked["fact"] in FACTS else ""
    return Wanted(asked["q"], asked["state"], asked["platform"], asked["telling"], fact, asked["is"])


@console_page(Resource.DEVICES, Action.VIEW)
@with_columns(DEVICES)
def devices(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List the devices, those that wait to be approved first."""
    wanted, now = read_wanted(request), time()
    page = cut(_found(wanted, now), page_number(request))
    postures = list_postures(now=now, devices=[one.id for one in page.items])
    instance = settings.INSTANCE
    context = {
        "page": page,
        "lines": [_line(one, postures) for one in page.items],
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
    postures = list_postures(now=now, devices=[one.id for one in found])
    return export_table(request, "devices", [_row(one, postures.get(one.id, Posture())) for one in found])


def devices_matching(text: str) -> list[Device]:
    """Return devices of which a name, an owner, an identifier or a platform matches, by name."""
    return [one for one in list_devices() if matches(text, (one.id, one.name, one.owner, one.platform))]


def _row(one: Device, posture: Posture) -> dict[str, object]:
    return {
        "id": one.id,
        "name": one.name,
        "owner": one.owner,
        "state": one.state.value,
        "why": one.why.value if one.why else None,
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


def _found(wanted: Wanted, now: float) -> list[Device]:
    postures = list_postures(now=now) if wanted.looks_at_facts else {}
    found = [one for one in list_devices() if wanted.fits(one, postures.get(one.id, Posture()))]
    return sorted(found, key=lambda one: one.state is not State.WAITING)


def _line(device: Device, postures: Mapping[DeviceId, Posture]) -> Line:
    posture = postures.get(device.id, Posture())
    system = posture.value("os_version")
    bad = tuple(f"{fact_name(name)}: {fact_value(name, posture.value(name))}" for name in bad_facts(posture))
    return Line(shown(device), posture.reported_at, str(system or ""), bad, telling_of(posture))


def _choices(wanted: Wanted) -> dict[str, list[tuple[str, object]]]:
    """Return what each filter offers; a value that a link asks for stands among them."""
    looks: list[tuple[str, object]] = [(one.value, words) for one, words in LOOKS_WORDS.items()]
    if wanted.value and wanted.value not in set(Looks):
        looks.append((wanted.value, f"= {wanted.value}"))
    return {
        "state": [(one.value, words) for one, words in STATE_WORDS.items()],
        "platform": [(one, PLATFORM_NAMES[one]) for one in PLATFORMS],
        "telling": [(one.value, words) for one, words in TELLING_WORDS.items()],
        "fact": [(name, fact_name(name)) for name in FACTS],
        "value": looks,
    }
