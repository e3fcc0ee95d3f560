"""What is kept of past requests comes back as it was, from whole files and from damaged ones."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.visibility_material import allows, denies, http_facts, moments, people, requests

from ostiary.policy.decision import Allow
from ostiary.policy.past import (
    ALLOWED,
    ANSWERED,
    NOTHING,
    TICKS_A_SECOND,
    Situation,
    email_mark,
    from_ticks,
    request_of,
    situation_of,
    to_ticks,
)
from ostiary.visibility.domain.decision_event import decision_event
from ostiary.visibility.domain.past_block import (
    Reached,
    Row,
    Tables,
    is_unfinished,
    is_whole,
    read_blocks,
    tables_of,
    write_block,
)
from ostiary.visibility.domain.past_request import Passed, kept_decision, passed_request, reference_of

rows = st.builds(
    Row,
    requests.map(situation_of),
    moments.map(to_ticks),
    st.integers(0, 6),
    st.integers(1, 10**6),
    st.integers(0, 2**40),
    st.integers(1, 2**31),
)
blocks = st.lists(st.lists(rows, max_size=4), max_size=4)
places = st.builds(Reached, st.integers(0, 2**31), st.integers(0, 2**40), st.integers(-1, 2**53))


def written(batches: list[list[Row]]) -> tuple[bytes, list[int]]:
    """Return a file, and where each block ends."""
    content, ends, tables = b"", [], Tables()
    for number, batch in enumerate(batches):
        content += write_block(tables, batch, Reached(1, number, number))
        ends.append(len(content))
    return content, ends


def rows_in(content: bytes) -> list[Row]:
    found, _, _ = read_blocks(content, "decisions")
    return [
        Row(found.situation(n), found.ticks[n], found.outcome[n], found.segment[n], found.offset[n], found.count[n])
        for n in range(len(found))
    ]


@settings(max_examples=60)
@given(blocks)
def test_every_row_comes_back(batches):
    content, _ = written(batches)
    assert rows_in(content) == [row for batch in batches for row in batch]
    found, reached, end = read_blocks(content, "decisions")
    assert end == len(content)
    assert reached.offset == max(len(batches) - 1, 0)
    more = write_block(tables_of(found), [row for batch in batches for row in batch], Reached())
    assert rows_in(content + more) == [row for batch in batches for row in batch] * 2


@settings(max_examples=60)
@given(blocks, st.data())
def test_of_a_file_that_ends_early_the_whole_blocks_are_read(batches, data):
    content, ends = written(batches)
    cut = data.draw(st.integers(0, len(content)))
    whole = sum(end <= cut for end in ends)
    assert rows_in(content[:cut]) == [row for batch in batches[:whole] for row in batch]
    assert read_blocks(content[:cut], "decisions")[2] == ([0, *ends])[whole]


@settings(max_examples=60)
@given(blocks.filter(bool), st.data())
def test_a_file_is_whole_exactly_where_a_block_ends_and_else_its_last_block_is_unfinished(batches, data):
    content, ends = written(batches)
    cut = data.draw(st.integers(0, len(content)))
    assert is_whole(content[:cut]) == (cut in ends)
    last = max(end for end in (0, *ends) if end <= cut)
    assert is_unfinished(content[:cut], last)
    at = data.draw(st.integers(0, len(content) - 1))
    assert not is_whole(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])


@settings(max_examples=60)
@given(blocks, st.binary(max_size=200), st.data())
def test_whatever_stands_in_a_file_nothing_is_raised_and_nothing_invented(batches, junk, data):
    content, ends = written(batches)
    at = data.draw(st.sampled_from([0, *ends]))
    whole = sum(end <= at for end in ends)
    damaged = content[:at] + junk + content[at + len(junk) :]
    found = rows_in(damaged)
    expected = [row for batch in batches for row in batch]
    if junk and damaged != content:
        expected = [row for batch in batches[:whole] for row in batch]
    assert found == expected


@given(moments)
def test_moments_are_exact_from_2004_on(moment):
    assert from_ticks(to_ticks(moment)) == (
        moment if moment >= 2**30 else int(moment * TICKS_A_SECOND) / TICKS_A_SECOND
    )


@settings(max_examples=100)
@given(requests, allows | denies, moments, http_facts, people)
def test_a_decision_is_kept_as_its_event_says(request, decision, at, http, person):
    body = decision_event(reference="R", at=at, request=request, decision=decision, http=http, person=person)
    kept = kept_decision(body)
    assert kept is not None
    assert kept.at == at
    if kept.outcome in ANSWERED:
        assert kept.situation == situation_of(request)
        assert (kept.outcome == ALLOWED) == isinstance(decision, Allow)
        assert kept.reference == ("R" if isinstance(decision, Allow) else "")
    else:
        assert kept.situation == NOTHING
    assert reference_of(body) == "R"


@settings(max_examples=100)
@given(requests)
def test_a_request_is_asked_again_with_all_that_rules_can_tell(request):
    situation = situation_of(request)
    emails = {email_mark(request.subject.email): request.subject.email} if request.subject.email else {}
    again = request_of(situation, emails)
    assert situation_of(again) == situation
    replace = msgspec.structs.replace
    proofs = tuple(replace(proof, method="") for proof in request.subject.authentications)
    device = replace(request.device, id=None) if request.device else None
    subject = replace(
        request.subject,
        session=None,
        authentications=proofs,
        person=request.subject.person or None,
        service=request.subject.service or None,
    )
    assert again == replace(request, subject=subject, device=device)


@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_no_request(junk):
    assert kept_decision(junk) is None
    assert passed_request(junk) is None
    assert reference_of(junk) == ""


@given(requests.map(situation_of), st.text(max_size=20), st.sampled_from(["", "192.0.2.1"]))
def test_a_request_on_a_grant_differs_from_its_decision_in_path_and_address_alone(granted: Situation, path, address):
    kept = Passed(at=1.0, grant="G", path=path, address=address).on(granted)
    assert (kept.situation.path, kept.situation.surroundings.address) == (path, address or None)
    assert (kept.situation.asker, kept.situation.act, kept.situation.proofs) == (
        granted.asker,
        granted.act,
        granted.proofs,
    )
