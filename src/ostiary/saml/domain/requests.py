"""Requests for a sign-in and for a sign-out, read from XML whose sender is not known yet.

Two steps, so that nothing is believed too early: `issuer_of` says whose message it claims to be, only to find the
application and its certificates; `read_request` then checks the signature and reads everything from what it covers.

Source: OASIS SAML 2.0 core, 3.2.1, 3.4.1 and 3.7.1; profiles, 4.1.4.1.
"""

import re
from typing import Final

import msgspec
from lxml import etree

from ostiary.saml.domain import names
from ostiary.saml.domain.bindings import MAX_MESSAGE_BYTES, Carried
from ostiary.saml.domain.contexts import AskedContext, Comparison
from ostiary.saml.domain.metadata import parse_entity_id
from ostiary.saml.domain.moments import read_moment
from ostiary.saml.domain.problems import RefusedMessage
from ostiary.saml.domain.service_provider import ServiceProvider
from ostiary.saml.domain.signatures import require_detached, signatures_in, signed_part
from ostiary.saml.domain.xml import Element, boolean_of, named, only_children, parse, text_of

MAX_AGE_SECONDS: Final = 300
MAX_AHEAD_SECONDS: Final = 120
"""How far the application's clock may be ahead of ours."""
_ID: Final = re.compile(r"[A-Za-z_][\w.-]{0,255}", re.ASCII)
_P, _A = names.PROTOCOL, names.ASSERTION
AUTHN_REQUEST: Final = named(_P, "AuthnRequest")
LOGOUT_REQUEST: Final = named(_P, "LogoutRequest")
_ISSUER: Final = named(_A, "Issuer")
_AUTHN_PARTS: Final = {
    _ISSUER: True,
    named(names.DS, "Signature"): False,
    named(_P, "Extensions"): False,
    named(_A, "Subject"): False,
    named(_P, "NameIDPolicy"): False,
    named(_A, "Conditions"): False,
    named(_P, "RequestedAuthnContext"): False,
    named(_P, "Scoping"): False,
}
_LOGOUT_PARTS: Final = {
    _ISSUER: True,
    named(names.DS, "Signature"): False,
    named(_P, "Extensions"): False,
    named(_A, "NameID"): True,
    named(_P, "SessionIndex"): False,
}
MAX_CLASSES: Final = 20


class AuthnRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An application wants somebody signed in.

    Args:
        id: its own name for the request, which the response repeats.
        consumer: where the response goes: one of the addresses on record.
        force: whether a proof has to be given anew.
        passive: whether nobody may be asked anything.
        name_format: the format that it wants people named in; empty for whatever is set up.
        name_qualifier: in whose name space; empty or its own.
        subject: whom it wants signed in, by name; empty for anybody.
        context: how it wants them to have signed in.
    """

    id: str
    consumer: str
    force: bool = False
    passive: bool = False
    name_format: str = ""
    name_qualifier: str = ""
    subject: str = ""
    context: AskedContext = AskedContext()


class LogoutRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An application says that somebody wants to be signed out.

    Args:
        name: how it names them.
        session_index: which sign-in it means; empty for every one.
    """

    id: str
    name: str
    session_index: str = ""


def issuer_of(carried: Carried, *, kind: str) -> str:
    """Return whose message this claims to be.

    Args:
        carried: the message as it came.
        kind: the full name of its element.

    Raises:
        RefusedMessage: when it is no such message.
    """
    return _issuer(_root(carried, kind))


def read_authn_request(carried: Carried, provider: ServiceProvider, *, address: str, now: float) -> AuthnRequest:
    """Return what an application asks for.

    Args:
        carried: the message as it came.
        provider: the application that it claims to come from.
        address: where it arrived, which is where it has to be meant for.
        now: seconds since the epoch.

    Raises:
        RefusedMessage: when anything in it is not as it has to be; nothing is answered then.
    """
    needs_signature = provider.signed_requests or provider.described.signs_requests
    root = _proven(carried, AUTHN_REQUEST, provider, needs_signature=needs_signature)
    request_id = _checked(root, provider, address=address, signed=needs_signature, now=now)
    parts = only_children(root, _AUTHN_PARTS)
    name_format, qualifier = _policy(parts.get(named(_P, "NameIDPolicy")), provider)
    return AuthnRequest(
        id=request_id,
        consumer=_consumer(root, provider),
        force=boolean_of(root, "ForceAuthn"),
        passive=boolean_of(root, "IsPassive"),
        name_format=name_format,
        name_qualifier=qualifier,
        subject=_subject(parts.get(named(_A, "Subject"))),
        context=_context(parts.get(named(_P, "RequestedAuthnContext"))),
    )


def read_logout_request(carried: Carried, provider: ServiceProvider, *, address: str, now: float) -> LogoutRequest:
    """Return whom an application wants signed out. Such a request is always signed: it takes something away.

    Raises:
        RefusedMessage: when anything in it is not as it has to be.
    """
    root = _proven(carried, LOGOUT_REQUEST, provider, needs_signature=True)
    request_id = _checked(root, provider, address=address, signed=True, now=now)
    if (until := root.get("NotOnOrAfter")) is not None and read_moment(until) <= now:
        raise RefusedMessage("The message is too old.")
    parts = only_children(root, _LOGOUT_PARTS)
    index = parts.get(named(_P, "SessionIndex"))
    return LogoutRequest(
        id=request_id,
        name=text_of(parts[named(_A, "NameID")]),
        session_index=text_of(index) if index is not None else "",
    )


def _root(carried: Carried, kind: str) -> Element:
    root = parse(carried.document, limit=MAX_MESSAGE_BYTES)
    if root.tag != kind:
        raise RefusedMessage(f"The message is not {etree.QName(kind).localname}.")
    if sum(1 for _one in root.iter(kind)) != 1:
        raise RefusedMessage("The message holds another one like it.")
    return root


def _issuer(root: Element) -> str:
    issuers = [child for child in root if child.tag == _ISSUER]
    if len(issuers) != 1:
        raise RefusedMessage("The message does not say whose it is, or says it twice.")
    if issuers[0].get("Format", names.ENTITY_FORMAT) != names.ENTITY_FORMAT:
        raise RefusedMessage("The message does not say whose it is.")
    return parse_entity_id(text_of(issuers[0], limit=2000))


def _proven(carried: Carried, kind: str, provider: ServiceProvider, *, needs_signature: bool) -> Element:
    """Return the message to read from: what a signature covers, where there is one that can be checked."""
    root = _root(carried, kind)
    certificates = provider.described.certificates
    inside = signatures_in(root)
    if carried.by_redirect and inside:
        raise RefusedMessage("A message in an address carries its signature beside it, not inside.")
    signed = bool(inside) or carried.signature is not None
    if not signed and needs_signature:
        raise RefusedMessage("The message is not signed, and this application's messages have to be.")
    if not signed:
        return root
    if not certificates:
        if needs_signature:
            raise RefusedMessage("The message is signed, and no certificate of this application is known.")
        return root
    if carried.signature is not None:
        require_detached(carried.signature, certificates)
        return root
    return signed_part(root, certificates)


def _checked(root: Element, provider: ServiceProvider, *, address: str, signed: bool, now: float) -> str:
    """Return the message's ID when it is from whom it should be, for here, and of now."""
    if _issuer(root) != provider.entity_id:
        raise RefusedMessage("The message is not from this application.")
    if root.get("Version") != "2.0":
        raise RefusedMessage("The message is not of SAML 2.0.")
    destination = root.get("Destination", "")
    if (destination or signed) and destination != address:
        raise RefusedMessage("The message is meant for somewhere else.", detail=destination[:200])
    issued = read_moment(root.get("IssueInstant", ""))
    if issued > now + MAX_AHEAD_SECONDS:
        raise RefusedMessage("The message comes from the future: one of the clocks is wrong.")
    if issued <= now - MAX_AGE_SECONDS:
        raise RefusedMessage("The message is too old.")
    request_id = root.get("ID", "")
    if not _ID.fullmatch(request_id):
        raise RefusedMessage("The message has no usable ID.")
    return request_id


def _consumer(root: Element, provider: ServiceProvider) -> str:
    """Return where the response goes. An address in the request has to be one on record, to the letter."""
    if root.get("ProtocolBinding", names.POST) != names.POST:
        raise RefusedMessage("The application wants its answer by a binding that is not offered.")
    consumers = provider.described.consumers
    url, index = root.get("AssertionConsumerServiceURL"), root.get("AssertionConsumerServiceIndex")
    if url is not None and index is not None:
        raise RefusedMessage("The message names the address for its answer in two ways.")
    if url is not None:
        if url not in {one.url for one in consumers}:
            raise RefusedMessage("The answer is wanted at an address that is not on record.", detail=url[:200])
        return url
    if index is not None:
        found = next((one.url for one in consumers if str(one.index) == index), None)
        if found is None:
            raise RefusedMessage("The answer is wanted at an address that is not on record.", detail=index[:20])
        return found
    return consumers[0].url


def _policy(policy: Element | None, provider: ServiceProvider) -> tuple[str, str]:
    if policy is None:
        return "", ""
    only_children(policy, {})
    wanted = policy.get("Format", "")
    qualifier = policy.get("SPNameQualifier", "")
    if qualifier == provider.entity_id:
        qualifier = ""
    return ("" if wanted == names.UNSPECIFIED_FORMAT else wanted), qualifier


def _subject(subject: Element | None) -> str:
    """Return whom the application wants signed in; how it would have that confirmed does not matter here."""
    if subject is None:
        return ""
    children = [child for child in subject if child.tag != named(_A, "SubjectConfirmation")]
    if len(children) != 1 or children[0].tag != named(_A, "NameID"):
        raise RefusedMessage("The message names somebody in a way that cannot be read.")
    if not (name := text_of(children[0])):
        raise RefusedMessage("The message names somebody in a way that cannot be read.")
    return name


def _context(asked: Element | None) -> AskedContext:
    if asked is None:
        return AskedContext()
    try:
        comparison = Comparison(asked.get("Comparison", "exact"))
    except ValueError:
        raise RefusedMessage("The message compares ways to sign in by a word that is not known.") from None
    wanted = {named(_A, "AuthnContextClassRef"), named(_A, "AuthnContextDeclRef")}
    if not len(asked) or len(asked) > MAX_CLASSES or any(child.tag not in wanted for child in asked):
        raise RefusedMessage("The message names ways to sign in that cannot be read.")
    return AskedContext(classes=tuple(text_of(child) for child in asked), comparison=comparison)
