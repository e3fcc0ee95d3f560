"""Baselines: no text breaks the reader, nothing unknown is ever compliant, and a verdict stays so until it says."""

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.baselines.adapters.built_in import built_in, built_in_text
from ostiary.baselines.domain.brake import is_too_many
from ostiary.baselines.domain.document import BUILT_IN, Baseline, Check, Demand, Ladder
from ostiary.baselines.domain.evaluation import Outcome, judge
from ostiary.baselines.domain.reader import InvalidBaseline, read_baseline
from ostiary.devices.domain.posture import FACTS, Evidence, Reported, SourceFacts, combine
from ostiary.policy.rules.problems import Problem

EXAMPLES = 40
NOW, HOUR = 1_000_000.0, 3600.0
spans = st.none() | st.integers(0, 20).map(lambda hours: hours * 3600)
values = st.none() | st.booleans() | st.integers(-3, 40) | st.sampled_from(["", "on"])
names = st.sampled_from(sorted(FACTS))


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A document of ours, cut and written over somewhere."""
    text = built_in_text(draw(st.sampled_from(BUILT_IN)))
    at = draw(st.integers(0, len(text)))
    cut = draw(st.integers(0, 40))
    return text[:at] + draw(st.text(alphabet=string.printable + "ü&*!|", max_size=20)) + text[at + cut :]


@settings(max_examples=EXAMPLES)
@given(documents() | st.text(max_size=60))
def test_any_text_is_a_baseline_or_is_refused_with_a_place(text: str) -> None:
    found, problems = _read(text)
    if found is None:
        assert problems
        assert all(problem.line >= 1 and problem.message for problem in problems)
    else:
        assert found.checks
        assert all(check.require and check.on for check in found.checks)


def _read(text: str) -> tuple[Baseline | None, tuple[Problem, ...]]:
    try:
        return read_baseline(text, built_in), ()
    except InvalidBaseline as refused:
        return None, refused.problems


@st.composite
def ladders(draw: st.DrawFn) -> Ladder:
    """Three spans in order."""
    notify, warn, block = sorted(draw(st.tuples(*[st.integers(0, 20)] * 3)))
    return Ladder(notify=notify * 3600, warn=warn * 3600, block=draw(st.none() | st.just(block * 3600)))


checks = st.builds(
    lambda number, fact, ladder, evidence: Check(
        name=f"check-{number}",
        require=(Demand(fact=fact, value=FACTS[fact].kind(1)),),
        on=("linux",),
        ladder=ladder,
        evidence=evidence,
    ),
    st.integers(0, 99),
    names,
    ladders(),
    st.sampled_from(Evidence),
)
baselines = st.lists(checks, max_size=4, unique_by=lambda one: one.name).map(
    lambda found: Baseline(name="any", checks=tuple(found))
)
sources = st.lists(
    st.builds(
        lambda name, evidence, facts, age: SourceFacts(
            source=name,
            evidence=evidence,
            lasts=HOUR,
            facts={fact: Reported(name=fact, value=value, at=NOW - age) for fact, value in facts.items()},
        ),
        st.sampled_from(["agent", "intune", "tpm"]),
        st.sampled_from(Evidence),
        st.dictionaries(names, values, max_size=6),
        st.floats(-60, HOUR + 60),
    ),
    max_size=3,
)
begun = st.dictionaries(st.integers(0, 99).map("check-{}".format), st.floats(0, NOW + 60))


@settings(max_examples=EXAMPLES)
@given(baselines, sources, begun, begun, st.floats(0.0, 0.999))
def test_a_verdict_stays_so_until_the_moment_that_it_says(
    baseline: Baseline, said: list[SourceFacts], since: dict[str, float], excepted: dict[str, float], part: float
) -> None:
    first = judge(baseline, combine(said, NOW), "linux", now=NOW, since=since, excepted=excepted)
    assert first.until > NOW
    assert not first.meets or first.compliant
    assert not first.compliant or first.findings
    began = {one.check.name: one.since for one in first.findings if one.since is not None}
    later = NOW + (min(first.until, NOW + 2 * HOUR) - NOW) * part
    second = judge(baseline, combine(said, later), "linux", now=later, since=began, excepted=excepted)
    if first.compliant:
        assert second.compliant
    if first.meets:
        assert second.meets


@settings(max_examples=EXAMPLES)
@given(baselines, sources)
def test_what_is_not_known_is_never_compliant(baseline: Baseline, said: list[SourceFacts]) -> None:
    posture = combine(said, NOW)
    found = judge(baseline, posture, "linux", now=NOW, since={}, excepted={})
    for one in found.findings:
        known = all(posture.value(demand.fact, one.check.evidence) is not None for demand in one.check.require)
        assert (one.outcome is Outcome.UNKNOWN) is not known
        if not known and one.check.ladder.block is not None:
            assert not found.compliant


@settings(max_examples=EXAMPLES)
@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 100))
def test_the_brake_only_holds_more_than_the_share_and_never_a_few(turned: int, of: int, percent: int) -> None:
    if is_too_many(turned, of, percent):
        assert turned >= 4
        assert turned * 100 > of * percent
        assert is_too_many(turned + 1, of, percent)
