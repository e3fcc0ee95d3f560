"""Whether the decision service can decide, for the status command and the supervisor; only on the Unix socket."""

from ostiary.gateway.decider.answers import Answer, json_answer
from ostiary.gateway.decider.assembly import Parts


def health(parts: Parts) -> Answer:
    """Return 200 when requests are decided, 503 when every one is refused, with the reasons."""
    basis = parts.decider.basis()
    decides = basis.trouble is None and parts.audit.available
    content = {
        "decides": decides,
        "generation": basis.generation,
        "policy_version": basis.policy_version,
        "facts_age_seconds": _facts_age(parts),
        "record_available": parts.audit.available,
        "alarms": parts.alarms.standing,
        "cuts_streams": parts.decider.streams is not None,
        "streams": 0 if parts.decider.streams is None else len(parts.decider.streams),
    }
    return json_answer(200 if decides else 503, content)


def metrics(parts: Parts) -> Answer:
    """Return the counters and gauges as they are now."""
    generation = parts.decider.basis().generation
    parts.metrics.note(generation=generation, facts_age=_facts_age(parts), alarms=parts.alarms.standing)
    return parts.metrics.expose()


def _facts_age(parts: Parts) -> float | None:
    beaten_at = parts.decider.follower.beaten_at
    return None if beaten_at is None else round(parts.clock() - beaten_at, 3)
