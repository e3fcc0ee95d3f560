"""`ostiary review report`, `verify` and `register`: what is handed to an auditor."""

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.output import (
    ExitCode,
    JsonOption,
    examples,
    print_done,
    print_error,
    print_json,
    print_note,
    print_table,
    print_text,
)
from ostiary.cli.review import ReviewArgument, app
from ostiary.config.loader import find_home, load_instance
from ostiary.errors import OstiaryError
from ostiary.spreadsheet import shown_cell

if TYPE_CHECKING:
    from ostiary.reviews.facade import Report


class UnusableFile(OstiaryError):
    """A file cannot be read or written."""


@app.command(
    epilog=examples(
        "ostiary review report c_0123456789 --signed review.jws.json --pdf review.pdf",
        "ostiary review report c_0123456789 --json",
    )
)
def report(
    review: ReviewArgument,
    signed: Annotated[
        Path | None, typer.Option(help="Write the signed report to this file.", show_default=False)
    ] = None,
    pdf: Annotated[Path | None, typer.Option(help="Write it as PDF to this file.", show_default=False)] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a review's report: signed once it is closed for good, otherwise as things stand now."""
    setup()
    from ostiary.reviews.facade import Report, digest_of, write_report

    payload, file = write_report(review)
    found = msgspec.json.decode(payload, type=Report)
    if signed is not None:
        _write(signed, file)
    if pdf is not None:
        _write(pdf, _drawn(found, digest_of(payload)))
    if as_json:
        print_json(found)
    else:
        print_done(f"The report has the SHA-256 {digest_of(payload)}.")
        if signed is None and pdf is None:
            print_note("Say --signed FILE, --pdf FILE or --json to have it.")


@app.command(
    epilog=examples(
        "ostiary review verify review.jws.json --pdf review.pdf",
        "ostiary review verify review.jws.json --key public.pem --json",
    )
)
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The signed report.")],
    pdf: Annotated[
        Path | None, typer.Option(help="A PDF that must be the one of this report.", show_default=False)
    ] = None,
    draw: Annotated[
        Path | None, typer.Option(help="Draw the PDF anew from the signed report, to this file.", show_default=False)
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(help="The public key (PEM) to check with; this instance's own when left out.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a signed report, and that a PDF is what is drawn from it. Exits with 5 when either was changed."""
    from ostiary.reviews.domain.report import NotSigned, digest_of, key_name, read_signed
    from ostiary.reviews.signing import read_public_key, signing_key

    public = read_public_key(key) if key is not None else signing_key(load_instance(find_home())).public_key()
    try:
        found, payload = read_signed(_read(file), public)
        digest = digest_of(payload)
        if pdf is not None:
            _require_drawn_from(found, digest, _read(pdf), str(pdf))
    except NotSigned as error:
        print_error(error)
        raise typer.Exit(ExitCode.FINDINGS) from None
    if draw is not None:
        _write(draw, _drawn(found, digest))
    if as_json:
        print_json({"good": True, "report_sha256": digest, "key": key_name(public), "report": found})
        return
    _print_verified(found, digest, key_name(public))


def _print_verified(found: "Report", digest: str, key: str) -> None:
    standing = "the final report" if found.final else "an interim report, made while the review went on"
    print_done(f"Good: {standing} of {found.campaign.name}, {len(found.items)} items, signed by the key {key}.")
    print_text(f"SHA-256 {digest}")


@app.command(epilog=examples("ostiary review register --csv > rights.csv", "ostiary review register --json"))
def register(
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the register of access rights: who holds what, since and until when, by whom, why, and what it opens by which rule."""
    setup()
    from ostiary.reviews.facade import list_rights

    rights = list(list_rights())
    if as_json:
        print_json(rights)
        return
    rows = [
        (
            one.email,
            one.name,
            "yes" if one.active else "no",
            one.kind,
            one.right,
            one.via,
            day_and_time(one.since),
            day_and_time(one.until),
            one.granted_by,
            one.why,
            one.app,
            " ".join(one.actions),
            " ".join(one.rules),
        )
        for one in rights
    ]
    headings = (
        "Address",
        "Name",
        "Can sign in",
        "Kind",
        "Right",
        "Via",
        "Since",
        "Until",
        "By",
        "Why",
        "App",
        "Do",
        "Rules",
    )
    if as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(headings)
        writer.writerows([shown_cell(cell) for cell in row] for row in rows)
        return
    print_table(headings, rows, empty="Nobody holds anything.")


def _require_drawn_from(found: "Report", digest: str, content: bytes, name: str) -> None:
    """Return when a PDF is, byte by byte, what is drawn from a report: the digest in it alone would prove nothing.

    Raises:
        NotSigned: otherwise.
    """
    from ostiary.reviews.domain.report import NotSigned

    if f"SHA-256 {digest}".encode("ascii") not in content:
        raise NotSigned(f"{name} shows another report.", hint=f"Its digest should be {digest}.")
    if _drawn(found, digest) != content:
        raise NotSigned(
            f"{name} names this report, but was changed, or drawn by another version of Ostiary.",
            hint="Draw it anew from the signed report with --draw FILE, and use that one.",
        )


def _drawn(found: "Report", digest: str) -> bytes:
    """Return the PDF of a report; needs no instance."""
    from django.conf import settings

    if not settings.configured:
        settings.configure(USE_I18N=False)
    from ostiary.reviews.pdf import draw_report

    return draw_report(found, digest)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnusableFile(f"{path} cannot be read ({error.strerror}).") from None


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UnusableFile(f"{path} cannot be written ({error.strerror}).") from None
