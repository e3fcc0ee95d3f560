"""Makes a test of rules out of a decision on record. What such a test says is worked out in `policy.recorded_case`."""

import msgspec

from ostiary.applications.facts import read_applications
from ostiary.policy.identifiers import MalformedIdentifier, parse_slug
from ostiary.policy.recorded_case import NotATest, case_of
from ostiary.policy.rules.problems import InvalidRules
from ostiary.policy.rules.writer import write_test
from ostiary.rulebook.facts import read_rules_of_version
from ostiary.visibility.facade import DecisionRecord


class KeptTest(msgspec.Struct, frozen=True):
    """A test ready to be pasted.

    Args:
        name: the test's.
        yaml: an entry of `tests:`, indented by two spaces.
    """

    name: str
    yaml: str


def keep_as_test(record: DecisionRecord, *, name: str = "") -> KeptTest:
    """Return a test that asks what was asked then, and expects what was answered.

    Args:
        record: the decision.
        name: the test's; made from the decision by default.

    Raises:
        NotATest: when rules did not decide, when those of then are not in the history or cannot be read any more, or when
            the request cannot be told.
        MalformedIdentifier: when nothing can be named so.
    """
    if record.request is None:
        raise NotATest("This never became a question to the rules, so no test of them can repeat it.")
    found = read_rules_of_version(record.decision.policy_version)
    if found is None:
        raise NotATest("The rules that decided this are not in the history.")
    app = read_applications().apps.get(record.request.resource.app)
    named = parse_slug(name, what="test") if name else default_name(record)
    labels = frozenset(app.labels) if app else frozenset()
    try:
        case = case_of(record.request, record.at, record.decision, found[1], name=named, labels=labels)
    except InvalidRules:
        raise NotATest("The rules that decided this cannot be read any more.") from None
    return KeptTest(named, write_test(case))


def default_name(record: DecisionRecord) -> str:
    """Return a name that tells what the decision was about: `wiki-allowed-7f3k9-2qxab`."""
    app = record.request.resource.app if record.request else ""
    outcome = "allowed" if record.outcome == "allowed" else "refused"
    try:
        return parse_slug(f"{app[:40]}-{outcome}-{record.reference.lower()}", what="test")
    except MalformedIdentifier:
        return outcome
