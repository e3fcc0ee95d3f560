"""An application that speaks SAML, for tests: its keys, its requests as it would send them, and what it makes of a response."""

import base64
import datetime
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml import XMLSigner
from signxml.algorithms import CanonicalizationMethod

from ostiary.saml.domain import names
from ostiary.saml.domain.responses import SigningKey
from ostiary.saml.domain.service_provider import Consumer, Described, ServiceProvider

ENTITY = "https://sp.example/saml"
CONSUMER = "https://sp.example/saml/acs"
SIGN_IN = "https://id.corp.test/saml/sign-in"
SIGN_OUT = "https://id.corp.test/saml/sign-out"
NOW = 1_800_000_000.0
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"


@lru_cache
def key_of(who: str) -> SigningKey:
    """Return the key of a party, the same for each name, with a certificate that is over: only its key counts."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, who)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(2021, 1, 1, tzinfo=datetime.UTC))
        .sign(key, hashes.SHA256())
    )
    return SigningKey(key=key, certificate=certificate)


def pem_of(who: str) -> str:
    return key_of(who).certificate.public_bytes(Encoding.PEM).decode()


def provider(*, signed: bool = False, known: tuple[str, ...] = ("sp",), **more: Any) -> ServiceProvider:
    described = Described(
        entity_id=ENTITY,
        consumers=(Consumer(url=CONSUMER, index=0), Consumer(url=f"{CONSUMER}/2", index=7)),
        certificates=tuple(pem_of(one) for one in known),
        signs_requests=signed,
    )
    return ServiceProvider(app="crm", described=described, **more)  # type: ignore[arg-type]


def moment(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def authn_request(
    inside: str = "",
    *,
    at: float = NOW,
    issuer: str = ENTITY,
    request_id: str = "_a1",
    destination: str = SIGN_IN,
    **attributes: str,
) -> bytes:
    """Return an AuthnRequest; attributes of its element by name, `inside` after its issuer."""
    return _message("AuthnRequest", inside, at, issuer, request_id, destination, attributes)


def logout_request(
    name: str,
    *,
    index: str = "",
    at: float = NOW,
    issuer: str = ENTITY,
    request_id: str = "_l1",
    destination: str = SIGN_OUT,
    **attributes: str,
) -> bytes:
    inside = f"<saml:NameID>{name}</saml:NameID>"
    inside += f"<samlp:SessionIndex>{index}</samlp:SessionIndex>" if index else ""
    return _message("LogoutRequest", inside, at, issuer, request_id, destination, attributes)


def _message(  # noqa: PLR0917 - one place for both kinds
    kind: str, inside: str, at: float, issuer: str, request_id: str, destination: str, attributes: Mapping[str, str]
) -> bytes:
    all_of_them = {"ID": request_id, "Version": "2.0", "IssueInstant": moment(at), **attributes}
    if destination:
        all_of_them["Destination"] = destination
    written = " ".join(f'{name}="{value}"' for name, value in all_of_them.items())
    return (
        f'<samlp:{kind} xmlns:samlp="{names.PROTOCOL}" xmlns:saml="{names.ASSERTION}" {written}>'
        f"<saml:Issuer>{issuer}</saml:Issuer>{inside}</samlp:{kind}>"
    ).encode()


def signed(document: bytes, who: str = "sp") -> bytes:
    """Return a message signed as libraries of applications sign it."""
    root = etree.fromstring(document)
    mark = etree.Element(f"{{{names.DS}}}Signature", nsmap={"ds": names.DS}, Id="placeholder")
    root.insert(1, mark)
    signer = XMLSigner(c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0)
    one = key_of(who)
    return bytes(
        etree.tostring(
            signer.sign(root, key=one.key, cert=[one.certificate], reference_uri=root.get("ID"), id_attribute="ID")
        )
    )


def query(document: bytes, *, relay_state: str = "", who: str = "", field: str = "SAMLRequest") -> str:
    """Return the query of an address that carries a message, signed by `who`."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = base64.b64encode(packer.compress(document) + packer.flush()).decode()
    text = f"{field}={quote_plus(packed)}"
    text += f"&RelayState={quote_plus(relay_state)}" if relay_state else ""
    if not who:
        return text
    text += f"&SigAlg={quote_plus(RSA_SHA256)}"
    signature = key_of(who).key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{text}&Signature={quote_plus(base64.b64encode(signature).decode())}"


def form(document: bytes, relay_state: str = "") -> dict[str, list[str]]:
    fields = {"SAMLRequest": [base64.b64encode(document).decode()]}
    return {**fields, "RelayState": [relay_state]} if relay_state else fields


def metadata(
    inside: str = "",
    *,
    entity: str = ENTITY,
    consumer: str = CONSUMER,
    who: str = "sp",
    attributes: str = "",
    role_attributes: str = "",
) -> bytes:
    """Return what an application says of itself."""
    certificate = base64.b64encode(key_of(who).certificate.public_bytes(Encoding.DER)).decode()
    return (
        f'<?xml version="1.0"?><!-- made by hand --><md:EntityDescriptor xmlns:md="{names.METADATA}" '
        f'xmlns:ds="{names.DS}" entityID="{entity}" {attributes}>'
        f'<md:SPSSODescriptor protocolSupportEnumeration="{names.PROTOCOL}" {role_attributes}>'
        f'<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}'
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        f'<md:AssertionConsumerService Binding="{names.POST}" Location="{consumer}" index="1"/>{inside}'
        "</md:SPSSODescriptor></md:EntityDescriptor>"
    ).encode()
