"""A source that says something else all the time: how many changes are taken, that what is slowed is never better, and that it comes to rest."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.devices.domain.flapping import CHANGES_AT_ONCE, SECONDS_EACH, pay, says_otherwise, steadied
from ostiary.devices.domain.posture import FACTS, Evidence, Reported, SourceFacts, Value, combine, is_worse

NOW = 1_000_000.0
HOUR = 3600.0
NAMES = ["disk_encrypted", "daily_administrator", "screen_lock_minutes", "os_version", "clock_offset_seconds"]
VALUES = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["Debian 12", "Debian 13"])
FACT = st.builds(
    Reported, name=st.sampled_from(NAMES), value=VALUES, at=st.sampled_from([NOW, NOW - 60, NOW - 2 * HOUR])
)
WORDS = st.lists(FACT, max_size=6).map(
    lambda facts: SourceFacts(
        source="agent", evidence=Evidence.SELF_REPORTED, lasts=HOUR, facts={one.name: one for one in facts}
    )
)


def known(word: SourceFacts) -> dict[str, Value]:
    return combine((word,), NOW).for_rules()


@settings(max_examples=80)
@given(WORDS, WORDS)
def test_what_is_slowed_is_no_better_than_either_word(before: SourceFacts, said: SourceFacts) -> None:
    counts = known(steadied(before, said, NOW))
    for word in (known(before), known(said)):
        assert set(counts) <= set(word)
        for name, value in counts.items():
            worse = FACTS[name].better is not None and not is_worse({name: value}, {name: word[name]})
            assert value == word[name] or worse


@settings(max_examples=60)
@given(WORDS, st.lists(WORDS, max_size=30))
def test_it_comes_to_rest_whatever_is_said(first: SourceFacts, more: list[SourceFacts]) -> None:
    word, turns = first, 0
    for said in more:
        after = steadied(word, said, NOW)
        turns += says_otherwise(word, after, NOW)
        word = after
    assert turns <= 2 * len(NAMES)


@settings(max_examples=40)
@given(st.lists(st.floats(0, 30), max_size=200))
def test_no_more_changes_are_taken_than_there_is_room_for(pauses: list[float]) -> None:
    paid, now, taken = 0.0, NOW, 0
    for pause in pauses:
        now += pause
        after = pay(paid, now)
        if after is not None:
            paid, taken = after, taken + 1
    assert taken <= CHANGES_AT_ONCE + (now - NOW) / SECONDS_EACH + 1
    assert pay(NOW + 100 * HOUR, NOW) is not None, "a clock that was set back stops nobody"
