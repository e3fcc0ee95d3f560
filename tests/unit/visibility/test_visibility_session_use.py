"""What counts as the use of a sign-in: a person's own passage, not a program's question about it."""

import msgspec
from tests.visibility_material import ADA, ALLOWED, HTTP, NOW, REFUSED, REQUEST

from ostiary.policy.decision import Decision
from ostiary.policy.identifiers import AppId, SessionId
from ostiary.policy.request import Resource
from ostiary.visibility.domain.decision_event import AskedBy, decision_event
from ostiary.visibility.domain.session_use import session_use


def event(decision: Decision, *, asked_by: AskedBy | None = None, app: str = "", path: str = "/") -> bytes:
    subject = msgspec.structs.replace(REQUEST.subject, session=SessionId("s-1"))
    request = msgspec.structs.replace(REQUEST, subject=subject)
    if app:
        request = msgspec.structs.replace(request, resource=Resource(app=AppId(app), path=path))
    http = msgspec.structs.replace(HTTP, path=path)
    return decision_event(
        reference="r", at=NOW, request=request, decision=decision, http=http, person=ADA, asked_by=asked_by
    )


def test_who_passes_has_used_their_sign_in() -> None:
    assert session_use(event(ALLOWED)) == ("s-1", int(NOW * 1000) / 1000)
    assert session_use(event(REFUSED)) is None


def test_a_program_that_asks_about_a_sign_in_does_not_keep_it_alive() -> None:
    assert session_use(event(ALLOWED, asked_by=AskedBy(client="asker", subject=ADA.id))) is None


def test_a_page_of_the_console_that_somebody_left_open_does_not_keep_them_signed_in() -> None:
    assert session_use(event(ALLOWED, app="console", path="/parts/overview")) is None
    assert session_use(event(ALLOWED, app="console", path="/")) is not None
    assert session_use(event(ALLOWED, app="wiki", path="/parts/overview")) is not None
