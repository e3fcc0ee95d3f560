"""What the machine itself does: where it listens, with which certificate, where it keeps things and how it sends mail."""

from typing import Annotated, Literal

from msgspec import Meta

from ostiary.config.section import Port, Positive, Section


class Gateway(Section, frozen=True, kw_only=True):
    """The listener that people and machines reach.

    Args:
        address: the address to bind.
        https_port: where TLS is served; also the port in every link when it is not 443.
        http_port: redirects to HTTPS; 0 switches it off.
        workers: Envoy worker threads; 0 means one per core.
        max_body_bytes: largest request body.
        max_header_kib: largest request header block.
        max_connections: connections accepted at once; more are closed at once.
        request_seconds: a whole request and its answer, streams excepted.
        stream_seconds: the longest life of a WebSocket, event stream or other upgrade.
        trusted_proxies: how many proxies in front append to `X-Forwarded-For`; 0 believes nobody.
    """

    address: str = "0.0.0.0"  # noqa: S104 - a gateway listens for everybody; the decision is per request
    https_port: Port = 443
    http_port: Annotated[int, Meta(ge=0, le=65535)] = 80
    workers: Annotated[int, Meta(ge=0, le=256)] = 0
    max_body_bytes: Positive = 1024 * 1024 * 1024
    max_header_kib: Annotated[int, Meta(ge=4, le=96)] = 32
    max_connections: Positive = 20_000
    request_seconds: Positive = 300
    stream_seconds: Positive = 900
    trusted_proxies: Annotated[int, Meta(ge=0, le=8)] = 0

    @property
    def address_here(self) -> str:
        """Return the address at which this machine itself reaches the listener."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.address, self.address)  # noqa: S104


class Tls(Section, frozen=True, kw_only=True):
    """Where the gateway's certificate comes from.

    Args:
        mode: `private` makes an authority of this instance's own; `files` uses the two files below,
            which are read again whenever they change.
        certificate: the certificate chain, PEM, the gateway's own certificate first.
        key: its private key, PEM, without a passphrase.
    """

    mode: Literal["private", "files"] = "private"
    certificate: str = ""
    key: str = ""


class Database(Section, frozen=True, kw_only=True):
    """Where state is kept.

    Args:
        url: `postgresql://user:password@host/name`; empty keeps everything in one SQLite file in the instance's folder.
    """

    url: str = ""


class Mail(Section, frozen=True, kw_only=True):
    """How invitations and confirmations leave.

    Args:
        transport: `smtp` sends; `files` writes each message to `state/mail`; `console` prints it to the log.
        sender: the address in `From`; empty means `ostiary@<domain>`.
        host: the SMTP server.
        port: the port of that server.
        username: whom to sign in as there; empty signs in as nobody.
        password_file: a file that holds the SMTP password alone.
        security: how the connection is encrypted: `starttls` (587), `tls` (465) or `none`.
    """

    transport: Literal["smtp", "files", "console"] = "files"
    sender: str = ""
    host: str = ""
    port: Port = 587
    username: str = ""
    password_file: str = ""
    security: Literal["starttls", "tls", "none"] = "starttls"
