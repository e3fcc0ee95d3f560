"""Whatever is sent to us as a message or as metadata is read or refused; whatever people are called arrives as it is."""

import base64
import binascii
import zlib
from urllib.parse import quote_plus

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from tests.saml_material import NOW, SIGN_IN, authn_request, key_of, metadata, pem_of, provider, signed

from ostiary.saml.domain import names
from ostiary.saml.domain.bindings import Carried, from_address, from_form
from ostiary.saml.domain.metadata import read_metadata
from ostiary.saml.domain.names import NameFormat
from ostiary.saml.domain.people import Known, statements
from ostiary.saml.domain.problems import RefusedMessage, UnusableMetadata, Unwritable
from ostiary.saml.domain.requests import AUTHN_REQUEST, issuer_of, read_authn_request
from ostiary.saml.domain.responses import Envelope, Subject, write_success
from ostiary.saml.domain.service_provider import Attribute, Fact
from ostiary.saml.domain.signatures import signed_part

_REQUEST = signed(authn_request('<samlp:NameIDPolicy Format="x"/>'))
_METADATA = metadata()
_PIECES = st.sampled_from(
    [
        b"<!-- -->", b"<?x y?>", b"<!DOCTYPE a>", b"&lt;", b"&x;", b"\0", b"\xff", b'ID="_a1" ', b"<a/>", b"</samlp:AuthnRequest>",
        b"<saml:Issuer>x</saml:Issuer>", b"_a1", b"https://sp.example/saml", b"true", b'xmlns="urn:x" ', b"]]>", b"<![CDATA[x]]>",
    ]
)  # fmt: skip


@st.composite
def altered(draw: st.DrawFn, document: bytes) -> bytes:
    """Return a document with something cut out of it, or put into it."""
    start = draw(st.integers(0, len(document)))
    end = draw(st.integers(start, min(len(document), start + 40)))
    return document[:start] + draw(st.one_of(_PIECES, st.binary(max_size=8), st.just(b""))) + document[end:]


def _content(root: etree._Element) -> bytes:
    return bytes(etree.tostring(root, method="c14n", exclusive=True, with_comments=True))


@given(altered(_REQUEST))
def test_an_altered_request_is_refused_or_says_the_same(document: bytes) -> None:
    """What a signature does not cover changes nothing of what is read."""
    one = provider(signed=True)
    carried = Carried(document=document)
    unaltered = read_authn_request(Carried(document=_REQUEST), one, address=SIGN_IN, now=NOW)
    try:
        issuer_of(carried, kind=AUTHN_REQUEST)
        asked = read_authn_request(carried, one, address=SIGN_IN, now=NOW)
    except RefusedMessage:
        return
    assert asked == unaltered


@given(altered(_METADATA))
def test_altered_metadata_is_taken_or_refused(document: bytes) -> None:
    try:
        found = read_metadata(document, now=NOW)
    except UnusableMetadata:
        return
    assert found.consumers
    assert all(one.url.startswith("https://") for one in found.consumers)
    assert all(one.startswith("-----BEGIN CERTIFICATE-----") for one in found.certificates)


@given(st.binary(max_size=200), st.text(max_size=60))
def test_addresses_and_forms_are_read_or_refused(packed: bytes, text: str) -> None:
    for query in (
        text,
        f"SAMLRequest={text}",
        f"SAMLRequest={quote_plus(base64.b64encode(packed))}&RelayState={text}",
        f"SAMLRequest={quote_plus(base64.b64encode(zlib.compress(packed)[2:-4]))}&RelayState={quote_plus(text)}",
    ):
        try:
            carried = from_address(query)
        except RefusedMessage:
            continue
        assert len(carried.document) <= 64 * 1024
    try:
        assert base64.b64decode(text, validate=False) is not None
        from_form({"SAMLRequest": [text], "RelayState": [text]})
    except (RefusedMessage, binascii.Error, ValueError):
        return


_XML_TEXT = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\ufffe\uffff", whitelist_characters="\t\n\r")
    | st.sampled_from("<>&]'\"-!?;"),
    max_size=40,
)


@settings(max_examples=40)
@given(st.one_of(_XML_TEXT, st.text(max_size=20)), st.lists(_XML_TEXT, max_size=3))
def test_names_arrive_as_they_are_or_not_at_all(name: str, groups: list[str]) -> None:
    known = Known(id="p_1", email="a@b.test", name=name, groups=tuple(groups))
    one = provider(attributes=(Attribute("n", Fact.NAME), Attribute("g", Fact.GROUPS)))
    subject = Subject(
        name=name,
        name_format=NameFormat.PERSISTENT,
        session_index="_s",
        signed_in_at=NOW,
        context="c",
        until=NOW,
        statements=statements(one, known),
    )
    envelope = Envelope(issuer="https://id.corp.test", id="_r", destination="https://sp.example/acs", at=NOW)
    try:
        document = write_success(
            envelope, subject, audience="x", assertion_id="_x", signing=key_of("idp"), sign_response=False
        )
    except Unwritable:
        return
    root = etree.fromstring(document)
    alone = root.find(f"{{{names.ASSERTION}}}Assertion")
    assert alone is not None
    covered = signed_part(etree.fromstring(etree.tostring(alone)), [pem_of("idp")])
    assert covered.findtext(f".//{{{names.ASSERTION}}}NameID", "") == name
    said = {
        each.get("Name"): [value.text for value in each] for each in covered.iter(f"{{{names.ASSERTION}}}Attribute")
    }
    assert said == {**({"n": [name]} if name else {}), **({"g": [one for one in groups if one]} if any(groups) else {})}
