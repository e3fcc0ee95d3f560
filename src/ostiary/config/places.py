"""Where an instance keeps things, and the names its hosts have. Nothing here opens a file."""

from dataclasses import dataclass
from pathlib import Path

from ostiary.config.schema import Configuration


@dataclass(frozen=True, slots=True)
class Instance:
    """One installation: its folder and what its configuration says.

    Args:
        home: the folder that holds everything (`OSTIARY_HOME`).
        configuration: the validated `ostiary.toml` with environment overrides applied.
    """

    home: Path
    configuration: Configuration

    @property
    def secrets(self) -> Path:
        """Keys, one file each, readable by the service's user alone."""
        return self.home / "secrets"

    @property
    def state(self) -> Path:
        """What must survive a restart: database, facts, audit log, data-plane configuration."""
        return self.home / "state"

    @property
    def database(self) -> Path:
        """The SQLite file, when no database URL is set."""
        return self.state / "ostiary.sqlite3"

    @property
    def facts(self) -> Path:
        """Holds `snapshot.msgpack` and `heartbeat`, both replaced by rename."""
        return self.state / "facts"

    @property
    def envoy(self) -> Path:
        """The data plane's watched files."""
        return self.state / "envoy"

    @property
    def audit(self) -> Path:
        """Audit log: one folder a stream (`decisions`, `control`, `requests`)."""
        return self.state / "audit"

    @property
    def mail(self) -> Path:
        """Messages, when `mail.transport` is `files`."""
        return self.state / "mail"

    @property
    def certificates(self) -> Path:
        """The private authority and the gateway's certificate (`tls.mode = "private"`)."""
        return self.state / "certificates"

    @property
    def authority_certificate(self) -> Path:
        """The private authority's certificate, which people import into their browsers."""
        return self.certificates / "authority.pem"

    @property
    def device_certificates(self) -> Path:
        """The authority that enrolled devices' certificates come from; it has nothing to do with the gateway's own."""
        return self.certificates / "devices"

    @property
    def device_authorities(self) -> Path:
        """PEM: every certificate that devices' certificates may come from now, root and intermediates. Without the file
        no browser is asked for a certificate.
        """
        return self.device_certificates / "authorities.pem"

    @property
    def tpm_vendors(self) -> Path:
        """Certificates of TPMs' makers whose word is taken; an administrator puts them there, and none is shipped."""
        return self.certificates / "tpm-vendors"

    @property
    def run(self) -> Path:
        """Sockets and process ids; emptied at start. Must stay short: socket paths end at 107 bytes."""
        return self.home / "run"

    @property
    def logs(self) -> Path:
        """The processes' own logs."""
        return self.home / "log"

    @property
    def decider_socket(self) -> Path:
        """Where Envoy asks the decision service."""
        return self.run / "decider.sock"

    @property
    def control_socket(self) -> Path:
        """Where Envoy reaches the control plane (sign-in, portal, console)."""
        return self.run / "control.sock"

    @property
    def envoy_admin_socket(self) -> Path:
        """Envoy's administration interface; never on a network."""
        return self.run / "envoy-admin.sock"

    @property
    def identity_host(self) -> str:
        """Sign-in and portal."""
        return f"id.{self.configuration.domain}"

    @property
    def console_host(self) -> str:
        """The administrators' console."""
        return f"admin.{self.configuration.domain}"

    @property
    def display_name(self) -> str:
        """What people read as the name of this instance: the organisation, or its domain when none is set."""
        return self.configuration.organisation or self.configuration.domain

    def authority(self, host: str) -> str:
        """`host`, with the port when it is not 443: what stands in links and in `Host`."""
        port = self.configuration.gateway.https_port
        return host if port == 443 else f"{host}:{port}"

    def url(self, host: str, path: str = "/") -> str:
        """An absolute https URL on this instance."""
        return f"https://{self.authority(host)}{path}"
