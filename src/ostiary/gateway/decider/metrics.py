"""Counters and gauges of the decision service, in the Prometheus format. Labels are bounded: a catalogue, an enum.

Counting happens with every request, so it is a few additions; the client library's metrics are made from them when
somebody asks. What needs a person is in `alarms`.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from ostiary.gateway.decider.alarms import Alarm
from ostiary.gateway.decider.answers import Answer
from ostiary.gateway.decider.check import Verdict
from ostiary.policy.decision import Allow

MAX_APP_LABELS: Final = 500
BUCKETS: Final = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0)
_OTHER: Final = "other"


class Metrics(Collector):
    """Counts for one process; each has a registry of its own, so that several can live in one test."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self.unrecorded = 0
        self.streams_cut = 0
        self._decisions: dict[tuple[str, str], int] = {}
        self._authzen: dict[int, int] = {}
        self._apps: set[str] = set()
        self._buckets = [0] * (len(BUCKETS) + 1)
        self._seconds = 0.0
        self._generation = 0
        self._facts_age: float | None = None
        self._alarms: tuple[str, ...] = ()

    def count(self, verdict: Verdict, seconds: float) -> None:
        """Count one decision and how long it took."""
        decision = verdict.decision
        reason = "allowed" if isinstance(decision, Allow) else decision.reason.value
        key = (verdict.app.id if verdict.app is not None else "", reason)
        if key in self._decisions:
            self._decisions[key] += 1
        else:
            key = (self._bounded(key[0]), reason)
            self._decisions[key] = self._decisions.get(key, 0) + 1
        self._buckets[bisect_left(BUCKETS, seconds)] += 1
        self._seconds += seconds

    def authzen(self, status: int) -> None:
        """Count one request of a program by the status it was answered with."""
        self._authzen[status] = self._authzen.get(status, 0) + 1

    def note(self, *, generation: int, facts_age: float | None, alarms: Iterable[Alarm]) -> None:
        """Set the gauges to what is so now."""
        self._generation, self._facts_age = generation, facts_age
        self._alarms = tuple(alarm.code for alarm in alarms)

    def expose(self) -> Answer:
        """Return everything in the text format."""
        return Answer(200, [("content-type", CONTENT_TYPE_LATEST)], generate_latest(self.registry))

    def collect(self) -> Iterator[Metric]:
        """Give the client library what it exposes."""
        decisions = CounterMetricFamily("ostiary_decisions", "By app and reason.", labels=("app", "reason"))
        for (app, reason), count in self._decisions.items():
            decisions.add_metric((app, reason), count)
        yield decisions
        yield self._latency()
        programs = CounterMetricFamily("ostiary_authzen_requests", "Of programs, by status.", labels=("status",))
        for status, count in self._authzen.items():
            programs.add_metric((str(status),), count)
        yield programs
        yield CounterMetricFamily(
            "ostiary_unrecorded_refusals",
            "Requests that proved no session and were refused without a record, for there were too many.",
            value=self.unrecorded,
        )
        yield CounterMetricFamily(
            "ostiary_streams_cut",
            "Open streams that were ended, for they would be refused now.",
            value=self.streams_cut,
        )
        yield GaugeMetricFamily("ostiary_facts_generation", "Of the facts in force.", value=self._generation)
        if self._facts_age is not None:
            yield GaugeMetricFamily(
                "ostiary_facts_age_seconds", "Since the facts were last confirmed.", value=self._facts_age
            )
        alarms = GaugeMetricFamily("ostiary_alarm", "1 while the alarm stands.", labels=("code",))
        for code in self._alarms:
            alarms.add_metric((code,), 1)
        yield alarms

    def _latency(self) -> Metric:
        total = 0
        buckets = []
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), self._buckets, strict=True):
            total += count
            buckets.append((bound, total))
        family = HistogramMetricFamily("ostiary_decision_seconds", "From request to answer, recording included.")
        family.add_metric((), buckets, self._seconds)
        return family

    def _bounded(self, app: str) -> str:
        if app not in self._apps and len(self._apps) >= MAX_APP_LABELS:
            return _OTHER
        self._apps.add(app)
        return app
