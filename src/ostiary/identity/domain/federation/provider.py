"""What a directory is, who is linked to it, what it said of somebody, and how a refusal is named. What follows is beside this module."""

from enum import StrEnum
from typing import Final, Literal, NewType

import msgspec

from ostiary.errors import OstiaryError
from ostiary.policy.identifiers import GroupId
from ostiary.policy.request import AuthStrength

ProviderId = NewType("ProviderId", str)
DIRECTORY: Final = "directory"
DIRECTORY_OTP: Final = "directory_otp"
DIRECTORY_PHISHING_RESISTANT: Final = "directory_phishing_resistant"
MEANINGS: Final = {"otp": DIRECTORY_OTP, "phishing-resistant": DIRECTORY_PHISHING_RESISTANT}
STRENGTHS: Final = {
    DIRECTORY: AuthStrength.SINGLE,
    DIRECTORY_OTP: AuthStrength.OTP,
    DIRECTORY_PHISHING_RESISTANT: AuthStrength.PHISHING_RESISTANT,
}
GOOGLE_ISSUER: Final = "https://accounts.google.com"


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
        signs_out: whether who signs out here is sent there to sign out as well.
        proves_by: how this instance shows the directory who it is: by a client `secret`, or by a `key` (`private_key_jwt`).
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
    signs_out: bool = False
    proves_by: Literal["secret", "key"] = "secret"
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
        sid: what the directory calls the sign-in there; empty where it does not say.
    """

    issuer: str
    subject: str
    address: str = ""
    verified: bool = False
    name: str = ""
    values: tuple[str, ...] = ()
    method: str = DIRECTORY
    at: float
    sid: str = ""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The sign-in in another directory by which a sign-in here began.

    Args:
        provider: the directory.
        subject: who it was there.
        sid: what the directory calls the sign-in there; empty where it does not say.
        at: when they went there, seconds since the epoch.
    """

    provider: str
    subject: str
    sid: str = ""
    at: float
