"""All that other rooms use of services and tokens. Frozen types in, frozen types out."""

from ostiary.workloads.domain.assertions import AssertionRefused
from ostiary.workloads.domain.issuing import Code, Entitled, TokenRefused, TooManyTokens
from ostiary.workloads.domain.keys import UnusableKey
from ostiary.workloads.domain.personal import (
    LONGEST_DAYS as LONGEST_TOKEN_DAYS,
)
from ostiary.workloads.domain.personal import (
    NewToken,
    PersonalToken,
    UnknownToken,
    UnusableToken,
)
from ostiary.workloads.domain.presets import PRESETS, Kind, Preset
from ostiary.workloads.domain.services import (
    DEFAULT_DAYS,
    LONGEST_DAYS,
    TOKEN_MINUTES,
    Closed,
    Key,
    Service,
    ServiceExists,
    State,
    UnknownService,
    UnusableService,
)
from ostiary.workloads.domain.trust import (
    GITHUB,
    GITLAB,
    Trust,
    UnusableAudience,
    UnusableClaims,
    UnusableIssuer,
    UnusableKeySet,
    UnusableTrust,
    read_claims,
)
from ostiary.workloads.journal import record_issue
from ostiary.workloads.queries import get_service, get_token, list_services, list_tokens
from ostiary.workloads.services.closing import tend_services
from ostiary.workloads.services.issuing import entitle, entitle_by_hand
from ostiary.workloads.services.personal import make_token, note_token_use, revoke_token
from ostiary.workloads.services.proofs import add_key, add_trust, remove_key, remove_trust
from ostiary.workloads.services.register import (
    add_service,
    change_service,
    disable_service,
    enable_service,
    remove_service,
)
from ostiary.workloads.services.restoring import close_after_restore
from ostiary.workloads.services.trying import RuleTried, TokenTried, TrustTried, try_token
from ostiary.workloads.services.unused import closes_at

__all__ = [
    "DEFAULT_DAYS",
    "GITHUB",
    "GITLAB",
    "LONGEST_DAYS",
    "LONGEST_TOKEN_DAYS",
    "PRESETS",
    "TOKEN_MINUTES",
    "AssertionRefused",
    "Closed",
    "Code",
    "Entitled",
    "Key",
    "Kind",
    "NewToken",
    "PersonalToken",
    "Preset",
    "RuleTried",
    "Service",
    "ServiceExists",
    "State",
    "TokenRefused",
    "TokenTried",
    "TooManyTokens",
    "Trust",
    "TrustTried",
    "UnknownService",
    "UnknownToken",
    "UnusableAudience",
    "UnusableClaims",
    "UnusableIssuer",
    "UnusableKey",
    "UnusableKeySet",
    "UnusableService",
    "UnusableToken",
    "UnusableTrust",
    "add_key",
    "add_service",
    "add_trust",
    "change_service",
    "close_after_restore",
    "closes_at",
    "disable_service",
    "enable_service",
    "entitle",
    "entitle_by_hand",
    "get_service",
    "get_token",
    "list_services",
    "list_tokens",
    "make_token",
    "note_token_use",
    "read_claims",
    "record_issue",
    "remove_key",
    "remove_service",
    "remove_trust",
    "revoke_token",
    "tend_services",
    "try_token",
]
