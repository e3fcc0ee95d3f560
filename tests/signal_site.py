"""This process's instance with signals switched on, and programs that ask at its sign-in host."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from django.conf import settings
from django.test import Client

from ostiary.identity.facade import add_member
from ostiary.identity.models import Person
from ostiary.policy.identifiers import GroupId, PersonId
from tests.identity_people import MACHINE


def switch_on(monkeypatch: pytest.MonkeyPatch, **more: Any) -> None:
    """Switch signals on, with what the test wants otherwise."""
    instance = settings.INSTANCE
    signals = msgspec.structs.replace(instance.configuration.signals, enabled=True, **more)
    changed = msgspec.structs.replace(instance.configuration, signals=signals)
    monkeypatch.setattr(settings, "INSTANCE", type(instance)(instance.home, changed))


def make_plain_person(address: str, *groups: str) -> PersonId:
    """Make somebody with a confirmed address and nothing to sign in with: quickly."""
    now = datetime.now(UTC)
    person = Person.objects.create(email=address, created_at=now, accepted_at=now, email_confirmed_at=now)
    for group in groups:
        add_member(group_id=GroupId(group), person_id=PersonId(person.id), actor=MACHINE, reason="")
    return PersonId(person.id)


class Program:
    """A program that asks at the sign-in host, inside this process."""

    def __init__(self, token: str = "") -> None:
        self.client = Client(
            HTTP_HOST=settings.INSTANCE.authority(settings.INSTANCE.identity_host),
            HTTP_X_FORWARDED_PROTO="https",
            HTTP_X_FORWARDED_FOR="192.0.2.9",
            **({"HTTP_AUTHORIZATION": f"Bearer {token}"} if token else {}),
        )

    def ask(self, method: str, path: str, content: Any = None) -> Any:
        return self.client.generic(
            method, path, b"" if content is None else msgspec.json.encode(content), content_type="application/json"
        )

    def send(self, name: str, event: str) -> Any:
        return self.client.generic("POST", f"/ssf/events/{name}", event, content_type="application/secevent+jwt")
