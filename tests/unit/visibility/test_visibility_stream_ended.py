"""The end of a stream reads as such in the record, and counts as no request."""

import pytest
from tests.visibility_material import ADA, HTTP, NOW, REFUSED, REQUEST

from ostiary.cli.audit_words import inputs_of
from ostiary.visibility.domain.decision_event import decision_event
from ostiary.visibility.domain.decision_record import parse_decision_event
from ostiary.visibility.domain.past_request import kept_decision


@pytest.mark.parametrize("ended", [True, False])
def test_the_end_of_a_stream_is_told_from_a_refused_request(ended: bool) -> None:
    line = decision_event(
        reference="r", at=NOW, request=REQUEST, decision=REFUSED, http=HTTP, person=ADA, stream_ended=ended
    )
    record = parse_decision_event(line)
    assert record.stream_ended is ended
    assert ("What" in dict(inputs_of(record))) is ended
    assert (kept_decision(line) is None) is ended
