"""Requests for a sign-in: what is read from good ones, and which are refused, with the reason."""

import pytest
from tests.saml_material import (
    CONSUMER,
    ENTITY,
    NOW,
    SIGN_IN,
    SIGN_OUT,
    authn_request,
    form,
    logout_request,
    moment,
    provider,
    query,
    signed,
)

from ostiary.saml.domain.bindings import Carried, from_address, from_form
from ostiary.saml.domain.contexts import Comparison
from ostiary.saml.domain.problems import RefusedMessage
from ostiary.saml.domain.requests import (
    AUTHN_REQUEST,
    AuthnRequest,
    issuer_of,
    read_authn_request,
    read_logout_request,
)
from ostiary.saml.domain.service_provider import ServiceProvider


def read(carried: Carried, one: ServiceProvider | None = None) -> AuthnRequest:
    return read_authn_request(carried, one or provider(), address=SIGN_IN, now=NOW)


def in_form(document: bytes, one: ServiceProvider | None = None) -> AuthnRequest:
    return read(from_form(form(document)), one)


def test_everything_an_application_may_ask_is_read() -> None:
    inside = (
        "<saml:Subject><saml:NameID>ada@corp.test</saml:NameID></saml:Subject>"
        '<samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" AllowCreate="true"/>'
        '<samlp:RequestedAuthnContext Comparison="minimum">'
        "<saml:AuthnContextClassRef>https://refeds.org/profile/mfa</saml:AuthnContextClassRef>"
        "</samlp:RequestedAuthnContext>"
    )
    document = authn_request(inside, ForceAuthn="1", IsPassive="false", AssertionConsumerServiceIndex="7")
    carried = from_address(query(document, relay_state="/deep?x=1"))
    assert carried.relay_state == "/deep?x=1"
    assert issuer_of(carried, kind=AUTHN_REQUEST) == ENTITY
    asked = read(carried)
    assert asked == in_form(document), "both bindings say the same"
    assert (asked.id, asked.consumer, asked.force, asked.passive) == ("_a1", f"{CONSUMER}/2", True, False)
    assert asked.name_format.endswith(":persistent")
    assert asked.subject == "ada@corp.test"
    assert asked.context.classes == ("https://refeds.org/profile/mfa",)
    assert asked.context.comparison is Comparison.MINIMUM


def test_what_is_not_asked_for_has_an_answer() -> None:
    asked = in_form(authn_request(destination=""))
    assert asked == AuthnRequest(id="_a1", consumer=CONSUMER)
    assert in_form(authn_request(AssertionConsumerServiceURL=f"{CONSUMER}/2")).consumer == f"{CONSUMER}/2"


@pytest.mark.parametrize("carry", [lambda d: from_form(form(signed(d))), lambda d: from_address(query(d, who="sp"))])
def test_a_signed_request_is_read_where_a_signature_is_needed(carry) -> None:
    assert read(carry(authn_request()), provider(signed=True)).id == "_a1"
    assert read(carry(authn_request()), provider(signed=True, known=("old", "sp"))).id == "_a1", "either key fits"
    with pytest.raises(RefusedMessage, match="does not hold"):
        read(carry(authn_request()), provider(signed=True, known=("other",)))
    with pytest.raises(RefusedMessage, match="does not hold"):
        read(carry(authn_request()), provider(known=("other",)))
    with pytest.raises(RefusedMessage, match="no certificate"):
        read(carry(authn_request()), provider(signed_requests=True, known=()))
    with pytest.raises(RefusedMessage, match="meant for somewhere else"):
        read(carry(authn_request(destination="")), provider(signed=True))


def test_one_that_should_be_signed_and_is_not_is_refused() -> None:
    for one in (provider(signed=True), provider(signed_requests=True)):
        for carried in (from_form(form(authn_request())), from_address(query(authn_request()))):
            with pytest.raises(RefusedMessage, match="not signed"):
                read(carried, one)


def test_a_signature_in_an_address_covers_relay_state_and_message() -> None:
    good = query(authn_request(), relay_state="here", who="sp")
    assert read(from_address(good), provider(signed=True)).id == "_a1"
    other = query(authn_request(AssertionConsumerServiceIndex="7")).partition("=")[2]
    kept = good.partition("&")[2]
    for bad in (good.replace("RelayState=here", "RelayState=there"), f"SAMLRequest={other}&{kept}"):
        with pytest.raises(RefusedMessage, match="does not hold"):
            read(from_address(bad), provider(signed=True))
    for bad in (
        good.replace("rsa-sha256", "rsa-sha1").replace("2001%2F04%2Fxmldsig-more", "2000%2F09%2Fxmldsig"),
        good.replace("rsa-sha256", "hmac-sha256"),
    ):
        with pytest.raises(RefusedMessage, match="not accepted"):
            read(from_address(bad), provider(signed=True))
    with pytest.raises(RefusedMessage, match="stands twice"):
        from_address(f"{good}&RelayState=there")
    with pytest.raises(RefusedMessage, match="come together"):
        from_address(good.partition("&Signature")[0])


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (authn_request(destination="https://elsewhere.example/saml"), "somewhere else"),
        (authn_request(destination=SIGN_IN + "/"), "somewhere else"),
        (authn_request(at=NOW - 301), "too old"),
        (authn_request(at=NOW + 121), "future"),
        (authn_request(IssueInstant="yesterday"), "written like"),
        (authn_request(Version="1.1"), "SAML 2.0"),
        (authn_request(request_id=""), "no usable ID"),
        (authn_request(request_id="1 2"), "no usable ID"),
        (authn_request(issuer="https://other.example"), "not from this"),
        (authn_request(issuer=f"{ENTITY}<!-- -->.evil"), "comments"),
        (authn_request(issuer=f"{ENTITY}<x/>.evil"), "more than text"),
        (authn_request(f"<saml:Issuer>{ENTITY}</saml:Issuer>"), "twice"),
        (authn_request(AssertionConsumerServiceURL="https://evil.example/acs"), "not on record"),
        (authn_request(AssertionConsumerServiceURL=CONSUMER + "?"), "not on record"),
        (authn_request(AssertionConsumerServiceURL=CONSUMER.upper()), "not on record"),
        (authn_request(AssertionConsumerServiceIndex="3"), "not on record"),
        (authn_request(AssertionConsumerServiceIndex="7", AssertionConsumerServiceURL=CONSUMER), "two ways"),
        (authn_request(ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"), "binding"),
        (authn_request(ForceAuthn="yes"), "neither true nor false"),
        (authn_request("<samlp:NameIDPolicy/><samlp:NameIDPolicy/>"), "twice"),
        (authn_request("<saml:Assertion/>"), "does not belong"),
        (authn_request("<samlp:RequestedAuthnContext/>"), "cannot be read"),
        (authn_request("<saml:Subject><saml:EncryptedID/></saml:Subject>"), "cannot be read"),
        (authn_request("<saml:Subject><saml:NameID> </saml:NameID></saml:Subject>"), "cannot be read"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + authn_request(), "document type"),
        (authn_request("<?php ?>"), "processing instructions"),
        (authn_request() + authn_request(), "well-formed"),
        (authn_request().decode().encode("utf-16"), "UTF-8"),
        (b"", "well-formed"),
        (b"<a/>", "not AuthnRequest"),
        (authn_request("<samlp:Extensions>" + "<a>" * 60 + "</a>" * 60 + "</samlp:Extensions>"), "nested"),
        (authn_request("x" * 70_000), "bytes"),
    ],
)
def test_what_is_not_as_it_has_to_be_is_refused(document: bytes, words: str) -> None:
    with pytest.raises(RefusedMessage, match=words):
        in_form(document)
    if document:
        with pytest.raises(RefusedMessage):
            read(from_address(query(document)))


def test_signed_parts_of_other_messages_do_not_help() -> None:
    """Wrapping: a message that is signed, moved to where it is not looked at, and another one around it."""
    good = signed(authn_request()).decode()
    around = provider(signed=True)
    forged = authn_request(request_id="_evil", AssertionConsumerServiceIndex="7").decode()
    signature = good[good.index("<ds:Signature") : good.index("</ds:Signature>") + len("</ds:Signature>")]
    for document in (
        forged.replace("</saml:Issuer>", f"</saml:Issuer><samlp:Extensions>{good}</samlp:Extensions>"),
        forged.replace("</saml:Issuer>", f"</saml:Issuer>{signature}<samlp:Extensions>{good}</samlp:Extensions>"),
        forged.replace(
            "</saml:Issuer>",
            f"</saml:Issuer>{signature.replace('</ds:Signature>', '')}<ds:Object>{good}</ds:Object></ds:Signature>",
        ),
        forged.replace("_evil", "_a1").replace("</saml:Issuer>", f"</saml:Issuer>{signature}"),
        forged.replace("</saml:Issuer>", f"</saml:Issuer>{signature}"),
        forged.replace("</saml:Issuer>", f"</saml:Issuer>{signature.replace('#_a1', '')}"),
        good.replace("</saml:Issuer>", f"</saml:Issuer>{signature}", 1),
        good.replace("<samlp:AuthnRequest ", '<samlp:AuthnRequest ForceAuthn="1" ', 1),
        good.replace(ENTITY, f"{ENTITY}<!-- x -->", 1),
        good.replace("xmldsig#enveloped-signature", "xmldsig#base64"),
    ):
        assert document != good
        with pytest.raises(RefusedMessage):
            in_form(document.encode(), around)
    assert in_form(good.encode(), around).id == "_a1"


def test_compressed_bombs_stop_where_a_message_ends() -> None:
    with pytest.raises(RefusedMessage, match="more than"):
        from_address(query(b" " * 50_000_000))
    for bad in ("SAMLRequest=%25", "SAMLRequest=AAAA", "SAMLRequest=%FF", "", "SAMLRequest="):
        with pytest.raises(RefusedMessage):
            from_address(bad)


def test_sign_out_is_always_signed() -> None:
    def out(carried: Carried):
        return read_logout_request(carried, provider(), address=SIGN_OUT, now=NOW)

    document = logout_request("ada@corp.test", index="_s1")
    asked = out(from_address(query(document, who="sp")))
    assert (asked.name, asked.session_index) == ("ada@corp.test", "_s1")
    assert out(from_form(form(signed(document)))) == asked
    for carried in (
        from_address(query(document)),
        from_form(form(document)),
        from_form(form(signed(document, "other"))),
        from_form(form(signed(logout_request("ada@corp.test", destination="")))),
        from_form(form(signed(logout_request("ada<!-- -->@corp.test")))),
        from_form(form(signed(logout_request("ada@corp.test", NotOnOrAfter=moment(NOW))))),
        from_form(form(signed(authn_request(destination=SIGN_OUT)))),
    ):
        with pytest.raises(RefusedMessage):
            out(carried)
