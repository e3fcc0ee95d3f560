"""The sample company's computers: enrolled as any is, by signed messages, with what they tell of themselves. Needs Django."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings

from ostiary.devices.domain.keys import jwk_of
from ostiary.devices.domain.messages import Enrol, sign_message
from ostiary.devices.facade import (
    Evidence,
    Reported,
    State,
    Value,
    approve_device,
    confirm_enrolment,
    give_nonce,
    list_devices,
    look_at_enrolment,
    start_enrolment,
    take_facts,
)
from ostiary.identity.facade import find_person
from ostiary.policy.identifiers import DeviceId
from ostiary.visibility.facade import Actor

HOUR: Final = 3600.0
LASTS: Final = 14 * 24 * HOUR
"""The demo's computers are not there to tell again, so what they told counts for two weeks."""


@dataclass(frozen=True, slots=True)
class SampleDevice:
    """One computer.

    Args:
        name: what it is called.
        owner: the part of their address before the @.
        platform: what it says it runs on.
        address: from where it was enrolled.
        facts: what it tells of itself; nothing for one that never told.
        lasts: for how many seconds that counts.
        managed: what its management says of it besides.
        waits: whether nobody approved it yet.
    """

    name: str
    owner: str
    platform: str
    address: str
    facts: Mapping[str, Value]
    lasts: float = LASTS
    managed: Mapping[str, Value] | None = None
    waits: bool = False


_GOOD: Final[Mapping[str, Value]] = {
    "os_supported": True,
    "security_updates_pending": 0,
    "security_update_age_days": 0,
    "disk_encrypted": True,
    "firewall_on": True,
    "screen_lock": True,
    "screen_lock_minutes": 5,
    "automatic_updates": True,
    "daily_administrator": False,
    "secure_boot": True,
}
_DEBIAN: Final[Mapping[str, Value]] = {**_GOOD, "os_version": "Debian 12", "os_support_days": 560}
_UBUNTU: Final[Mapping[str, Value]] = {**_GOOD, "os_version": "Ubuntu 24.04", "os_support_days": 880}
_MACOS: Final[Mapping[str, Value]] = {**_GOOD, "os_version": "macOS 15.1", "os_support_days": 650}
_WINDOWS: Final[Mapping[str, Value]] = {
    **_GOOD,
    "os_version": "Windows 11 24H2",
    "os_support_days": 320,
    "antivirus_running": True,
    "antivirus_current": True,
}
_LATE: Final[Mapping[str, Value]] = {"security_updates_pending": 7, "security_update_age_days": 41}

DEVICES: Final = (
    SampleDevice("Ilse's laptop", "ilse.brandt", "Debian GNU/Linux 12 (bookworm), x86_64", "192.0.2.21", _DEBIAN),
    SampleDevice(
        "Mateo's laptop",
        "mateo.rossi",
        "Ubuntu 24.04.1 LTS, x86_64",
        "192.0.2.22",
        {**_UBUNTU, **_LATE, "disk_encrypted": False},
    ),
    SampleDevice(
        "Priya's MacBook",
        "priya.raman",
        "macOS 15.1, arm64",
        "198.51.100.31",
        _MACOS,
        managed={"disk_encrypted": True, "firewall_on": False},
    ),
    SampleDevice("Nadia's laptop", "nadia.haddad", "Debian GNU/Linux 12 (bookworm), x86_64", "192.0.2.23", _DEBIAN),
    SampleDevice(
        "Front desk",
        "maja.horvat",
        "Microsoft Windows 11 Pro, AMD64",
        "192.0.2.24",
        {**_WINDOWS, "daily_administrator": True, "screen_lock": False},
    ),
    SampleDevice(
        "Workshop bench 2",
        "tomasz.nowak",
        "Debian GNU/Linux 10 (buster), x86_64",
        "192.0.2.25",
        {**_GOOD, **_LATE, "os_version": "Debian 10", "os_supported": False, "os_support_days": -870},
    ),
    SampleDevice(
        "Katja's laptop", "katja.berg", "Ubuntu 24.04.1 LTS, x86_64", "203.0.113.41", _UBUNTU, lasts=HOUR / 60
    ),
    SampleDevice("Colin's laptop", "colin.byrne", "Ubuntu 24.04.1 LTS, x86_64", "192.0.2.26", {}),
    SampleDevice("Jonas at home", "jonas.weber", "Fedora Linux 41, x86_64", "203.0.113.9", {}, waits=True),
)


def enrol_sample_devices(mail_domain: str, actor: Actor, say: Callable[[str], None]) -> None:
    """Enrol the computers that are missing, and have them tell of themselves.

    Args:
        mail_domain: of their owners' addresses.
        actor: who approves them.
        say: is told that it is done.
    """
    present = {device.name for device in list_devices()}
    missing = [one for one in DEVICES if one.name not in present]
    if missing:
        say(f"enrolling {len(missing)} computers")
    for one in missing:
        _enrol(one, f"{one.owner}@{mail_domain}", actor)


def _enrol(sample: SampleDevice, owner: str, actor: Actor) -> None:
    instance, now, person = settings.INSTANCE, time.time(), find_person(owner)
    key = ec.generate_private_key(ec.SECP256R1())
    asks = Enrol(
        audience=instance.url(instance.identity_host, ""),
        at=int(now),
        nonce=give_nonce(now=now).nonce,
        name=sample.name,
        platform=sample.platform,
        key_protection="file",
        key=jwk_of(key.public_key()),
    )
    started = start_enrolment(sign_message(asks, key), address=sample.address, now=now)
    asking = look_at_enrolment(started.user_code, person_id=person.id, address=sample.address)
    device = confirm_enrolment(asking.code, asking.thumbprint, person_id=person.id, address=sample.address, actor=actor)
    if sample.waits:
        return
    if device.state is State.WAITING:
        approve_device(device.id, actor=actor, reason="Handed out by the office")
    for source, evidence, facts in (
        ("agent", Evidence.SELF_REPORTED, sample.facts),
        ("fleet", Evidence.MDM_REPORTED, sample.managed or {}),
    ):
        if facts:
            _tell(device.id, source, evidence, facts, sample.lasts)


def _tell(device: DeviceId, source: str, evidence: Evidence, facts: Mapping[str, Value], lasts: float) -> None:
    now = time.time()
    said = [Reported(name=name, value=value, at=now) for name, value in facts.items()]
    take_facts(device=device, source=source, evidence=evidence, facts=said, taken_at=now, lasts=lasts, now=now)
