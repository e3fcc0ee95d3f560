"""The device a browser is on, and sign-ins that are bound to theirs: a stolen cookie is worth nothing elsewhere.

A sign-in that ends on an enrolled device counts on that device from then on, by whichever of its certificates. Elsewhere it
is as no sign-in at all. Nothing of it is lost there: the device itself goes on with it. A sign-in from before the device could prove
itself may have copies that nothing binds, so it ends as soon as the same browser proves a device of that person.
"""

import time
from functools import lru_cache
from pathlib import Path
from typing import Final

import structlog
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest

from ostiary.gateway.decider.proven_device import ProvenDevice
from ostiary.gateway.known_devices import CERTIFICATE_HEADER, KnownDevices
from ostiary.identity.entrance import SESSION_KEY, PersonRow, note_device, record_refused_sign_in
from ostiary.identity.facade import client_of
from ostiary.policy.decision import ReasonCode
from ostiary.policy.identifiers import DeviceId, PersonId, SessionId
from ostiary.policy.request import Device
from ostiary.visibility.facade import RecordUnavailable

DEVICE_KEY: Final = "ostiary_device"
RECORDED_SECONDS: Final = 60.0
MAX_RECORDED: Final = 10_000
_RECORDED: Final[dict[str, float]] = {}

log = structlog.get_logger(__name__)


def certificate_of(request: HttpRequest) -> str:
    """Return the fingerprint of the certificate that this request's connection proved; empty for none."""
    return request.headers.get(CERTIFICATE_HEADER, "")


def active_device_of(request: HttpRequest) -> ProvenDevice | None:
    """Return the enrolled device this request comes from, unless it is quarantined; `None` where none is proven."""
    return _known(settings.INSTANCE.facts).active(certificate_of(request), time.time())


def device_as_rules_see_it(request: HttpRequest, person: PersonId) -> Device | None:
    """Return what rules may read of the device that this person asks from."""
    known, now = _known(settings.INSTANCE.facts), time.time()
    proven = known.proven(certificate_of(request), now)
    return known.as_rules_see_it(proven.fact.id if proven is not None else None, person, now)


def known_as_rules_see_it(device: DeviceId, person: PersonId, now: float) -> Device | None:
    """Return what rules may read of a device of this person, wherever they ask from; `now` in seconds since the epoch."""
    return _known(settings.INSTANCE.facts).as_rules_see_it(device, person, now)


def bind_to_device(request: HttpRequest, session_id: SessionId) -> None:
    """Bind the sign-in that this browser has just got to the device it is on, if it is on one."""
    device = active_device_of(request)
    note_device(session_id=session_id, device=device.fact.id if device is not None else None)
    if device is not None:
        request.session[DEVICE_KEY] = device.fact.id
    else:
        request.session.pop(DEVICE_KEY, None)


def is_elsewhere(request: HttpRequest) -> bool:
    """Tell whether this browser's sign-in is bound to a device that this request does not come from."""
    bound = request.session.get(DEVICE_KEY)
    if bound is None:
        return False
    device = active_device_of(request)
    return device is None or device.fact.id != bound


def is_unbound_on_own(request: HttpRequest, person: PersonId) -> bool:
    """Tell whether this browser's sign-in is bound to nothing, and the request proves a device that its person answers for."""
    if DEVICE_KEY in request.session:
        return False
    device = active_device_of(request)
    return device is not None and device.fact.owner == person


def take_for_nobody(request: HttpRequest) -> None:
    """Let this request be one of nobody who is signed in, on record. The sign-in itself goes on where it belongs."""
    _put_on_record(request, time.monotonic())
    request.session = SessionStore()
    request.user = AnonymousUser()


def _put_on_record(request: HttpRequest, now: float) -> None:
    """Record what was tried, once a minute for each sign-in: nobody can fill the disk with a cookie that opens nothing."""
    person, session = request.user, str(request.session.get(SESSION_KEY, ""))
    if not isinstance(person, PersonRow) or now - _RECORDED.get(session, -RECORDED_SECONDS) < RECORDED_SECONDS:
        return
    if len(_RECORDED) >= MAX_RECORDED:
        _RECORDED.clear()
    _RECORDED[session] = now
    try:
        record_refused_sign_in(
            email=person.email, client=client_of(request), reason=ReasonCode.OTHER_DEVICE.value, person=person
        )
    except RecordUnavailable as error:
        log.error("sign_in_elsewhere_not_recorded", detail=error.detail or str(error))


@lru_cache(maxsize=1)
def _known(folder: Path) -> KnownDevices:
    return KnownDevices(folder)
