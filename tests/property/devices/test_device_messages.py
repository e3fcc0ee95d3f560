"""What a device sends, whatever it is, is read as what was signed or refused in words; keys and codes have one form."""

import base64

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.devices.domain.devices import CODE_LETTERS, UnknownCode, read_code, shown_code
from ostiary.devices.domain.keys import Jwk, UnusableDeviceKey, jwk_of, public_key, thumbprint_of
from ostiary.devices.domain.messages import (
    Enrol,
    Leave,
    Poll,
    Renew,
    UnreadableMessage,
    check_signature,
    read_message,
    sign_message,
)
from ostiary.devices.domain.nonces import NONCE_SECONDS, make_nonce, nonce_moment

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=200)


@settings(max_examples=10)
@given(TEXTS, TEXTS, st.integers(0, 2**40))
def test_what_is_signed_is_read_back_and_only_by_its_key(nonce: str, device: str, at: int) -> None:
    message = Renew(audience="https://id.example.test", nonce=nonce, at=at, device=device)
    text = sign_message(message, KEY)
    read, received = read_message(text, Renew)
    assert read == message
    check_signature(received, KEY.public_key())
    with pytest.raises(UnreadableMessage):
        check_signature(received, OTHER.public_key())
    for other in (Enrol, Poll, Leave):
        with pytest.raises(UnreadableMessage):
            read_message(text, other)


@settings(max_examples=15)
@given(st.data())
def test_a_changed_message_is_no_message(data: st.DataObject) -> None:
    text = sign_message(Leave(audience="https://id.example.test", nonce="n", at=1, device="dev-1"), KEY)
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.characters(codec="ascii")) + text[place + 1 :]
    if changed == text:
        return
    with pytest.raises(UnreadableMessage):
        check_signature(read_message(changed, Leave)[1], KEY.public_key())


@settings(max_examples=15)
@given(
    st.text(max_size=400)
    | st.lists(st.binary(max_size=80), min_size=3, max_size=3).map(
        lambda parts: ".".join(base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in parts)
    )
)
def test_anything_else_is_refused_in_words(text: str) -> None:
    with pytest.raises(UnreadableMessage):
        read_message(text, Poll)


@pytest.mark.parametrize(
    "head",
    [
        b'{"alg":"none","typ":"ostiary-device+jws"}',
        b'{"alg":"HS256","typ":"ostiary-device+jws"}',
        b'{"alg":"ES256"}',
        b'{"alg":"ES256","typ":"JWT"}',
        b'{"alg":"ES256","typ":"ostiary-device+jws","jwk":{}}',
        b"{}",
    ],
)
def test_nothing_in_a_message_chooses_how_it_is_checked(head: bytes) -> None:
    _head, body, signature = sign_message(Leave(audience="a", nonce="n", at=1, device="d"), KEY).split(".")
    forged = base64.urlsafe_b64encode(head).rstrip(b"=").decode()
    with pytest.raises(UnreadableMessage):
        read_message(f"{forged}.{body}.{signature}", Leave)


def signed(body: bytes) -> str:
    """Return a message of any content, signed as a device signs."""
    head = b'{"alg":"ES256","typ":"ostiary-device+jws"}'
    said = ".".join(base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in (head, body))
    r, s = decode_dss_signature(KEY.sign(said.encode(), ec.ECDSA(hashes.SHA256())))
    signature = base64.urlsafe_b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).rstrip(b"=").decode()
    return f"{said}.{signature}"


@pytest.mark.parametrize("kind", [Renew, Leave])
def test_a_message_that_says_no_purpose_is_for_none(kind: type[Renew | Leave]) -> None:
    said = b'"audience":"a","nonce":"n","at":1,"device":"dev-1"'
    assert read_message(signed(b'{"purpose":"%s",%s}' % (kind.__name__.lower().encode(), said)), kind)
    with pytest.raises(UnreadableMessage, match="purpose"):
        read_message(signed(b"{%s}" % said), kind)


@settings(max_examples=10)
@given(st.integers(min_value=2**54) | st.integers(max_value=-(2**54)) | st.sampled_from((10**400, -(10**400))))
def test_a_moment_that_no_clock_shows_is_refused_in_words(at: int) -> None:
    body = b'{"purpose":"leave","audience":"a","nonce":"n","at":%d,"device":"dev-1"}' % at
    with pytest.raises(UnreadableMessage):
        read_message(signed(body), Leave)


@settings(max_examples=10)
@given(st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1))
def test_a_point_beside_the_curve_is_no_key(x: int, y: int) -> None:
    written = [base64.urlsafe_b64encode(one.to_bytes(32, "big")).rstrip(b"=").decode() for one in (x, y)]
    with pytest.raises(UnusableDeviceKey):
        public_key(Jwk(kty="EC", crv="P-256", x=written[0], y=written[1]))


def test_a_key_has_one_form() -> None:
    jwk = jwk_of(KEY.public_key())
    assert public_key(jwk).public_numbers() == KEY.public_key().public_numbers()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = jwk.x[:-1] + alphabet[alphabet.index(jwk.x[-1]) ^ 1]
    with pytest.raises(UnusableDeviceKey):
        public_key(Jwk(kty="EC", crv="P-256", x=twin, y=jwk.y))
    assert len(thumbprint_of(jwk)) == 43


@settings(max_examples=10)
@given(st.binary(min_size=16, max_size=16), st.text(max_size=80), st.floats(0, 4e9))
def test_a_nonce_is_ours_and_for_two_minutes(random: bytes, garbage: str, now: float) -> None:
    nonce = make_nonce(b"key", now=now, random=random)
    assert nonce_moment(b"key", nonce, now=now) == pytest.approx(now, abs=1e-5)
    assert nonce_moment(b"key", nonce, now=now + NONCE_SECONDS + 0.001) is None
    assert nonce_moment(b"key", nonce, now=now + NONCE_SECONDS + 0.001, seconds=2 * NONCE_SECONDS) is not None
    assert nonce_moment(b"other", nonce, now=now) is None
    assert nonce_moment(b"key", garbage, now=0.0) is None


@settings(max_examples=10)
@given(st.text(CODE_LETTERS, min_size=8, max_size=8), st.text(max_size=12))
def test_codes_are_read_as_people_type_them(code: str, garbage: str) -> None:
    assert read_code(f" {shown_code(code).lower()} ") == code
    plain = "".join(garbage.upper().replace("-", " ").split())
    if len(plain) != 8 or set(plain) - set(CODE_LETTERS):
        with pytest.raises(UnknownCode, match="eight letters"):
            read_code(garbage)
