"""Certificates of devices and of the authority that signs them: what stands in each. Pure; keys and moments are given.

A device's certificate proves possession of a key and nothing else: who may come in is said by the facts, which name the very
certificate. It is good for TLS clients only and names no host. Names are there for programs that keep certificates: the issuer's
organisation stays the same from one issuing key to the next, so that a browser can be told which to show, and each certificate of a
device has a subject of its own, so that a store can hold the next one beside the last.
Source: RFC 5280, sections 4.1 and 4.2.
"""

from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ROOT_DAYS: Final = 3650
ISSUING_DAYS: Final = 365
DEVICE_HOURS: Final = 24
SHOWN_DAYS: Final = 14
"""How long after it began a certificate may be shown while its device has a good one: browsers keep what they have chosen until they are closed."""
BACKDATED: Final = timedelta(minutes=5)
"""For clocks that are behind."""
URI_PREFIX: Final = "urn:ostiary:device:"


def make_root(key: ec.EllipticCurvePrivateKey, *, domain: str, serial: int, now: datetime) -> x509.Certificate:
    """Return the self-signed certificate at the top.

    Args:
        key: its own.
        domain: of the instance, for people who read it.
        serial: a random one.
        now: with its zone.
    """
    name = _name(f"Ostiary devices of {domain}")
    ends_at = now + timedelta(days=ROOT_DAYS)
    return _authority(
        subject=name, issuer=name, key=key.public_key(), serial=serial, now=now, ends_at=ends_at, path_length=1
    ).sign(key, hashes.SHA256())


def make_issuing(
    root: x509.Certificate,
    root_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePublicKey,
    *,
    domain: str,
    serial: int,
    now: datetime,
) -> x509.Certificate:
    """Return the certificate of the key that signs devices' certificates. Arguments as for `make_root`."""
    name = _name(f"Ostiary devices of {domain}"[:50] + f" {now:%Y-%m-%d}", group=f"Ostiary devices of {domain}")
    ends_at = min(now + timedelta(days=ISSUING_DAYS), root.not_valid_after_utc)
    builder = _authority(
        subject=name, issuer=root.subject, key=key, serial=serial, now=now, ends_at=ends_at, path_length=0
    )
    return builder.add_extension(_signed_by(root), critical=False).sign(root_key, hashes.SHA256())


def make_leaf(
    issuing: x509.Certificate,
    issuing_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePublicKey,
    *,
    device: str,
    serial: int,
    now: datetime,
) -> x509.Certificate:
    """Return a device's certificate.

    Args:
        issuing: who signs.
        issuing_key: with which key.
        key: the device's.
        device: its identifier.
        serial: a random one.
        now: with its zone.
    """
    return (
        x509.CertificateBuilder()
        .subject_name(_name(device, serial=f"{serial:x}"))
        .issuer_name(issuing.subject)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(now - BACKDATED)
        .not_valid_after(min(now + timedelta(hours=DEVICE_HOURS), issuing.not_valid_after_utc))
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"{URI_PREFIX}{device}")]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(certificate_sign=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(_signed_by(issuing), critical=False)
        .sign(issuing_key, hashes.SHA256())
    )


def signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Tell whether the key of an authority signed a certificate that is not its own, by the identifiers that both carry."""
    found = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    return found.key_identifier == _signed_by(authority).key_identifier


def common_name_of(name: x509.Name) -> str:
    """Return the part of a name that people read."""
    return "".join(str(one.value) for one in name.get_attributes_for_oid(NameOID.COMMON_NAME))


def fingerprint_of(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of a certificate (DER), lower-case hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def pem_of(*certificates: x509.Certificate) -> str:
    """Return certificates as PEM, one after the other."""
    return "".join(one.public_bytes(Encoding.PEM).decode("ascii") for one in certificates)


def _authority(
    *,
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    serial: int,
    now: datetime,
    ends_at: datetime,
    path_length: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(now - BACKDATED)
        .not_valid_after(ends_at)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_usage(certificate_sign=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(common: str, *, group: str = "", serial: str = "") -> x509.Name:
    parts = ((NameOID.ORGANIZATION_NAME, group), (NameOID.SERIAL_NUMBER, serial), (NameOID.COMMON_NAME, common))
    return x509.Name([x509.NameAttribute(kind, words[:64]) for kind, words in parts if words])


def _signed_by(authority: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _usage(*, certificate_sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificate_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificate_sign,
        crl_sign=certificate_sign,
        encipher_only=False,
        decipher_only=False,
    )
