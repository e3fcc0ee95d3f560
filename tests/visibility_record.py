"""An instance with a record of its own, and decisions on it, for tests of the index."""

from pathlib import Path

import msgspec
import pytest
from pytest_django import Settings

from ostiary.config.places import Instance
from ostiary.config.secrets import AUDIT_KEY, read_secret
from ostiary.policy.decision import Decision
from ostiary.policy.identifiers import PersonId
from ostiary.policy.request import Context
from ostiary.policy.snapshot import PersonFact
from ostiary.visibility.adapters.audit_log import AuditLog, Limits
from ostiary.visibility.domain.decision_event import decision_event
from ostiary.visibility.facade import index_new_decisions
from tests.instance import make_instance_home
from tests.visibility_material import ADA, ALLOWED, HELD, HTTP, NOW, REFUSED, REQUEST

BOB = PersonFact(id=PersonId("p-bob"), email="bob@example.test", name="Bob", active=True)


@pytest.fixture
def instance(settings: Settings, tmp_path: Path) -> Instance:
    """An instance of its own for every test, so that each has its own record."""
    home = make_instance_home()
    moved = tmp_path / "home"
    home.rename(moved)
    made: Instance = settings.INSTANCE
    own = Instance(home=moved, configuration=made.configuration)
    settings.INSTANCE = own
    return own


def decisions_log(instance: Instance, segment_bytes: int = 1 << 20) -> AuditLog:
    key = read_secret(instance.secrets, AUDIT_KEY).reveal()
    return AuditLog(instance.audit, "decisions", key, Limits(segment_bytes=segment_bytes, min_free_bytes=0))


def write(log: AuditLog, number: int, decision: Decision = ALLOWED, *, at: float | None = None, **http: str) -> str:
    """Put a decision on record, the `number`th second after `NOW` unless `at` says otherwise; return its reference."""
    reference = f"AAAAA-{number:05d}"
    person = BOB if number % 3 == 2 else ADA
    subject = msgspec.structs.replace(REQUEST.subject, person=person.id)
    request = msgspec.structs.replace(
        REQUEST, subject=subject, context=Context(address=f"192.0.2.{number % 250}", country="DE")
    )
    facts = msgspec.structs.replace(HTTP, **{"path": f"/page/{number}", **http})
    log.append(
        [
            decision_event(
                reference=reference,
                at=NOW + number if at is None else at,
                request=request,
                decision=decision,
                http=facts,
                person=person,
            )
        ]
    )
    return reference


def index_all() -> int:
    total = 0
    while done := index_new_decisions(NOW):
        total += done
    return total


@pytest.fixture
def recorded(instance: Instance) -> Instance:
    """Thirty decisions, one a second: allowed, held and refused in turn."""
    log = decisions_log(instance, segment_bytes=20_000)
    for number in range(30):
        write(log, number, (ALLOWED, HELD, REFUSED)[number % 3])
    log.close()
    index_all()
    return instance
