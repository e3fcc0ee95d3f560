"""What checked claims say of somebody. Asking and checking signatures is not done here, nor what follows for an account.

Source: OpenID Connect Core 1.0, sections 2, 3.1.3.7 and 5; RFC 8176 for `amr`.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from ostiary.identity.domain.federation.admission import domain_of
from ostiary.identity.domain.federation.provider import (
    DIRECTORY,
    DIRECTORY_OTP,
    DIRECTORY_PHISHING_RESISTANT,
    MEANINGS,
    Assertion,
    DirectoryRefused,
    Preset,
    Provider,
    Reason,
)
from ostiary.identity.domain.stored_text import can_be_stored

MAX_SUBJECT_CHARACTERS: Final = 255
CLOCK_SECONDS: Final = 60
MAX_VALUES: Final = 1000
MAX_VALUE_CHARACTERS: Final = 255
_USERINFO_MAY_SAY: Final = ("email", "email_verified", "name")


def merge_userinfo(claims: Mapping[str, Any], userinfo: Mapping[str, Any], *, groups_claim: str) -> dict[str, Any]:
    """Return the token's claims with what only the UserInfo answer says: address, name and groups, nothing else.

    Whether an address is verified is believed only of the source that the address is from.

    Raises:
        DirectoryRefused: when the two are about different people (section 5.3.2).
    """
    if userinfo.get("sub") != claims.get("sub"):
        raise DirectoryRefused(Reason.TOKEN_REFUSED, detail="UserInfo is about somebody else")
    merged = dict(claims)
    names = [one for one in (*_USERINFO_MAY_SAY, groups_claim) if one in userinfo and one not in claims]
    if "email" in claims and "email_verified" in names:
        names.remove("email_verified")
    if "email" in names:
        merged.pop("email_verified", None)
        names.append("email_verified")
    merged.update({one: userinfo[one] for one in names if one in userinfo})
    return merged


def read_assertion(provider: Provider, claims: Mapping[str, Any], *, now: float, oldest: float = 0.0) -> Assertion:
    """Return what checked claims say, or refuse them.

    Args:
        provider: who said it.
        claims: of an ID token whose signature, issuer, audience, end and nonce were checked.
        now: seconds since the epoch.
        oldest: a second factor given there before this moment counts no more.

    Raises:
        DirectoryRefused: for a stranger's tenant, a subject that names nobody, or groups that were left out.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_CHARACTERS or not can_be_stored(subject):
        raise DirectoryRefused(Reason.TOKEN_REFUSED, detail="no subject")
    address = _address(claims)
    _check_tenant(provider, claims, address)
    method, at = _proof(provider, claims, now=now, oldest=oldest)
    return Assertion(
        issuer=provider.issuer,
        subject=subject,
        address=address,
        verified=bool(address) and _is_verified(provider, claims),
        name=_text(claims.get("name")),
        values=_values(provider, claims),
        method=method,
        at=at,
        sid=read_sid(claims),
    )


def read_sid(claims: Mapping[str, Any]) -> str:
    """Return what the directory calls the sign-in there; empty where it does not say, or says something too long."""
    sid = claims.get("sid")
    return sid if isinstance(sid, str) and len(sid) <= MAX_SUBJECT_CHARACTERS and can_be_stored(sid) else ""


def _check_tenant(provider: Provider, claims: Mapping[str, Any], address: str) -> None:
    if provider.preset is Preset.GOOGLE:
        hosted = claims.get("hd")
        right = isinstance(hosted, str) and hosted.lower() in provider.domains
        if not right or (address and domain_of(address) not in provider.domains):
            raise DirectoryRefused(Reason.WRONG_TENANT, email=address, detail=f"hd {str(hosted)[:80]}")
    if provider.preset is Preset.ENTRA:
        tenant = urlsplit(provider.issuer).path.strip("/").partition("/")[0].lower()
        if str(claims.get("tid", "")).lower() != tenant:
            raise DirectoryRefused(Reason.WRONG_TENANT, email=address, detail=f"tid {str(claims.get('tid'))[:80]}")


def _is_verified(provider: Provider, claims: Mapping[str, Any]) -> bool:
    """Say whether the directory vouches for the address. Microsoft does so by `xms_edov` alone, where it is set up."""
    said = claims.get("xms_edov" if provider.preset is Preset.ENTRA else "email_verified")
    if provider.preset is Preset.ENTRA:
        return said is True or said in {"1", "true"} if isinstance(said, (bool, str)) else said == 1
    return said is True


def _values(provider: Provider, claims: Mapping[str, Any]) -> tuple[str, ...]:
    elsewhere = claims.get("_claim_names")
    if provider.groups_claim not in claims and isinstance(elsewhere, Mapping) and provider.groups_claim in elsewhere:
        raise DirectoryRefused(Reason.GROUPS_LEFT_OUT, detail="the groups are in _claim_sources")
    found = claims.get(provider.groups_claim, ())
    listed = (found,) if isinstance(found, str) else found
    if not isinstance(listed, (list, tuple)):
        return ()
    if len(listed) > MAX_VALUES:
        raise DirectoryRefused(Reason.GROUPS_LEFT_OUT, detail=f"{len(listed)} groups")
    texts = (one for one in listed if isinstance(one, str) and 0 < len(one) <= MAX_VALUE_CHARACTERS)
    return tuple(dict.fromkeys(texts))


def _proof(provider: Provider, claims: Mapping[str, Any], *, now: float, oldest: float) -> tuple[str, float]:
    """Return what was proved there and when. A second factor counts only with the moment at which it was given."""
    said = claims.get("auth_time")
    if not isinstance(said, (int, float)) or isinstance(said, bool) or not oldest <= said <= now + CLOCK_SECONDS:
        return DIRECTORY, now
    at = min(float(said), now)
    values = [one for name in ("amr", "acr", "acrs") for one in _listed(claims.get(name))]
    methods = {MEANINGS[provider.mfa[one]] for one in values if provider.mfa.get(one) in MEANINGS}
    for method in (DIRECTORY_PHISHING_RESISTANT, DIRECTORY_OTP):
        if method in methods:
            return method, at
    return DIRECTORY, at


def _listed(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, (list, tuple)) else []


def _address(claims: Mapping[str, Any]) -> str:
    said = claims.get("email")
    if not isinstance(said, str):
        return ""
    address = said.strip().lower()
    fits = len(address) <= 254 and address.isascii() and address.isprintable() and address.count("@") == 1
    return address if fits and " " not in address else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= 200 and value.isprintable() else ""
