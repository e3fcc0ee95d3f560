"""A process that does what an operator of a running instance does, one call a line: `python -m tests.running_operator`.

It exists because the tests' own process has another instance's settings. It reads `{"call": "module:function", …}` and
answers `{"result": …}` or `{"error": …}`; every call is made through the product's own facades.
"""

import importlib
import secrets
import sys
from collections.abc import Iterable
from typing import Any

import msgspec

from ostiary.cli.django import setup


class Call(msgspec.Struct):
    """One call; `acting` adds an actor who is a command on the machine."""

    call: str
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    acting: bool = False


class Made(msgspec.Struct):
    """How one person signs in; `seed` is their authenticator app's, base 32, empty when they have none."""

    id: str
    email: str
    password: str
    seed: str


def make_person(email: str, name: str, groups: Iterable[str], *, code_app: bool = True) -> Made:
    """Make somebody who can sign in."""
    from ostiary.identity.facade import create_person, unsafe_provision_totp
    from ostiary.policy.identifiers import GroupId

    password = secrets.token_urlsafe(18)
    chosen = tuple(map(GroupId, groups))
    made = create_person(email=email, name=name, password=password, groups=chosen, actor=machine())
    return Made(made, email, password, unsafe_provision_totp(person_id=made, actor=machine()) if code_app else "")


def put_rules_unchecked(document: str) -> None:
    """Put rules in force that could not be applied: as a damaged database or another version of ours may hold them."""
    from datetime import UTC, datetime

    from django.db import transaction

    from ostiary.changes import announce_change
    from ostiary.rulebook.models import AppliedRulesRow

    with transaction.atomic():
        AppliedRulesRow.objects.create(
            version="broken",
            document=document,
            parsed=b"",
            applied_at=datetime.now(UTC),
            applied_by="a test",
            actor_kind="machine",
            actor_id="test",
        )
        announce_change("rulebook", takes_away=True)


def end_access(request_id: str, ends_at: float) -> None:
    """Let access that was granted end at another moment, as if it had been asked for a shorter time."""
    from datetime import UTC, datetime

    from django.db import transaction

    from ostiary.identity.services.memberships import put_into_group
    from ostiary.requests.models import AccessRequest

    end = datetime.fromtimestamp(ends_at, UTC)
    with transaction.atomic():
        row = AccessRequest.objects.select_related("person").get(pk=request_id)
        held = row.person.memberships.select_related("group").get(via=f"request:{request_id}")
        AccessRequest.objects.filter(pk=request_id).update(ends_at=end)
        put_into_group(group=held.group, person=row.person, actor=machine(), reason="", via=held.via, ends_at=end)


def age_proofs(session: str, seconds: float) -> None:
    """Have what was proved in a sign-in lie further back, as if so much time had passed since."""
    from django.db import transaction

    from ostiary.changes import announce_change
    from ostiary.identity.models import SignInSession

    with transaction.atomic():
        row = SignInSession.objects.get(pk=session)
        row.authentications = [[method, strength, at - seconds] for method, strength, at in row.authentications]
        row.save(update_fields=["authentications"])
        announce_change("sessions", takes_away=True)


def reconfigure() -> None:
    """Have the data plane follow what is on the disk now."""
    from django.conf import settings

    from ostiary.gateway.reconfigure import reconfigure as follow

    follow(settings.INSTANCE)


def publish_devices(devices: list[Any], given: list[Any]) -> None:
    """Publish facts with these devices and no others; every grant ends, as with each change that could take away.

    Args:
        devices: their facts.
        given: pairs of a certificate's fingerprint and the device that was given it.
    """
    import time

    from django.conf import settings

    from ostiary.gateway.grant_keys import key_set, new_grant_key
    from ostiary.gateway.plan import GRANTS_FILE, rotate_grants
    from ostiary.gateway.publication_lock import publication_lock
    from ostiary.gateway.replaced_file import replace_file
    from ostiary.gateway.snapshots import encode_section, read_encoded, write_snapshot
    from ostiary.policy.given import GivenCertificates
    from ostiary.policy.identifiers import Generation
    from ostiary.policy.snapshot import DeviceFact, Devices

    instance = settings.INSTANCE
    facts = msgspec.convert(devices, list[DeviceFact])
    with publication_lock(instance):
        before, key = read_encoded(instance.facts), new_grant_key()
        after = msgspec.structs.replace(
            before,
            generation=Generation(before.generation + 1),
            published_at=time.time(),
            devices=encode_section(Devices(devices={one.id: one for one in facts})),
            given=encode_section(GivenCertificates.of((one[0], one[1]) for one in given)),
            grant_key=key,
        )
        write_snapshot(instance.facts, after, durable=False)
        path = instance.envoy / GRANTS_FILE
        replace_file(path, rotate_grants(path.read_bytes(), key_set(key)), durable=False)


def run_out_but_newest(device: str) -> None:
    """Have every certificate of a device run out but the newest, and publish as the worker does in time."""
    import time

    from django.db import transaction

    from ostiary.changes import announce_change
    from ostiary.devices.models import DeviceCertificate, StoredDevice
    from ostiary.devices.services.renewing import make_given_section

    newest = StoredDevice.objects.get(pk=device).newest
    assert DeviceCertificate.objects.filter(device=device).exclude(pk=newest).delete()[0]
    with transaction.atomic():
        announce_change("devices", takes_away=True)
    make_given_section(now=time.time(), anew=True)


def machine() -> Any:
    from ostiary.visibility.facade import Actor

    return Actor(kind="machine", id="tests", label="the tests")


def answer(call: Call) -> Any:
    module, _, name = call.call.partition(":")
    function = getattr(importlib.import_module(module), name)
    return function(*call.args, **call.kwargs, **({"actor": machine()} if call.acting else {}))


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr
    setup()
    from django.db import close_old_connections

    print(msgspec.json.encode({"result": "ready"}).decode(), flush=True, file=answers)
    for line in sys.stdin:
        close_old_connections()
        try:
            said = {"result": answer(msgspec.json.decode(line, type=Call))}
        except Exception as error:
            said = {"error": f"{type(error).__name__}: {error}"}
        print(msgspec.json.encode(said, enc_hook=str).decode(), flush=True, file=answers)


if __name__ == "__main__":
    from tests.running_operator import main as run

    run()
