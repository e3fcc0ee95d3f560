"""Makes the data plane follow the catalogue of apps: certificate, plan, trial, files.

Trying a configuration takes a second; that is done without the publication lock, so that a revocation never waits for it.
"""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import structlog

from ostiary.applications.facade import App, UnusableApp, ensure_builtin_apps, list_guarded_apps, read_authorities
from ostiary.config.places import Instance
from ostiary.errors import OstiaryError
from ostiary.gateway.certificates import UnusableCertificate, install_certificate, utc_now
from ostiary.gateway.dataplane import applied_generation, apply_plan, diff_plan, try_plan
from ostiary.gateway.device_authorities import asks_for_certificates, install_device_authorities
from ostiary.gateway.envoy import RejectedConfiguration
from ostiary.gateway.grant_keys import key_set
from ostiary.gateway.plan import BOOTSTRAP_FILE, GRANTS_FILE, GatewayInputs, GatewayPlan, plan_gateway, render_grants
from ostiary.gateway.publication_lock import publication_lock
from ostiary.gateway.publisher import publish, published, read_versions
from ostiary.gateway.replaced_file import replace_file
from ostiary.gateway.snapshots import EncodedSnapshot
from ostiary.gateway.upstream_watch import read_forbidden

_log = structlog.get_logger(__name__)

REJECTED_FILE = "rejected.json"
_ATTEMPTS = 5
_SYSTEM_AUTHORITIES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/ca-bundle.pem"),
    Path("/etc/ssl/cert.pem"),
)


class GatewayBusy(OstiaryError):
    """The catalogue of apps kept changing while the gateway was being configured."""


def plan_now(instance: Instance) -> GatewayPlan:
    """Return the plan for the apps as they are now. Nothing is written except, where missing, the first snapshot."""
    return _plan(instance)[0]


def reconfigure(instance: Instance, *, again: bool = False) -> tuple[str, ...]:
    """Make the data plane follow the catalogue and return the names of the files that changed.

    Args:
        instance: whose data plane.
        again: try a configuration that was rejected before once more.

    Raises:
        RejectedConfiguration: when Envoy does not accept it; the configuration in force is untouched.
        UnusableCertificate: when there is no certificate to serve.
        GatewayBusy: when the catalogue does not stand still.
    """
    for _ in range(_ATTEMPTS):
        plan, apps, seen = _plan(instance)
        hosts = {instance.identity_host, instance.console_host, *(app.host for app in apps)}
        install_device_authorities(instance)
        certificate = install_certificate(instance, hosts, now=utc_now())
        if certificate.changed and (problem := certificate.problem(utc_now())):
            _log.warning("certificate_problem", problem=problem)
        if any(difference.name != GRANTS_FILE for difference in diff_plan(plan, instance)):
            _try_once(plan, instance, again=again)
        with publication_lock(instance):
            present = published(instance)
            if present is None or read_versions()["applications"].version != seen:
                continue
            devices = asks_for_certificates(instance)
            grants = render_grants(apps, key_set(present.grant_key), devices=devices)
            plan = replace(plan, generation=present.generation, files={**plan.files, GRANTS_FILE: grants})
            changed = apply_plan(plan, instance, tried=True)
        (instance.envoy / REJECTED_FILE).unlink(missing_ok=True)
        if changed:
            _log.info(
                "gateway_reconfigured", generation=plan.generation, files=list(changed), problems=list(plan.problems)
            )
        return changed
    raise GatewayBusy("The apps changed while the gateway was being configured.", hint="Run: ostiary gateway apply")


def prepare_gateway(instance: Instance) -> None:
    """Ready the data plane's files before it starts.

    A configuration that is rejected does not keep the gateway from starting with the one it had.

    Raises:
        RejectedConfiguration, UnusableCertificate, GatewayBusy: when there is none to start with.
    """
    try:
        reconfigure(instance, again=True)
    except (RejectedConfiguration, UnusableCertificate, GatewayBusy) as error:
        if applied_generation(instance) == 0:
            raise
        _log.exception("gateway_starts_with_earlier_configuration", error=str(error), detail=error.detail)


def reconfigure_if_set_up(instance: Instance) -> None:
    """Follow a change of the catalogue, when this instance has a data plane. Failures are logged and seen in its status.

    The change itself stands: the data plane goes on with what it has, and new grants are refused for what is gone.
    """
    if not (instance.envoy / BOOTSTRAP_FILE).exists():
        return
    known = rejection(instance)
    try:
        reconfigure(instance)
    except RejectedConfiguration as error:
        if error.message != known:
            _log.exception("gateway_not_reconfigured", error=error.message, detail=error.detail)
    except (UnusableCertificate, GatewayBusy, OSError) as error:
        _log.exception("gateway_not_reconfigured", error=str(error), detail=getattr(error, "detail", ""))


def rejection(instance: Instance) -> str:
    """Return why the last configuration was rejected, or nothing when the one in force is the latest."""
    try:
        content = json.loads((instance.envoy / REJECTED_FILE).read_bytes())
    except (OSError, ValueError):
        return ""
    return str(content.get("message", ""))


def _plan(instance: Instance) -> tuple[GatewayPlan, tuple[App, ...], int]:
    ensure_builtin_apps()
    snapshot = published(instance)
    if snapshot is None:
        publish("first plan")
        snapshot = published(instance)
    if snapshot is None:
        raise GatewayBusy("There are no facts yet.", hint="See: ostiary status")
    seen = read_versions()["applications"].version
    apps = list_guarded_apps()
    return plan_gateway(_inputs(instance, apps, snapshot)), apps, seen


def _inputs(instance: Instance, apps: tuple[App, ...], snapshot: EncodedSnapshot) -> GatewayInputs:
    system = next((str(path) for path in _SYSTEM_AUTHORITIES if path.is_file()), "")
    return GatewayInputs(
        instance=instance,
        generation=snapshot.generation,
        apps=apps,
        key_set=key_set(snapshot.grant_key),
        authorities=_read_authorities(apps),
        system_authorities=system,
        forbidden=read_forbidden(instance.run),
        devices=asks_for_certificates(instance),
    )


def _read_authorities(apps: tuple[App, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted({app.upstream.ca_file for app in apps if app.upstream.ca_file}):
        try:
            found[path] = read_authorities(Path(path))
        except UnusableApp as error:
            _log.warning("authorities_unusable", path=path, error=str(error))
    return found


def _try_once(plan: GatewayPlan, instance: Instance, *, again: bool) -> None:
    """Try a plan, unless the very same one was rejected before."""
    path = instance.envoy / REJECTED_FILE
    digest = hashlib.sha256(
        b"".join(plan.files[name] for name in sorted(plan.files) if name != GRANTS_FILE)
    ).hexdigest()
    if not again and path.exists():
        known = json.loads(path.read_bytes())
        if known.get("digest") == digest:
            raise RejectedConfiguration(str(known.get("message")), hint="Try again with: ostiary gateway apply")
    try:
        try_plan(plan, instance)
    except RejectedConfiguration as error:
        replace_file(path, json.dumps({"digest": digest, "message": error.message}).encode(), durable=False)
        raise
