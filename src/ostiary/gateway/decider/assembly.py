"""Puts the decision service of one instance together: configuration, secrets, log, facts. Requests are in `service`."""

import asyncio
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec
import structlog

from ostiary.config.places import Instance
from ostiary.config.secrets import ASSERTION_KEY, AUDIT_KEY, read_secret
from ostiary.gateway.decider.alarms import Alarms
from ostiary.gateway.decider.answering import Answering
from ostiary.gateway.decider.authzen.door import AuthzenDoor
from ostiary.gateway.decider.callback import Callback
from ostiary.gateway.decider.country import Countries, CountryDatabaseUnusable
from ostiary.gateway.decider.credentials import Credentials
from ostiary.gateway.decider.decider import Decider
from ostiary.gateway.decider.follower import Follower
from ostiary.gateway.decider.last_use import FILE_NAME, LastUse
from ostiary.gateway.decider.links import Links
from ostiary.gateway.decider.metrics import Metrics
from ostiary.gateway.decider.pages import Pages
from ostiary.gateway.decider.recorder import Recorder
from ostiary.gateway.decider.refusal import Refusals
from ostiary.gateway.decider.sign_in_door import SignInDoor
from ostiary.gateway.decider.sign_out import SignOut
from ostiary.gateway.decider.sockets import Sockets
from ostiary.gateway.decider.streams import Streams
from ostiary.gateway.tokens import AssertionSigner, SessionClaims, read_session
from ostiary.gateway.under_way import UNDER_WAY_FILE, Reports
from ostiary.gateway.workload_tokens import WorkloadClaims, read_workload, workload_key
from ostiary.policy.identifiers import SessionId
from ostiary.visibility.adapters.audit_log import AuditLog, Limits, RecordUnavailable

STREAM: Final = "decisions"
SIGN_IN_STATIC: Final = "/static/ostiary/"
_MIB: Final = 1024 * 1024
_REMEMBERED_SESSIONS: Final = 16_384

log = structlog.get_logger(__name__)


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that answers requests, and what must be closed in the end."""

    instance: Instance
    decider: Decider
    authzen: AuthzenDoor
    callback: Callback
    sign_ins: SignInDoor
    sign_out: SignOut
    links: Links
    key_set: bytes
    audit: AuditLog
    alarms: Alarms
    metrics: Metrics
    clock: Callable[[], float] = time.time


def assemble(instance: Instance, loop: asyncio.AbstractEventLoop) -> Parts:
    """Build the service and read the facts that are there.

    Raises:
        OstiaryError: when a secret is missing or unusable; the service must not start.
    """
    configuration = instance.configuration
    links = Links(instance)
    signer = AssertionSigner(read_secret(instance.secrets, ASSERTION_KEY).reveal(), issuer=links.sign_in_origin)
    session_key = read_secret(instance.secrets, "session.key").reveal()
    alarms = Alarms(instance.run, time.time)
    pages = Pages(organisation=configuration.organisation, contact=configuration.contact, sign_in=links.sign_in_origin)

    @lru_cache(maxsize=_REMEMBERED_SESSIONS)
    def read(token: str) -> SessionClaims:
        return read_session(session_key, token)

    services_key = workload_key(session_key)

    @lru_cache(maxsize=_REMEMBERED_SESSIONS)
    def read_service(token: str) -> WorkloadClaims:
        return read_workload(services_key, token)

    follower = Follower(
        instance.facts,
        max_age_seconds=configuration.decisions.facts_max_age_seconds,
        issuer=signer.issuer,
        alarms=alarms,
        clock=time.time,
    )
    follower.load()
    audit = _open_log(instance)
    metrics = Metrics()
    recorder = Recorder(audit, alarms, loop)
    country_of = _countries(configuration.decisions.country_database, alarms).of
    decider = Decider(
        follower=follower,
        answering=Answering(
            Credentials(signer, grant_seconds=configuration.decisions.grant_seconds),
            Refusals(
                pages,
                links,
                contact=configuration.contact,
                requests=configuration.access.requests,
                emergency_group=configuration.access.emergency_group,
                administrator_minutes=configuration.access.administrator_minutes,
            ),
            links,
        ),
        recorder=recorder,
        metrics=metrics,
        alarms=alarms,
        read_session=read,
        country_of=country_of,
        clock=time.time,
        read_workload=read_service,
    )
    decider.last_use = LastUse(instance.state / FILE_NAME, _lives_in(follower))
    open_streams(instance, decider)
    callback = Callback(
        pages=pages,
        links=links,
        handover_key=read_secret(instance.secrets, "handover.key").reveal(),
        session_key=session_key,
        read_session=read,
        started_at=time.time(),
    )
    return Parts(
        instance=instance,
        decider=decider,
        authzen=AuthzenDoor(
            follower=follower,
            recorder=recorder,
            metrics=metrics,
            country_of=country_of,
            clock=time.time,
            questions_per_second=configuration.authzen.questions_per_second,
        ),
        callback=callback,
        sign_ins=SignInDoor(
            follower=follower,
            last_used=decider.last_use.get,
            recorder=recorder,
            metrics=metrics,
            refusals=Refusals(
                Pages(
                    organisation=configuration.organisation,
                    contact=configuration.contact,
                    sign_in=links.sign_in_origin,
                    static=SIGN_IN_STATIC,
                ),
                links,
                contact=configuration.contact,
                requests=configuration.access.requests,
            ),
            links=links,
            country_of=country_of,
            clock=time.time,
        ),
        sign_out=SignOut(pages, links),
        links=links,
        key_set=signer.key_set(),
        audit=audit,
        alarms=alarms,
        metrics=metrics,
    )


def _lives_in(follower: Follower) -> Callable[[SessionId], bool]:
    """Return whether a session lives; while the facts cannot be used, none is thought to be over."""
    return lambda session: session in follower.basis.sessions or follower.basis.trouble is not None


def open_streams(instance: Instance, decider: Decider) -> None:
    """Let streams end that would be refused now, where connections can be ended one by one.

    Behind a proxy several people share a connection; without CAP_NET_ADMIN the kernel refuses. Then a stream lives until
    `gateway.stream_seconds` at the longest.
    """
    gateway = instance.configuration.gateway
    if gateway.trusted_proxies:
        log.info("streams_not_cut", reason="connections are shared behind a proxy")
        return
    reports = Reports(instance.run / UNDER_WAY_FILE)
    try:
        sockets = Sockets()
    except OSError as error:
        log.info("streams_not_cut", reason=str(error))
        return
    if not sockets.can_destroy():
        log.info("streams_not_cut", reason="CAP_NET_ADMIN is missing")
        sockets.close()
        return
    streams = Streams(
        cutter=sockets,
        decide=decider.decide_again,
        ended=decider.stream_ended,
        clock=time.time,
        life_seconds=gateway.stream_seconds,
        reports=reports,
    )
    decider.streams = streams
    decider.follower.changed = streams.facts_changed


def _open_log(instance: Instance) -> AuditLog:
    """Open the stream now, so that what is wrong with it shows at once; requests are refused until it is mended."""
    record = instance.configuration.record
    limits = Limits(segment_bytes=record.segment_mib * _MIB, min_free_bytes=record.min_free_mib * _MIB)
    audit = AuditLog(instance.audit, STREAM, read_secret(instance.secrets, AUDIT_KEY).reveal(), limits)
    try:
        audit.open()
    except RecordUnavailable as error:
        log.error("record_unavailable_at_start", error=str(error), detail=error.detail)
    return audit


def _countries(database: str, alarms: Alarms) -> Countries:
    try:
        found = Countries(Path(database) if database else None)
    except CountryDatabaseUnusable as error:
        alarms.sound("country_database", str(error), detail=error.detail)
        return Countries(None)
    return found
