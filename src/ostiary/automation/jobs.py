"""The worker's jobs and how often each runs. What a job does lives in the pillar it belongs to."""

import threading
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Final

import structlog
from django.db import close_old_connections, connections

from ostiary.automation.schedule import Job
from ostiary.config.places import Instance
from ostiary.gateway.envoy import ask_admin
from ostiary.visibility.facade import LastUse, index_new_decisions, index_new_events, prune_index
from ostiary.visibility.follower import RequestFollower
from ostiary.visibility.keeping import PastKeeper
from ostiary.visibility.upkeep import apply_retention, sign_record, sync_record

log = structlog.get_logger(__name__)

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
DEVICES_SECONDS = 300.0
UNTIDY_SECONDS = 60.0
NUDGE_SECONDS = 3600.0
SIGN_OUTS_SECONDS = 1.0
UPSTREAMS_SECONDS = 15.0
RETENTION_SECONDS = 3600.0
PRUNE_SECONDS = 300.0
ROLL_BACK_SECONDS = 1.0
DRAIN_SECONDS = 5.0
ROOMS: Final = (
    "ostiary.identity.facade",
    "ostiary.rulebook.facade",
    "ostiary.requests.facade",
    "ostiary.workloads.facade",
    "ostiary.devices.facade",
    "ostiary.reviews.facade",
    "ostiary.oidc.facade",
    "ostiary.signals.facade",
    "ostiary.gateway.reconciliation",
    "ostiary.gateway.reconfigure",
    "ostiary.gateway.surroundings",
    "ostiary.gateway.published",
    "ostiary.gateway.upstream_watch",
)
"""What jobs import when they run."""
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
        Job(name="confirm_facts", every_seconds=HEARTBEAT_SECONDS, run=_confirm_facts, longest_pause_seconds=5.0),
        Job(name="follow_catalogue", every_seconds=CATALOGUE_SECONDS, run=partial(_follow_catalogue, instance)),
        Job(name="roll_back_rules", every_seconds=ROLL_BACK_SECONDS, run=_roll_back_rules, longest_pause_seconds=5.0),
        Job(
            name="follow_rules",
            every_seconds=float(instance.configuration.rules.follow_seconds),
            run=_follow_rules,
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
        Job(name="expire_sessions", every_seconds=SESSIONS_SECONDS, run=_expire_sessions),
        Job(name="watch_upstreams", every_seconds=UPSTREAMS_SECONDS, run=partial(_watch_upstreams, instance)),
        Job(name="expire_terms", every_seconds=TERMS_SECONDS, run=_expire_terms),
        Job(name="settle_requests", every_seconds=REQUESTS_SECONDS, run=_settle_requests),
        Job(name="send_request_mails", every_seconds=REQUESTS_SECONDS, run=_send_request_mails),
        Job(name="tend_services", every_seconds=SERVICES_SECONDS, run=_tend_services),
        Job(name="tend_devices", every_seconds=DEVICES_SECONDS, run=_tend_devices),
        Job(name="carry_out_reviews", every_seconds=REVIEWS_SECONDS, run=_carry_out_reviews),
        Job(name="send_review_mails", every_seconds=REVIEWS_SECONDS, run=_send_review_mails),
        Job(name="count_untidy", every_seconds=UNTIDY_SECONDS, run=_count_untidy),
        Job(name="nudge_people", every_seconds=NUDGE_SECONDS, run=_nudge_people),
        Job(name="tell_sign_outs", every_seconds=SIGN_OUTS_SECONDS, run=_tell_sign_outs),
        Job(name="rotate_openid_keys", every_seconds=RETENTION_SECONDS, run=_rotate_openid_keys),
        *(_signal_jobs() if instance.configuration.signals.enabled else ()),
        Job(name="apply_retention", every_seconds=RETENTION_SECONDS, run=partial(apply_retention, instance)),
        Job(name="prune_index", every_seconds=PRUNE_SECONDS, run=prune_index),
    ]


def _signal_jobs() -> tuple[Job, ...]:
    return (
        Job(name="deliver_signals", every_seconds=SIGNALS_SECONDS, run=_deliver_signals),
        Job(name="poll_transmitters", every_seconds=SIGNALS_SECONDS, run=_poll_transmitters),
        Job(name="tell_of_held_signals", every_seconds=HELD_SIGNALS_SECONDS, run=_tell_of_held_signals),
        Job(name="prune_signals", every_seconds=RETENTION_SECONDS, run=_prune_signals),
        Job(name="rotate_signal_key", every_seconds=RETENTION_SECONDS, run=_rotate_signal_key),
    )


def load_rooms() -> None:
    """Import the rooms one after the other: jobs that begin at once would meet in the middle of each other's imports.

    A room that cannot be imported fails its own jobs, each time, and no others.
    """
    for room in ROOMS:
        try:
            import_module(room)
        except Exception as error:
            log.error("room_not_loaded", room=room, error=str(error))


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


def _confirm_facts(now: float) -> str:
    from ostiary.gateway.reconciliation import reconcile  # noqa: PLC0415 - a fault in one room must not stop the others' jobs

    return f"generation {reconcile(now).generation}"


def _follow_catalogue(instance: Instance, _now: float) -> None:
    """Also renews certificates. Whoever changes the catalogue does this too: here what a crash left undone is mended."""
    from ostiary.gateway.reconfigure import reconfigure_if_set_up  # noqa: PLC0415 - as above

    reconfigure_if_set_up(instance)


def _roll_back_rules(now: float) -> str:
    from ostiary.rulebook.facade import roll_back_due  # noqa: PLC0415 - as above

    return roll_back_due(now)


def _follow_rules(_now: float) -> str:
    from ostiary.gateway.surroundings import read_surroundings  # noqa: PLC0415 - as above
    from ostiary.rulebook.facade import follow_repository  # noqa: PLC0415 - as above

    return follow_repository(read_surroundings)


def _expire_sessions(now: float) -> int:
    from ostiary.identity.facade import expire_sessions  # noqa: PLC0415 - as above

    return expire_sessions(now=now)


def _watch_upstreams(instance: Instance, _now: float) -> int:
    from ostiary.gateway.upstream_watch import watch_upstreams  # noqa: PLC0415 - as above

    return watch_upstreams(instance)


def _expire_terms(now: float) -> int:
    from ostiary.identity.facade import expire_terms  # noqa: PLC0415 - as above

    return expire_terms(now=now)


def _count_untidy(now: float) -> int:
    """Counted here, for looking through a large directory takes longer than a page may."""
    from ostiary.identity.facade import check_directory  # noqa: PLC0415 - as above

    return len(check_directory(now=now))


def _nudge_people(now: float) -> int:
    from ostiary.identity.facade import nudge_people  # noqa: PLC0415 - as above

    return nudge_people(now=now)


def _settle_requests(now: float) -> int:
    from ostiary.requests.facade import settle_requests  # noqa: PLC0415 - as above

    return settle_requests(now=now)


def _send_request_mails(now: float) -> int:
    from ostiary.requests.facade import send_letters  # noqa: PLC0415 - as above

    return send_letters(now=now)


def _tend_services(now: float) -> int:
    from ostiary.workloads.facade import tend_services  # noqa: PLC0415 - as above

    return tend_services(now=now)


def _tend_devices(now: float) -> int:
    from ostiary.devices.facade import tend_devices  # noqa: PLC0415 - as above

    return tend_devices(now=now)


def _carry_out_reviews(now: float) -> int:
    """What was done before a part that fails stays done, and all of it is tried again."""
    from ostiary.gateway.published import read_published  # noqa: PLC0415 - as above
    from ostiary.reviews.facade import (  # noqa: PLC0415 - as above
        carry_out_answers,
        close_vanished,
        read_back_removals,
        remind_due,
        start_due,
    )

    done = carry_out_answers() + close_vanished() + remind_due(now=now) + start_due(now=now)
    return done + read_back_removals(read_published, now=now)


def _send_review_mails(now: float) -> int:
    from ostiary.reviews.facade import send_review_letters  # noqa: PLC0415 - as above

    return send_review_letters(now=now)


def _tell_sign_outs(now: float) -> int:
    from ostiary.oidc.facade import end_grants_of_ended_sessions, send_logouts  # noqa: PLC0415 - as above

    end_grants_of_ended_sessions(now)
    return send_logouts(now)


def _rotate_openid_keys(now: float) -> int:
    from ostiary.oidc.facade import forget_old_grants, rotate_old_keys  # noqa: PLC0415 - as above

    forget_old_grants(now)
    return rotate_old_keys(now)


def _deliver_signals(now: float) -> int:
    from ostiary.signals.facade import deliver_signals  # noqa: PLC0415 - as above

    return deliver_signals(now=now)


def _poll_transmitters(now: float) -> int:
    from ostiary.signals.facade import poll_transmitters  # noqa: PLC0415 - as above

    return poll_transmitters(now=now)


def _tell_of_held_signals(_now: float) -> int:
    from ostiary.signals.facade import tell_administrators  # noqa: PLC0415 - as above

    return tell_administrators()


def _prune_signals(now: float) -> int:
    from ostiary.signals.facade import prune_signals  # noqa: PLC0415 - as above

    return prune_signals(now=now)


def _rotate_signal_key(now: float) -> int:
    from ostiary.signals.facade import rotate_old_key  # noqa: PLC0415 - as above

    return rotate_old_key(now=now)


def _reopen_access_log(instance: Instance) -> None:
    ask_admin(instance, "/reopen_logs", method="POST")
