"""What is sent to applications: assertions that somebody signed in, refusals, and answers to requests for sign-out.

A value is written as it is or not at all: markup in it becomes text, and characters that XML 1.0 cannot carry are an error.
Every value that people can influence stands in an element of its own, never in a comment or between others.

Source: OASIS SAML 2.0 core, 2 and 3.2.2; profiles, 4.1.4.2.
"""

from collections.abc import Iterable

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from ostiary.saml.domain import names
from ostiary.saml.domain.moments import write_moment
from ostiary.saml.domain.names import NameFormat, Status
from ostiary.saml.domain.people import Statement
from ostiary.saml.domain.problems import Unwritable
from ostiary.saml.domain.signatures import placeholder, sign
from ostiary.saml.domain.xml import Element, named

ASSERTION_SECONDS = 300
"""How long the application may take to accept an assertion."""
BACKWARD_SECONDS = 60
"""How far the application's clock may be behind ours."""
_P, _A = names.PROTOCOL, names.ASSERTION
_NAMESPACES = {"samlp": _P, "saml": _A}


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """The key that signs, and the certificate by which others know it."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What every message from here says.

    Args:
        issuer: this instance's entity ID.
        id: new for each message, starting with a letter or `_`.
        destination: where it is sent.
        in_response_to: the ID of the request; empty when there was none.
        at: seconds since the epoch.
    """

    issuer: str
    id: str
    destination: str
    in_response_to: str = ""
    at: float


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed in, as the application is told.

    Args:
        name: how they are named to it.
        session_index: the sign-in, as a later request for sign-out names it.
        signed_in_at: when they proved who they are, seconds since the epoch.
        context: how.
        until: when the sign-in here ends at the latest.
    """

    name: str
    name_format: NameFormat
    session_index: str
    signed_in_at: float
    context: str
    until: float
    statements: tuple[Statement, ...] = ()


def write_success(
    envelope: Envelope, subject: Subject, *, audience: str, assertion_id: str, signing: SigningKey, sign_response: bool
) -> bytes:
    """Return a response that somebody signed in, with one signed assertion.

    Raises:
        Unwritable: when a value cannot be carried.
    """
    try:
        assertion = sign(
            _assertion(envelope, subject, audience=audience, assertion_id=assertion_id),
            key=signing.key,
            certificate=signing.certificate,
        )
        root = _message("Response", envelope, (Status.SUCCESS,), signed=sign_response)
        root.append(assertion)
        return _written(root, signing if sign_response else None)
    except ValueError as error:
        raise Unwritable("A value of this person cannot be sent in XML.", detail=str(error)[:200]) from None


def write_failure(envelope: Envelope, codes: Iterable[Status], *, signing: SigningKey | None) -> bytes:
    """Return a response without an assertion; the first code says whose fault it was, the second what it was."""
    return _written(_message("Response", envelope, tuple(codes), signed=signing is not None), signing)


def write_logout_response(envelope: Envelope, codes: Iterable[Status], *, signing: SigningKey | None) -> bytes:
    """Return the answer to a request for sign-out; without a key where the address itself is signed."""
    return _written(_message("LogoutResponse", envelope, tuple(codes), signed=signing is not None), signing)


def _written(root: Element, signing: SigningKey | None) -> bytes:
    if signing is not None:
        root = sign(root, key=signing.key, certificate=signing.certificate)
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=False))


def _message(kind: str, envelope: Envelope, codes: tuple[Status, ...], *, signed: bool) -> Element:
    root = etree.Element(
        named(_P, kind),
        nsmap=_NAMESPACES,
        ID=envelope.id,
        Version="2.0",
        IssueInstant=write_moment(envelope.at),
        Destination=envelope.destination,
    )
    if envelope.in_response_to:
        root.set("InResponseTo", envelope.in_response_to)
    etree.SubElement(root, named(_A, "Issuer")).text = envelope.issuer
    if signed:
        root.append(placeholder())
    within = etree.SubElement(root, named(_P, "Status"))
    for code in codes:
        within = etree.SubElement(within, named(_P, "StatusCode"), Value=code.value)
    return root


def _assertion(envelope: Envelope, subject: Subject, *, audience: str, assertion_id: str) -> Element:
    at = envelope.at
    root = etree.Element(
        named(_A, "Assertion"), nsmap={"saml": _A}, ID=assertion_id, Version="2.0", IssueInstant=write_moment(at)
    )
    etree.SubElement(root, named(_A, "Issuer")).text = envelope.issuer
    root.append(placeholder())
    who = etree.SubElement(root, named(_A, "Subject"))
    name = etree.SubElement(who, named(_A, "NameID"), Format=subject.name_format.value)
    if subject.name_format is not NameFormat.EMAIL:
        name.set("NameQualifier", envelope.issuer)
        name.set("SPNameQualifier", audience)
    name.text = subject.name
    confirmation = etree.SubElement(who, named(_A, "SubjectConfirmation"), Method=names.BEARER)
    data = etree.SubElement(
        confirmation,
        named(_A, "SubjectConfirmationData"),
        NotOnOrAfter=write_moment(at + ASSERTION_SECONDS),
        Recipient=envelope.destination,
    )
    if envelope.in_response_to:
        data.set("InResponseTo", envelope.in_response_to)
    conditions = etree.SubElement(
        root,
        named(_A, "Conditions"),
        NotBefore=write_moment(at - BACKWARD_SECONDS),
        NotOnOrAfter=write_moment(at + ASSERTION_SECONDS),
    )
    restriction = etree.SubElement(conditions, named(_A, "AudienceRestriction"))
    etree.SubElement(restriction, named(_A, "Audience")).text = audience
    statement = etree.SubElement(
        root,
        named(_A, "AuthnStatement"),
        AuthnInstant=write_moment(subject.signed_in_at),
        SessionIndex=subject.session_index,
        SessionNotOnOrAfter=write_moment(subject.until),
    )
    context = etree.SubElement(statement, named(_A, "AuthnContext"))
    etree.SubElement(context, named(_A, "AuthnContextClassRef")).text = subject.context
    if subject.statements:
        root.append(_attributes(subject.statements))
    return root


def _attributes(statements: tuple[Statement, ...]) -> Element:
    root = etree.Element(named(_A, "AttributeStatement"))
    for one in statements:
        attribute = etree.SubElement(root, named(_A, "Attribute"), Name=one.name, NameFormat=one.name_format)
        for value in one.values:
            etree.SubElement(attribute, named(_A, "AttributeValue")).text = value
    return root
