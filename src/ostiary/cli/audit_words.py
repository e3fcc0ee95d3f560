"""The record in words, as `ostiary audit` prints it: an event, a decision with its inputs, what a check found."""

from collections.abc import Iterator
from typing import Any

from ostiary.cli.moments import second_of
from ostiary.cli.output import print_text
from ostiary.policy.decision import Allow
from ostiary.visibility.domain.decision_record import DecisionRecord
from ostiary.visibility.domain.index_entry import DecisionEntry, index_entry
from ostiary.visibility.domain.verification import StreamReport


def print_record(body: bytes, *, as_json: bool) -> None:
    """Print one event of a stream, on a line."""
    if as_json:
        print_text(body.decode())
        return
    entry = index_entry(body)
    if entry is None:
        print_text(body.decode())
    elif isinstance(entry, DecisionEntry):
        reason = f" {entry.reason}" if entry.reason else ""
        who = entry.email or entry.person or "somebody"
        print_text(
            f"{second_of(entry.at_ms / 1000)}  {entry.outcome:<8}{entry.reference:<12}{who} {entry.method} {entry.host}{entry.path}{reason}"
        )
    else:
        print_text(f"{second_of(entry.at_ms / 1000)}  {'done' if entry.success else 'failed':<8}{entry.words}")


def inputs_of(record: DecisionRecord) -> Iterator[tuple[str, Any]]:
    """Yield everything that a decision was made on, with its name."""
    decision, request = record.decision, record.request
    yield "Reference", record.reference
    yield "When", second_of(record.at)
    yield "Outcome", record.outcome
    if not isinstance(decision, Allow):
        yield "Reason", decision.reason.value
        for reason in decision.because:
            yield "Because", reason
        for unmet in decision.unmet:
            yield "Unmet", f"{unmet.rule}: {unmet.words}"
    yield "Rules", ", ".join(decision.rules) or None
    if record.stream_ended:
        yield "What", "an open stream, let in before, was ended"
    if record.client:
        yield "Asked by", f"{record.client}, a program"
    yield "Person", " ".join(part for part in (record.name, record.email, record.person_id) if part) or None
    if request is not None:
        yield from _request_inputs(record)
    else:
        yield "Address", record.http.peer.rpartition(":")[0].strip("[]") or None
    yield "Request", f"{record.http.method} https://{record.http.host}{record.http.path}"
    yield "Policy version", decision.policy_version or None
    yield "Generation", decision.generation
    yield "Valid until", second_of(decision.valid_until) if decision.valid_until else None


def _request_inputs(record: DecisionRecord) -> Iterator[tuple[str, Any]]:
    request = record.request
    if request is None:
        return
    yield "Groups", ", ".join(sorted(request.subject.groups)) or None
    yield "Session", request.subject.session
    for method, age in record.authentication_ages:
        yield "Proof", f"{method}, {age:.0f} s before"
    yield "App", request.resource.app
    yield "Labels", ", ".join(sorted(request.resource.labels)) or None
    yield "Action", request.action.value
    yield "Device", request.device.id if request.device else None
    yield "Address", request.context.address
    yield "Country", request.context.country
    yield "Risk", request.context.risk


def print_report(report: StreamReport) -> None:
    """Print what a check of one stream found."""
    if report.last_seq < 0:
        print_text(f"{report.stream}: nothing recorded.")
    else:
        print_text(
            f"{report.stream}: {report.records} records in {report.segments} segments, lines {report.first_seq} to {report.last_seq}."
        )
        if report.signed_seq >= 0:
            print_text(f"  As it was signed on {second_of(report.signed_at)} up to line {report.signed_seq}.")
        else:
            print_text("  No part of it is certain: nothing before the first fault is signed.")
        print_text(f"  Remember: {report.stream}:{report.last_seq}:{report.head}")
    for finding in report.findings:
        where = f"segment {finding.segment}" + (f", line {finding.line} of the file" if finding.line else "")
        print_text(f"  {finding.kind.value}: {where}: {finding.words}")
    for note in report.notes:
        print_text(f"  {note}")
