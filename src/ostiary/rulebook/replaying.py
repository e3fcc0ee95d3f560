"""What other rules would have done to what really happened. Changes nothing.

Deciding again is `policy.replay`; what is kept of past requests, and how, is `visibility`.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from ostiary.policy.compiled import compile_rules
from ostiary.policy.identifiers import AppId, PolicyVersion
from ostiary.policy.replay import Replay
from ostiary.policy.replay_changes import Answering
from ostiary.policy.replay_report import ReplayReport
from ostiary.policy.rules.problems import InvalidRules
from ostiary.policy.rules.selector_reader import Known
from ostiary.policy.snapshot import Rules
from ostiary.rulebook.domain import AppliedRules
from ostiary.rulebook.queries import get_current
from ostiary.visibility.domain.holding import first_unmet, is_held
from ostiary.visibility.past import missing_from, read_past_requests, referenced, with_references

READING_SHARE = 0.8
"""How much of the work reading and sorting is; the rest is deciding."""


def replay_candidate(
    document: str,
    cedar: str = "",
    *,
    since: float,
    until: float,
    progress: Callable[[float], None] = lambda _done: None,
    known: Known | None = None,
    in_force: AppliedRules | None = None,
) -> ReplayReport:
    """Decide past requests again by other rules, and by those in force to compare with.

    Each request is decided on the facts as they were when it was made. The rules in force are asked the same, so that a
    candidate is not blamed for what changed before it.

    Args:
        document: the candidate, YAML.
        cedar: Cedar text beside it.
        since: seconds since the epoch; earlier requests are left out.
        until: later requests are left out, this moment among them.
        progress: is told how much is done, 0 to 1.
        known: with `apps`, requests to any other are not replayed; by default every app counts as existing.
        in_force: the rules to compare with; by default those that are in force. Given, the database is not asked.

    Raises:
        InvalidRules: when the candidate has a problem.
        OSError: when what is kept cannot be read.
    """
    candidate = Rules(document=document, cedar=cedar, version=PolicyVersion("candidate"))
    replay = _begin(candidate, in_force or get_current(), since=since, until=until)
    with _without_collection():
        for done, requests in read_past_requests(since=since):
            replay.take(requests)
            progress(done * READING_SHARE)
        apps = None if known is None or known.apps is None else map(AppId, known.apps)
        report = replay.report(apps=apps, answering=Answering(is_held, first_unmet))
    progress(1.0)
    references = with_references(example for change in report.changes for example in change.examples)
    return msgspec.structs.replace(
        report,
        missing_from=missing_from(since=since, until=until),
        changes=tuple(
            msgspec.structs.replace(change, examples=tuple(referenced(one, references) for one in change.examples))
            for change in report.changes
        ),
    )


@contextmanager
def _without_collection() -> Iterator[None]:
    """Rest the search for cycles of garbage: no row is in one, and looking through all of them takes a quarter of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _begin(candidate: Rules, current: AppliedRules, *, since: float, until: float) -> Replay:
    """Rules in force that cannot be read any more let nobody in, and are compared as such."""
    compile_rules(candidate.document, candidate.cedar)
    in_force = Rules(document=current.document, cedar=current.cedar, version=current.version)
    try:
        return Replay(candidate=candidate, in_force=in_force, since=since, until=until)
    except InvalidRules:
        return Replay(candidate=candidate, in_force=Rules(), since=since, until=until)
