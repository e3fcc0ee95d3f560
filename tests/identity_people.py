"""People to sign in with, and a browser to do it in, for the tests of identity, sign-in and portal."""

import re
import time
from collections.abc import Iterable
from typing import Any

import pyotp
from django.conf import settings
from django.test import Client as DjangoClient

from ostiary.identity.facade import create_group, create_person, invite_person, unsafe_provision_totp
from ostiary.identity.models import Group
from ostiary.identity.models import Person as PersonRow
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.visibility.facade import Actor

MACHINE = Actor(kind="machine", id="root", label="root")
PASSWORD = "violet tram engine lantern"


class Browser:
    """One browser at one address, on the sign-in host. Cookies persist; nothing is followed by itself."""

    def __init__(self, *, address: str = "192.0.2.7", agent: str = "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"):
        self.client = DjangoClient(
            HTTP_HOST=settings.INSTANCE.authority(settings.INSTANCE.identity_host),
            HTTP_X_FORWARDED_PROTO="https",
            HTTP_X_FORWARDED_FOR=address,
            HTTP_USER_AGENT=agent,
        )

    def get(self, path: str, **query: str) -> Any:
        return self.client.get(path, query or None)

    def post(self, path: str, **fields: str) -> Any:
        return self.client.post(path, fields)

    @property
    def session(self) -> Any:
        return self.client.session

    def is_signed_in(self) -> bool:
        return bool(self.get("/profile").status_code == 200)

    def password_step(self, email: str, password: str = PASSWORD, **more: str) -> Any:
        return self.post("/sign-in", email=email, password=password, **more)

    def code_step(self, code: str) -> Any:
        return self.post("/sign-in/second-step", code=code)

    def sign_in(self, email: str, secret: str, password: str = PASSWORD) -> None:
        assert self.password_step(email, password).status_code == 302
        answer = self.code_step(pyotp.TOTP(secret).now())
        assert answer.status_code == 302, answer.content.decode()


class SteppedTotp:
    """An authenticator app whose clock can be moved on, for codes work once."""

    def __init__(self, secret: str) -> None:
        self._totp = pyotp.TOTP(secret)

    def code(self, steps: int = 0) -> str:
        return self._totp.at(time.time(), counter_offset=steps)


def make_group(group_id: str) -> GroupId:
    if not Group.objects.filter(pk=group_id).exists():
        create_group(id=group_id, actor=MACHINE)
    return GroupId(group_id)


def make_person(email: str = "ada@example.test", *, groups: Iterable[str] = (), name: str = "Ada") -> PersonId:
    ids = tuple(make_group(one) for one in groups)
    return create_person(email=email, name=name, password=PASSWORD, groups=ids, actor=MACHINE)


def make_person_with_app(
    email: str = "ada@example.test", *, groups: Iterable[str] = (), name: str = "Ada"
) -> tuple[PersonId, str]:
    person_id = make_person(email, groups=groups, name=name)
    return person_id, unsafe_provision_totp(person_id=person_id, actor=MACHINE)


def row_of(person_id: PersonId) -> PersonRow:
    return PersonRow.objects.get(pk=person_id)


def invite(email: str = "new@example.test", groups: Iterable[str] = ()) -> str:
    """Return the path of a new invitation link."""
    link = invite_person(email=email, groups=tuple(make_group(one) for one in groups), actor=MACHINE).link
    return path_of(link)


def path_of(link: str) -> str:
    prefix = settings.INSTANCE.url(settings.INSTANCE.identity_host, "")
    assert link.startswith(prefix)
    return link.removeprefix(prefix)


def link_in(message: Any) -> str:
    """Return the path of the link in a mail."""
    found = re.search(r"https://\S+(/link/\S+)", message.body)
    assert found is not None
    return found[1]
