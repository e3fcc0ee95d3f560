"""Responses: one signed assertion that says exactly what is so, or none."""

import pytest
from lxml import etree
from signxml import XMLVerifier
from tests.saml_material import CONSUMER, ENTITY, NOW, key_of, moment, pem_of

from ostiary.saml.domain import names
from ostiary.saml.domain.names import NameFormat, Status
from ostiary.saml.domain.people import Statement
from ostiary.saml.domain.problems import Unwritable
from ostiary.saml.domain.responses import Envelope, Subject, write_failure, write_success
from ostiary.saml.domain.signatures import signed_part

ISSUER = "https://id.corp.test/saml/metadata"
SPACES = {"samlp": names.PROTOCOL, "saml": names.ASSERTION, "ds": names.DS}
ENVELOPE = Envelope(issuer=ISSUER, id="_r1", destination=CONSUMER, in_response_to="_a1", at=NOW)


def success(
    *, name: str = "ada@corp.test", sign_response: bool = False, statements: tuple[Statement, ...] = ()
) -> bytes:
    subject = Subject(
        name=name,
        name_format=NameFormat.EMAIL,
        session_index="_s1",
        signed_in_at=NOW - 30,
        context="https://refeds.org/profile/mfa",
        until=NOW + 3600,
        statements=statements,
    )
    return write_success(
        ENVELOPE, subject, audience=ENTITY, assertion_id="_x1", signing=key_of("idp"), sign_response=sign_response
    )


def test_an_assertion_says_who_for_whom_and_until_when() -> None:
    statements = (Statement(name="groups", name_format=names.BASIC_NAME, values=("staff", "finance")),)
    root = etree.fromstring(success(statements=statements))
    assert [child.tag.rpartition("}")[2] for child in root] == ["Issuer", "Status", "Assertion"]
    assert root.get("InResponseTo") == "_a1"
    assert root.get("Destination") == CONSUMER

    def at(path: str) -> str:
        found = root.xpath(f"string(//saml:Assertion/{path})", namespaces=SPACES)
        assert isinstance(found, str)
        return found

    assert at("saml:Issuer") == ISSUER
    assert at("saml:Subject/saml:NameID") == "ada@corp.test"
    data = "saml:Subject/saml:SubjectConfirmation/saml:SubjectConfirmationData"
    assert (at(f"{data}/@Recipient"), at(f"{data}/@InResponseTo")) == (CONSUMER, "_a1")
    assert at(f"{data}/@NotOnOrAfter") == at("saml:Conditions/@NotOnOrAfter") == moment(NOW + 300)
    assert at("saml:Conditions/@NotBefore") == moment(NOW - 60)
    assert at("saml:Conditions/saml:AudienceRestriction/saml:Audience") == ENTITY
    assert at("saml:AuthnStatement/@AuthnInstant") == moment(NOW - 30)
    assert at("saml:AuthnStatement/@SessionNotOnOrAfter") == moment(NOW + 3600)
    assert at("saml:AuthnStatement/saml:AuthnContext/saml:AuthnContextClassRef") == "https://refeds.org/profile/mfa"
    values = root.xpath("//saml:Attribute[@Name='groups']/saml:AttributeValue/text()", namespaces=SPACES)
    assert values == ["staff", "finance"]


@pytest.mark.parametrize("sign_response", [False, True])
def test_the_signatures_hold_and_cover_what_they_stand_in(sign_response: bool) -> None:
    document = success(sign_response=sign_response)
    root = etree.fromstring(document)
    assertion = root.find(f"{{{names.ASSERTION}}}Assertion")
    assert assertion is not None
    alone = etree.fromstring(etree.tostring(assertion))
    assert signed_part(alone, [pem_of("idp")]).get("ID") == "_x1"
    assert [child.tag.rpartition("}")[2] for child in alone][:3] == ["Issuer", "Signature", "Subject"]
    assert (root[1].tag == f"{{{names.DS}}}Signature") is sign_response
    if sign_response:
        response = XMLVerifier().verify(root, x509_cert=_in_force("idp"), id_attribute="ID", expect_config=_expected())
        assert response.signed_xml.get("ID") == "_r1"
        altered = etree.fromstring(document.replace(b"status:Success", b"status:Succexx"))
        with pytest.raises(Exception, match="Digest mismatch"):
            XMLVerifier().verify(altered, x509_cert=_in_force("idp"), id_attribute="ID", expect_config=_expected())


def test_a_value_arrives_as_it_is_or_is_not_sent() -> None:
    text = 'ada<!-- x -->@corp.test ]]> <b a="1">&amp;&#0;</b>\r\n\té﷐𝒳'
    root = etree.fromstring(
        success(name=text, statements=(Statement(name="n", name_format=names.BASIC_NAME, values=(text,)),))
    )
    assert root.findtext(f".//{{{names.ASSERTION}}}NameID") == text
    assert root.findtext(f".//{{{names.ASSERTION}}}AttributeValue") == text
    for bad in ("a\0b", "a\x1bb", "a\ufffe", "a\ud800"):
        with pytest.raises(Unwritable):
            success(name=bad)


def test_a_failure_says_why_and_holds_no_assertion() -> None:
    for signing in (None, key_of("idp")):
        root = etree.fromstring(write_failure(ENVELOPE, (Status.RESPONDER, Status.NO_PASSIVE), signing=signing))
        codes = [one.get("Value") for one in root.iter(f"{{{names.PROTOCOL}}}StatusCode")]
        assert codes == [Status.RESPONDER, Status.NO_PASSIVE]
        assert root.find(f".//{{{names.ASSERTION}}}Assertion") is None
        assert (root.find(f"{{{names.DS}}}Signature") is not None) is (signing is not None)


def _in_force(who: str):
    return key_of(who).certificate


def _expected():
    from datetime import UTC, datetime

    from signxml import SignatureConfiguration

    return SignatureConfiguration(location="./", verification_time=datetime(2020, 6, 1, tzinfo=UTC))
