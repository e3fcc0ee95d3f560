"""Signatures: checked on what comes in, made on what goes out.

What is read from a signed message is read from what the signature covers, never from the document around it. A certificate
stands for the key in it: it is trusted because an administrator put it there, so when it ends does not matter (metadata
interoperability profile 1.0, 2.6.1).

Source: OASIS SAML 2.0 core, 5.4 (signature profile); bindings, 3.4.4.1; RFC 9231.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from ostiary.saml.domain import names
from ostiary.saml.domain.bindings import DetachedSignature
from ostiary.saml.domain.problems import RefusedMessage
from ostiary.saml.domain.xml import Element, named, only_children

RSA_SHA256: Final = SignatureMethod.RSA_SHA256.value
_HASHES: Final[dict[str, tuple[str, hashes.HashAlgorithm]]] = {
    SignatureMethod.RSA_SHA256.value: ("rsa", hashes.SHA256()),
    SignatureMethod.RSA_SHA384.value: ("rsa", hashes.SHA384()),
    SignatureMethod.RSA_SHA512.value: ("rsa", hashes.SHA512()),
    SignatureMethod.ECDSA_SHA256.value: ("ec", hashes.SHA256()),
    SignatureMethod.ECDSA_SHA384.value: ("ec", hashes.SHA384()),
    SignatureMethod.ECDSA_SHA512.value: ("ec", hashes.SHA512()),
}
_METHODS: Final = frozenset(SignatureMethod(one) for one in _HASHES)
_DIGESTS: Final = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})
_PLAIN_C14N: Final = frozenset(
    {names.EXCLUSIVE_C14N, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2006/12/xml-c14n11"}
)
_SIGNATURE: Final = named(names.DS, "Signature")
_REFUSED: Final = "The signature of the message does not hold."


def signatures_in(root: Element) -> int:
    """Return how many signatures a message holds, wherever they stand."""
    return sum(1 for _one in root.iter(_SIGNATURE))


def signed_part(root: Element, certificates: Iterable[str]) -> Element:
    """Return the message that the one signature in it covers, read anew from the octets that were signed.

    Args:
        root: the message. Its signature is its own child, and names it by its ID.
        certificates: PEM; one of their keys has to fit.

    Raises:
        RefusedMessage: when it does not hold, or covers anything but the whole message.
    """
    _require_profile(root)
    for pem in certificates:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        expected = SignatureConfiguration(
            location="./",
            expect_references=1,
            signature_methods=_METHODS,
            digest_algorithms=_DIGESTS,
            ignore_ambiguous_key_info=True,
            verification_time=certificate.not_valid_before_utc + timedelta(seconds=1),
        )
        try:
            result = XMLVerifier().verify(root, x509_cert=certificate, id_attribute="ID", expect_config=expected)
        except Exception:  # noqa: S112 - signxml, lxml and cryptography each raise their own; all mean no
            continue
        covered = result.signed_xml if isinstance(result, VerifyResult) else None
        if covered is not None and covered.tag == root.tag and covered.get("ID") == root.get("ID"):
            return covered
    raise RefusedMessage(_REFUSED)


def require_detached(signature: DetachedSignature, certificates: Iterable[str]) -> None:
    """Return when one of the certificates' keys made the signature of an address.

    Raises:
        RefusedMessage: when none did, or by an algorithm that is not accepted; SHA-1 is not.
    """
    if signature.algorithm not in _HASHES:
        raise RefusedMessage(
            "The message is signed by an algorithm that is not accepted.", detail=signature.algorithm[:100]
        )
    family, algorithm = _HASHES[signature.algorithm]
    for pem in certificates:
        key = x509.load_pem_x509_certificate(pem.encode()).public_key()
        try:
            if family == "rsa" and isinstance(key, rsa.RSAPublicKey):
                key.verify(signature.value, signature.octets, padding.PKCS1v15(), algorithm)
                return
            if family == "ec" and isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(_as_der(signature.value, key), signature.octets, ec.ECDSA(algorithm))
                return
        except InvalidSignature:
            continue
    raise RefusedMessage(_REFUSED)


def sign_octets(octets: bytes, key: rsa.RSAPrivateKey) -> bytes:
    """Return the signature of an address, by RSA with SHA-256."""
    return key.sign(octets, padding.PKCS1v15(), hashes.SHA256())


def placeholder() -> Element:
    """Return the mark where a signature goes: after Issuer, as the schema demands."""
    return etree.Element(_SIGNATURE, nsmap={"ds": names.DS}, Id="placeholder")


def sign(root: Element, *, key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> Element:
    """Return an element signed where its placeholder stands; the signature covers the element and nothing more."""
    signer = XMLSigner(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=SignatureMethod.RSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    return signer.sign(root, key=key, cert=[certificate], reference_uri=root.get("ID"), id_attribute="ID")


def _require_profile(root: Element) -> None:
    """Return when the message is signed as SAML says: once, as a whole, by its ID, and nothing else has that ID."""
    signatures = [child for child in root if child.tag == _SIGNATURE]
    if len(signatures) != 1 or signatures_in(root) != 1:
        raise RefusedMessage("The message is signed more than once, or inside one of its parts.")
    wanted = root.get("ID")
    if not wanted or sum(1 for one in root.iter() for name in ("ID", "Id", "id") if one.get(name) == wanted) != 1:
        raise RefusedMessage("The message's ID stands twice.")
    signature = signatures[0]
    info = signature.find(named(names.DS, "SignedInfo"))
    if info is None:
        raise RefusedMessage(_REFUSED)
    parts = only_children(
        info, {named(names.DS, one): True for one in ("CanonicalizationMethod", "SignatureMethod", "Reference")}
    )
    reference = parts[named(names.DS, "Reference")]
    if reference.get("URI") != f"#{wanted}":
        raise RefusedMessage("The signature covers something else than the message.")
    transforms = [one.get("Algorithm", "") for one in reference.iter(named(names.DS, "Transform"))]
    canonical = parts[named(names.DS, "CanonicalizationMethod")].get("Algorithm", "")
    if not set(transforms) <= {names.ENVELOPED, *_PLAIN_C14N} or names.ENVELOPED not in transforms:
        raise RefusedMessage("The signature changes the message before it covers it.")
    if canonical not in _PLAIN_C14N or len(transforms) > 2:
        raise RefusedMessage("The signature changes the message before it covers it.")


def _as_der(value: bytes, key: ec.EllipticCurvePublicKey) -> bytes:
    """Return an ECDSA signature as DER; XML writes it as two numbers side by side (RFC 4050, 3.3)."""
    size = (key.key_size + 7) // 8
    if len(value) != 2 * size:
        return value
    return utils.encode_dss_signature(int.from_bytes(value[:size]), int.from_bytes(value[size:]))
