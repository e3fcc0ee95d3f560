"""Using an app keeps a sign-in from growing idle, and never brings one back."""

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from pytest_django import Settings
from tests.identity_people import make_person
from tests.instance import make_instance_home
from tests.visibility_material import ALLOWED, HTTP, REFUSED, REQUEST

from ostiary.automation import jobs
from ostiary.automation.jobs import list_jobs, note_last_use
from ostiary.changes import facts_changed
from ostiary.config.places import Instance
from ostiary.identity import facade as identity
from ostiary.identity.facade import Client, expire_sessions, get_session, revoke_session
from ostiary.identity.services.sessions import begin_session
from ostiary.policy.decision import Decision
from ostiary.policy.identifiers import SessionId
from ostiary.policy.request import Authentication, AuthStrength
from ostiary.visibility.domain.decision_event import decision_event
from ostiary.visibility.domain.request_event import AccessLine, Source, request_event
from ostiary.visibility.facade import Actor, LastUse, index_new_decisions
from ostiary.visibility.services import open_log

pytestmark = pytest.mark.django_db
MACHINE = Actor(kind="machine", id="root", label="root")
HOUR = 3600.0


@pytest.fixture
def instance(settings: Settings, tmp_path: Path) -> Instance:
    home = tmp_path / "home"
    make_instance_home().rename(home)
    made: Instance = settings.INSTANCE
    settings.INSTANCE = Instance(home=home, configuration=made.configuration)
    return settings.INSTANCE


@pytest.fixture
def now() -> float:
    return float(int(time.time()))


@pytest.fixture
def announced() -> Iterator[list[tuple[str, bool]]]:
    heard: list[tuple[str, bool]] = []

    def hear(section: str, takes_away: bool, **_rest: object) -> None:
        heard.append((section, takes_away))

    facts_changed.connect(hear, weak=False)
    yield heard
    facts_changed.disconnect(hear)


def signed_in(at: float, email: str = "ada@example.test") -> SessionId:
    proof = Authentication("totp", AuthStrength.OTP, at)
    client = Client(address="192.0.2.7", user_agent="")
    return begin_session(person_id=make_person(email), authentications=[proof], client=client, now=at).id


def decided(instance: Instance, session: SessionId, at: float, decision: Decision = ALLOWED) -> None:
    request = msgspec.structs.replace(REQUEST, subject=msgspec.structs.replace(REQUEST.subject, session=session))
    with_log(
        instance,
        "decisions",
        decision_event(reference="7F3K9-2QXAB", at=at, request=request, decision=decision, http=HTTP),
    )


def passed_on_a_grant(instance: Instance, session: SessionId, at: float) -> None:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    line = AccessLine(time=moment, grant_reference="GRANT", grant_session=session, route="wiki/grant", status=200)
    with_log(instance, "requests", request_event(line, source=Source("f", int(at))))


def with_log(instance: Instance, stream: str, event: bytes) -> None:
    log = open_log(instance, stream)
    log.append([event])
    log.close()


def indexed() -> LastUse:
    last_use = LastUse()
    while index_new_decisions(0.0, last_use=last_use):
        pass
    return last_use


def test_decisions_and_requests_on_grants_are_uses(instance: Instance, now: float) -> None:
    session = signed_in(now - 3 * HOUR)
    decided(instance, session, now - 2 * HOUR)
    assert note_last_use(indexed(), now) == 1
    assert get_session(session).last_seen_at == now - 2 * HOUR
    passed_on_a_grant(instance, session, now - HOUR)
    decided(instance, session, now - 2 * HOUR)
    assert note_last_use(indexed(), now) == 1
    assert get_session(session).last_seen_at == now - HOUR


def test_the_same_use_counts_once_and_takes_nothing_away(
    instance: Instance, now: float, announced: list[tuple[str, bool]]
) -> None:
    session = signed_in(now - 3 * HOUR)
    announced.clear()
    for _ in range(2):
        decided(instance, session, now - HOUR)
        note_last_use(indexed(), now)
    assert announced == [("sessions", False)]
    last_use = LastUse()
    assert note_last_use(last_use, now) == 0


def test_refused_requests_are_no_use(instance: Instance, now: float) -> None:
    session = signed_in(now - 3 * HOUR)
    decided(instance, session, now - HOUR, REFUSED)
    assert note_last_use(indexed(), now) == 0
    assert get_session(session).last_seen_at == now - 3 * HOUR


def test_a_moment_in_the_future_lengthens_nothing(instance: Instance, now: float) -> None:
    session = signed_in(now - 3 * HOUR)
    decided(instance, session, now + 100 * HOUR)
    note_last_use(indexed(), now)
    assert get_session(session).last_seen_at == now


def test_a_session_that_ended_does_not_come_back(instance: Instance, now: float) -> None:
    idle, long, revoked = (signed_in(now - hours * HOUR, f"p{hours}@example.test") for hours in (5, 13, 1))
    revoke_session(session_id=revoked, reason="lost", actor=MACHINE)
    for session in (idle, long, revoked):
        decided(instance, session, now - 60)
    assert note_last_use(indexed(), now) == 0
    assert expire_sessions(now=now) == 2


def test_what_could_not_be_noted_is_noted_the_next_time(
    instance: Instance, now: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = signed_in(now - 3 * HOUR)
    decided(instance, session, now - HOUR)
    last_use = indexed()

    def fails(**_arguments: object) -> int:
        raise OSError("the database is away")

    with monkeypatch.context() as broken:
        broken.setattr(identity, "note_activity", fails)
        with pytest.raises(OSError, match="away"):
            note_last_use(last_use, now)
    assert note_last_use(last_use, now) == 1
    assert get_session(session).last_seen_at == now - HOUR


def test_the_workers_jobs_pass_on_what_they_index(instance: Instance, now: float) -> None:
    session = signed_in(now - 3 * HOUR)
    decided(instance, session, now - HOUR)
    by_name = {job.name: job for job in list_jobs(instance)}
    by_name["index_decisions"].run(now)
    assert by_name["note_activity"].run(now) == 1
    assert get_session(session).last_seen_at == now - HOUR


def test_short_idle_times_are_kept_up_with(instance: Instance) -> None:
    sign_in = msgspec.structs.replace(instance.configuration.sign_in, idle_minutes=1)
    hasty = Instance(instance.home, msgspec.structs.replace(instance.configuration, sign_in=sign_in))
    pauses = {job.name: job.every_seconds for job in list_jobs(hasty)}
    assert pauses["note_activity"] == 6.0
    assert jobs.ACTIVITY_SECONDS == 30.0
