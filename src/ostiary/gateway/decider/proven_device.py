"""From which enrolled device a request comes: by the certificate whose key its connection proved. Pure.

The data plane names the leaf that the client proved in the TLS handshake, whoever signed it and whatever stood beside it.
Identity is that very leaf, by its fingerprint in the facts; no other certificate of the chain and no name in it counts.
Source: RFC 8446, section 4.4.3 (proof of possession of the leaf's key).
"""

from collections.abc import Iterable, Mapping

import msgspec

from ostiary.policy.identifiers import PersonId
from ostiary.policy.request import Device
from ostiary.policy.snapshot import DeviceFact


class ProvenDevice(msgspec.Struct, frozen=True):
    """A device of ours, and until when its certificate says so (seconds since the epoch)."""

    fact: DeviceFact
    ends_at: float


Certificates = Mapping[str, ProvenDevice]
"""Every certificate that is in the facts, by fingerprint."""


def certificates_of(devices: Iterable[DeviceFact]) -> dict[str, ProvenDevice]:
    """Return every certificate of these devices; one that two of them claim is nobody's."""
    found: dict[str, ProvenDevice] = {}
    twice: set[str] = set()
    for device in devices:
        for fingerprint, ends_at in device.certificates.items():
            if fingerprint in found:
                twice.add(fingerprint)
            found[fingerprint] = ProvenDevice(device, ends_at)
    return {fingerprint: proven for fingerprint, proven in found.items() if fingerprint not in twice}


def proven_device(certificate: str, certificates: Certificates, now: float) -> ProvenDevice | None:
    """Return the device that a request comes from; `None` where nothing proves that it is one of ours.

    Args:
        certificate: fingerprint of the leaf whose key its connection proved; empty for none.
        certificates: those of the facts in force.
        now: seconds since the epoch; from its end on a certificate proves nothing.
    """
    if not certificate:
        return None
    proven = certificates.get(certificate)
    return proven if proven is not None and now < proven.ends_at else None


def active_device(certificate: str, certificates: Certificates, now: float) -> ProvenDevice | None:
    """Return the device that a request comes from, unless it is quarantined; arguments as for `proven_device`."""
    proven = proven_device(certificate, certificates, now)
    return proven if proven is not None and proven.fact.active else None


def as_rules_see_it(fact: DeviceFact | None, person: PersonId | None) -> Device | None:
    """Return what rules may read of a device. One in quarantine is nobody's, whichever fact a rule asks for.

    Args:
        fact: the device; `None` for none, of which nothing is known.
        person: who asks with it; `own` says whether it is theirs.
    """
    if fact is None:
        return None
    if not fact.active:
        return Device(id=fact.id, managed=False, attributes=(("own", False),))
    return Device(
        id=fact.id,
        managed=True,
        attributes=(("key_protection", fact.key_protection), ("own", fact.owner == person)),
    )
