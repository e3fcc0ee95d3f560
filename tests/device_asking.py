"""A device without an agent: its key, and the messages it signs, sent to the sign-in host in this process."""

import json
import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings

from ostiary.devices.domain.keys import jwk_of
from ostiary.devices.domain.messages import Enrol, Leave, Message, Poll, Renew, Report, SigningKey, sign_message
from ostiary.devices.facade import Device, Reported, confirm_enrolment, look_at_enrolment
from ostiary.policy.identifiers import PersonId
from tests.identity_people import MACHINE, Browser


class Laptop:
    """One computer at one address, which signs what it is told to."""

    def __init__(self, *, address: str = "192.0.2.7", name: str = "Laptop") -> None:
        self.key: SigningKey = ec.generate_private_key(ec.SECP256R1())
        self.browser = Browser(address=address)
        self.name = name
        self.address = address
        self.started: dict[str, Any] = {}
        self.device = ""
        self.holds = ""

    def post(self, what: str, body: Any) -> Any:
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.browser.client.post(f"/devices/agent/{what}", content, content_type="application/json")

    def said(self, kind: type[Message], **more: Any) -> Message:
        """Return a message as it should be, with whatever else is given in place of what it would say."""
        if "nonce" not in more:
            more["nonce"] = self.post("nonce", {}).json()["nonce"]
        instance = settings.INSTANCE
        fields = {"audience": instance.url(instance.identity_host, ""), "at": int(time.time()), **more}
        return kind(**fields)

    def send(self, what: str, message: Message, key: SigningKey | None = None) -> Any:
        return self.post(what, {"message": sign_message(message, key or self.key)})

    def start(self, **more: Any) -> Any:
        fields = {
            "name": self.name,
            "platform": "Test, x86_64",
            "key_protection": "file",
            "key": jwk_of(self.key.public_key()),
        }
        answer = self.send("start", self.said(Enrol, **{**fields, **more}))
        self.started = answer.json()
        return answer

    def poll(self, **more: Any) -> Any:
        return self.send("poll", self.said(Poll, **{"device_code": self.started["device_code"], **more}))

    def renew(self, **more: Any) -> Any:
        return self.send("renew", self.said(Renew, **{"device": self.device, "holds": self.holds, **more}))

    def report(self, *, problems: dict[str, str] | None = None, more: Any = None, **facts: Any) -> Any:
        """Say what is true of it now; `more`: other fields of the message than they would be."""
        now = int(time.time())
        said = [Reported(name=name, value=value, at=now) for name, value in facts.items()]
        said += [Reported(name=name, at=now, problem=why) for name, why in (problems or {}).items()]
        fields = {"device": self.device, "taken_at": now, "facts": tuple(said), **(more or {})}
        return self.send("report", self.said(Report, **fields))

    def leave(self, **more: Any) -> Any:
        return self.send("leave", self.said(Leave, **{"device": self.device, **more}))

    def enrolled_for(self, person_id: str, *, address: str = "", **more: Any) -> Device:
        """Have a person confirm it, as the portal's form does. `more`: what else it says when it starts."""
        answer = self.start(**more)
        assert answer.status_code == 200, answer.content
        where = address or self.address
        asking = look_at_enrolment(self.started["user_code"], person_id=PersonId(person_id), address=where)
        device = confirm_enrolment(
            asking.code, asking.thumbprint, person_id=PersonId(person_id), address=where, actor=MACHINE
        )
        self.device = device.id
        return device
