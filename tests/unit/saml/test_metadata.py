"""Metadata of applications, taken or refused with the reason, and our own."""

import base64

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from tests.saml_material import CONSUMER, ENTITY, NOW, key_of, metadata, moment, pem_of

from ostiary.saml.domain import names
from ostiary.saml.domain.metadata import OwnDescription, describe, read_metadata, write_metadata
from ostiary.saml.domain.problems import UnusableMetadata


def test_what_an_application_says_is_read() -> None:
    inside = (
        f'<md:AssertionConsumerService Binding="{names.POST}" Location="{CONSUMER}/2" index="2" isDefault="true"/>'
        '<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact" Location="x" index="3"/>'
        f'<md:SingleLogoutService Binding="{names.POST}" Location="https://sp.example/out-post"/>'
        f'<md:SingleLogoutService Binding="{names.REDIRECT}" Location="https://sp.example/out" '
        'ResponseLocation="https://sp.example/out-done"/>'
        f"<md:NameIDFormat>{names.NameFormat.PERSISTENT}</md:NameIDFormat>"
    )
    found = read_metadata(metadata(inside, role_attributes='AuthnRequestsSigned="true"'), now=NOW)
    assert found.entity_id == ENTITY
    assert [one.url for one in found.consumers] == [f"{CONSUMER}/2", CONSUMER], "the default comes first"
    assert (found.logout_url, found.logout_by_redirect) == ("https://sp.example/out-done", True)
    assert found.certificates == (pem_of("sp"),)
    assert found.signs_requests
    assert found.name_formats == (names.NameFormat.PERSISTENT,)


def test_what_is_typed_is_read_like_what_is_taken() -> None:
    typed = describe(entity_id=ENTITY, consumers=[CONSUMER], certificates=[pem_of("sp")])
    assert typed.certificates == read_metadata(metadata(), now=NOW).certificates
    for wrong in (
        {"entity_id": "", "consumers": [CONSUMER]},
        {"entity_id": "a b", "consumers": [CONSUMER]},
        {"entity_id": ENTITY, "consumers": []},
        {"entity_id": ENTITY, "consumers": ["http://sp.example/acs"]},
        {"entity_id": ENTITY, "consumers": [CONSUMER], "certificates": ["nonsense"]},
    ):
        with pytest.raises(UnusableMetadata):
            describe(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (metadata(consumer="http://sp.example/acs"), "https address"),
        (metadata(consumer="https://user@sp.example/acs"), "https address"),
        (metadata(consumer="https://sp.example/acs#x"), "https address"),
        (metadata(consumer="javascript:alert(1)"), "https address"),
        (metadata(consumer="https:///acs"), "https address"),
        (metadata(consumer="https://[sp.example/acs"), "https address"),
        (metadata(consumer="https://sp.example/&lt;acs"), "https address"),
        (metadata(entity=""), "entity ID"),
        (metadata(attributes=f'validUntil="{moment(NOW - 1)}"'), "until"),
        (metadata(attributes='validUntil="never"'), "written like"),
        (metadata(role_attributes='AuthnRequestsSigned="maybe"'), "neither true nor false"),
        (metadata("</md:SPSSODescriptor><md:SPSSODescriptor>"), "or several"),
        (
            metadata(f'<md:AssertionConsumerService Binding="{names.POST}" Location="{CONSUMER}/2" index="1"/>'),
            "same index",
        ),
        (metadata(f'<md:AssertionConsumerService Binding="{names.POST}" Location="{CONSUMER}/2" index="x"/>'), "index"),
        (metadata().replace(names.POST.encode(), b"urn:other"), "no address"),
        (metadata().replace(f'"{names.PROTOCOL}"'.encode(), b'"urn:other"'), "SAML 2.0"),
        (metadata().replace(b"<ds:X509Certificate>", b"<ds:X509Certificate>A"), "certificate"),
        (metadata().replace(b"<ds:X509Certificate>", b"<ds:X509Certificate><!-- --><a/>"), "more than text"),
        (metadata().replace(b"SPSSODescriptor", b"IDPSSODescriptor"), "no application"),
        (b'<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"/>', "several parties"),
        (b'<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><a>&d;</a>', "document type"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "document type"),
        (b"<html></html>", "no SAML metadata"),
        (b"not xml", "well-formed"),
        (b"<a>" * 100_000, "well-formed"),
    ],
)
def test_what_cannot_be_used_is_refused(document: bytes, words: str) -> None:
    with pytest.raises(UnusableMetadata, match=words):
        read_metadata(document, now=NOW)


def test_a_description_hidden_in_another_is_never_read() -> None:
    evil = metadata(consumer="https://evil.example/acs").decode().partition("-->")[2]
    hidden = (
        metadata()
        .decode()
        .replace("<md:SPSSODescriptor", f"<md:Extensions>{evil}</md:Extensions><md:SPSSODescriptor", 1)
    )
    assert [one.url for one in read_metadata(hidden.encode(), now=NOW).consumers] == [CONSUMER]


def test_our_own_names_both_certificates_while_keys_change() -> None:
    certificates = tuple(key_of(one).certificate.public_bytes(Encoding.DER) for one in ("idp", "next"))
    document = write_metadata(
        OwnDescription(
            entity_id="https://id.corp.test/saml/metadata",
            sign_in_url="https://id.corp.test/saml/sign-in",
            sign_out_url="https://id.corp.test/saml/sign-out",
            certificates=certificates,
        )
    )
    root = etree.fromstring(document)
    found = [base64.b64decode(one.text or "") for one in root.iter(f"{{{names.DS}}}X509Certificate")]
    assert found == list(certificates)
    services = [one.get("Location") for one in root.iter(f"{{{names.METADATA}}}SingleSignOnService")]
    assert services == ["https://id.corp.test/saml/sign-in"] * 2
