"""What is known of a device, whatever its sources say: nothing absent, stale or malformed, and the worse of two words."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.devices.domain.posture import (
    FACTS,
    SLACK_SECONDS,
    Evidence,
    Reported,
    SourceFacts,
    combine,
    is_worse,
    spec_of,
)

NOW = 1_000_000.0
VALUES = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8)
REPORTED = st.builds(
    Reported, name=st.sampled_from(sorted(FACTS)), value=VALUES, at=st.floats(0, 2 * NOW), problem=st.just("")
)
SOURCES = st.lists(
    st.builds(
        lambda source, evidence, lasts, facts: SourceFacts(
            source=source, evidence=evidence, lasts=lasts, facts={one.name: one for one in facts}
        ),
        st.sampled_from(["agent", "fleet", "tpm"]),
        st.sampled_from(list(Evidence)),
        st.floats(1, 2 * NOW),
        st.lists(REPORTED, max_size=6),
    ),
    max_size=4,
)


@settings(max_examples=60)
@given(SOURCES)
def test_only_what_is_fresh_and_well_formed_is_known(sources: list[SourceFacts]) -> None:
    posture = combine(sources, NOW)
    for name, fact in posture.known.items():
        assert type(fact.value) is FACTS[name].kind
        assert fact.until > NOW
        for one in fact.said:
            assert one.at - SLACK_SECONDS <= NOW < one.until
            assert any(one.source == source.source and name in source.facts for source in sources)
    spoken = {name for source in sources for name in source.facts}
    assert set(posture.known) | set(posture.unknown) == spoken
    assert not set(posture.known) & set(posture.unknown)


@settings(max_examples=60)
@given(SOURCES, SOURCES)
def test_another_word_never_makes_a_fact_better(some: list[SourceFacts], more: list[SourceFacts]) -> None:
    """What counts for a rule can only get worse, or stay, by a further source: nobody talks a device well."""
    before = {name: value for name, value in combine(some, NOW).for_rules().items() if _ordered(name)}
    after = combine([*some, *more], NOW).for_rules()
    assert not is_worse({name: after[name] for name in before}, before)


def test_every_name_that_rules_can_write_has_a_fact() -> None:
    names = {f"{name}{evidence.suffix}": spec for name, spec in FACTS.items() for evidence in Evidence}
    assert {name: spec_of(name) for name in names} == names
    assert spec_of("own") is None


def _ordered(name: str) -> bool:
    spec = spec_of(name)
    return spec is not None and spec.better is not None
