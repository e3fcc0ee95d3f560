"""ID tokens: what is signed rightly is read, and every forgery is refused. The keys are made here and served over HTTP."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ostiary.identity.adapters import openid_tokens
from ostiary.identity.adapters.openid import read_userinfo
from ostiary.identity.adapters.openid_discovery import Discovery, discover
from ostiary.identity.adapters.openid_tokens import read_id_token
from ostiary.identity.domain.federation import DirectoryRefused, Preset, Provider, ProviderId, Reason

NONCE = "n-0S6_WzA2Mj"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


class Directory:
    """Answers with whatever stands in `answers`, by path, and counts how often it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                status, body = outer.answers.get(self.path, (404, b"{}"))
                self.send_response(status)
                if status == 302:
                    self.send_header("location", f"{outer.issuer}/elsewhere")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def publish(self, *keys: tuple[str, Any]) -> None:
        """Publish the public halves of these keys, by their names."""
        entries = []
        for name, key in keys:
            algorithm = (
                jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
            )
            entries.append({**json.loads(algorithm.to_jwk(key.public_key())), "kid": name, "use": "sig"})
        self.answers["/keys"] = (200, json.dumps({"keys": entries}).encode())

    @property
    def document(self) -> Discovery:
        return Discovery(self.issuer, f"{self.issuer}/auth", f"{self.issuer}/token", f"{self.issuer}/keys")

    @property
    def provider(self) -> Provider:
        return Provider(id=ProviderId("work"), preset=Preset.OIDC, name="Work", issuer=self.issuer, client_id="ostiary")

    def claims(self, **changed: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": "s-1", "aud": "ostiary", "iat": now, "exp": now + 300, "nonce": NONCE}
        return {name: value for name, value in {**claims, **changed}.items() if value is not None}

    def read(self, token: str) -> dict[str, Any]:
        return read_id_token(self.provider, self.document, token, nonce=NONCE)


@pytest.fixture
def directory() -> Iterator[Directory]:
    found = Directory()
    found.publish(("one", RSA), ("curve", EC))
    yield found
    found.server.shutdown()
    found.server.server_close()


def signed(claims: dict[str, Any], key: Any = RSA, *, kid: str | None = "one", algorithm: str = "RS256") -> str:
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid} if kid else None)


def test_a_token_as_it_must_be_is_read(directory: Directory) -> None:
    assert directory.read(signed(directory.claims()))["sub"] == "s-1"
    assert directory.read(signed(directory.claims(), EC, kid="curve", algorithm="ES256"))["sub"] == "s-1"
    assert directory.read(signed(directory.claims(aud=["ostiary", "other"], azp="ostiary")))["sub"] == "s-1"


Forge = Callable[[Directory], str]
FORGED: dict[str, Forge] = {
    "another audience": lambda there: signed(there.claims(aud="other")),
    "several audiences and no party": lambda there: signed(there.claims(aud=["ostiary", "other"])),
    "another party": lambda there: signed(there.claims(azp="other")),
    "another issuer": lambda there: signed(there.claims(iss="https://evil.example")),
    "an issuer with a slash more": lambda there: signed(there.claims(iss=f"{there.issuer}/")),
    "another nonce": lambda there: signed(there.claims(nonce="guessed")),
    "no nonce": lambda there: signed(there.claims(nonce=None)),
    "a nonce that is no text": lambda there: signed(there.claims(nonce=[NONCE])),
    "over": lambda there: signed(there.claims(exp=int(time.time()) - 3600)),
    "without an end": lambda there: signed(there.claims(exp=None)),
    "made tomorrow": lambda there: signed(there.claims(iat=int(time.time()) + 86400)),
    "without a subject": lambda there: signed(there.claims(sub=None)),
    "another key under a known name": lambda there: signed(there.claims(), OTHER_RSA),
    "a key that is not published": lambda there: signed(there.claims(), OTHER_RSA, kid="two"),
    "unsigned": lambda there: jwt.encode(there.claims(), None, algorithm="none"),
    "signed with the public key as a shared secret": lambda there: confused(there.claims()),
    "signed by the client secret": lambda there: signed(there.claims(), "x" * 40, algorithm="HS256"),
    "a curve's name over an RSA key": lambda there: signed(there.claims(), EC, algorithm="ES256"),
    "no key named among several": lambda there: signed(there.claims(), kid=None),
    "cut short": lambda there: signed(there.claims())[:-6],
    "not a token": lambda _there: "a.b.c",
    "empty": lambda _there: "",
}


def confused(claims: dict[str, Any]) -> str:
    """Return a token signed by HMAC with the public key, which PyJWT refuses to make by itself."""
    import base64
    import hashlib
    import hmac

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    head = part(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "one"}).encode())
    body = f"{head}.{part(json.dumps(claims).encode())}"
    key = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return f"{body}.{part(hmac.new(key, body.encode(), hashlib.sha256).digest())}"


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_token_is_refused(directory: Directory, forgery: str) -> None:
    with pytest.raises(DirectoryRefused) as refused:
        directory.read(FORGED[forgery](directory))
    assert refused.value.reason is Reason.TOKEN_REFUSED


def test_a_new_key_is_fetched_and_one_that_was_withdrawn_counts_no_more(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.read(signed(directory.claims()))
    asked = len(directory.asked)
    directory.read(signed(directory.claims()))
    assert len(directory.asked) == asked, "keys are kept"
    directory.publish(("two", OTHER_RSA))
    monkeypatch.setattr(openid_tokens, "ASK_AGAIN_SECONDS", 0)
    assert directory.read(signed(directory.claims(), OTHER_RSA, kid="two"))["sub"] == "s-1"
    with pytest.raises(DirectoryRefused):
        directory.read(signed(directory.claims()))


def test_made_up_key_names_do_not_make_us_ask_again_and_again(directory: Directory) -> None:
    directory.read(signed(directory.claims()))
    for number in range(5):
        with pytest.raises(DirectoryRefused):
            directory.read(signed(directory.claims(), OTHER_RSA, kid=f"made-up-{number}"))
    assert len(directory.asked) == 1


def answer(directory: Directory, **document: Any) -> None:
    whole = {
        "issuer": directory.issuer,
        "authorization_endpoint": f"{directory.issuer}/auth",
        "token_endpoint": f"{directory.issuer}/token",
        "jwks_uri": f"{directory.issuer}/keys",
        **document,
    }
    directory.answers["/.well-known/openid-configuration"] = (200, json.dumps(whole).encode())


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://evil.example"},
        {"jwks_uri": "http://192.0.2.1/keys"},
        {"token_endpoint": "file:///etc/passwd"},
        {"userinfo_endpoint": "gopher://127.0.0.1/"},
        {"token_endpoint": None},
    ],
)
def test_a_discovery_document_that_leads_elsewhere_is_refused(directory: Directory, changed: dict[str, Any]) -> None:
    answer(directory)
    assert discover(directory.issuer, fresh=True).issuer == directory.issuer
    answer(directory, **changed)
    with pytest.raises(DirectoryRefused) as refused:
        discover(directory.issuer, fresh=True)
    assert refused.value.reason is Reason.UNREACHABLE


@pytest.mark.parametrize("said", [(302, b""), (500, b"{}"), (200, b"[]"), (200, b"\xff"), (200, b"[" * 100_000)])
def test_answers_that_are_none_are_refused_and_redirects_not_followed(
    directory: Directory, said: tuple[int, bytes]
) -> None:
    directory.answers["/.well-known/openid-configuration"] = said
    with pytest.raises(DirectoryRefused):
        discover(directory.issuer, fresh=True)
    assert "/elsewhere" not in directory.asked


def test_userinfo_that_fails_refuses_rather_than_saying_nothing(directory: Directory) -> None:
    import msgspec

    document = msgspec.structs.replace(directory.document, userinfo_endpoint=f"{directory.issuer}/me")
    assert read_userinfo(directory.document, "token") == {}
    with pytest.raises(DirectoryRefused):
        read_userinfo(document, "token")
