"""One request of the agent: nothing follows a redirect, and how far clocks are apart is never told worse than it is."""

import http.server
import io
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import formatdate
from pathlib import Path
from urllib.error import HTTPError

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.agent import https
from ostiary.agent.https import MAX_ANSWER_BYTES, Https, Unreachable, clock_ahead, trusting
from ostiary.devices.domain.certificates import make_root, pem_of

MOMENTS = st.floats(1e9, 2e9)


@settings(max_examples=50)
@given(MOMENTS, st.floats(-1e6, 1e6), st.floats(0, 30), st.floats(0, 1))
def test_a_clock_is_never_said_to_be_further_off_than_it_is(truth: float, off: float, took: float, when: float) -> None:
    date = formatdate(int(truth + took * when), usegmt=True)
    ahead = clock_ahead(date, asked_at=truth + off, answered_at=truth + took + off)
    assert ahead is not None
    assert abs(ahead) <= abs(off) + 1e-3
    assert ahead * off >= 0
    assert abs(off) - abs(ahead) <= took + 1.0 + 1e-3, "and hardly nearer"


@settings(max_examples=50)
@given(st.none() | st.text(max_size=60))
def test_a_date_that_is_none_tells_nothing(date: str | None) -> None:
    ahead = clock_ahead(date, asked_at=1.0, answered_at=2.0)
    assert ahead is None or isinstance(ahead, float)


class _Answering(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/away":
            self.send_response(307)
            self.send_header("location", "/long")
            self.end_headers()
        elif self.path == "/long":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * (MAX_ANSWER_BYTES + 10))
        else:
            self.send_response(401)
            self.end_headers()
            self.wfile.write(b"no")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _certificate(folder: Path) -> Path:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "localhost.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + certificate.public_bytes(Encoding.PEM))
    return path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Https]:
    pem = _certificate(tmp_path_factory.mktemp("site"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Https(f"https://localhost:{server.server_port}", pem)
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_came_back_is_returned_whatever_it_says_and_nothing_is_followed(site: Https) -> None:
    refused = site.post("/no", b"{}")
    assert (refused.status, refused.content) == (401, b"no")
    assert refused.ahead_seconds == 0.0
    assert site.post("/away", b"{}").status == 307
    assert len(site.post("/long", b"{}").content) == MAX_ANSWER_BYTES


def test_whom_nobody_vouches_for_is_told_in_words(site: Https) -> None:
    with pytest.raises(Unreachable, match="vouches for") as refused:
        Https(site.origin, None).post("/no", b"{}")
    assert "--ca" in refused.value.hint


@pytest.mark.parametrize("fails", [TimeoutError(), ConnectionResetError(), ssl.SSLError(1, "bad record mac")])
def test_a_connection_that_breaks_while_a_refusal_is_read_is_one_that_was_not_reached(
    monkeypatch: pytest.MonkeyPatch, fails: OSError
) -> None:
    class Torn(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            raise fails

    def refused(*_: object, **_more: object) -> None:
        raise HTTPError("https://id.example.test/no", 503, "Not now", Message(), Torn())

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", refused)
    with pytest.raises(Unreachable, match="cannot be reached"):
        Https("https://id.example.test", None).post("/no", b"{}")


def test_on_a_mac_whose_python_trusts_nobody_apples_own_list_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_root(ec.generate_private_key(ec.SECP256R1()), domain="example.com", serial=1, now=datetime.now(UTC))
    (tmp_path / "cert.pem").write_text(pem_of(root))
    monkeypatch.setattr(https, "MAC_AUTHORITIES", tmp_path / "cert.pem")
    monkeypatch.setattr(ssl, "create_default_context", lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    assert trusting().cert_store_stats()["x509_ca"] == 0
    monkeypatch.setattr("sys.platform", "darwin")
    assert trusting().cert_store_stats()["x509_ca"] == 1
    assert trusting().verify_mode == ssl.CERT_REQUIRED
