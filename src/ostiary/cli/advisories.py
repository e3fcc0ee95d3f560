"""`ostiary advisories`: what is known of vulnerabilities, from files in the form of the Open Source Vulnerability schema."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
    JsonOption,
    ReasonOption,
    examples,
    print_done,
    print_json,
    print_note,
    print_table,
    progress,
)

app = typer.Typer(
    help="Advisories on vulnerabilities, imported from files in OSV's form; nothing is fetched from anywhere.",
    no_args_is_help=True,
)
SeverityOption = Annotated[str, typer.Option(help="Only these: critical, high, medium, low or unknown.")]
TextOption = Annotated[str, typer.Option("--search", metavar="TEXT", help="Words in an identifier or a summary.")]
PageOption = Annotated[int, typer.Option(min=1, help="Which page of the list.")]
PAGE_SIZE = 100


@app.command(
    "import",
    epilog=examples(
        "ostiary advisories import Debian.zip PyPI.zip", "ostiary advisories import osv/ --as-of 2026-11-20"
    ),
)
def import_(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE…", help="Archives (.zip) as OSV publishes them, folders, or JSON files."),
    ],
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="They hold everything that was known then (UTC). Archives say it themselves, by their newest entry.",
        ),
    ] = None,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Take advisories in, all of them or none. The same files may be taken again at any time."""
    setup()
    from ostiary.software.facade import count_entries, import_advisories

    total = 2 * sum(map(count_entries, files))
    with progress("Reading advisories", total=total) as step:
        done = import_advisories(
            files,
            actor=operator_actor(),
            now=time.time(),
            as_of=as_of.replace(tzinfo=UTC).timestamp() if as_of is not None else None,
            reason=reason,
            step=step.advance,
        )
    if as_json:
        print_json(done)
        return
    print_done(f"{done.entries} advisories were read: {done.added} new, {done.changed} changed, {done.same} as before.")
    if done.older:
        print_note(f"{done.older} were left out, because what is here is newer.")
    if done.passed_over:
        print_note(f"{done.passed_over} are about nothing that can be matched here.")
    if done.whole and done.as_of is not None:
        print_note(f"{', '.join(done.whole)}: everything as of {day_and_time(done.as_of)}.")
    else:
        print_note("These are single advisories: they do not say that there are no others. Say --as-of if they do.")
    print_note("What is installed is matched with them by the worker. See how far it is: ostiary advisories status")


@app.command(
    "list",
    epilog=examples("ostiary advisories list --severity critical", "ostiary advisories list --search openssl --json"),
)
def list_(
    text: TextOption = "", severity: SeverityOption = "", page: PageOption = 1, as_json: JsonOption = False
) -> None:
    """List the advisories that were imported, the newest first."""
    setup()
    from ostiary.software.facade import list_advisories, read_severity

    found = list_advisories(text=text, severity=read_severity(severity), page=page, page_size=PAGE_SIZE)
    if as_json:
        print_json(found)
        return
    print_table(
        ("Advisory", "Severity", "Changed", "Devices", "What it says"),
        (
            (
                one.id,
                one.severity if one.withdrawn is None else "withdrawn",
                day_and_time(one.modified),
                one.devices,
                one.summary,
            )
            for one in found.items
        ),
        empty="There is no such advisory. Import some: ostiary advisories import Debian.zip",
        right=("Devices",),
    )
    if found.total > len(found.items):
        print_note(f"These are {len(found.items)} of {found.total}. More: --page {found.page + 1}")


@app.command(
    epilog=examples("ostiary advisories show DSA-5764-1", "ostiary advisories show GHSA-9wx4-h78v-vm56 --json")
)
def show(
    advisory: Annotated[str, typer.Argument(metavar="ADVISORY", help="Its identifier: see `ostiary advisories list`.")],
    page: PageOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Show one advisory, what it is about, and the devices that have it."""
    setup()
    from ostiary.software.facade import get_advisory, list_affected

    found = get_advisory(advisory)
    devices = list_affected(found.id, page=page, page_size=PAGE_SIZE)
    if as_json:
        print_json({"advisory": found, "devices": devices})
        return
    score = f" (CVSS {found.score:.1f})" if found.score is not None else ""
    print_table(
        ("What", "Value"),
        (
            ("Advisory", found.id),
            ("Also called", ", ".join(found.aliases) or None),
            ("Severity", f"{found.severity}{score}"),
            ("Says", found.summary or None),
            ("About", ", ".join(found.about[:20]) + ("…" if len(found.about) > 20 else "")),
            ("Changed", day_and_time(found.modified)),
            ("Withdrawn", day_and_time(found.withdrawn) if found.withdrawn is not None else None),
            ("Read more", found.url or None),
        ),
        empty="",
    )
    print_table(
        ("Device", "Name", "Package", "Version", "Mended in"),
        (
            (one.device, one.name, one.package.name, one.package.version, one.package.fixed or "none yet")
            for one in devices.items
        ),
        empty="On no device is there anything that it is about.",
    )


@app.command(epilog=examples("ostiary advisories status", "ostiary advisories status --json"))
def status(as_json: JsonOption = False) -> None:
    """Show of which ecosystems everything is known, since when, and how far the matching is."""
    setup()
    from ostiary.software.facade import get_progress, list_feeds

    feeds, done = list_feeds(now=time.time()), get_progress()
    if as_json:
        print_json({"ecosystems": feeds, "progress": done})
        return
    print_table(
        ("Ecosystem", "Known as of", "Counts", "Imported", "From"),
        (
            (
                one.ecosystem,
                day_and_time(one.as_of) if one.as_of is not None else "single advisories only",
                "yes" if one.fresh else "no: older than 14 days" if one.as_of is not None else "no",
                day_and_time(one.imported_at),
                one.source,
            )
            for one in feeds
        ),
        empty="No advisories were imported yet: ostiary advisories import Debian.zip",
    )
    print_note(
        f"{done.advisories} advisories; {done.packages} packages in {done.inventories} sets on {done.devices} devices."
    )
    if done.packages_to_match or done.inventories_to_count:
        print_note(f"To do: {done.packages_to_match} packages to match, {done.inventories_to_count} sets to count.")
