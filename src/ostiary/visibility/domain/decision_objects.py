"""The OCSF objects of which a decision's event is made. The event itself is in `decision_event`.

They are made anew for each decision and go nowhere but into its line, so they are neither frozen nor tracked.
Source: OCSF 1.6.0, class 4002.
"""

import msgspec


class User(msgspec.Struct, omit_defaults=True, gc=False):
    """Who asks."""

    uid: str
    type_id: int = 0
    name: str = ""
    email_addr: str = ""
    full_name: str = ""
    groups: msgspec.Raw | None = None


class Session(msgspec.Struct, omit_defaults=True, gc=False):
    """Their session."""

    uid: str
    is_mfa: bool | None = None
    is_remote: bool | None = None


class Actor(msgspec.Struct, omit_defaults=True, gc=False):
    """Who asks, with what, through which program."""

    user: User
    session: Session | None = None
    app_name: str = ""


class Location(msgspec.Struct, omit_defaults=True, gc=False):
    """Where an address is."""

    country: str


class Endpoint(msgspec.Struct, omit_defaults=True, gc=False):
    """One end of the connection."""

    ip: str | None = None
    port: int = 0
    hostname: str = ""
    svc_name: str = ""
    location: Location | None = None


class Url(msgspec.Struct, gc=False):
    """What was asked for, without the query."""

    scheme: str
    hostname: str
    path: str


class HttpRequest(msgspec.Struct, omit_defaults=True, gc=False):
    """The request."""

    http_method: str
    url: Url
    version: str = ""
    user_agent: str = ""
    uid: str = ""


class HttpResponse(msgspec.Struct, gc=False):
    """What was answered."""

    code: int


class Device(msgspec.Struct, omit_defaults=True, gc=False):
    """What was known of the device."""

    uid: str | None
    type_id: int | None = None
    is_managed: bool | None = None
    is_compliant: bool | None = None
