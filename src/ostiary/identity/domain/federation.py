"""What another directory says of somebody, and what follows from it. Asking and checking signatures is not done here.

Source: OpenID Connect Core 1.0, sections 2, 3.1.3.7 and 5; RFC 8176 for `amr`; the published take-over by an
unverified address ("nOAuth"): people are known by issuer and subject, an address is only ever a hint.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, NewType
from urllib.parse import urlsplit

import msgspec

from ostiary.errors import OstiaryError
from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.policy.identifiers import GroupId
from ostiary.policy.request import AuthStrength

ProviderId = NewType("ProviderId", str)

DIRECTORY: Final = "directory"
DIRECTORY_OTP: Final = "directory_otp"
DIRECTORY_PHISHING_RESISTANT: Final = "directory_phishing_resistant"
MEANINGS: Final = {"otp": DIRECTORY_OTP, "phishing-resistant": DIRECTORY_PHISHING_RESISTANT}
GOOGLE_ISSUER: Final = "https://accounts.google.com"
MAX_SUBJECT_CHARACTERS: Final = 255
CLOCK_SECONDS: Final = 60
MAX_VALUES: Final = 1000
MAX_VALUE_CHARACTERS: Final = 255
_TENANTS_OF_EVERYBODY: Final = frozenset({"common", "organizations", "consumers"})
_GUID_PARTS: Final = (8, 4, 4, 4, 12)
_USERINFO_MAY_SAY: Final = ("email", "email_verified", "name")


class Preset(StrEnum):
    """Which directory it is: it decides what an address is worth, and how strangers are kept out."""

    ENTRA = "entra"
    OKTA = "okta"
    GOOGLE = "google"
    OIDC = "oidc"


class Reason(StrEnum):
    """Why somebody is not let in by another directory; stable codes, for the record."""

    CANCELLED = "cancelled"
    REFUSED_THERE = "refused_there"
    NOT_THIS_BROWSER = "not_this_browser"
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - names a reason
    UNREACHABLE = "unreachable"
    WRONG_TENANT = "wrong_tenant"
    ADDRESS_NOT_VERIFIED = "address_not_verified"
    NOT_INVITED = "not_invited"
    NOT_IN_GROUP = "not_in_group"
    ACCOUNT_EXISTS = "account_exists"
    GROUPS_LEFT_OUT = "groups_left_out"
    PERSON_DISABLED = "person_disabled"
    LINKED_ELSEWHERE = "linked_elsewhere"
    LINK_FIRST = "link_first"


class DirectoryRefused(OstiaryError):
    """Somebody is not let in by another directory; `reason` says why."""

    def __init__(self, reason: Reason, *, detail: str = "", email: str = "", person_id: str = "") -> None:
        super().__init__(f"This sign-in was refused ({reason}).", detail=detail)
        self.reason = reason
        self.email = email
        self.person_id = person_id


class UnacceptableProvider(OstiaryError):
    """A directory cannot be used as described."""


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A directory whose sign-in is accepted here.

    Args:
        name: what people read on the button.
        issuer: the one issuer whose tokens count, exactly.
        client_id: what this instance is called there.
        domains: Google: whose accounts come in. Everywhere: which addresses may get an account by themselves.
        authoritative: the domains whose addresses this directory alone gives out: an account with such an address is
            linked without being asked for its own proof, when the address is verified.
        provisions: whether whoever comes from there gets an account by themselves.
        required: values of the groups claim of which somebody must have one; empty lets everybody in.
        groups_claim: the claim that lists groups.
        groups: value of that claim → group here.
        mfa: value of `amr`, `acr` or `acrs` → `otp` or `phishing-resistant`; empty asks for our own second factor.
        scopes: what is asked for.
        people: how many are linked.
    """

    id: ProviderId
    preset: Preset
    name: str
    issuer: str
    client_id: str
    domains: tuple[str, ...] = ()
    authoritative: tuple[str, ...] = ()
    provisions: bool = False
    required: tuple[str, ...] = ()
    groups_claim: str = "groups"
    groups: dict[str, GroupId] = {}
    mfa: dict[str, str] = {}
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    people: int = 0

    @property
    def via(self) -> str:
        """How memberships say that they came from here."""
        return f"directory:{self.id}"


class LinkedSignIn(msgspec.Struct, frozen=True, kw_only=True):
    """One person's account in one directory; moments in seconds since the epoch."""

    id: str
    provider: ProviderId
    provider_name: str
    person_id: str
    person_email: str
    person_name: str
    label: str
    linked_at: float
    last_used_at: float | None = None


class Assertion(msgspec.Struct, frozen=True, kw_only=True):
    """What a directory said of somebody, after everything was checked.

    Args:
        subject: who it is there; never used again for somebody else.
        address: an e-mail address in small letters, or empty.
        verified: whether the directory vouches that the address is this person's.
        values: what the groups claim lists.
        method: the proof that this is worth here: one of the three `directory…` methods.
        at: when they proved it there, seconds since the epoch.
    """

    issuer: str
    subject: str
    address: str = ""
    verified: bool = False
    name: str = ""
    values: tuple[str, ...] = ()
    method: str = DIRECTORY
    at: float


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
    )


def groups_for(provider: Provider, values: Iterable[str]) -> tuple[GroupId, ...]:
    """Return the groups that these values of the groups claim bring, sorted."""
    return tuple(sorted({provider.groups[value] for value in values if value in provider.groups}))


def is_expected(provider: Provider, assertion: Assertion) -> bool:
    """Say whether somebody is in one of the groups there that may come in here."""
    return not provider.required or bool(set(provider.required) & set(assertion.values))


def may_link_by_address(provider: Provider, assertion: Assertion) -> bool:
    """Say whether this directory's word for an address is enough to take the account that has it."""
    return assertion.verified and domain_of(assertion.address) in provider.authoritative


def refusal_to_provision(provider: Provider, assertion: Assertion) -> Reason | None:
    """Return why somebody unknown gets no account by themselves; `None` when they get one."""
    if not provider.provisions or domain_of(assertion.address) not in provider.domains:
        return Reason.NOT_INVITED
    return None if assertion.verified else Reason.ADDRESS_NOT_VERIFIED


def domain_of(address: str) -> str:
    """Return what stands behind the last `@`."""
    return address.rpartition("@")[2].lower()


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


STRENGTHS: Final = {
    DIRECTORY: AuthStrength.SINGLE,
    DIRECTORY_OTP: AuthStrength.OTP,
    DIRECTORY_PHISHING_RESISTANT: AuthStrength.PHISHING_RESISTANT,
}
