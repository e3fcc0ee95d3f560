"""Connections to device management: which kinds there are, what each needs, and what can be wrong with one. Pure."""

from enum import StrEnum
from typing import Final

import msgspec

from ostiary.errors import OstiaryError

MAX_ADDRESS_CHARACTERS: Final = 300
MAX_CLIENT_CHARACTERS: Final = 200
MAX_SECRET_CHARACTERS: Final = 4000
GRAPH: Final = "https://graph.microsoft.com"
ENTRA: Final = "https://login.microsoftonline.com"
LASTS_SECONDS: Final = 24 * 3600.0
"""So long a record counts from the moment at which the vendor heard of the device."""


class Kind(StrEnum):
    """Whose device management it is. The value is the source under which devices' facts are kept."""

    FLEET = "fleet"
    INTUNE = "intune"
    JAMF = "jamf"

    @property
    def words(self) -> str:
        """The product's name."""
        return {"fleet": "Fleet", "intune": "Microsoft Intune", "jamf": "Jamf Pro"}[self.value]


class UnusableConnection(OstiaryError):
    """A connection cannot be made, or used, as it is described."""


class UnknownConnection(OstiaryError):
    """There is no such connection."""


class ConnectionExists(OstiaryError):
    """There is a connection of this name already."""


class UnknownRecord(OstiaryError):
    """There is no such record."""


class UnusableLink(OstiaryError):
    """A record and a device cannot be linked."""


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """What an administrator says of a connection.

    Args:
        kind: whose device management it is.
        address: of its interface, without a path: `https://` and the host.
        token_address: where tokens are had; empty for Fleet, whose token is given once.
        client_id: under which we are known there; empty for Fleet.
    """

    kind: Kind
    address: str
    token_address: str = ""
    client_id: str = ""


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """One connection. Moments are seconds since the epoch; `None` for never.

    Args:
        name: as it stands on record.
        described: where and what it is.
        added_at: since when it is there.
        added_by: who made it.
        tried_at: when an import began last.
        imported_at: when one last went through.
        next_try_at: when the next is due.
        running_since: while one is under way.
        pages: how far it is.
        found: how many records the last one that went through brought.
        skipped: how many of them could not be read.
        problem: why the last one failed; empty when it did not.
        records: how many are kept.
        linked: how many of them are linked with a device.
    """

    name: str
    described: Described
    added_at: float
    added_by: str
    tried_at: float | None = None
    imported_at: float | None = None
    next_try_at: float | None = None
    running_since: float | None = None
    pages: int = 0
    found: int = 0
    skipped: int = 0
    problem: str = ""
    records: int = 0
    linked: int = 0


def describe(
    kind: str, *, address: str = "", tenant: str = "", token_address: str = "", client_id: str = ""
) -> Described:
    """Return a connection as its kind needs it.

    Args:
        kind: `fleet`, `intune` or `jamf`.
        address: of its interface; Microsoft's own for Intune when empty.
        tenant: for Intune: the directory's identifier or domain.
        token_address: where tokens are had, where it is not the usual place.
        client_id: for Intune and Jamf.

    Raises:
        UnusableConnection: when something is missing, or there that this kind has no use for.
    """
    if kind not in {one.value for one in Kind}:
        raise UnusableConnection(f"{kind[:40]!r} is nothing we can ask.", hint="Write fleet, intune or jamf.")
    which = Kind(kind)
    address = _origin(address or (GRAPH if which is Kind.INTUNE else ""))
    if which is Kind.FLEET:
        if client_id or tenant or token_address:
            raise UnusableConnection(
                "Fleet needs a token alone.", hint="Leave out the client, tenant and token address."
            )
        return Described(kind=which, address=address)
    if not client_id or len(client_id) > MAX_CLIENT_CHARACTERS or not _plain(client_id):
        raise UnusableConnection(
            f"{which.words} needs a client identifier.", hint="Copy it from where you made the client."
        )
    if which is Kind.JAMF:
        if tenant:
            raise UnusableConnection("Jamf Pro has no tenant.", hint="Leave it out.")
        return Described(
            kind=which,
            address=address,
            client_id=client_id,
            token_address=token_address or f"{address}/api/v1/oauth/token",
        )
    if not token_address and (
        not tenant or not all(one.isalnum() or one in ".-" for one in tenant) or not _plain(tenant)
    ):
        raise UnusableConnection("Microsoft Intune needs a tenant.", hint="Its identifier, or its domain: contoso.com.")
    token_address = token_address or f"{ENTRA}/{tenant}/oauth2/v2.0/token"
    return Described(kind=which, address=address, client_id=client_id, token_address=token_address)


def _origin(text: str) -> str:
    scheme, _, rest = text.strip().rstrip("/").partition("://")
    if (
        scheme not in {"https", "http"}
        or not rest
        or "/" in rest
        or len(text) > MAX_ADDRESS_CHARACTERS
        or not _plain(rest)
    ):
        raise UnusableConnection(
            f"{text[:100]!r} is no address of device management.",
            hint="Write https:// and the host: https://fleet.example.com",
        )
    return f"{scheme}://{rest.lower()}"


def _plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and not set(text) & set(' \\"<>^`{|}?#@')
