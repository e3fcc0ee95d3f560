"""Whether what a computer says of its TPM at enrolment holds together. What is left to prove is that one TPM holds all of it. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from ostiary.devices.domain.messages import TpmClaim
from ostiary.devices.domain.tpm.attest import certified_nonce, require_certified
from ostiary.devices.domain.tpm.endorsement import Endorsement, judge_endorsement
from ostiary.devices.domain.tpm.public import (
    ATTESTATION,
    DEVICE,
    ENDORSEMENT_ECC,
    ENDORSEMENT_RSA,
    PublicArea,
    read_public,
)
from ostiary.devices.domain.tpm.wire import UnprovenTpm

Protection = Literal["file", "tpm", "tpm_unverified"]


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A claim that holds together, who is known to have made the TPM, and whether the device's key lies in it."""

    endorsement_key: PublicArea
    attestation: PublicArea
    endorsement: Endorsement
    holds_key: bool = True

    @property
    def protection(self) -> Protection:
        """What rules read once it is proven. Where nobody vouches for the TPM it may be a program that behaves like one."""
        if not self.holds_key:
            return "file"
        return "tpm" if self.endorsement.verified else "tpm_unverified"


def check_claim(
    claim: TpmClaim,
    *,
    key: ec.EllipticCurvePublicKey | None,
    nonce: str,
    makers: Sequence[x509.Certificate],
    now: datetime,
) -> Claimed:
    """Return what a claim says, when its own parts bear each other out.

    Args:
        claim: as it was received.
        key: the device's, which signed the message, where it is said to lie in the TPM; `None` for one in a file.
        nonce: of that message.
        makers: the authorities whose word on TPMs is taken.
        now: with its zone.

    Raises:
        UnreadableTpm: when a part of it is not what a TPM says.
        UnprovenTpm: when a key may leave its TPM, is another than the device's, or was vouched for by another.
    """
    endorsement = read_public(claim.endorsement, ENDORSEMENT_RSA, ENDORSEMENT_ECC)
    attestation = read_public(claim.attestation, ATTESTATION)
    if key is not None:
        device = read_public(claim.device, DEVICE)
        if device.key != key:
            raise UnprovenTpm("The TPM's key is not the one that signed this.")
        by = certified_nonce(nonce)
        require_certified(claim.certified, claim.signature, by=attestation, certified=device, nonce=by)
    elif claim.device or claim.certified or claim.signature:
        raise UnprovenTpm("A key in a file is in no TPM.")
    made = judge_endorsement(claim.certificate, endorsement, makers=makers, now=now)
    return Claimed(endorsement_key=endorsement, attestation=attestation, endorsement=made, holds_key=key is not None)
