"""What the worker does for each room: which function of it, called how. When and how often is in `jobs`.

Each imports its room when it runs, so that a fault in one room does not stop the others' jobs.
"""

from importlib import import_module
from typing import Final

import structlog

from ostiary.config.places import Instance

log = structlog.get_logger(__name__)

ROOMS: Final = (
    "ostiary.identity.facade",
    "ostiary.rulebook.facade",
    "ostiary.requests.facade",
    "ostiary.workloads.facade",
    "ostiary.devices.facade",
    "ostiary.baselines.facade",
    "ostiary.mdm.facade",
    "ostiary.software.facade",
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


def load_rooms() -> None:
    """Import the rooms one after the other: jobs that begin at once would meet in the middle of each other's imports.

    A room that cannot be imported fails its own jobs, each time, and no others.
    """
    for room in ROOMS:
        try:
            import_module(room)
        except Exception as error:
            log.error("room_not_loaded", room=room, error=str(error))


def confirm_facts(now: float) -> str:
    """Publish what was not, and say that the facts hold."""
    from ostiary.gateway.reconciliation import reconcile  # noqa: PLC0415 - see above

    return f"generation {reconcile(now).generation}"


def follow_catalogue(instance: Instance, _now: float) -> None:
    """Also renews certificates. Whoever changes the catalogue does this too: here what a crash left undone is mended."""
    from ostiary.gateway.reconfigure import reconfigure_if_set_up  # noqa: PLC0415 - see above

    reconfigure_if_set_up(instance)


def roll_back_rules(now: float) -> str:
    """Put the rules before back where nobody confirmed a change in time."""
    from ostiary.rulebook.facade import roll_back_due  # noqa: PLC0415 - see above

    return roll_back_due(now)


def follow_rules(_now: float) -> str:
    """Take what the repository says that the rules follow."""
    from ostiary.gateway.surroundings import read_surroundings  # noqa: PLC0415 - see above
    from ostiary.rulebook.facade import follow_repository  # noqa: PLC0415 - see above

    return follow_repository(read_surroundings)


def expire_sessions(now: float) -> int:
    """End the sign-ins whose time is over."""
    from ostiary.identity.facade import expire_sessions  # noqa: PLC0415 - see above

    return expire_sessions(now=now)


def watch_upstreams(instance: Instance, _now: float) -> int:
    """Look where the names of upstreams lead."""
    from ostiary.gateway.upstream_watch import watch_upstreams  # noqa: PLC0415 - see above

    return watch_upstreams(instance)


def expire_terms(now: float) -> int:
    """End the memberships, roles and accounts whose term is over."""
    from ostiary.identity.facade import expire_terms  # noqa: PLC0415 - see above

    return expire_terms(now=now)


def count_untidy(now: float) -> int:
    """Counted here, for looking through a large directory takes longer than a page may."""
    from ostiary.identity.facade import check_directory  # noqa: PLC0415 - see above

    return len(check_directory(now=now))


def nudge_people(now: float) -> int:
    """Write to people who do not meet the policy for authenticators."""
    from ostiary.identity.facade import nudge_people  # noqa: PLC0415 - see above

    return nudge_people(now=now)


def settle_requests(now: float) -> int:
    """Escalate, begin and end what was asked for."""
    from ostiary.requests.facade import settle_requests  # noqa: PLC0415 - see above

    return settle_requests(now=now)


def send_request_mails(now: float) -> int:
    """Send the mails about requests."""
    from ostiary.requests.facade import send_letters  # noqa: PLC0415 - see above

    return send_letters(now=now)


def tend_services(now: float) -> int:
    """Warn of ends and of services that nobody uses, and switch those off."""
    from ostiary.workloads.facade import tend_services  # noqa: PLC0415 - see above

    return tend_services(now=now)


def tend_devices(now: float) -> int:
    """Renew the issuing authority and forget what has run out."""
    from ostiary.devices.facade import tend_devices  # noqa: PLC0415 - see above

    return tend_devices(now=now)


def drop_old_facts(now: float) -> int:
    """Forget of devices what was said too long ago."""
    from ostiary.devices.facade import drop_old_facts  # noqa: PLC0415 - see above

    return drop_old_facts(now=now)


def refresh_postures(now: float) -> int:
    """Forget of devices what was said too long ago, and publish what was said anew."""
    from ostiary.devices.facade import refresh_postures  # noqa: PLC0415 - see above

    return refresh_postures(now=now)


def settle_compliance(instance: Instance, now: float) -> int:
    """Move what devices fail from stage to stage, tell of it, and count how they stand for whoever watches."""
    from ostiary.automation.report import write_compliance  # noqa: PLC0415 - see above
    from ostiary.baselines.facade import get_held, list_days, settle_compliance  # noqa: PLC0415 - see above

    done, days, held = settle_compliance(now=now), list_days(1), get_held(now)
    write_compliance(instance.run, days[0] if days else None, 0 if held is None else held.devices)
    return done


def import_management(now: float) -> int:
    """Bring in what device management elsewhere knows, where that is due."""
    from ostiary.mdm.facade import import_due  # noqa: PLC0415 - see above

    return import_due(now=now)


def tend_software(now: float) -> int:
    """Match what is installed with what is known of it, and say what came of it: the next part of that."""
    from ostiary.software.facade import tend_software  # noqa: PLC0415 - see above

    return tend_software(now=now)


def forget_software(now: float) -> int:
    """Forget packages that nobody has any more."""
    from ostiary.software.facade import forget_software  # noqa: PLC0415 - see above

    return forget_software(now=now)


def carry_out_reviews(now: float) -> int:
    """What was done before a part that fails stays done, and all of it is tried again."""
    from ostiary.gateway.published import read_published  # noqa: PLC0415 - see above
    from ostiary.reviews.facade import (  # noqa: PLC0415 - see above
        carry_out_answers,
        close_vanished,
        read_back_removals,
        remind_due,
        start_due,
    )

    done = carry_out_answers() + close_vanished() + remind_due(now=now) + start_due(now=now)
    return done + read_back_removals(read_published, now=now)


def send_review_mails(now: float) -> int:
    """Send the mails about reviews."""
    from ostiary.reviews.facade import send_review_letters  # noqa: PLC0415 - see above

    return send_review_letters(now=now)


def tell_sign_outs(now: float) -> int:
    """Tell applications of sign-ins that ended."""
    from ostiary.oidc.facade import end_grants_of_ended_sessions, send_logouts  # noqa: PLC0415 - see above

    end_grants_of_ended_sessions(now)
    return send_logouts(now)


def rotate_openid_keys(now: float) -> int:
    """Take new keys for OpenID Connect where they are old."""
    from ostiary.oidc.facade import forget_old_grants, rotate_old_keys  # noqa: PLC0415 - see above

    forget_old_grants(now)
    return rotate_old_keys(now)


def deliver_signals(now: float) -> int:
    """Push signals to those who receive them."""
    from ostiary.signals.facade import deliver_signals  # noqa: PLC0415 - see above

    return deliver_signals(now=now)


def poll_transmitters(now: float) -> int:
    """Fetch signals from those who keep them."""
    from ostiary.signals.facade import poll_transmitters  # noqa: PLC0415 - see above

    return poll_transmitters(now=now)


def tell_of_held_signals(_now: float) -> int:
    """Tell administrators of signals that wait for them."""
    from ostiary.signals.facade import tell_administrators  # noqa: PLC0415 - see above

    return tell_administrators()


def prune_signals(now: float) -> int:
    """Forget signals that are old."""
    from ostiary.signals.facade import prune_signals  # noqa: PLC0415 - see above

    return prune_signals(now=now)


def rotate_signal_key(now: float) -> int:
    """Take a new key for signals where it is old."""
    from ostiary.signals.facade import rotate_old_key  # noqa: PLC0415 - see above

    return rotate_old_key(now=now)
