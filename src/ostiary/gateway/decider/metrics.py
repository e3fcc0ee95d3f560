"""Counters and gauges of the decision service, in the Prometheus format. Labels are bounded: a catalogue, an enum.

What needs a person is in `alarms`.
"""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from ostiary.gateway.decider.alarms import Alarm
from ostiary.gateway.decider.answers import Answer
from ostiary.gateway.decider.check import Verdict
from ostiary.policy.decision import Allow

MAX_APP_LABELS: Final = 500
_OTHER: Final = "other"
_BUCKETS: Final = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0)


class Metrics:
    """Counts for one process; each has a registry of its own, so that several can live in one test."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._decisions = Counter(
            "ostiary_decisions", "Decisions by app and reason.", ("app", "reason"), registry=self.registry
        )
        self._seconds = Histogram(
            "ostiary_decision_seconds",
            "From the request to its answer, recording included.",
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.unrecorded = Counter(
            "ostiary_unrecorded_sign_in_prompts",
            "Requests without a session that were sent to sign in and not written down, for there were too many.",
            registry=self.registry,
        )
        self.generation = Gauge("ostiary_facts_generation", "Generation of the facts in force.", registry=self.registry)
        self.facts_age = Gauge(
            "ostiary_facts_age_seconds", "Since the facts were last confirmed; -1 when never.", registry=self.registry
        )
        self.alarms = Gauge("ostiary_alarm", "1 while the alarm stands.", ("code",), registry=self.registry)
        self._children: dict[tuple[str, str], Counter] = {}
        self._apps: set[str] = set()

    def count(self, verdict: Verdict, seconds: float) -> None:
        """Count one decision and how long it took."""
        decision = verdict.decision
        reason = "allowed" if isinstance(decision, Allow) else decision.reason.value
        app = verdict.app.id if verdict.app is not None else ""
        child = self._children.get((app, reason))
        if child is None:
            child = self._children[app, reason] = self._child(app, reason)
        child.inc()
        self._seconds.observe(seconds)

    def note(self, *, generation: int, facts_age: float | None, alarms: Iterable[Alarm]) -> None:
        """Set the gauges to what is so now."""
        self.generation.set(generation)
        self.facts_age.set(-1 if facts_age is None else facts_age)
        self.alarms.clear()
        for alarm in alarms:
            self.alarms.labels(code=alarm.code).set(1)

    def expose(self) -> Answer:
        """Return everything in the text format."""
        return Answer(200, [("content-type", CONTENT_TYPE_LATEST)], generate_latest(self.registry))

    def _child(self, app: str, reason: str) -> Counter:
        if app not in self._apps and len(self._apps) >= MAX_APP_LABELS:
            app = _OTHER
        self._apps.add(app)
        return self._decisions.labels(app=app, reason=reason)
