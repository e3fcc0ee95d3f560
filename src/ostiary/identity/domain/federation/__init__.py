"""What another directory says of somebody, and what follows from it. Pure; asking and checking signatures is not done here."""

from ostiary.identity.domain.federation.admission import (
    domain_of,
    groups_for,
    is_expected,
    may_link_by_address,
    refusal_to_provision,
)
from ostiary.identity.domain.federation.claims import merge_userinfo, read_assertion
from ostiary.identity.domain.federation.issuer import check_issuer, is_guid
from ostiary.identity.domain.federation.logout import MAX_AGE_SECONDS, Logout, read_logout
from ostiary.identity.domain.federation.provider import (
    DIRECTORY,
    DIRECTORY_OTP,
    DIRECTORY_PHISHING_RESISTANT,
    GOOGLE_ISSUER,
    MEANINGS,
    STRENGTHS,
    Assertion,
    DirectoryRefused,
    LinkedSignIn,
    Origin,
    Preset,
    Provider,
    ProviderId,
    Reason,
    UnacceptableProvider,
)

__all__ = [
    "DIRECTORY",
    "DIRECTORY_OTP",
    "DIRECTORY_PHISHING_RESISTANT",
    "GOOGLE_ISSUER",
    "MAX_AGE_SECONDS",
    "MEANINGS",
    "STRENGTHS",
    "Assertion",
    "DirectoryRefused",
    "LinkedSignIn",
    "Logout",
    "Origin",
    "Preset",
    "Provider",
    "ProviderId",
    "Reason",
    "UnacceptableProvider",
    "check_issuer",
    "domain_of",
    "groups_for",
    "is_expected",
    "is_guid",
    "may_link_by_address",
    "merge_userinfo",
    "read_assertion",
    "read_logout",
    "refusal_to_provision",
]
