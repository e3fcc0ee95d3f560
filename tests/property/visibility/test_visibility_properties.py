"""What holds of the record whatever is written to it, and whatever is found in its place."""

import json
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.visibility_material import (
    ALLOWED,
    KEY,
    NOW,
    PUBLIC_KEY,
    REQUEST,
    allows,
    denies,
    filled,
    http_facts,
    moments,
    people,
    requests,
)

from ostiary.policy.decision import Decision
from ostiary.policy.request import AccessRequest
from ostiary.policy.snapshot import PersonFact
from ostiary.visibility.adapters.audit_log import AuditLog, Limits
from ostiary.visibility.adapters.checkpoints import sign_stream
from ostiary.visibility.adapters.log_reader import Position, read_on
from ostiary.visibility.adapters.segments import find_end, list_segments, segment_path
from ostiary.visibility.adapters.verification import verify_files
from ostiary.visibility.domain.chain import BrokenLine, chain_start, read_line, write_line
from ostiary.visibility.domain.decision_event import HttpFacts, decision_event
from ostiary.visibility.domain.decision_record import NotADecision, message_of, outcome_of, parse_decision_event
from ostiary.visibility.domain.index_entry import DecisionEntry, index_entry
from ostiary.visibility.domain.reference import ENTROPY_BYTES, format_reference, normalise_reference
from ostiary.visibility.domain.request_event import NotARequest, Source, read_access_line, read_source, request_event
from ostiary.visibility.domain.statement import ForgedStatement, read_statement
from ostiary.visibility.domain.verification import SegmentSource, verify_stream

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
bodies = st.dictionaries(st.text(max_size=10), json_values, max_size=5).map(lambda value: json.dumps(value).encode())


@given(
    reference=filled,
    at=moments,
    request=st.none() | requests,
    decision=allows | denies,
    http=http_facts,
    person=people,
)
def test_a_decision_reads_back_as_it_was(  # noqa: PLR0917 - what is drawn
    reference: str,
    at: float,
    request: AccessRequest | None,
    decision: Decision,
    http: HttpFacts,
    person: PersonFact | None,
) -> None:
    line = decision_event(reference=reference, at=at, request=request, decision=decision, http=http, person=person)
    assert b"\n" not in line
    record = parse_decision_event(line)
    assert (record.reference, record.at) == (reference, at)
    assert record.request == request
    assert record.decision == decision
    assert record.http == http
    assert record.outcome == outcome_of(decision)
    assert message_of(line) == record.told
    if request is None and person is not None:
        assert (record.person_id, record.email) == (person.id, person.email)
    assert isinstance(index_entry(line), DecisionEntry)


@given(st.text(), st.text(), st.text(), st.text())
@example("\udcff", "\udc80", "\ud800", "\udfff")
def test_an_event_is_written_whatever_the_request_was_made_of(method: str, host: str, path: str, agent: str) -> None:
    http = HttpFacts(method=method, host=host, path=path, user_agent=agent)
    line = decision_event(reference="7F3K9-2QXAB", at=NOW, request=REQUEST, decision=ALLOWED, http=http)
    event = json.loads(line)
    assert event["class_uid"] == 4002
    assert b"\n" not in line


@given(st.lists(st.lists(bodies, min_size=1, max_size=5), max_size=6), st.integers(300, 5000))
@settings(deadline=None, max_examples=40)
def test_whatever_is_appended_is_read_back_and_verified(batches: list[list[bytes]], segment_bytes: int) -> None:
    with TemporaryDirectory(prefix="ost-") as name:
        folder = Path(name)
        log = AuditLog(folder, "decisions", KEY, Limits(segment_bytes=segment_bytes, min_free_bytes=0))
        for batch in batches:
            log.append(batch)
        log.close()
        sign_stream(folder, "decisions", KEY, now=NOW)
        report = verify_files(folder, "decisions", PUBLIC_KEY)
        assert report.intact
        assert report.records == sum(map(len, batches))
        found = []
        position = Position()
        while (batch_read := read_on(folder, "decisions", position, limit=3)).lines:
            position = batch_read.position
            found += [placed.line.body for placed in batch_read.lines if placed.line and placed.line.kind == "event"]
        assert found == [body for batch in batches for body in batch]


@given(st.integers(0, 2**20), st.integers(0, 2**20), st.integers(0, 200), st.binary(max_size=200))
@settings(deadline=None, max_examples=60)
def test_any_change_of_a_signed_record_is_found(which: int, where: int, length: int, instead: bytes) -> None:
    with TemporaryDirectory(prefix="ost-") as name:
        folder = Path(name)
        log = AuditLog(folder, "control", KEY, Limits(segment_bytes=1200, min_free_bytes=0))
        for number in range(12):
            log.append([b'{"n":%d}' % number])
        log.close()
        sign_stream(folder, "control", KEY, now=NOW)
        numbers = list_segments(folder / "control")
        path = segment_path(folder / "control", numbers[which % len(numbers)])
        original = path.read_bytes()
        start = where % len(original)
        changed = original[:start] + instead + original[start + length :]
        path.write_bytes(changed)
        assert verify_files(folder, "control", PUBLIC_KEY).intact == (changed == original)


@given(st.lists(st.binary(max_size=300), max_size=6), st.lists(st.binary(max_size=200), max_size=4))
def test_verification_reads_anything_and_never_fails(segments: list[bytes], signed: list[bytes]) -> None:
    report = verify_stream(
        stream="decisions",
        segments=[
            SegmentSource(number=number, lines=BytesIO(content), statements=tuple(signed))
            for number, content in enumerate(segments, 1)
        ],
        removals=signed,
        key=PUBLIC_KEY,
    )
    assert report.records == 0
    assert report.last_seq == -1 or not report.intact
    if report.intact:
        assert not any(b"\n" in content for content in segments)
        assert not any(signed)


@given(st.binary(max_size=3000))
def test_the_end_of_any_file_is_found(content: bytes) -> None:
    with TemporaryDirectory(prefix="ost-") as name:
        path = Path(name) / "file"
        path.write_bytes(content)
        with path.open("rb") as file:
            end = find_end(file.fileno())
    whole = content[: content.rfind(b"\n") + 1]
    assert end.good_bytes == len(whole)
    assert end.torn_bytes == len(content) - len(whole)
    assert end.last_line == (whole[:-1].rsplit(b"\n", 1)[-1] if whole else None)


@given(st.binary(max_size=300))
def test_a_line_is_read_or_refused(raw: bytes) -> None:
    try:
        line = read_line(raw)
    except BrokenLine:
        return
    text, _ = write_line(line.seq, chain_start("x"), line.kind, line.body)
    assert text.endswith(line.body + b"}\n")


@given(st.integers(0, 10**15), bodies)
def test_a_line_reads_back_as_it_was_written(seq: int, body: bytes) -> None:
    text, digest = write_line(seq, chain_start("decisions"), "event", body)
    line = read_line(text[:-1])
    assert (line.seq, line.hash, line.kind, line.body) == (seq, digest, "event", body)
    assert json.loads(text)["event"] == json.loads(body)


@given(st.binary(max_size=400) | bodies)
def test_readers_of_lines_refuse_with_their_own_error(raw: bytes) -> None:
    index_entry(raw)
    read_source(raw)
    assert isinstance(message_of(raw), str)
    for reader, error in (
        (parse_decision_event, NotADecision),
        (read_access_line, NotARequest),
        (lambda line: read_statement(line, PUBLIC_KEY), ForgedStatement),
    ):
        try:
            reader(raw)
        except error:
            continue
        raise AssertionError("nothing drawn here is one of these")


@given(st.binary(min_size=ENTROPY_BYTES, max_size=ENTROPY_BYTES))
def test_a_reference_survives_being_read_out(entropy: bytes) -> None:
    reference = format_reference(entropy)
    assert len(reference) == 11
    for typed in (
        reference,
        reference.lower(),
        reference.replace("-", ""),
        f"  {reference} ",
        reference.replace("0", "O").replace("1", "I"),
        reference.replace("1", "l"),
    ):
        assert normalise_reference(typed) == reference


@given(st.text())
def test_any_text_can_be_asked_for_as_a_reference(text: str) -> None:
    once = normalise_reference(text)
    assert normalise_reference(once) == once


@given(
    status=st.integers(0, 999),
    method=st.text(max_size=10),
    path=st.text(max_size=40),
    grant=st.sampled_from(["", "7F3K9-2QXAB"]),
    offset=st.integers(0, 2**60),
)
def test_what_the_data_plane_logged_becomes_an_event_with_its_source(
    status: int, method: str, path: str, grant: str, offset: int
) -> None:
    line = {
        "time": "2026-02-02T02:40:00.250Z",
        "status": status,
        "method": method,
        "path": path,
        "host": "wiki.example.test",
        "route": "wiki/grant",
        "client": "192.0.2.7",
    }
    line |= {"grant_reference": grant, "grant_session": "s-1"} if grant else {}
    event = request_event(read_access_line(json.dumps(line).encode()), source=Source("f00", offset))
    assert read_source(event) == Source("f00", offset)
    entry = index_entry(event)
    assert isinstance(entry, DecisionEntry)
    assert entry.outcome == ("allowed" if grant else "refused")
    assert entry.at_ms == 1_770_000_000_250
