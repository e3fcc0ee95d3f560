"""What is asked of transmitters: a stream, a verification, and, where they do not send, their events.

Source: OpenID SSF 1.0, sections 8.1.1 and 8.1.4; RFC 8936, section 2.
"""

import json
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import F, Q

from ostiary.errors import OstiaryError
from ostiary.outgoing.addresses import Unreachable, may_be_asked
from ostiary.outgoing.asking import Answer
from ostiary.outgoing.sealed import unseal
from ostiary.outgoing.wording import fit
from ostiary.signals.adapters.keys import Metadata, describe
from ostiary.signals.adapters.wire import PURPOSE, ask
from ostiary.signals.domain.errors import RefusedSignal, UnusableTransmitter
from ostiary.signals.domain.events import ASKED_FOR
from ostiary.signals.domain.streams import POLL, PUSH
from ostiary.signals.domain.trust import Transmitter
from ostiary.signals.journal import TRANSMITTER
from ostiary.signals.models import StoredTransmitter
from ostiary.signals.queries.transmitters import get_transmitter, push_url
from ostiary.signals.services.receiving import take_signal
from ostiary.signals.services.transmitters import lock_transmitter, renew_token
from ostiary.visibility.facade import Actor, record_entity_change

AT_ONCE: Final = 50
ROUNDS: Final = 20
POLL_EVERY_SECONDS: Final = 5
POLL_SECONDS: Final = 10.0
"""So long one transmitter is asked at a stretch, while others wait."""

LONGEST_WAIT_SECONDS: Final = 600


def create_stream_there(name: str, *, delivery: str, actor: Actor) -> Transmitter:
    """Ask a transmitter for a stream, sent to us or fetched by the worker. When none is made, the token before still works.

    Args:
        name: the transmitter.
        delivery: `push` or `poll`.
        actor: who does it.

    Raises:
        UnknownTransmitter: when there is none.
        UnusableTransmitter: when it has a stream already, offers none, or answers with what cannot be used.
        Unreachable: when it does not answer.
    """
    stored, document, token = _manageable(name)
    if stored.stream_id:
        raise UnusableTransmitter(
            f"{name} has a stream already.", hint=f"Delete it first: ostiary signal stream delete {name}"
        )
    if not document.configuration_endpoint:
        raise UnusableTransmitter(
            f"{name} offers no address to make streams at.", hint="Set the stream up there by hand."
        )
    before, wanted = stored.digest, dict[str, Any](method=POLL)
    if delivery == "push":
        wanted = {"method": PUSH, "endpoint_url": push_url(name)}
        if not stored.by_signature:
            wanted["authorization_header"] = f"Bearer {renew_token(stored)}"
    try:
        stream_id, poll_url = _make_stream(stored, document, wanted, token)
    except OstiaryError:
        StoredTransmitter.objects.filter(pk=name, digest=stored.digest).update(digest=before)
        raise
    with transaction.atomic():
        row = lock_transmitter(name)
        row.stream_id, row.delivery, row.poll_url, row.status = stream_id, delivery, poll_url, "enabled"
        row.next_try_at, row.tries, row.problem = None, 0, ""
        row.save()
        record_entity_change(
            TRANSMITTER, name, "update", actor=actor, after={"stream": stream_id, "delivery": delivery},
            comment="a stream was made there",
        )  # fmt: skip
    return get_transmitter(name)


def delete_stream_there(name: str, *, actor: Actor) -> Transmitter:
    """Ask a transmitter to end our stream.

    Raises:
        UnknownTransmitter, UnusableTransmitter, Unreachable: as for `create_stream_there`.
    """
    stored, document, token = _manageable(name)
    if not stored.stream_id:
        raise UnusableTransmitter(f"No stream was made at {name}.")
    url = f"{document.configuration_endpoint}?{urlencode({'stream_id': stored.stream_id})}"
    answer = ask("DELETE", url, headers={"Authorization": f"Bearer {token}"}, named_by=stored.metadata_url)
    if answer.status not in {200, 204, 404}:
        raise UnusableTransmitter(f"{name} does not delete the stream: it answers {answer.status}.")
    with transaction.atomic():
        row = lock_transmitter(name)
        before, row.stream_id, row.delivery, row.poll_url, row.status = row.stream_id, "", "push", "", ""
        row.save()
        record_entity_change(
            TRANSMITTER, name, "update", actor=actor, before={"stream": before}, comment="the stream there was deleted"
        )
    return get_transmitter(name)


def ask_for_verification(name: str, *, actor: Actor) -> Transmitter:
    """Ask a transmitter to send a verification; when it has arrived is in `verified_at`.

    Raises:
        UnknownTransmitter, UnusableTransmitter, Unreachable: as for `create_stream_there`.
    """
    stored, document, token = _manageable(name)
    if not stored.stream_id or not document.verification_endpoint:
        raise UnusableTransmitter(
            f"{name} cannot be asked for a verification.", hint="Make a stream there first, or send one from there."
        )
    state = secrets.token_urlsafe(24)
    with transaction.atomic():
        row = lock_transmitter(name)
        row.state, row.asked_at = state, datetime.fromtimestamp(time.time(), UTC)
        row.next_try_at = None
        row.save(update_fields=["state", "asked_at", "next_try_at"])
        record_entity_change(TRANSMITTER, name, "update", actor=actor, comment="a verification is asked for")
    answer = _post(stored, document.verification_endpoint, {"stream_id": stored.stream_id, "state": state}, token)
    if answer.status not in {200, 202, 204}:
        raise UnusableTransmitter(f"{name} sends no verification: it answers {answer.status} {_said(answer)}".strip())
    return get_transmitter(name)


def poll_transmitters(*, now: float) -> int:
    """Fetch what waits at transmitters that do not send. For the worker.

    Args:
        now: seconds since the epoch.

    Returns:
        How many signals were taken.
    """
    moment = datetime.fromtimestamp(now, UTC)
    due = StoredTransmitter.objects.filter(Q(next_try_at=None) | Q(next_try_at__lte=moment), delivery="poll")
    return sum(_poll(row, moment) for row in list(due.exclude(poll_url="")))


def _poll(stored: StoredTransmitter, now: datetime) -> int:
    done, began = 0, time.monotonic()
    try:
        acknowledged: list[str] = []
        errors: dict[str, dict[str, str]] = {}
        for _round in range(ROUNDS):
            body = {"maxEvents": AT_ONCE, "returnImmediately": True, "ack": acknowledged, "setErrs": errors}
            answer = _post(stored, stored.poll_url, body, unseal(stored.sealed_token, purpose=PURPOSE))
            if answer.status != 200:
                raise Unreachable(f"It answers {answer.status} {_said(answer)}".strip())
            sets = _sets(answer.json())
            if not sets:
                break
            acknowledged, errors = _take_all(stored.name, sets)
            done += len(acknowledged)
            if time.monotonic() - began > POLL_SECONDS:
                break
    except OstiaryError as error:
        wait = min(POLL_EVERY_SECONDS * 2 ** min(stored.tries, 10), LONGEST_WAIT_SECONDS)
        StoredTransmitter.objects.filter(pk=stored.pk).update(
            problem=fit(error.message, 300), tries=F("tries") + 1, next_try_at=now + timedelta(seconds=wait)
        )
        return done
    StoredTransmitter.objects.filter(pk=stored.pk).update(
        tries=0, next_try_at=now + timedelta(seconds=POLL_EVERY_SECONDS), **({"problem": ""} if stored.tries else {})
    )
    return done


def _take_all(name: str, sets: Mapping[str, str]) -> tuple[list[str], dict[str, dict[str, str]]]:
    """Take what was fetched; return what is acknowledged, and what cannot be used (RFC 8936, section 2.4)."""
    acknowledged: list[str] = []
    errors: dict[str, dict[str, str]] = {}
    for jti, token in sets.items():
        try:
            take_signal(name, token)
        except RefusedSignal as error:
            errors[jti] = {"err": error.code, "description": error.message[:300]}
        else:
            acknowledged.append(jti)
    return acknowledged, errors


def _sets(found: Any) -> dict[str, str]:
    sets = found.get("sets") if isinstance(found, dict) else None
    if not isinstance(sets, dict) or not all(isinstance(one, str) for one in sets.values()):
        raise Unreachable("What it answers is not what was asked for.")
    return dict(list(sets.items())[:AT_ONCE])


def _manageable(name: str) -> tuple[StoredTransmitter, Metadata, str]:
    transmitter = get_transmitter(name)
    stored = StoredTransmitter.objects.get(pk=name)
    token = unseal(stored.sealed_token, purpose=PURPOSE)
    if not token:
        raise UnusableTransmitter(
            f"Nothing can be asked of {name}: there is no token for it.",
            hint="Remove it and add it again with --token-file.",
        )
    return stored, describe(transmitter.metadata_url, transmitter.issuer, fresh=True), token


def _make_stream(
    stored: StoredTransmitter, document: Metadata, wanted: Mapping[str, Any], token: str
) -> tuple[str, str]:
    body = {"delivery": wanted, "events_requested": list(ASKED_FOR), "description": "Ostiary"}
    answer = _post(stored, document.configuration_endpoint, body, token)
    if answer.status not in {200, 201}:
        words = f"{stored.name} makes no stream: it answers {answer.status} {_said(answer)}"
        raise UnusableTransmitter(words.strip())
    return _read_stream(answer.json(), stored, method=str(wanted["method"]))


def _read_stream(made: Any, stored: StoredTransmitter, *, method: str) -> tuple[str, str]:
    """Return the stream's identifier, and where its events are fetched (section 8.1.1.1)."""
    delivery = made.get("delivery") if isinstance(made, dict) else None
    stream_id = made.get("stream_id") if isinstance(made, dict) else None
    usable = isinstance(stream_id, str) and 0 < len(stream_id) <= 255 and stream_id.isprintable()
    if not isinstance(delivery, dict) or not isinstance(stream_id, str) or not usable:
        raise UnusableTransmitter(f"{stored.name} answers with no stream.")
    if made.get("iss") != stored.issuer:
        raise UnusableTransmitter(f"{stored.name} answers with a stream of {fit(str(made.get('iss')), 100)}.")
    if delivery.get("method") != method:
        raise UnusableTransmitter(f"{stored.name} answers with a stream that is delivered in another way.")
    audience = made.get("aud")
    if stored.audience not in (audience if isinstance(audience, list) else [audience]):
        raise UnusableTransmitter(
            f"{stored.name} calls us {fit(str(audience), 100)}, and not {stored.audience}.",
            hint="Remove it and add it again with --audience as it says.",
        )
    url = delivery.get("endpoint_url") if method == POLL else ""
    if not isinstance(url, str) or (method == POLL and not may_be_asked(url)):
        raise UnusableTransmitter(f"{stored.name} names no address that events could be fetched from.")
    return stream_id, url


def _post(stored: StoredTransmitter, url: str, body: Mapping[str, Any], token: str) -> Answer:
    headers = {"Content-Type": "application/json", "Accept": "application/json", "Authorization": f"Bearer {token}"}
    return ask("POST", url, headers=headers, body=json.dumps(body).encode(), named_by=stored.metadata_url)


def _said(answer: Answer) -> str:
    return fit(answer.body[:200].decode("utf-8", "replace"), 200)
