"""The worker's jobs and how often each runs. What a job does lives in the pillar it belongs to."""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from django.db import close_old_connections, connections

from ostiary.automation import chores
from ostiary.automation.schedule import Job
from ostiary.config.places import Instance
from ostiary.gateway.envoy import ask_admin
from ostiary.visibility.facade import LastUse, index_new_decisions, index_new_events, prune_index
from ostiary.visibility.follower import RequestFollower
from ostiary.visibility.keeping import PastKeeper
from ostiary.visibility.upkeep import apply_retention, sign_record, sync_record

HEARTBEAT_SECONDS = 2.0
CATALOGUE_SECONDS = 10.0
INDEX_SECONDS = 1.0
FOLLOW_SECONDS = 1.0
SYNC_SECONDS = 2.0
KEEP_SECONDS = 30.0
ACTIVITY_SECONDS = 30.0
ACTIVITY_PART_OF_IDLE_TIME = 10
TERMS_SECONDS = 15.0
REQUESTS_SECONDS = 5.0
REVIEWS_SECONDS = 5.0
SIGNALS_SECONDS = 1.0
HELD_SIGNALS_SECONDS = 5.0
SESSIONS_SECONDS = 60.0
SERVICES_SECONDS = 300.0
POSTURE_SECONDS = 300.0
OLD_FACTS_SECONDS = 10.0
SOFTWARE_SECONDS = 1.0
SOFTWARE_FORGOTTEN_SECONDS = 24 * 3600.0
DEVICES_SECONDS = 300.0
COMPLIANCE_SECONDS = 10.0
MANAGEMENT_SECONDS = 10.0
UNTIDY_SECONDS = 60.0
NUDGE_SECONDS = 3600.0
SIGN_OUTS_SECONDS = 1.0
UPSTREAMS_SECONDS = 15.0
RETENTION_SECONDS = 3600.0
PRUNE_SECONDS = 300.0
ROLL_BACK_SECONDS = 1.0
DRAIN_SECONDS = 5.0
_ONE_BACKLOG: Final = threading.Lock()
RESTS = 3
"""How many times as long as it worked a job rests before it takes the next part of a backlog."""


def list_jobs(instance: Instance) -> list[Job]:
    """Return every job of an instance, the one that everything depends on first."""
    record = instance.configuration.record
    idle_seconds = instance.configuration.sign_in.idle_minutes * 60.0
    last_use = LastUse()
    follower = RequestFollower(instance, partial(_reopen_access_log, instance))
    return [
        Job(name="confirm_facts", every_seconds=HEARTBEAT_SECONDS, run=chores.confirm_facts, longest_pause_seconds=5.0),
        Job(name="follow_catalogue", every_seconds=CATALOGUE_SECONDS, run=partial(chores.follow_catalogue, instance)),
        Job(
            name="roll_back_rules",
            every_seconds=ROLL_BACK_SECONDS,
            run=chores.roll_back_rules,
            longest_pause_seconds=5.0,
        ),
        Job(
            name="follow_rules",
            every_seconds=float(instance.configuration.rules.follow_seconds),
            run=chores.follow_rules,
            longest_pause_seconds=600.0,
        ),
        Job(
            name="index_decisions",
            every_seconds=INDEX_SECONDS,
            run=drain(partial(index_new_decisions, last_use=last_use)),
        ),
        Job(name="index_events", every_seconds=INDEX_SECONDS, run=drain(index_new_events)),
        Job(name="follow_requests", every_seconds=FOLLOW_SECONDS, run=drain(lambda _now: follower.follow())),
        Job(name="keep_requests", every_seconds=KEEP_SECONDS, run=drain(PastKeeper(instance).keep)),
        Job(name="sync_record", every_seconds=SYNC_SECONDS, run=lambda _now: sync_record(instance)),
        Job(
            name="sign_record",
            every_seconds=float(record.checkpoint_seconds),
            run=partial(sign_record, instance),
            at_stop=True,
        ),
        Job(
            name="note_activity",
            every_seconds=min(ACTIVITY_SECONDS, idle_seconds / ACTIVITY_PART_OF_IDLE_TIME),
            run=partial(note_last_use, last_use),
            at_stop=True,
        ),
        Job(name="expire_sessions", every_seconds=SESSIONS_SECONDS, run=chores.expire_sessions),
        Job(name="watch_upstreams", every_seconds=UPSTREAMS_SECONDS, run=partial(chores.watch_upstreams, instance)),
        Job(name="expire_terms", every_seconds=TERMS_SECONDS, run=chores.expire_terms),
        Job(name="settle_requests", every_seconds=REQUESTS_SECONDS, run=chores.settle_requests),
        Job(name="send_request_mails", every_seconds=REQUESTS_SECONDS, run=chores.send_request_mails),
        Job(name="tend_services", every_seconds=SERVICES_SECONDS, run=chores.tend_services),
        Job(name="drop_old_facts", every_seconds=OLD_FACTS_SECONDS, run=chores.drop_old_facts),
        Job(name="refresh_postures", every_seconds=POSTURE_SECONDS, run=chores.refresh_postures),
        Job(name="tend_devices", every_seconds=DEVICES_SECONDS, run=chores.tend_devices),
        Job(
            name="settle_compliance", every_seconds=COMPLIANCE_SECONDS, run=partial(chores.settle_compliance, instance)
        ),
        Job(name="import_management", every_seconds=MANAGEMENT_SECONDS, run=chores.import_management),
        Job(name="tend_software", every_seconds=SOFTWARE_SECONDS, run=drain(chores.tend_software)),
        Job(name="forget_software", every_seconds=SOFTWARE_FORGOTTEN_SECONDS, run=chores.forget_software),
        Job(name="carry_out_reviews", every_seconds=REVIEWS_SECONDS, run=chores.carry_out_reviews),
        Job(name="send_review_mails", every_seconds=REVIEWS_SECONDS, run=chores.send_review_mails),
        Job(name="count_untidy", every_seconds=UNTIDY_SECONDS, run=chores.count_untidy),
        Job(name="nudge_people", every_seconds=NUDGE_SECONDS, run=chores.nudge_people),
        Job(name="tell_sign_outs", every_seconds=SIGN_OUTS_SECONDS, run=chores.tell_sign_outs),
        Job(name="rotate_openid_keys", every_seconds=RETENTION_SECONDS, run=chores.rotate_openid_keys),
        *(_signal_jobs() if instance.configuration.signals.enabled else ()),
        Job(name="apply_retention", every_seconds=RETENTION_SECONDS, run=partial(apply_retention, instance)),
        Job(name="prune_index", every_seconds=PRUNE_SECONDS, run=prune_index),
    ]


def _signal_jobs() -> tuple[Job, ...]:
    return (
        Job(name="deliver_signals", every_seconds=SIGNALS_SECONDS, run=chores.deliver_signals),
        Job(name="poll_transmitters", every_seconds=SIGNALS_SECONDS, run=chores.poll_transmitters),
        Job(name="tell_of_held_signals", every_seconds=HELD_SIGNALS_SECONDS, run=chores.tell_of_held_signals),
        Job(name="prune_signals", every_seconds=RETENTION_SECONDS, run=chores.prune_signals),
        Job(name="rotate_signal_key", every_seconds=RETENTION_SECONDS, run=chores.rotate_signal_key),
    )


def with_database(work: Callable[[], str | int | None]) -> str | int | None:
    """Run one job with a database connection that is known to work, and leave none in the middle of anything."""
    close_old_connections()
    try:
        return work()
    except Exception:
        connections.close_all()
        raise
    finally:
        close_old_connections()


def note_last_use(last_use: LastUse, now: float) -> int:
    """Let sessions that were used at apps not grow idle; what could not be noted is noted the next time.

    Args:
        last_use: which were used, and when.
        now: seconds since the epoch.

    Returns:
        Of how many sessions the idle time began anew, and of how many tokens the last use is another.
    """
    from ostiary.identity.facade import note_activity  # noqa: PLC0415 - a fault in one room must not stop the others' jobs
    from ostiary.workloads.facade import note_token_use  # noqa: PLC0415 - as above

    seen = last_use.take()
    try:
        return note_activity(seen=seen, now=now) + note_token_use(seen=seen, now=now) if seen else 0
    except Exception:
        last_use.note(seen.items())
        raise


def drain(
    step: Callable[[float], int],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Callable[[float], int]:
    """Repeat a step that takes a bounded part at a time until nothing is left, or for a few seconds.

    Between two steps it rests for a multiple of what the last one took, and jobs with a backlog take turns: however much
    there is to catch up with, most of the processor and of the database's write lock stays with those whom people wait for.

    Args:
        step: is given the time (seconds since the epoch) and returns how much it did.
        clock: seconds, never going back.
        sleep: waits.
    """

    def run(now: float) -> int:
        total, began = 0, clock()
        while clock() - began < DRAIN_SECONDS:
            with _ONE_BACKLOG:
                start = clock()
                done = step(now)
                total += done
                if not done:
                    break
                sleep(RESTS * (clock() - start))
        return total

    return run


def _reopen_access_log(instance: Instance) -> None:
    ask_admin(instance, "/reopen_logs", method="POST")
