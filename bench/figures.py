"""The figures of one run and what they must reach. How they are shown lives in `page`; nothing is measured here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from bench.machine import Machine
from bench.variants import Summary

TRAEFIK = "not in the package registries of Debian 12 or PyPI; not measured"


class PeerFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One alternative: with its authorisation (`guarded`), without (`open`), and the one divided by the other."""

    how: str
    open_per_second: float
    guarded_per_second: float
    throughput_ratio: float
    cpu_ratio: float
    open_cpu_us: float
    guarded_cpu_us: float
    guarded_decider_cpu_us: float
    guarded_p99_us: float


class Figures(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The result: the last line of a run. What was not asked for is absent.

    Args:
        grant_throughput_ratio_bare: as `grant_throughput_ratio`, but against an Envoy whose only filter is the router:
            without forged headers removed, without limits, without cookies kept from the app.
        grant_cpu_ratio_bare: likewise.
        resident_mb: sum of the proportional set sizes, in MiB; `resident_rss_mb` counts shared pages in every process.
        revocation_last_allowed_ms_p99: from the commit to the start of the last request that was still let through.
        revocation_published_ms_p99: from the commit to the return of the service: facts written, grant key replaced.
        missed: the fields that did not reach what they must.
    """

    grant_throughput_ratio: float | None = None
    grant_cpu_ratio: float | None = None
    slow_throughput_ratio: float | None = None
    grant_throughput_ratio_bare: float | None = None
    grant_cpu_ratio_bare: float | None = None
    cold_decision_us_10: float | None = None
    cold_decision_us_10000: float | None = None
    warm_decision_us: float | None = None
    revocation_ms_p50: float | None = None
    revocation_ms_p99: float | None = None
    revocation_ms_max: float | None = None
    revocation_last_allowed_ms_p99: float | None = None
    revocation_published_ms_p50: float | None = None
    revocation_published_ms_p99: float | None = None
    signin_per_second: float | None = None
    signin_ms_p50: float | None = None
    resident_mb: float | None = None
    resident_rss_mb: float | None = None
    resident_mb_by_process: Mapping[str, float] | None = None
    variants: Mapping[str, Summary] | None = None
    peers: Mapping[str, PeerFigures | str] | None = None
    missed: tuple[str, ...] = ()
    rounds: int = 0
    seconds: int = 0
    revocation_trials: int = 0
    quick: bool = False
    measured_at: str = ""
    took_seconds: int = 0
    machine: Machine | None = None


@dataclass(frozen=True, slots=True)
class Goal:
    """What one figure must reach; `kind` is `reported` where there is nothing to reach."""

    field: str
    meaning: str
    kind: Literal["at least", "at most", "reported"]
    bound: float = 0.0
    unit: str = ""

    def met_by(self, value: float) -> bool:
        """Say whether `value` reaches it."""
        match self.kind:
            case "at least":
                return value >= self.bound
            case "at most":
                return value <= self.bound
            case _:
                return True

    @property
    def words(self) -> str:
        """The bound as people read it."""
        sign = {"at least": "≥ ", "at most": "≤ "}.get(self.kind, "")
        return f"{sign}{self.bound:g}{self.unit}" if sign else "reported"


GOALS = (
    Goal(
        "grant_throughput_ratio", "allowed request on a grant ÷ the same Envoy without authorisation", "at least", 0.75
    ),
    Goal("grant_cpu_ratio", "Envoy's processor time for a request, grant ÷ none", "at most", 1.35),
    Goal("slow_throughput_ratio", "every request through the decision service ÷ none", "at least", 0.30),
    Goal("cold_decision_us_10", "one decision that is not remembered, 10 rules", "at most", 150, " µs"),
    Goal("cold_decision_us_10000", "the same with 10,000 rules and 10,000 people", "at most", 150, " µs"),
    Goal("warm_decision_us", "one decision that is remembered", "at most", 10, " µs"),
    Goal(
        "revocation_ms_p99", "from committing “disable this person” to the first refused request", "at most", 50, " ms"
    ),
    Goal("signin_per_second", "sign-ins with password and one-time code, Argon2id", "reported"),
    Goal("resident_mb", "memory of everything, idle, 40 people", "at most", 600, " MiB"),
)
COLD_SPREAD = 1.5


def missed_goals(figures: Figures) -> tuple[str, ...]:
    """Return the fields that were measured and do not reach what they must."""
    missed = []
    for goal in GOALS:
        value = getattr(figures, goal.field)
        if value is not None and not goal.met_by(value):
            missed.append(goal.field)
    few, many = figures.cold_decision_us_10, figures.cold_decision_us_10000
    if few and many and max(few, many) > COLD_SPREAD * min(few, many):
        missed.append("cold_decision_spread")
    return tuple(missed)


def last_line(figures: Figures) -> str:
    """Return the figures as one line of JSON, the same whether they were just measured or read from such a line."""
    return msgspec.json.encode(read_line(msgspec.json.encode(figures))).decode()


def read_line(line: str | bytes) -> Figures:
    """Return the figures in the last line of a run."""
    return msgspec.json.decode(line, type=Figures)
