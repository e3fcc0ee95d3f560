"""Limits on idleness and on the age of proofs: an app's own and those of its labels, the strictest counts."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.applications.domain import App, LabelLimits, Limit, Upstream, limits_for
from ostiary.policy.identifiers import AppId, Label

seconds = st.none() | st.integers(60, 10_000)
LABELS = ("calm", "restricted")


@settings(max_examples=60)
@given(own=st.tuples(seconds, seconds), brought=st.dictionaries(st.sampled_from((*LABELS, "other")), seconds))
def test_the_strictest_of_its_own_and_its_labels_counts(
    own: tuple[int | None, int | None], brought: dict[str, int | None]
) -> None:
    app = App(
        id=AppId("x"),
        name="X",
        host="x.example.test",
        upstream=Upstream(),
        labels=tuple(map(Label, LABELS)),
        idle_seconds=own[0],
        longest_seconds=own[1],
    )
    by_label = {Label(one): LabelLimits(label=Label(one), idle_seconds=idle) for one, idle in brought.items()}
    found = limits_for(app, by_label)
    known = [one for one in (own[0], *(brought.get(label) for label in LABELS)) if one is not None]
    assert (found.idle.seconds if found.idle else None) == min(known, default=None)
    assert found.longest == (None if own[1] is None else Limit(seconds=own[1]))
    if found.idle is not None and found.idle.label:
        assert brought[found.idle.label] == found.idle.seconds
        assert own[0] is None or found.idle.seconds < own[0], "of equal ones its own is named"
