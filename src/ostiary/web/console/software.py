"""Pages about vulnerable software: what is known to be, how bad, on how many devices, and which version mends it."""

import time
from collections.abc import Iterable
from typing import Final

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from ostiary.devices.facade import Device, UnknownDevice, get_device
from ostiary.software.facade import (
    Finding,
    Severity,
    UnknownAdvisory,
    UnusableQuestion,
    get_advisory,
    get_device_software,
    get_progress,
    list_affected,
    list_feeds,
    read_severity,
    search_findings,
)
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.export import export_table, pages_of, wants_export
from ostiary.web.console.guard import console_page
from ostiary.web.console.page import PAGE_SIZE, page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.severity_words import SEVERITY_MEANINGS, SEVERITY_WORDS
from ostiary.web.console.tables import FINDINGS

SECTION: Final = Resource.SOFTWARE
SHOWN_ON_DEVICE: Final = 10
_ASKED: Final = {None: "", True: "yes", False: "no"}


@console_page(Resource.SOFTWARE, Action.VIEW)
@with_columns(FINDINGS)
def software(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List what is vulnerable, the worst first."""
    text, severity, device, mendable = _filters(request)
    feeds, done = list_feeds(now=time.time()), get_progress()
    found = search_findings(
        text=text,
        severity=severity,
        device=device.id if device is not None else "",
        mendable=mendable,
        page=page_number(request),
        page_size=PAGE_SIZE,
    )
    context = {
        "page": found,
        "lines": shown(found.items),
        "columns": columns,
        "text": text,
        "severity": severity.word if severity is not None else "",
        "severities": [(one.word, SEVERITY_WORDS[one]) for one in reversed(Severity)],
        "device": device,
        "mendable": _ASKED[mendable],
        "filtered": bool(text or severity is not None or device is not None or mendable is not None),
        "feeds": feeds,
        "stale": [one for one in feeds if one.as_of is not None and not one.fresh],
        "progress": done,
        "waiting": done.packages_to_match + done.inventories_to_count,
    }
    return render_page(request, "software/list.html", SECTION, context)


@console_page(Resource.SOFTWARE, Action.EXPORT)
def software_export(request: HttpRequest) -> HttpResponseBase:
    """Return the listed advisories as a file, a row for each package that one is about."""
    if not wants_export(request):
        return redirect("console:software")
    text, severity, device, mendable = _filters(request)
    name = device.id if device is not None else ""

    def rows() -> Iterable[dict[str, object]]:
        for part in pages_of(
            lambda page, size: search_findings(
                text=text, severity=severity, device=name, mendable=mendable, page=page, page_size=size
            )
        ):
            for one in part:
                for package in one.packages:
                    yield {
                        "advisory": one.id,
                        "flaw": one.key,
                        "severity": one.severity,
                        "score": one.score,
                        "ecosystem": package.ecosystem,
                        "package": package.name,
                        "version": package.version,
                        "fixed": package.fixed or None,
                        "devices": one.devices,
                        "summary": one.summary,
                        "url": one.url,
                    }

    return export_table(request, "vulnerable-software", rows())


@console_page(Resource.SOFTWARE, Action.VIEW)
def advisory(request: HttpRequest, advisory_id: str) -> HttpResponseBase:
    """Show one advisory and the devices that have what it is about."""
    try:
        found = get_advisory(advisory_id)
    except UnknownAdvisory:
        raise Http404 from None
    severity = Severity[found.severity.upper()]
    context = {
        "advisory": found,
        "word": SEVERITY_WORDS[severity],
        "meaning": SEVERITY_MEANINGS[severity],
        "page": list_affected(found.id, page=page_number(request), page_size=PAGE_SIZE),
    }
    return render_page(request, "software/advisory.html", SECTION, context)


def shown(findings: Iterable[Finding]) -> list[dict[str, object]]:
    """Return findings as lists show them."""
    return [
        {
            "finding": one,
            "word": SEVERITY_WORDS[Severity[one.severity.upper()]],
            "meaning": SEVERITY_MEANINGS[Severity[one.severity.upper()]],
        }
        for one in findings
    ]


def software_of(device: str, *, now: float) -> dict[str, object]:
    """Return what a device's page shows of what is installed on it, at a moment (seconds since the epoch)."""
    found = search_findings(device=device, mendable=True, page_size=SHOWN_ON_DEVICE)
    state = get_device_software(device, now=now)
    counts = state.mendable if state is not None and state.mendable is not None else {}
    return {
        "state": state,
        "counts": [
            (SEVERITY_WORDS[one], SEVERITY_MEANINGS[one], counts[one.word])
            for one in reversed(Severity)
            if counts.get(one.word)
        ],
        "findings": shown(found.items),
        "total": found.total,
        "beyond": search_findings(device=device, mendable=False, page_size=1).total,
    }


def _filters(request: HttpRequest) -> tuple[str, Severity | None, Device | None, bool | None]:
    try:
        severity = read_severity(request.GET.get("severity", ""))
    except UnusableQuestion:
        severity = None
    name = request.GET.get("device", "")
    try:
        device = get_device(name) if name else None
    except UnknownDevice:
        raise Http404(_("There is no such device.")) from None
    mendable = {word: asked for asked, word in _ASKED.items()}.get(request.GET.get("mended", ""))
    return request.GET.get("q", "").strip()[:200], severity, device, mendable
