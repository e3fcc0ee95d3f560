"""The sign-in host, running: Granian with TLS on a free port of this machine, for tests with a real browser."""

import base64
import datetime
import hashlib
import os
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.instance import make_instance_home
from tests.ports import free_port

DOMAIN = "signin.localhost"
START_SECONDS = 120
SCRIPTS = Path(sys.executable).parent


@dataclass(frozen=True)
class Site:
    """A running sign-in host.

    Args:
        url: without a slash at the end.
        key_digest: base64 of the SHA-256 of the certificate's public key, by which the browser believes it.
    """

    home: Path
    url: str
    key_digest: str

    def command(self, *arguments: str) -> str:
        """Run an `ostiary` command on the site's instance and return what it printed."""
        done = subprocess.run(
            [str(SCRIPTS / "ostiary"), *arguments],
            env=environment(self.home),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def python(self, source: str) -> str:
        """Run a piece of Python with Django ready on the site's instance and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-c", f"import django; django.setup()\n{source}"],
            env=environment(self.home),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


class RunningSite:
    """Starts and stops the site; use it as a context manager.

    Args:
        more: what else its configuration says.
    """

    def __init__(self, more: str = "") -> None:
        self._more = more

    def __enter__(self) -> Site:
        port = free_port()
        self._home = make_instance_home(
            f'domain = "{DOMAIN}"\norganisation = "Example"\n[gateway]\nhttps_port = {port}\n{self._more}'
        )
        certificate, key, digest = make_certificate(self._home)
        environ = environment(self._home)
        subprocess.run(
            [sys.executable, "-m", "django", "migrate", "-v0"],
            env=environ,
            check=True,
            timeout=300,
            capture_output=True,
        )
        self._log = (self._home / "log" / "control.log").open("wb")
        self._process = subprocess.Popen(
            [
                str(SCRIPTS / "granian"), "--interface", "wsgi", "ostiary.web.wsgi:application", "--workers", "1",
                "--host", "127.0.0.1", "--port", str(port),
                "--ssl-certificate", str(certificate), "--ssl-keyfile", str(key),
            ],
            env=environ,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        site = Site(home=self._home, url=f"https://id.{DOMAIN}:{port}", key_digest=digest)
        self._wait(port)
        return site

    def __exit__(self, *_error: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        shutil.rmtree(self._home, ignore_errors=True)

    def _wait(self, port: int) -> None:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        question = urllib.request.Request(f"https://127.0.0.1:{port}/sign-in", headers={"Host": f"id.{DOMAIN}:{port}"})
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert self._process.poll() is None, (self._home / "log" / "control.log").read_text()
            try:
                with urllib.request.urlopen(question, timeout=10, context=context):
                    return
            except (urllib.error.URLError, OSError):
                assert time.monotonic() < deadline, "the site did not start"
                time.sleep(0.2)


def environment(home: Path) -> dict[str, str]:
    """Return an environment in which the instance in `home` is worked on, with its own SQLite file."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("OSTIARY_")}
    return environ | {"OSTIARY_HOME": str(home), "DJANGO_SETTINGS_MODULE": "ostiary.config.django"}


def make_certificate(folder: Path) -> tuple[Path, Path, str]:
    """Return the files of a certificate for the site and its key, and the digest of its public key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DOMAIN)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=7))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(f"id.{DOMAIN}")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding
    public = key.public_key().public_bytes(encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "site.crt").write_bytes(certificate.public_bytes(encoding.PEM))
    (folder / "site.key").write_bytes(
        key.private_bytes(encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "site.crt", folder / "site.key", base64.b64encode(hashlib.sha256(public).digest()).decode()
