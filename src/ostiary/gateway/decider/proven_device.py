"""From which enrolled device a request comes: by the certificate whose key its connection proved. Pure.

The data plane names the leaf that the client proved in the TLS handshake, whoever signed it and whatever stood beside it.
Identity is that very leaf, by its fingerprint in the facts; no other certificate of the chain and no name in it counts.
A leaf that has run out holds the same key as the one after it: for a while it goes on naming its device, as long as that has a good one.
Source: RFC 8446, section 4.4.3 (proof of possession of the leaf's key).
"""

from collections.abc import Iterable, Mapping

import msgspec

from ostiary.policy.given import GivenCertificates
from ostiary.policy.identifiers import DeviceId, PersonId
from ostiary.policy.request import Device
from ostiary.policy.snapshot import ComplianceFact, DeviceFact, PostureFact


class ProvenDevice(msgspec.Struct, frozen=True):
    """A device of ours, and until when its certificate says so (seconds since the epoch)."""

    fact: DeviceFact
    ends_at: float


class Certificates(msgspec.Struct, frozen=True):
    """Every certificate that is in the facts.

    Args:
        good: those that have not run out, by fingerprint.
        newest: for each device, the one of them that ends last.
        given: those that were given lately, good or not.
    """

    good: Mapping[str, ProvenDevice] = {}
    newest: Mapping[DeviceId, ProvenDevice] = {}
    given: GivenCertificates = GivenCertificates()

    def get(self, fingerprint: str, now: float) -> ProvenDevice | None:
        """Return whose a certificate is, if it counts at a moment (seconds since the epoch)."""
        proven = self.good.get(fingerprint)
        if proven is not None and now < proven.ends_at:
            return proven
        device = self.given.device_of(fingerprint)
        newest = self.newest.get(device) if device is not None else None
        return newest if newest is not None and now < newest.ends_at else None


def certificates_of(devices: Iterable[DeviceFact], given: GivenCertificates = GivenCertificates()) -> Certificates:  # noqa: B008 - frozen
    """Return every certificate of these devices; one that two of them claim is nobody's."""
    found: dict[str, ProvenDevice] = {}
    newest: dict[DeviceId, ProvenDevice] = {}
    twice: set[str] = set()
    for device in devices:
        for fingerprint, ends_at in device.certificates.items():
            if fingerprint in found:
                twice.add(fingerprint)
            found[fingerprint] = proven = ProvenDevice(device, ends_at)
            if device.id not in newest or newest[device.id].ends_at < ends_at:
                newest[device.id] = proven
    good = {fingerprint: proven for fingerprint, proven in found.items() if fingerprint not in twice}
    return Certificates(good, newest, given)


def proven_device(certificate: str, certificates: Certificates, now: float) -> ProvenDevice | None:
    """Return the device that a request comes from; `None` where nothing proves that it is one of ours.

    Args:
        certificate: fingerprint of the leaf whose key its connection proved; empty for none.
        certificates: those of the facts in force.
        now: seconds since the epoch; from its end on a certificate proves nothing, unless its device has a good one for the same key.
    """
    return certificates.get(certificate, now) if certificate else None


def active_device(certificate: str, certificates: Certificates, now: float) -> ProvenDevice | None:
    """Return the device that a request comes from, unless it is quarantined; arguments as for `proven_device`."""
    proven = proven_device(certificate, certificates, now)
    return proven if proven is not None and proven.fact.active else None


class KnownOfDevices(msgspec.Struct, frozen=True):
    """What the facts in force say of devices, beyond which there are."""

    postures: Mapping[DeviceId, PostureFact] = {}
    compliance: Mapping[DeviceId, ComplianceFact] = {}

    def posture(self, device: DeviceId, now: float) -> PostureFact | None:
        """Return what is known of a device's state; nothing once any of it may be too old."""
        known = self.postures.get(device)
        return known if known is not None and now < known.until else None

    def verdict(self, device: DeviceId, now: float) -> ComplianceFact | None:
        """Return whether a device is as required; nothing once time may have changed it, or its state is not known."""
        known = self.compliance.get(device)
        fresh = known is not None and now < known.until and self.posture(device, now) is not None
        return known if fresh else None

    def ends_at(self, device: DeviceId, now: float) -> float | None:
        """Return the first moment at which something of what is known now stops being so; `None` for never."""
        ends = [known.until for known in (self.posture(device, now), self.verdict(device, now)) if known is not None]
        return min(ends, default=None)


def as_rules_see_it(
    fact: DeviceFact | None, person: PersonId | None, known: KnownOfDevices, now: float
) -> Device | None:
    """Return what rules may read of a device. One in quarantine is nobody's, whichever fact a rule asks for.

    Args:
        fact: the device; `None` for none, of which nothing is known.
        person: who asks with it; `own` says whether it is theirs.
        known: what is known of devices.
        now: seconds since the epoch.
    """
    if fact is None:
        return None
    if not fact.active:
        return Device(id=fact.id, managed=False, attributes=(("own", False),))
    posture, verdict = known.posture(fact.id, now), known.verdict(fact.id, now)
    facts: dict[str, bool | int | str] = {} if posture is None else dict(posture.facts)
    if verdict is not None:
        facts |= {f"meets_{name}": True for name in verdict.meets}
    facts |= {"key_protection": fact.key_protection, "own": fact.owner == person}
    return Device(
        id=fact.id,
        managed=True,
        compliant=verdict.compliant if verdict is not None else None,
        attributes=tuple(sorted(facts.items())),
    )


def seen_until(proven: ProvenDevice | None, known: KnownOfDevices, now: float) -> float | None:
    """Return until when what rules see of a device stays so; `None` for none, and for what has no end."""
    if proven is None:
        return None
    end = known.ends_at(proven.fact.id, now)
    return proven.ends_at if end is None else min(proven.ends_at, end)
