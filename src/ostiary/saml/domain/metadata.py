"""Metadata: what applications say of themselves, read; and what this instance says of itself, written.

Metadata is taken from an administrator's hand, so a signature on it is not asked for. Only what stands in the one
description of the one application at the top is read, by its place; whatever is nested elsewhere is never looked for.

Source: OASIS SAML 2.0 metadata, 2.3 and 2.4.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from ostiary.saml.domain import names
from ostiary.saml.domain.moments import read_moment
from ostiary.saml.domain.problems import RefusedMessage, UnusableMetadata
from ostiary.saml.domain.service_provider import Consumer, Described
from ostiary.saml.domain.xml import Element, boolean_of, named, parse, text_of

MAX_BYTES: Final = 512 * 1024
MAX_URL: Final = 1000
MAX_ENTITY_ID: Final = 1024
MAX_CONSUMERS: Final = 100
MAX_CERTIFICATES: Final = 8
MIN_RSA_BITS: Final = 2048
_VISIBLE: Final = re.compile(r"[!-~]+", re.ASCII)
_MD: Final = names.METADATA


class OwnDescription(msgspec.Struct, frozen=True, kw_only=True):
    """What this instance says of itself.

    Args:
        certificates: DER, the one in use first; during a change of keys the next one as well.
    """

    entity_id: str
    sign_in_url: str
    sign_out_url: str
    certificates: tuple[bytes, ...]


def read_metadata(document: bytes, *, now: float) -> Described:
    """Return what an application says of itself.

    Args:
        document: one EntityDescriptor.
        now: seconds since the epoch.

    Raises:
        UnusableMetadata: when it cannot be used, with what is wrong.
    """
    try:
        return _described(parse(document, limit=MAX_BYTES, comments=True), now)
    except RefusedMessage as refused:
        raise UnusableMetadata(
            f"This metadata cannot be used. {refused.message}",
            hint="Take the file that the application offers under its single sign-on settings.",
            detail=refused.detail,
        ) from None


def _described(root: Element, now: float) -> Described:
    if root.tag == named(_MD, "EntitiesDescriptor"):
        raise RefusedMessage("It describes several parties; one application is wanted.")
    if root.tag != named(_MD, "EntityDescriptor"):
        raise RefusedMessage("It is no SAML metadata: its first element is not EntityDescriptor.")
    roles = [child for child in root if child.tag == named(_MD, "SPSSODescriptor")]
    if len(roles) != 1:
        raise RefusedMessage("It describes no application that takes sign-ins, or several.")
    role = roles[0]
    if names.PROTOCOL not in role.get("protocolSupportEnumeration", "").split():
        raise RefusedMessage("The application does not speak SAML 2.0.")
    for one in (root, role):
        if (until := one.get("validUntil")) is not None and read_moment(until) <= now:
            raise RefusedMessage(f"It was good until {until} only.")
    logout, by_redirect = _logout(role)
    return Described(
        entity_id=parse_entity_id(root.get("entityID", "")),
        consumers=_consumers(role),
        logout_url=logout,
        logout_by_redirect=by_redirect,
        certificates=_certificates(role),
        signs_requests=boolean_of(role, "AuthnRequestsSigned"),
        name_formats=tuple(text_of(one) for one in role.findall(named(_MD, "NameIDFormat"))[:20]),
    )


def describe(*, entity_id: str, consumers: Iterable[str], certificates: Iterable[str] = ()) -> Described:
    """Return an application's description from what an administrator typed.

    Raises:
        UnusableMetadata: when a value cannot be used.
    """
    try:
        urls = tuple(dict.fromkeys(consumers))
        if not urls:
            raise RefusedMessage("There is no address that takes sign-ins.")
        return Described(
            entity_id=parse_entity_id(entity_id),
            consumers=tuple(Consumer(url=parse_url(url), index=number) for number, url in enumerate(urls)),
            certificates=tuple(dict.fromkeys(parse_certificate(_unwrapped(one)) for one in certificates)),
        )
    except RefusedMessage as refused:
        raise UnusableMetadata(refused.message, hint="Copy the values from the application's page.") from None


def parse_entity_id(text: str) -> str:
    """Return the name of a party: visible characters, at most 1024 (core, 8.3.6).

    Raises:
        RefusedMessage: for anything else.
    """
    if len(text) > MAX_ENTITY_ID or not _VISIBLE.fullmatch(text):
        raise RefusedMessage("The entity ID is empty, too long or holds characters that none may.")
    return text


def parse_url(text: str) -> str:
    """Return an address to which a browser may be sent with what it carries.

    Raises:
        RefusedMessage: for anything but a plain https address.
    """
    if len(text) <= MAX_URL and _VISIBLE.fullmatch(text) and not set(text) & set("\\\"'<>`{}|^"):
        try:
            parts = urlsplit(text)
            good = parts.scheme == "https" and parts.hostname and "@" not in parts.netloc and not parts.fragment
            _port = parts.port
        except ValueError:
            good = False
        if good:
            return text
    raise RefusedMessage(f"{text[:200]!r} is not a plain https address.")


def parse_certificate(text: str) -> str:
    """Return a certificate as PEM, from the base64 of its DER.

    Raises:
        RefusedMessage: for anything but a certificate with a key that is strong enough.
    """
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode("".join(text.split()), validate=True))
        key = certificate.public_key()
    except (ValueError, binascii.Error, TypeError):
        raise RefusedMessage("A certificate cannot be read.") from None
    except Exception as error:
        raise RefusedMessage("A certificate cannot be read.", detail=str(error)[:200]) from None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return certificate.public_bytes(Encoding.PEM).decode()
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in {"secp256r1", "secp384r1", "secp521r1"}:
        return certificate.public_bytes(Encoding.PEM).decode()
    raise RefusedMessage("A certificate's key is neither RSA of 2048 bits or more nor on a NIST curve.")


def _unwrapped(pem: str) -> str:
    return re.sub(r"-----(BEGIN|END) CERTIFICATE-----", "", pem)


def _consumers(role: Element) -> tuple[Consumer, ...]:
    found: list[tuple[bool, Consumer]] = []
    for one in role.findall(named(_MD, "AssertionConsumerService")):
        if one.get("Binding") != names.POST:
            continue
        index = one.get("index", "0")
        if not re.fullmatch(r"\d{1,5}", index, re.ASCII) or int(index) > 65535:
            raise RefusedMessage("An address that takes sign-ins has no usable index.")
        found.append((boolean_of(one, "isDefault"), Consumer(url=parse_url(one.get("Location", "")), index=int(index))))
    if not found:
        raise RefusedMessage("It names no address that takes sign-ins by POST.")
    if len(found) > MAX_CONSUMERS:
        raise RefusedMessage(f"It names more than {MAX_CONSUMERS} addresses.")
    if len({one.index for _default, one in found}) != len(found):
        raise RefusedMessage("Two addresses that take sign-ins have the same index.")
    return tuple(one for _default, one in sorted(found, key=lambda pair: not pair[0]))


def _logout(role: Element) -> tuple[str, bool]:
    """Return where answers to requests for sign-out go, and whether in an address; an address before a form."""
    services = role.findall(named(_MD, "SingleLogoutService"))
    for binding in (names.REDIRECT, names.POST):
        for one in services:
            if one.get("Binding") == binding:
                location = one.get("ResponseLocation") or one.get("Location") or ""
                return parse_url(location), binding == names.REDIRECT
    return "", False


def _certificates(role: Element) -> tuple[str, ...]:
    found: list[str] = []
    for key in role.findall(named(_MD, "KeyDescriptor")):
        if key.get("use", "signing") != "signing":
            continue
        path = "/".join(named(names.DS, name) for name in ("KeyInfo", "X509Data", "X509Certificate"))
        found += [parse_certificate(text_of(one, limit=20_000)) for one in key.findall(path)]
    if len(found) > MAX_CERTIFICATES:
        raise RefusedMessage(f"It names more than {MAX_CERTIFICATES} certificates.")
    return tuple(dict.fromkeys(found))


def write_metadata(own: OwnDescription) -> bytes:
    """Return this instance's metadata."""
    root = etree.Element(named(_MD, "EntityDescriptor"), nsmap={"md": _MD, "ds": names.DS}, entityID=own.entity_id)
    role = etree.SubElement(
        root,
        named(_MD, "IDPSSODescriptor"),
        WantAuthnRequestsSigned="false",
        protocolSupportEnumeration=names.PROTOCOL,
    )
    for certificate in own.certificates:
        key = etree.SubElement(role, named(_MD, "KeyDescriptor"), use="signing")
        info = etree.SubElement(key, named(names.DS, "KeyInfo"))
        data = etree.SubElement(info, named(names.DS, "X509Data"))
        etree.SubElement(data, named(names.DS, "X509Certificate")).text = base64.b64encode(certificate).decode()
    for binding in (names.REDIRECT, names.POST):
        etree.SubElement(role, named(_MD, "SingleLogoutService"), Binding=binding, Location=own.sign_out_url)
    for name_format in names.NameFormat:
        etree.SubElement(role, named(_MD, "NameIDFormat")).text = name_format.value
    for binding in (names.REDIRECT, names.POST):
        etree.SubElement(role, named(_MD, "SingleSignOnService"), Binding=binding, Location=own.sign_in_url)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))
