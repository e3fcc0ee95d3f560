"""An application as the rest of Ostiary sees it. Which values are acceptable is said in the modules beside this one."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

import msgspec

from ostiary.policy.identifiers import AppId, Label
from ostiary.policy.request import ActionClass

IdentityFact = Literal["email", "id", "name", "groups"]


class SignIn(StrEnum):
    """How people get into an application: through the gateway, or by a protocol that the application speaks itself.

    Only apps of the kind `GATEWAY` are behind the gateway. The others are reached at their own address and ask the
    sign-in host who somebody is; the rules decide there and then.
    """

    GATEWAY = "gateway"
    OIDC = "oidc"
    SAML = "saml"


class Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """Where requests for an application go.

    Args:
        url: `http://host[:port]` or `https://host[:port]`; empty for the built-in console.
        verify_tls: check an https upstream's certificate and name. Off only where the network is trusted.
        ca_file: PEM file of the authority that signed the upstream's certificate; empty for the system's list.
        host_header: what stands in `Host` towards the upstream; empty passes on what the client asked for.
        health_path: asked for every few seconds to see whether the app is well; empty watches ordinary traffic.
    """

    url: str = ""
    verify_tls: bool = True
    ca_file: str = ""
    host_header: str = ""
    health_path: str = ""


class App(msgspec.Struct, frozen=True, kw_only=True):
    """One application, behind the gateway or not.

    Args:
        id: what rules name.
        host: the only host name that reaches it, lower case, without port; empty where it is not behind the gateway.
        labels: what rules may name instead of the app.
        methods: HTTP methods whose action class differs from the default.
        identity_headers: header name in lower case to the fact it carries.
        contact: whom a refused person can write to.
        streams: whether WebSocket and other upgrades are forwarded.
        idle_seconds: unused for so long, it asks for a fresh proof; `None` for no limit of its own.
        longest_seconds: so long after the last proof, it asks for a fresh one however it is used; `None` likewise.
        icon: name of a picture in the portal; empty for the first letter.
        builtin: part of Ostiary; it cannot be removed and its address cannot be changed.
        sign_in: how people get in.
        launch_url: where people open an app that is not behind the gateway; empty for one that is.
    """

    id: AppId
    name: str
    host: str
    upstream: Upstream
    labels: tuple[Label, ...] = ()
    methods: Mapping[str, ActionClass] = {}
    identity_headers: Mapping[str, IdentityFact] = {}
    contact: str = ""
    streams: bool = True
    idle_seconds: int | None = None
    longest_seconds: int | None = None
    description: str = ""
    icon: str = ""
    builtin: bool = False
    sign_in: SignIn = SignIn.GATEWAY
    launch_url: str = ""

    @property
    def behind_gateway(self) -> bool:
        """Whether every request to it passes the gateway."""
        return self.sign_in is SignIn.GATEWAY

    @property
    def address(self) -> str:
        """Where people find it, as they read it."""
        return self.host or self.launch_url


class Health(StrEnum):
    """What the gateway knows of an upstream."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


class AppHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How an application's upstream is doing.

    Args:
        detail: one sentence for people; empty when all is well.
    """

    app: AppId
    health: Health
    detail: str = ""


def cluster_name(app: AppId) -> str:
    """Return the name under which the data plane knows an app's upstream, in its configuration and statistics."""
    return f"app-{app}"
