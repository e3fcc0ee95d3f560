"""What a program asked over the AuthZEN API is read back from the record and found in its index."""

from tests.authzen_asking import client
from tests.visibility_material import ADA, ALLOWED, HTTP, NOW, REFUSED, REQUEST

from ostiary.gateway.decider.authzen.reading import read_action_search, read_resource_search, read_subject_search
from ostiary.gateway.decider.authzen.records import search_event
from ostiary.gateway.decider.authzen.searches import Found
from ostiary.visibility.domain.decision_event import AskedBy, decision_event
from ostiary.visibility.domain.decision_record import parse_decision_event
from ostiary.visibility.domain.index_entry import DecisionEntry, EventEntry, index_entry

BY = AskedBy(client="reporting", subject="nobody@example.test")


class Question:
    """A request of the client `reporting`."""

    client = client("reporting", "token")
    request_id = ""
    user_agent = ""


def test_a_decision_names_the_program_and_is_found_by_its_name() -> None:
    line = decision_event(reference="r", at=NOW, request=REQUEST, decision=ALLOWED, http=HTTP, person=ADA, asked_by=BY)
    record = parse_decision_event(line)
    assert (record.client, record.person_id) == ("reporting", ADA.id)
    assert (
        parse_decision_event(
            decision_event(reference="r", at=NOW, request=REQUEST, decision=ALLOWED, http=HTTP, person=ADA)
        ).client
        == ""
    )
    entry = index_entry(line)
    assert isinstance(entry, DecisionEntry)
    assert "reporting" in entry.search


def test_who_was_named_is_kept_where_nobody_is_known() -> None:
    line = decision_event(reference="r", at=NOW, request=None, decision=REFUSED, http=HTTP, asked_by=BY)
    assert parse_decision_event(line).person_id == "nobody@example.test"
    unnamed = AskedBy(client="reporting", subject="")
    line = decision_event(reference="r", at=NOW, request=None, decision=REFUSED, http=HTTP, asked_by=unnamed)
    assert parse_decision_event(line).person_id == "unknown"


def test_a_search_is_an_event_in_words() -> None:
    people = b'{"subject":{"type":"person"},"action":{"name":"view"},"resource":{"type":"app","id":"wiki"}}'
    apps = b'{"subject":{"type":"person","id":"p1"},"action":{"name":"view"},"resource":{"type":"app"}}'
    acts = b'{"subject":{"type":"person","id":"' + b"x" * 200 + b'"},"resource":{"type":"app","id":"wiki"}}'
    for search, words in (
        (read_subject_search(people), "list of people who may view wiki"),
        (read_resource_search(apps), "list of apps that person p1 may view"),
        (read_action_search(acts), f"list of what person {'x' * 79}… may do at wiki"),
    ):
        found = Found(({"id": "p1"},), "", 7)
        entry = index_entry(search_event(Question(), search, found, reference="r", now=NOW))
        assert isinstance(entry, EventEntry)
        assert (entry.kind, entry.uid, entry.actor) == ("entity", "r", "authzen:reporting")
        assert entry.words == f"reporting took a copy of {words}"
