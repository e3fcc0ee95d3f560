"""Devices at a running instance: certificates made here, enrolled in the published facts, shown by real TLS connections.

devices = Devices(running)
laptop = devices.enrol(ada)
client = devices.client(ada, laptop)            # a browser whose every connection proves the laptop's key
devices.put_away(laptop)                        # as lost: it is in the facts no more
"""

import json
import time
from pathlib import Path

import httpx
import msgspec

from ostiary.demo.walk.browser import PAGE_HEADERS, Browser, _ThisMachine, trusting
from ostiary.gateway.envoy import ask_admin
from ostiary.gateway.replaced_file import replace_file
from ostiary.policy.snapshot import DeviceFact
from tests.device_material import Leaf, device_fact, make_leaf
from tests.running_client import Client
from tests.running_instance import RunningInstance
from tests.running_operator import Made

LISTENERS = "/config_dump?resource=dynamic_listeners"


class Enrolled:
    """A device: what it holds, and the fact that it is enrolled."""

    def __init__(self, fact: DeviceFact, leaf: Leaf, path: Path) -> None:
        self.fact = fact
        self.leaf = leaf
        self.path = path


class OnDevice(Browser):
    """A browser that shows a certificate to whoever asks for one."""

    def __init__(self, authority: Path, certificate: Path) -> None:
        super().__init__(authority)
        self.certificate = certificate

    def client_for(self, host: str) -> httpx.Client:
        if host not in self._clients:
            context = trusting(self.authority)
            context.load_cert_chain(self.certificate)
            transport = _ThisMachine(verify=context, http2=True)
            self._clients[host] = httpx.Client(transport=transport, headers=PAGE_HEADERS, timeout=30, trust_env=False)
        return self._clients[host]


class Devices:
    """The devices of one instance; nobody else enrols any while it is in use."""

    def __init__(self, running: RunningInstance) -> None:
        self.running = running
        self.authority = make_leaf("devices", authority=True)
        self.facts: dict[str, DeviceFact] = {}
        self.given: dict[str, str] = {}
        if not running.instance.device_authorities.exists():
            replace_file(running.instance.device_authorities, self.authority.pem)
        running.operator("tests.running_operator:reconfigure", acting=False)
        running.eventually(self._are_asked_for, "certificates are asked for")

    def _are_asked_for(self) -> bool:
        dump = json.loads(ask_admin(self.running.instance, LISTENERS))
        active = [one["active_state"] for one in dump["configs"] if "active_state" in one]
        return any("validation_context_sds_secret_config" in json.dumps(one) for one in active)

    def leaf(self, *, seconds: float = 3600.0) -> Leaf:
        return make_leaf("device", signed_by=self.authority, seconds=seconds)

    def file(self, leaf: Leaf, *chain: Leaf) -> Path:
        return leaf.write(self.running.folder, *chain)

    def enrol(self, owner: Made, *more: Leaf) -> Enrolled:
        leaf = self.leaf()
        fact = device_fact(owner.id, [leaf, *more])
        self.change(fact)
        return Enrolled(fact, leaf, self.file(leaf))

    def change(self, fact: DeviceFact) -> None:
        self.facts[fact.id] = fact
        self._publish()

    def was_given(self, device: Enrolled, leaf: Leaf) -> None:
        """Say that a device was given a certificate. What the worker has to say of those of the database is said before."""
        forget = "ostiary.devices.services.renewing:forget_old_certificates"
        self.running.operator(forget, now=time.time(), acting=False)
        self.given[leaf.fingerprint] = device.fact.id
        self._publish()

    def put_away(self, device: Enrolled) -> None:
        del self.facts[device.fact.id]
        self._publish()

    def put_all_away(self) -> None:
        self.facts.clear()
        self.given.clear()
        self._publish()

    def _publish(self) -> None:
        facts = [msgspec.to_builtins(one) for one in self.facts.values()]
        self.running.operator("tests.running_operator:publish_devices", facts, list(self.given.items()), acting=False)
        self.running.in_force()

    def client(self, account: Made, device: Enrolled) -> Client:
        client = self.running.client(account)
        client.browser = OnDevice(self.running.authority, device.path)
        return client
