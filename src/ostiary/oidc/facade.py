"""All that other rooms use of the OpenID Connect provider."""

from ostiary.oidc.adapters.key_files import SigningKey
from ostiary.oidc.answers import discovery, token_answer, userinfo_answer
from ostiary.oidc.authentication import authenticate_client
from ostiary.oidc.domain.authorization import Asked, AuthorizationRefused, read_asked, single_values
from ostiary.oidc.domain.claims import acr_of, counted_since
from ostiary.oidc.domain.client import Client, ClientKind, UnknownClient, UnusableClient
from ostiary.oidc.domain.presets import PRESETS, Preset, find_preset
from ostiary.oidc.journal import record_sign_in
from ostiary.oidc.queries import (
    count_sign_ins,
    find_client,
    get_client,
    last_logout_problems,
    list_clients,
    return_origins,
)
from ostiary.oidc.services.clients import Added, add_client, change_client, remove_client, rotate_secret
from ostiary.oidc.services.grants import (
    Held,
    Tokens,
    find_by_access_token,
    forget_old_grants,
    issue_code,
    issue_tokens,
    look_at_code,
    look_at_refresh_token,
    revoke,
    rotate,
)
from ostiary.oidc.services.keys import rotate_keys, rotate_old_keys
from ostiary.oidc.services.logouts import end_grants_of_ended_sessions, send_logouts
from ostiary.oidc.signing import issuer, key_set, read_hint, signing_keys

__all__ = [
    "PRESETS",
    "Added",
    "Asked",
    "AuthorizationRefused",
    "Client",
    "ClientKind",
    "Held",
    "Preset",
    "SigningKey",
    "Tokens",
    "UnknownClient",
    "UnusableClient",
    "acr_of",
    "add_client",
    "authenticate_client",
    "change_client",
    "count_sign_ins",
    "counted_since",
    "discovery",
    "end_grants_of_ended_sessions",
    "find_by_access_token",
    "find_client",
    "find_preset",
    "forget_old_grants",
    "get_client",
    "issue_code",
    "issue_tokens",
    "issuer",
    "key_set",
    "last_logout_problems",
    "list_clients",
    "look_at_code",
    "look_at_refresh_token",
    "read_asked",
    "read_hint",
    "record_sign_in",
    "remove_client",
    "return_origins",
    "revoke",
    "rotate",
    "rotate_keys",
    "rotate_old_keys",
    "rotate_secret",
    "send_logouts",
    "signing_keys",
    "single_values",
    "token_answer",
    "userinfo_answer",
]
