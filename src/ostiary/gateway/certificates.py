"""The gateway's TLS certificate: from a private authority of this instance's own, or from the operator's files.

Either way certificate and key reach the data plane as one file, replaced in one step, so that it never sees a key that
does not belong to the certificate. Source: RFC 5280; CA/Browser Forum baseline requirements where they make sense.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509

from ostiary.config.places import Instance
from ostiary.gateway.certificate_files import UnusableCertificate, covered_names, covers, read_pair
from ostiary.gateway.plan.contents import CERTIFICATE_FILE, CERTIFICATE_NAME
from ostiary.gateway.private_authority import authority_file, ensure_authority, private_pair
from ostiary.gateway.replaced_file import replace_file

__all__ = [
    "CertificateStatus",
    "UnusableCertificate",
    "authority_file",
    "ensure_authority",
    "inline_certificate",
    "install_certificate",
    "utc_now",
]

WARN_DAYS = 14


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
        chain, key = read_pair(Path(tls.certificate), Path(tls.key))
    else:
        domain = instance.configuration.domain
        below = [host for host in wanted if host == domain or host.endswith(f".{domain}")]
        chain, key = private_pair(instance, below, now=now)
    leaf = x509.load_pem_x509_certificates(chain)[0]
    covered = covered_names(leaf)
    secret = _secret(chain, key)
    target = instance.envoy / CERTIFICATE_FILE
    changed = not target.exists() or target.read_bytes() != secret
    if changed:
        replace_file(target, secret, mode=0o600)
    return CertificateStatus(
        not_after=leaf.not_valid_after_utc,
        hosts=covered,
        missing=tuple(host for host in wanted if not covers(covered, host)),
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


def utc_now() -> datetime:
    """Return the time with its zone, for callers at the edge."""
    return datetime.now(UTC)
