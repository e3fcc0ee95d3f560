"""Names that the standards fix: namespaces, bindings, formats, status codes and algorithms.

Source: OASIS SAML 2.0 core, bindings, metadata and authentication contexts (March 2005, with errata 05); RFC 9231.
"""

from enum import StrEnum
from typing import Final

PROTOCOL: Final = "urn:oasis:names:tc:SAML:2.0:protocol"
ASSERTION: Final = "urn:oasis:names:tc:SAML:2.0:assertion"
METADATA: Final = "urn:oasis:names:tc:SAML:2.0:metadata"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"

REDIRECT: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
ENTITY_FORMAT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
URI_NAME: Final = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
BASIC_NAME: Final = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"


class NameFormat(StrEnum):
    """How somebody is named to an application (core, 8.3)."""

    PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
    TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"


UNSPECIFIED_FORMAT: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"


class Status(StrEnum):
    """How a request ended (core, 3.2.2.2). All but the first three stand inside one of those."""

    SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
    REQUESTER = "urn:oasis:names:tc:SAML:2.0:status:Requester"
    RESPONDER = "urn:oasis:names:tc:SAML:2.0:status:Responder"
    NO_PASSIVE = "urn:oasis:names:tc:SAML:2.0:status:NoPassive"
    NO_CONTEXT = "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext"
    INVALID_NAME_POLICY = "urn:oasis:names:tc:SAML:2.0:status:InvalidNameIDPolicy"
    UNKNOWN_PRINCIPAL = "urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal"
    DENIED = "urn:oasis:names:tc:SAML:2.0:status:RequestDenied"
    PARTIAL_LOGOUT = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout"
