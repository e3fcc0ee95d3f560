"""How long an app goes on without a fresh proof: its own limits, and those of its labels; the strictest holds. Pure."""

from collections.abc import Iterable, Mapping

import msgspec

from ostiary.applications.domain.app import App
from ostiary.policy.identifiers import Label


class LabelLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of every app with a label, in seconds; `None` for none."""

    label: Label
    idle_seconds: int | None = None
    longest_seconds: int | None = None


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that holds for an app.

    Args:
        seconds: how long.
        label: the label that it comes from; empty for the app's own.
    """

    seconds: int
    label: str = ""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for one app; `None` for no limit."""

    idle: Limit | None = None
    longest: Limit | None = None


def limits_for(app: App, by_label: Mapping[Label, LabelLimits]) -> Limits:
    """Return the strictest limits of an app, each with where it comes from; of equal ones the app's own."""
    labelled = [by_label[label] for label in sorted(app.labels) if label in by_label]
    idle = [(app.idle_seconds, ""), *((one.idle_seconds, one.label) for one in labelled)]
    longest = [(app.longest_seconds, ""), *((one.longest_seconds, one.label) for one in labelled)]
    return Limits(idle=_strictest(idle), longest=_strictest(longest))


def _strictest(found: Iterable[tuple[int | None, str]]) -> Limit | None:
    known = [Limit(seconds=seconds, label=label) for seconds, label in found if seconds is not None]
    return min(known, key=lambda one: one.seconds, default=None)
