"""Takes queued events to receivers: sent by the worker, the oldest first and again until they are taken; or fetched.

An event leaves the queue when it was taken, so that a crash sends it again under its identifier, and loses none.
Source: RFC 8935, sections 2.1 to 2.4; RFC 8936, section 2.
"""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet

from ostiary.outgoing.addresses import Unreachable
from ostiary.outgoing.asking import Answer
from ostiary.outgoing.sealed import unseal
from ostiary.outgoing.wording import fit
from ostiary.signals.adapters.signing import sign
from ostiary.signals.adapters.wire import PURPOSE, ask
from ostiary.signals.domain.errors import BadRequest, UnknownStream
from ostiary.signals.domain.events import STREAM_UPDATED, VERIFICATION
from ostiary.signals.domain.streams import POLL, PUSH, Status, Stream, is_below
from ostiary.signals.domain.tokens import MEDIA_TYPE
from ostiary.signals.models import Outgoing, StoredStream

AT_ONCE: Final = 50
FIRST_WAIT_SECONDS: Final = 2
LONGEST_WAIT_SECONDS: Final = 3600
MAX_ACKNOWLEDGED: Final = 1000
STREAM_SECONDS: Final = 10.0
"""So long one receiver is sent to at a stretch: a slow one holds up the others no longer."""

_PERMANENT: Final = frozenset({"invalid_request", "invalid_state"})
_OF_THE_STREAM: Final = (VERIFICATION, STREAM_UPDATED)

log = structlog.get_logger(__name__)


def deliver_signals(*, now: float) -> int:
    """Send what waits in streams that are sent to; for the worker.

    Args:
        now: seconds since the epoch.

    Returns:
        How many events were taken.
    """
    moment = datetime.fromtimestamp(now, UTC)
    due = StoredStream.objects.filter(Q(next_try_at=None) | Q(next_try_at__lte=moment), method=PUSH)
    waiting = due.filter(queue__isnull=False).distinct().select_related("receiver")
    return sum(_deliver(row, moment) for row in list(waiting) if row.receiver.works)


def fetch_signals(stream: Stream, body: Mapping[str, Any]) -> dict[str, Any]:
    """Answer one poll: what it acknowledges or says it cannot use goes, and the next events follow.

    There is always an answer at once, as if the time to wait for an event were over (section 2.4).

    Args:
        stream: of whoever asks.
        body: the request.

    Raises:
        BadRequest: when it cannot be read.
        UnknownStream: when it was deleted meanwhile.
    """
    acknowledged, errors, most = body.get("ack", []), body.get("setErrs", {}), body.get("maxEvents", AT_ONCE)
    if not isinstance(acknowledged, list) or not all(isinstance(one, str) for one in acknowledged):
        raise BadRequest("ack is a list of identifiers.")
    if not isinstance(errors, Mapping) or not all(isinstance(one, Mapping) for one in errors.values()):
        raise BadRequest("setErrs says for each identifier what was wrong.")
    if not isinstance(most, int) or isinstance(most, bool) or most < 0:
        raise BadRequest("maxEvents is a number.")
    if stream.method != POLL or len(acknowledged) + len(errors) > MAX_ACKNOWLEDGED:
        raise BadRequest("Nothing is fetched from this stream, or too much is acknowledged at once.")
    moment = datetime.now(UTC)
    with transaction.atomic():
        row = _lock(stream.id)
        if row is None:
            raise UnknownStream("There is no such stream.")
        _taken(row, [one for one in acknowledged if one not in errors and one.isprintable()], moment)
        for jti, error in errors.items():
            if jti.isprintable():
                _refused(row, jti, _error_words(error))
    waiting = _owed(row)
    sets = {one.jti: sign(one.claims, now=moment.timestamp()) for one in waiting[: min(most, AT_ONCE)]}
    more = waiting.count() > len(sets)
    return {"sets": sets, **({"moreAvailable": True} if more else {})}


def _deliver(row: StoredStream, now: datetime) -> int:
    """Send the oldest first, and stop at the first that is not taken: a receiver hears things in their order."""
    if not is_below(row.endpoint_url, row.receiver.push_to):
        _later(row, "Its address is none that an administrator allows it.", now)
        return 0
    began, events = time.monotonic(), _owed(row)
    headers = {"Content-Type": MEDIA_TYPE, "Accept": "application/json"}
    if header := unseal(row.sealed_header, purpose=PURPOSE):
        headers["Authorization"] = header
    done = 0
    for event in list(events[:AT_ONCE]):
        try:
            answer = ask(
                "POST", row.endpoint_url, headers=headers, body=sign(event.claims, now=now.timestamp()).encode()
            )
        except Unreachable as error:
            _later(row, error.message, now)
            return done
        if answer.status in {200, 202, 204}:
            with transaction.atomic():
                if (locked := _lock(row.pk)) is not None:
                    _taken(locked, [event.jti], now)
        elif answer.status == 400 and (words := _permanent(answer)):
            with transaction.atomic():
                if (locked := _lock(row.pk)) is not None:
                    _refused(locked, event.jti, words)
        else:
            _later(row, f"It answers {answer.status}.", now)
            return done
        done += 1
        if time.monotonic() - began > STREAM_SECONDS:
            break
    return done


def _owed(row: StoredStream) -> QuerySet[Outgoing]:
    """Return what waits to go over a stream now, the oldest first; of one that is stopped, only what is about the stream."""
    events = Outgoing.objects.filter(stream=row).order_by("pk")
    return events if row.status == Status.ENABLED.value else events.filter(event_type__in=_OF_THE_STREAM)


def _lock(stream_id: str) -> StoredStream | None:
    return StoredStream.objects.select_for_update().filter(pk=stream_id).first()


def _taken(row: StoredStream, identifiers: list[str], now: datetime) -> None:
    events = Outgoing.objects.filter(stream=row, jti__in=identifiers)
    verified = events.filter(event_type=VERIFICATION).exists()
    count, _by_model = events.delete()
    if count:
        StoredStream.objects.filter(pk=row.pk).update(
            delivered=F("delivered") + count, delivered_at=now, tries=0, next_try_at=None, problem="",
            **({"verified_at": now} if verified else {}),
        )  # fmt: skip


def _refused(row: StoredStream, jti: str, words: str) -> None:
    count, _by_model = Outgoing.objects.filter(stream=row, jti=jti).delete()
    if count:
        log.warning("signal_refused_by_receiver", receiver=row.receiver_id, stream=row.pk, jti=jti, words=words)
        StoredStream.objects.filter(pk=row.pk).update(
            refused=F("refused") + 1, tries=0, next_try_at=None, problem=f"It cannot use an event: {words}"[:300]
        )


def _later(row: StoredStream, words: str, now: datetime) -> None:
    wait = min(FIRST_WAIT_SECONDS * 2 ** min(row.tries, 12), LONGEST_WAIT_SECONDS)
    StoredStream.objects.filter(pk=row.pk).update(
        tries=F("tries") + 1, next_try_at=now + timedelta(seconds=wait), problem=fit(words, 300)
    )


def _permanent(answer: Answer) -> str:
    """Return why a receiver will never take an event; nothing where it may later (RFC 8935, section 2.4)."""
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    return _error_words(said) if isinstance(said, Mapping) and said.get("err") in _PERMANENT else ""


def _error_words(error: Mapping[str, Any]) -> str:
    parts = (error.get("err"), error.get("description"))
    return ": ".join(fit(one, 150) for one in parts if isinstance(one, str))
