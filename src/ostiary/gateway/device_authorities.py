"""Which authorities' certificates the data plane asks browsers for: those that sign enrolled devices' certificates.

Who makes those authorities is not known here; they stand in a file of the instance. What reaches the data plane decides
nobody's identity: it only keeps browsers without a certificate of ours from asking their people for one.
"""

import json
from typing import Any

import structlog
from cryptography import x509

from ostiary.config.places import Instance
from ostiary.gateway.plan.contents import DEVICE_AUTHORITIES_FILE
from ostiary.gateway.plan.devices import validation_secret
from ostiary.gateway.replaced_file import replace_file

_log = structlog.get_logger(__name__)


def asks_for_certificates(instance: Instance) -> bool:
    """Return whether the data plane is to ask clients for certificates.

    Behind a proxy that ends TLS it is the proxy that shows a certificate, or nobody: devices cannot be proven there.
    """
    return not instance.configuration.gateway.trusted_proxies and bool(_authorities(instance))


def install_device_authorities(instance: Instance) -> bool:
    """See to it that the data plane names the authorities there are, and return whether that changed.

    A file that cannot be read changes nothing: the authorities in force stay.

    Raises:
        OSError: when the data plane's file cannot be written.
    """
    if not asks_for_certificates(instance):
        return False
    secret = {"resources": [validation_secret(_authorities(instance))]}
    content = json.dumps(secret, indent=1).encode()
    target = instance.envoy / DEVICE_AUTHORITIES_FILE
    if target.exists() and target.read_bytes() == content:
        return False
    replace_file(target, content, mode=0o600)
    return True


def inline_validation(instance: Instance) -> dict[str, Any] | None:
    """Return what is in force as Envoy's `validation_context` message, for trying a configuration; `None` for nothing."""
    try:
        content = json.loads((instance.envoy / DEVICE_AUTHORITIES_FILE).read_bytes())
        found: dict[str, Any] = content["resources"][0]["validation_context"]
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None
    return found


def _authorities(instance: Instance) -> str:
    """Return the authorities as PEM; where their file cannot be used, those in force, and nothing where there are none."""
    try:
        content = instance.device_authorities.read_bytes()
        x509.load_pem_x509_certificates(content)
        return content.decode("ascii")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        _log.warning("device_authorities_unusable", path=str(instance.device_authorities), error=str(error))
    known = inline_validation(instance) or {}
    return str(known.get("trusted_ca", {}).get("inline_string", ""))
