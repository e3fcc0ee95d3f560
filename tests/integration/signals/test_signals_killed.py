"""A worker that dies at whatever moment loses no event and repeats none: the receiver knows each by its identifier."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.running_upstreams import Server
from tests.shell_instance import OwnInstance

pytestmark = pytest.mark.xdist_group("shell-signals")
TELL = """
import sys
from tests.identity_people import MACHINE
from tests.signal_site import make_plain_person
from ostiary.identity.facade import disable_person
from ostiary.signals.facade import add_receiver, create_stream
added = add_receiver("crm", audience="https://crm.test", push_to="http://127.0.0.1:{port}", actor=MACHINE)
delivery = {{"method": "urn:ietf:rfc:8935", "endpoint_url": "http://127.0.0.1:{port}/in"}}
create_stream(added.receiver, {{"delivery": delivery}}, actor=MACHINE)
make_plain_person("ada@example.test")
"""
KILLED = """
import os, signal, sys, time
from unittest import mock
import django; django.setup()
from django.db import transaction
from ostiary.identity import journal
from ostiary.identity.facade import disable_person, find_person
from ostiary.signals.services import delivery
from ostiary.visibility.facade import Actor

def die(*_arguments, **_named):
    os.kill(os.getpid(), signal.SIGKILL)

def then_die(step):
    def done(*arguments, **named):
        step(*arguments, **named)
        die()
    return done

if sys.argv[1] == "disable":
    with mock.patch.object(journal, "record", die):
        disable_person(person_id=find_person("ada@example.test").id, reason="left", actor=Actor(kind="machine", id="os:x", label="x"))
else:
    steps = {"before": (delivery, "ask", die), "sent, before that is noted": (delivery, "ask", then_die(delivery.ask)),
             "noted": (delivery, "_taken", then_die(delivery._taken))}
    room, name, step = steps[sys.argv[2]]
    with mock.patch.object(room, name, step):
        delivery.deliver_signals(now=time.time())
"""
STANDING = """
import json, time
from tests.identity_people import MACHINE
from ostiary.identity.facade import disable_person, find_person
from ostiary.signals.facade import deliver_signals
from ostiary.signals.models import Outgoing

def standing():
    return [find_person("ada@example.test").active, sorted(Outgoing.objects.values_list("jti", flat=True))]

before = standing()
{step}
print(json.dumps([before, standing()]))
"""
DISABLE = "disable_person(person_id=find_person('ada@example.test').id, reason='left', actor=MACHINE)"
DELIVER = "deliver_signals(now=time.time())"


@pytest.fixture(scope="module")
def own() -> Iterator[OwnInstance]:
    made = OwnInstance()
    made.init()
    with (made.home / "ostiary.toml").open("a") as file:
        file.write("\n")
    made.environment["OSTIARY_SIGNALS__ENABLED"] = "true"
    yield made
    made.remove()


def killed(own: OwnInstance, *words: str) -> None:
    environment = {**own.environment, "DJANGO_SETTINGS_MODULE": "ostiary.config.django"}
    ended = subprocess.run([sys.executable, "-c", KILLED, *words], env=environment, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stdout + ended.stderr


def test_nothing_is_lost_and_what_comes_twice_has_one_name(own: OwnInstance) -> None:
    receiver = Server(lambda _path: (202, [], b""))
    try:
        own.python(TELL.format(port=receiver.port))
        killed(own, "disable")
        before, (active, owed) = json.loads(own.python(STANDING.format(step=DISABLE)))
        assert before == [True, []], "it did not happen, so nothing is told"
        assert (active, len(owed)) == (False, 2)
        killed(own, "deliver", "before")
        assert receiver.asked == []
        killed(own, "deliver", "sent, before that is noted")
        killed(own, "deliver", "noted")
        assert len(receiver.asked) == 2
        before, after = json.loads(own.python(STANDING.format(step=DELIVER)))
        assert before == [False, owed], "noted is only what is committed"
        assert after == [False, []]
        assert len(receiver.asked) == 4, "the first came three times, under one name; the second once"
    finally:
        receiver.stop()
