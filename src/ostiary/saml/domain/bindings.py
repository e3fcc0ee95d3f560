"""How messages travel: in an address, compressed (HTTP-Redirect), or in a form's field (HTTP-POST).

Source: OASIS SAML 2.0 bindings, 3.4 and 3.5.
"""

import base64
import binascii
import zlib
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote_plus, unquote_plus

import msgspec

from ostiary.saml.domain.problems import RefusedMessage

MAX_MESSAGE_BYTES: Final = 64 * 1024
MAX_RELAY_STATE: Final = 2048
"""Bytes. The standard says 80 and nobody keeps to it: the address of a page with its filters is longer."""
_KEYS: Final = frozenset({"SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature", "SAMLEncoding"})
_DEFLATE: Final = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"


class DetachedSignature(msgspec.Struct, frozen=True, kw_only=True):
    """The signature of a message in an address: over exactly these octets of it (bindings, 3.4.4.1)."""

    algorithm: str
    value: bytes
    octets: bytes


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it came.

    Args:
        document: the XML.
        relay_state: what goes back to the application unchanged; empty when it gave nothing.
        signature: of a message in an address; one in a form carries its signature inside.
        by_redirect: whether it came in an address.
    """

    document: bytes
    relay_state: str = ""
    signature: DetachedSignature | None = None
    by_redirect: bool = False


def from_address(query: str, *, field: str = "SAMLRequest") -> Carried:
    """Return the message in the query of an address.

    Args:
        query: as the browser sent it, percent-encoded: the signature covers these very octets.
        field: `SAMLRequest` or `SAMLResponse`.

    Raises:
        RefusedMessage: when a field is missing, stands twice, or cannot be decoded.
    """
    raw = _raw_fields(query)
    if field not in raw:
        raise RefusedMessage("The address carries no message.")
    if _decoded(raw.get("SAMLEncoding", _DEFLATE)) != _DEFLATE:
        raise RefusedMessage("The message is encoded in a way that is not known.")
    signature = None
    if ("Signature" in raw) != ("SigAlg" in raw):
        raise RefusedMessage("The signature and its algorithm come together or not at all.")
    if "Signature" in raw:
        signed = "&".join(f"{key}={raw[key]}" for key in (field, "RelayState", "SigAlg") if key in raw)
        signature = DetachedSignature(
            algorithm=_decoded(raw["SigAlg"]), value=_base64(_decoded(raw["Signature"])), octets=signed.encode()
        )
    return Carried(
        document=_inflated(_base64(_decoded(raw[field]))),
        relay_state=_relay_state(_decoded(raw.get("RelayState", ""))),
        signature=signature,
        by_redirect=True,
    )


def from_form(fields: Mapping[str, list[str]], *, field: str = "SAMLRequest") -> Carried:
    """Return the message in the fields of a form; each field with every value it was given.

    Raises:
        RefusedMessage: when a field is missing, stands twice, or cannot be decoded.
    """
    for key in (field, "RelayState"):
        if len(fields.get(key, ())) > 1:
            raise RefusedMessage(f"{key} stands twice.")
    if not fields.get(field):
        raise RefusedMessage("The form carries no message.")
    return Carried(document=_base64(fields[field][0]), relay_state=_relay_state((fields.get("RelayState") or [""])[0]))


def to_query(document: bytes, *, field: str, relay_state: str, algorithm: str) -> str:
    """Return the part of an address that is signed: message, relay state, algorithm, in that order."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    deflated = compressor.compress(document) + compressor.flush()
    parts = [(field, base64.b64encode(deflated).decode())]
    parts += [("RelayState", relay_state)] if relay_state else []
    parts += [("SigAlg", algorithm)]
    return "&".join(f"{key}={quote_plus(value)}" for key, value in parts)


def with_signature(query: str, value: bytes) -> str:
    """Return the query with its signature."""
    return f"{query}&Signature={quote_plus(base64.b64encode(value).decode())}"


def _raw_fields(query: str) -> dict[str, str]:
    raw: dict[str, str] = {}
    for part in query.split("&"):
        key, _equals, value = part.partition("=")
        key = _decoded(key)
        if key not in _KEYS:
            continue
        if key in raw:
            raise RefusedMessage(f"{key} stands twice.")
        raw[key] = value
    return raw


def _decoded(text: str) -> str:
    try:
        return unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        raise RefusedMessage("A field of the address is not UTF-8.") from None


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, binascii.Error):
        raise RefusedMessage("The message is not base64.") from None


def _inflated(packed: bytes) -> bytes:
    """Return what was compressed, never more than a message may have."""
    inflater = zlib.decompressobj(-15)
    try:
        document = inflater.decompress(packed, MAX_MESSAGE_BYTES + 1)
    except zlib.error:
        raise RefusedMessage("The message cannot be decompressed.") from None
    if len(document) > MAX_MESSAGE_BYTES:
        raise RefusedMessage(f"The message has more than {MAX_MESSAGE_BYTES} bytes.")
    if not inflater.eof or inflater.unused_data:
        raise RefusedMessage("The message cannot be decompressed.")
    return document


def _relay_state(text: str) -> str:
    if len(text.encode("utf-8", "surrogatepass")) > MAX_RELAY_STATE:
        raise RefusedMessage(f"RelayState has more than {MAX_RELAY_STATE} bytes.")
    return text
