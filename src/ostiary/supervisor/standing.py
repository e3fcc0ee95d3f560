"""How a running instance stands: processes, facts, certificate, disk, record, sessions, apps; and what is wrong. Needs Django."""

import os
import socket
import ssl
from contextlib import suppress

import msgspec
import psutil
from cryptography import x509

from ostiary.config.places import Instance
from ostiary.errors import OstiaryError
from ostiary.gateway.decider_health import read_decider_health
from ostiary.gateway.heartbeat import heartbeat_age
from ostiary.gateway.snapshots import read_snapshot
from ostiary.supervisor.alarms import list_alarms
from ostiary.supervisor.lock import is_locked
from ostiary.supervisor.process import State
from ostiary.supervisor.rules_standing import RulesStanding, read_rules_standing
from ostiary.supervisor.status_file import NotRunning, ProcessStatus, SupervisorStatus, read_status

STALE_STATUS_SECONDS = 15.0
CERTIFICATE_WARNING_DAYS = 14.0
SAML_WARNING_DAYS = 60.0
TLS_TIMEOUT_SECONDS = 3.0
_MIB = 1024 * 1024


class ProcessStanding(msgspec.Struct, frozen=True, kw_only=True):
    """One process now. `uptime_seconds` and `resident_mib` are `None` while it does not run."""

    name: str
    purpose: str
    state: State
    pid: int | None
    uptime_seconds: float | None
    restarts: int
    resident_mib: float | None
    said: str


class FactsStanding(msgspec.Struct, frozen=True, kw_only=True):
    """What decisions are made on.

    Args:
        generation: `None` when there are no facts.
        age_seconds: since they were last published.
        confirmed_seconds_ago: since the worker last confirmed them.
        sessions: how many people's sign-ins are open.
        devices: how many devices are enrolled, quarantined ones included.
    """

    generation: int | None = None
    age_seconds: float | None = None
    confirmed_seconds_ago: float | None = None
    sessions: int | None = None
    devices: int | None = None


class CertificateStanding(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway serves to a browser that asks for the sign-in host."""

    days_left: float | None = None
    not_after: str = ""
    problem: str = ""


class AppStanding(msgspec.Struct, frozen=True, kw_only=True):
    """An application behind the gateway: `up`, `down` or `unknown`."""

    app: str
    health: str
    detail: str = ""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `ostiary status` says. `problems` is empty when nothing needs anybody."""

    domain: str
    version: str
    running: bool
    problems: tuple[str, ...]
    processes: tuple[ProcessStanding, ...] = ()
    resident_mib: float = 0.0
    facts: FactsStanding = FactsStanding()
    certificate: CertificateStanding = CertificateStanding()
    disk_free_mib: int = 0
    record_problem: str = ""
    alarms: tuple[str, ...] = ()
    second_factor_required: bool = True
    rules: RulesStanding = RulesStanding()
    streams_cut: bool | None = None
    streams: int = 0
    apps: tuple[AppStanding, ...] = ()
    saml_days_left: float | None = None
    devices_proven: bool | None = None


def get_standing(instance: Instance, now: float) -> Standing:
    """Look at everything; what cannot be looked at is a problem in the answer, never an error."""
    status, problems = _supervisor(instance, now)
    processes = tuple(_process(entry, now) for entry in status.processes) if status else ()
    problems += [_process_problem(process) for process in processes if process.state is not State.READY and status]
    facts = _facts(instance, now)
    certificate = read_certificate(instance, now) if status else CertificateStanding()
    record_problem, apps = _record_problem(), _apps() if status else ()
    limit = instance.configuration.decisions.facts_max_age_seconds
    if status and (facts.confirmed_seconds_ago is None or facts.confirmed_seconds_ago > limit):
        problems.append("The facts are not confirmed: every request is refused. Look at the worker's log.")
    alarms = list_alarms(instance.run) if status else ()
    problems += [text for text in (certificate.problem, record_problem, *alarms) if text]
    rules = read_rules_standing(instance.configuration.rules) if status else RulesStanding()
    problems += rules.problems
    problems += _overdue_reviews()
    problems += [f"{app.app} is down: {app.detail}" for app in apps if app.health == "down"]
    saml_days = _saml_days_left(now)
    if saml_days is not None and saml_days < SAML_WARNING_DAYS:
        problems.append(f"The certificate of SAML sign-ins has {saml_days:.0f} days left. Look with: ostiary doctor")
    decider = read_decider_health(instance.decider_socket) if status else None
    disk = os.statvfs(instance.home)
    return Standing(
        domain=instance.configuration.domain,
        version=status.version if status else "",
        running=status is not None,
        problems=tuple(problems),
        processes=processes,
        resident_mib=round(sum(process.resident_mib or 0 for process in processes) + _own_resident(status), 1),
        facts=facts,
        certificate=certificate,
        disk_free_mib=disk.f_bavail * disk.f_frsize // _MIB,
        record_problem=record_problem,
        alarms=alarms,
        second_factor_required=instance.configuration.sign_in.require_second_factor,
        rules=rules,
        streams_cut=decider.cuts_streams if decider else None,
        streams=decider.streams if decider else 0,
        apps=apps,
        saml_days_left=saml_days,
        devices_proven=not instance.configuration.gateway.trusted_proxies
        if instance.device_authorities.exists()
        else None,
    )


def _saml_days_left(now: float) -> float | None:
    from django.db.utils import DatabaseError  # noqa: PLC0415 - needs Django

    from ostiary.saml.facade import certificate_days_left  # noqa: PLC0415

    try:
        days = certificate_days_left(now)
    except (DatabaseError, OstiaryError):
        return None
    return None if days is None else round(days, 1)


def _supervisor(instance: Instance, now: float) -> tuple[SupervisorStatus | None, list[str]]:
    if not is_locked(instance.state):
        return None, ["Ostiary is not running. Start it with: ostiary up"]
    try:
        status = read_status(instance.run)
    except NotRunning:
        return None, ["Ostiary is starting."]
    if now - status.written_at > STALE_STATUS_SECONDS:
        return status, [f"The supervisor has not reported for {now - status.written_at:.0f} s."]
    return status, []


def _process(entry: ProcessStatus, now: float) -> ProcessStanding:
    return ProcessStanding(
        name=entry.name,
        purpose=entry.purpose,
        state=entry.state,
        pid=entry.pid,
        uptime_seconds=round(now - entry.started_at, 1) if entry.started_at else None,
        restarts=entry.restarts,
        resident_mib=resident_mib(entry.pid) if entry.pid else None,
        said=entry.said,
    )


def resident_mib(pid: int) -> float | None:
    """Return the memory of a process and its children in MiB; shared pages count once, `None` when it is gone."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return None
    total = 0
    for member in family:
        with suppress(psutil.Error):
            total += _proportional_bytes(member)
    return round(total / _MIB, 1)


def _proportional_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.AccessDenied, OSError):
        return int(process.memory_info().rss)


def _own_resident(status: SupervisorStatus | None) -> float:
    if status is None:
        return 0.0
    try:
        return _proportional_bytes(psutil.Process(status.pid)) / _MIB
    except psutil.Error:
        return 0.0


def _process_problem(process: ProcessStanding) -> str:
    said = f": {process.said}" if process.said else ""
    return f"{process.name} is {process.state.value}{said}"


def _facts(instance: Instance, now: float) -> FactsStanding:
    age = heartbeat_age(instance.facts, now)
    confirmed = None if age is None else round(age, 1)
    try:
        snapshot = read_snapshot(instance.facts)
    except OstiaryError:
        return FactsStanding(confirmed_seconds_ago=confirmed)
    return FactsStanding(
        generation=snapshot.generation,
        age_seconds=round(now - snapshot.published_at, 1),
        confirmed_seconds_ago=confirmed,
        sessions=sum(1 for session in snapshot.sessions.sessions.values() if session.expires_at > now),
        devices=len(snapshot.devices.devices),
    )


def read_certificate(instance: Instance, now: float) -> CertificateStanding:
    """Ask the gateway for its certificate as a browser would, and say how long it lasts."""
    gateway = instance.configuration.gateway
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((gateway.address_here, gateway.https_port), TLS_TIMEOUT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=instance.identity_host) as secure,
        ):
            leaf = x509.load_der_x509_certificate(secure.getpeercert(binary_form=True) or b"")
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or str(error)
        return CertificateStanding(problem=f"Nobody answers with TLS on port {gateway.https_port}: {words}")
    left = (leaf.not_valid_after_utc.timestamp() - now) / 86400
    problem = ""
    if left <= 0:
        problem = "The gateway's certificate has ended: browsers refuse it."
    elif left < CERTIFICATE_WARNING_DAYS:
        problem = f"The gateway's certificate ends in {left:.0f} days."
    return CertificateStanding(
        days_left=round(left, 1), not_after=leaf.not_valid_after_utc.isoformat(timespec="seconds"), problem=problem
    )


def _record_problem() -> str:
    from django.db.utils import DatabaseError  # noqa: PLC0415 - an unreachable database is a finding

    from ostiary.visibility.facade import get_log_status  # noqa: PLC0415

    try:
        log = get_log_status()
    except DatabaseError as error:
        return f"The database does not answer: {str(error).splitlines()[0]}"
    except OstiaryError as error:
        return str(error)
    if not log.writable:
        return f"The record cannot be written, and every request is refused: {log.problem}"
    truncated = [stream.stream for stream in log.streams if stream.truncated]
    return f"The record `{truncated[0]}` lost its end. Run: ostiary audit verify" if truncated else ""


def _apps() -> tuple[AppStanding, ...]:
    from django.db.utils import DatabaseError  # noqa: PLC0415 - an unreachable database is a finding

    from ostiary.applications.facade import app_health  # noqa: PLC0415

    try:
        return tuple(AppStanding(app=each.app, health=each.health.value, detail=each.detail) for each in app_health())
    except (DatabaseError, OstiaryError):
        return ()


def _overdue_reviews() -> list[str]:
    from django.db.utils import DatabaseError  # noqa: PLC0415 - an unreachable database is a finding

    from ostiary.requests.facade import count_overdue  # noqa: PLC0415

    try:
        overdue = count_overdue()
    except DatabaseError:
        return []  # said already, by the record
    words = "use of emergency access was" if overdue == 1 else "uses of emergency access were"
    return [f"{overdue} {words} not reviewed in time. See: ostiary request reviews"] if overdue else []
