"""An authority of this instance's own, and the certificate it signs for the gateway.

It may sign for names below the instance's domain only, so that trusting it means trusting it for nothing else.
Source: RFC 5280, section 4.2.1.10 (name constraints).
"""

import ipaddress
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ostiary.config.places import Instance
from ostiary.gateway.certificate_files import UnusableCertificate, covered_names, read_pair
from ostiary.gateway.replaced_file import replace_file

AUTHORITY_CERTIFICATE = "authority.pem"
AUTHORITY_KEY = "authority.key"
GATEWAY_CERTIFICATE = "gateway.pem"
GATEWAY_KEY = "gateway.key"
AUTHORITY_DAYS = 3650
GATEWAY_DAYS = 90
_BACKDATED = timedelta(minutes=5)


def authority_file(instance: Instance) -> Path:
    """Return the file people import into their browsers when the authority is private."""
    return instance.certificates / AUTHORITY_CERTIFICATE


def ensure_authority(instance: Instance, *, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Return this instance's private authority; it is made once and may sign for this domain's names only.

    Raises:
        UnusableCertificate: when it is there and cannot be read: making another would undo everybody's trust in it.
    """
    certificate_path = instance.certificates / AUTHORITY_CERTIFICATE
    key_path = instance.certificates / AUTHORITY_KEY
    if certificate_path.exists() or key_path.exists():
        return _load_authority(certificate_path, key_path)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, (instance.configuration.organisation or "Ostiary")[:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Ostiary authority for {instance.configuration.domain}"[:64]),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(certificate_sign=True), critical=True)
        .add_extension(_only_below(instance.configuration.domain), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    replace_file(key_path, _pem_key(key), mode=0o600)
    replace_file(certificate_path, certificate.public_bytes(Encoding.PEM), mode=0o644)
    return certificate, key


def private_pair(instance: Instance, hosts: list[str], *, now: datetime) -> tuple[bytes, bytes]:
    """Return certificate chain and key for `hosts`, issued again when they changed or two thirds of its life are over.

    Raises:
        UnusableCertificate: when the authority is there and cannot be read.
    """
    authority, authority_key = ensure_authority(instance, now=now)
    certificate_path, key_path = instance.certificates / GATEWAY_CERTIFICATE, instance.certificates / GATEWAY_KEY
    try:
        chain, key = read_pair(certificate_path, key_path)
    except UnusableCertificate:
        pass
    else:
        leaf = x509.load_pem_x509_certificates(chain)[0]
        if not _must_reissue(leaf, authority, hosts, now):
            return chain, key
    leaf_key = ec.generate_private_key(ec.SECP256R1())
    leaf = _issue(authority, authority_key, leaf_key, hosts, now=now)
    chain, key = leaf.public_bytes(Encoding.PEM), _pem_key(leaf_key)
    replace_file(key_path, key, mode=0o600)
    replace_file(certificate_path, chain, mode=0o644)
    return chain, key


def _must_reissue(leaf: x509.Certificate, authority: x509.Certificate, hosts: list[str], now: datetime) -> bool:
    life = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    return (
        sorted(covered_names(leaf)) != hosts
        or leaf.issuer != authority.subject
        or not leaf.not_valid_before_utc <= now < leaf.not_valid_before_utc + life * 2 / 3
    )


def _issue(
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePrivateKey,
    hosts: list[str],
    *,
    now: datetime,
) -> x509.Certificate:
    """Sign a certificate that names every host: browsers take no wildcard directly below `.localhost`."""
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ostiary gateway")]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(min(now + timedelta(days=GATEWAY_DAYS), authority.not_valid_after_utc))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(certificate_sign=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_authority_identifier(authority), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _authority_identifier(authority: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _only_below(domain: str) -> x509.NameConstraints:
    """Bind the authority to the instance's domain: who trusts it trusts it for nothing else."""
    everything = [ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")]
    return x509.NameConstraints(
        permitted_subtrees=[x509.DNSName(domain)],
        excluded_subtrees=[x509.IPAddress(network) for network in everything],
    )


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


def _load_authority(certificate_path: Path, key_path: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
        key = load_pem_private_key(key_path.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise UnusableCertificate(
            f"The private authority in {certificate_path.parent} cannot be read ({error}).",
            hint="Restore it from a backup, or remove both files to make a new one that everybody must trust again.",
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise UnusableCertificate(f"{key_path} is not the authority's key.", hint="Restore it from a backup.")
    return certificate, key


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
