"""All that other rooms use of sign-in by SAML. Frozen types in, frozen types out."""

from ostiary.saml.domain.bindings import Carried, from_address, from_form
from ostiary.saml.domain.contexts import answer as context_to_name
from ostiary.saml.domain.contexts import needed as strength_needed
from ostiary.saml.domain.metadata import OwnDescription, describe, read_metadata, write_metadata
from ostiary.saml.domain.names import NameFormat, Status
from ostiary.saml.domain.problems import RefusedMessage, UnusableMetadata, Unwritable
from ostiary.saml.domain.requests import (
    AUTHN_REQUEST,
    LOGOUT_REQUEST,
    issuer_of,
    read_authn_request,
    read_logout_request,
)
from ostiary.saml.domain.service_provider import (
    Attribute,
    BadAttribute,
    Described,
    Fact,
    ServiceProvider,
    read_attributes,
)
from ostiary.saml.keys import CertificateInfo, NextKeyExists, NoNextKey, describe_certificate, next_key, signing_key
from ostiary.saml.queries import (
    METADATA_PATH,
    SIGN_IN_PATH,
    SIGN_OUT_PATH,
    UnknownProvider,
    certificate_days_left,
    find_provider,
    get_provider,
    list_providers,
    own_address,
    own_description,
    provider_named,
)
from ostiary.saml.services.answers import (
    AnsweredBefore,
    Asked,
    AskedOut,
    Delivery,
    answer_once,
    write_refusal,
    write_sign_in,
    write_signed_out,
)
from ostiary.saml.services.certificates import abandon_certificate, change_certificate, prepare_certificate
from ostiary.saml.services.naming import name_of, session_index_of
from ostiary.saml.services.providers import add_provider, change_provider
from ostiary.saml.services.relay_states import keep_relay_state, kept_relay_state
from ostiary.saml.services.sign_outs import Meant, answer_to, sign_in_meant

__all__ = [
    "AUTHN_REQUEST",
    "LOGOUT_REQUEST",
    "METADATA_PATH",
    "SIGN_IN_PATH",
    "SIGN_OUT_PATH",
    "AnsweredBefore",
    "Asked",
    "AskedOut",
    "Attribute",
    "BadAttribute",
    "Carried",
    "CertificateInfo",
    "Delivery",
    "Described",
    "Fact",
    "Meant",
    "NameFormat",
    "NextKeyExists",
    "NoNextKey",
    "OwnDescription",
    "RefusedMessage",
    "ServiceProvider",
    "Status",
    "UnknownProvider",
    "UnusableMetadata",
    "Unwritable",
    "abandon_certificate",
    "add_provider",
    "answer_once",
    "answer_to",
    "certificate_days_left",
    "change_certificate",
    "change_provider",
    "context_to_name",
    "describe",
    "describe_certificate",
    "find_provider",
    "from_address",
    "from_form",
    "get_provider",
    "issuer_of",
    "keep_relay_state",
    "kept_relay_state",
    "list_providers",
    "name_of",
    "next_key",
    "own_address",
    "own_description",
    "prepare_certificate",
    "provider_named",
    "read_attributes",
    "read_authn_request",
    "read_logout_request",
    "read_metadata",
    "session_index_of",
    "sign_in_meant",
    "signing_key",
    "strength_needed",
    "write_metadata",
    "write_refusal",
    "write_sign_in",
    "write_signed_out",
]
