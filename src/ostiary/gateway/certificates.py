"""The gateway's TLS certificate: from a private authority of this instance's own, or from the operator's files.

Either way certificate and key reach the data plane as one file, replaced in one step, so that it never sees a key that
does not belong to the certificate. Source: RFC 5280; CA/Browser Forum baseline requirements where they make sense.
"""

import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ostiary.config.places import Instance
from ostiary.errors import OstiaryError
from ostiary.gateway.plan.contents import CERTIFICATE_FILE, CERTIFICATE_NAME
from ostiary.gateway.replaced_file import replace_file

AUTHORITY_CERTIFICATE = "authority.pem"
AUTHORITY_KEY = "authority.key"
GATEWAY_CERTIFICATE = "gateway.pem"
GATEWAY_KEY = "gateway.key"
AUTHORITY_DAYS = 3650
GATEWAY_DAYS = 90
WARN_DAYS = 14
_BACKDATED = timedelta(minutes=5)


class UnusableCertificate(OstiaryError):
    """There is no certificate the gateway could serve; the one in force was left alone."""


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """What the gateway serves.

    Args:
        not_after: the certificate's end.
        hosts: the names it covers, wildcards as they stand in it.
        missing: hosts of this instance it does not cover.
        changed: whether this call put another certificate into place.
    """

    not_after: datetime
    hosts: tuple[str, ...]
    missing: tuple[str, ...] = ()
    changed: bool = False

    def problem(self, now: datetime) -> str:
        """Return what is wrong with it in a sentence, or nothing."""
        if self.not_after <= now:
            return f"The certificate ended on {self.not_after:%d %B %Y}: browsers refuse it."
        if self.missing:
            return f"The certificate does not cover {', '.join(self.missing)}."
        if self.not_after - now < timedelta(days=WARN_DAYS):
            return f"The certificate ends on {self.not_after:%d %B %Y}."
        return ""


def install_certificate(instance: Instance, hosts: Iterable[str], *, now: datetime) -> CertificateStatus:
    """See to it that the data plane serves a certificate for `hosts`; issue or read it again where needed.

    Args:
        instance: places and the `tls` section.
        hosts: every host name the gateway answers for.
        now: the time, with its zone.

    Raises:
        UnusableCertificate: when the operator's files cannot be used; the certificate in force stays.
    """
    wanted = sorted(set(hosts))
    tls = instance.configuration.tls
    if tls.mode == "files":
        chain, key = _read_pair(Path(tls.certificate), Path(tls.key))
    else:
        domain = instance.configuration.domain
        below = [host for host in wanted if host == domain or host.endswith(f".{domain}")]
        chain, key = _private_pair(instance, below, now=now)
    leaf = x509.load_pem_x509_certificates(chain)[0]
    covered = _names(leaf)
    secret = _secret(chain, key)
    target = instance.envoy / CERTIFICATE_FILE
    changed = not target.exists() or target.read_bytes() != secret
    if changed:
        replace_file(target, secret, mode=0o600)
    return CertificateStatus(
        not_after=leaf.not_valid_after_utc,
        hosts=covered,
        missing=tuple(host for host in wanted if not _covers(covered, host)),
        changed=changed,
    )


def inline_certificate(instance: Instance) -> dict[str, Any]:
    """Return the certificate in force as Envoy's `tls_certificate` message, for trying a configuration.

    Raises:
        UnusableCertificate: when none was installed.
    """
    try:
        content = json.loads((instance.envoy / CERTIFICATE_FILE).read_bytes())
    except (OSError, ValueError):
        raise UnusableCertificate(
            "The gateway has no certificate yet.", hint="Install one with: ostiary gateway apply"
        ) from None
    certificate: dict[str, Any] = content["resources"][0]["tls_certificate"]
    return certificate


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


def _private_pair(instance: Instance, hosts: list[str], *, now: datetime) -> tuple[bytes, bytes]:
    authority, authority_key = ensure_authority(instance, now=now)
    certificate_path, key_path = instance.certificates / GATEWAY_CERTIFICATE, instance.certificates / GATEWAY_KEY
    try:
        chain, key = _read_pair(certificate_path, key_path)
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
        sorted(_names(leaf)) != hosts
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


def _read_pair(certificate_path: Path, key_path: Path) -> tuple[bytes, bytes]:
    """Return certificate chain and key, when they belong together."""
    try:
        chain, key = certificate_path.read_bytes(), key_path.read_bytes()
        leaf = x509.load_pem_x509_certificates(chain)[0]
        private = load_pem_private_key(key, password=None)
    except (OSError, ValueError, TypeError) as error:
        raise UnusableCertificate(
            f"The certificate {certificate_path} or its key cannot be used ({error}).",
            hint="Both must be PEM files the service's user may read; the key must have no passphrase.",
        ) from None
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if public != leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo):
        raise UnusableCertificate(
            f"The key {key_path} does not belong to the certificate {certificate_path}.",
            hint="The gateway's own certificate must come first in the file, before intermediate ones.",
        )
    return chain, key


def _secret(chain: bytes, key: bytes) -> bytes:
    resource = {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
        "name": CERTIFICATE_NAME,
        "tls_certificate": {
            "certificate_chain": {"inline_string": chain.decode("ascii", errors="replace")},
            "private_key": {"inline_string": key.decode("ascii", errors="replace")},
        },
    }
    return json.dumps({"resources": [resource]}, indent=1).encode()


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def _covers(names: Iterable[str], host: str) -> bool:
    _, _, parent = host.partition(".")
    lowered = {name.lower() for name in names}
    return host in lowered or f"*.{parent}" in lowered


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def utc_now() -> datetime:
    """Return the time with its zone, for callers at the edge."""
    return datetime.now(UTC)
