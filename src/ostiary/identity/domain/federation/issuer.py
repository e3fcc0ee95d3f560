"""Which issuers stand for one organisation's directory, and not for everybody in the world."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from ostiary.identity.domain.federation.provider import GOOGLE_ISSUER, Preset, UnacceptableProvider
from ostiary.identity.domain.stored_text import can_be_stored

_TENANTS_OF_EVERYBODY: Final = frozenset({"common", "organizations", "consumers"})
_GUID_PARTS: Final = (8, 4, 4, 4, 12)


def check_issuer(preset: Preset, issuer: str, domains: Iterable[str]) -> str:
    """Return the issuer when it names one organisation's directory.

    Raises:
        UnacceptableProvider: when anybody in the world could sign in, or the address is none.
    """
    parts = urlsplit(issuer)
    local = parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if not parts.hostname or parts.query or parts.fragment or parts.username or not can_be_stored(issuer):
        raise UnacceptableProvider("The issuer is not an address.", hint="Write it as https://login.example.com/…")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise UnacceptableProvider("The issuer must be an https address.", hint="Write it as https://…")
    if preset is Preset.GOOGLE and issuer != GOOGLE_ISSUER:
        raise UnacceptableProvider(f"Google's issuer is {GOOGLE_ISSUER}.", hint="Leave --issuer out.")
    if (preset is Preset.GOOGLE or issuer == GOOGLE_ISSUER) and not (tuple(domains) and preset is Preset.GOOGLE):
        raise UnacceptableProvider(
            "Without a domain, every Google account in the world could sign in.",
            hint="Say whose accounts come in: --preset google --domain example.com",
        )
    if preset is Preset.ENTRA or parts.hostname in {"login.microsoftonline.com", "sts.windows.net"}:
        _check_tenant_of_issuer(preset, parts.path)
    return issuer


def _check_tenant_of_issuer(preset: Preset, path: str) -> None:
    tenant = path.strip("/").partition("/")[0].lower()
    if tenant in _TENANTS_OF_EVERYBODY:
        raise UnacceptableProvider(
            f"“{tenant}” stands for every organisation that uses Microsoft.",
            hint="Give your own tenant's identifier: --tenant 00000000-0000-0000-0000-000000000000",
        )
    if not is_guid(tenant):
        raise UnacceptableProvider(
            "The tenant is not an identifier.", hint="Microsoft shows it as “Directory (tenant) ID”; use that."
        )
    if preset is not Preset.ENTRA:
        raise UnacceptableProvider("This is Microsoft's issuer.", hint="Use --preset entra, which knows its claims.")


def is_guid(text: str) -> bool:
    """Say whether `text` is written as a GUID."""
    parts = text.split("-")
    return tuple(map(len, parts)) == _GUID_PARTS and all(set(part.lower()) <= set("0123456789abcdef") for part in parts)
