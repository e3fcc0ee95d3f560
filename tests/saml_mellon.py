"""A real application that takes sign-ins by SAML: Apache with mod_auth_mellon, several of them in one process.

Each place below `/` is a service provider of its own: `/crm/` has its endpoints under `/crm/mellon/`. A page behind one says
what mellon learned of whoever signed in.
"""

import os
import shutil
import subprocess
from pathlib import Path

import httpx

from ostiary.demo.walk.browser import form_with, trusting, words_of
from ostiary.saml.domain.names import NameFormat
from tests.gateway_fixtures import write_authority
from tests.ports import free_port
from tests.running_client import Client
from tests.running_instance import RunningInstance

MODULES = Path("/usr/lib/apache2/modules")
LOADED = (
    "mpm_prefork",
    "authn_core",
    "authz_core",
    "authz_user",
    "alias",
    "ssl",
    "socache_shmcb",
    "cgi",
    "auth_mellon",
)
CONFIGURATION = """
ServerRoot {folder}
ServerName localhost
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
Mutex sem
ErrorLog {folder}/apache.log
LogLevel warn auth_mellon:debug
{modules}
{user}
StartServers 4
KeepAlive Off
MaxRequestWorkers 16
Listen 127.0.0.1:{port}
SSLSessionCache none
MellonLockFile {folder}/mellon.lock
MellonPostDirectory {folder}
<VirtualHost 127.0.0.1:{port}>
    ServerName https://localhost:{port}
    SSLEngine on
    SSLCertificateFile {folder}/upstream.pem
    SSLCertificateKeyFile {folder}/upstream.key
{places}
</VirtualHost>
"""
PLACE = """
    ScriptAlias /{name}/ {folder}/says.sh/
    <Location /{name}>
        Require valid-user
        AuthType Mellon
        MellonEnable auth
        MellonEndpointPath /{name}/mellon
        MellonSPMetadataFile {folder}/{name}-sp.xml
        MellonSPPrivateKeyFile {folder}/sp.key
        MellonSPCertFile {folder}/sp.pem
        MellonIdPMetadataFile {idp}
        MellonVariable {name}
        MellonSecureCookie On
        MellonSubjectConfirmationDataAddressCheck Off
    </Location>
"""
SAYS = """#!/bin/sh
printf 'Content-Type: application/x-learned\\r\\n\\r\\n'
env -0
"""
METADATA = """
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"
    entityID="https://localhost:{port}/{name}">
  <SPSSODescriptor AuthnRequestsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>
    </ds:X509Data></ds:KeyInfo></KeyDescriptor>
    <SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
        Location="https://localhost:{port}/{name}/mellon/logout"/>
    <NameIDFormat>{name_format}</NameIDFormat>
    <AssertionConsumerService index="0" isDefault="true" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
        Location="https://localhost:{port}/{name}/mellon/postResponse"/>
  </SPSSODescriptor>
</EntityDescriptor>
"""


class Mellon:
    """Apache with service providers at several places; each may know another identity provider's metadata."""

    def __init__(self, running: RunningInstance) -> None:
        self.running = running
        self.folder = running.folder / f"mellon-{free_port()}"
        self.folder.mkdir()
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.certificate, _tls = write_authority(self.folder, "DNS:localhost")
        shutil.copy(self.folder / "upstream.pem", self.folder / "sp.pem")
        self._make_signing_key()
        script = self.folder / "says.sh"
        script.write_text(SAYS)
        self.trusted = self.folder / "trusted.pem"
        self.trusted.write_bytes(running.authority.read_bytes() + self.certificate.read_bytes())

    def __enter__(self) -> "Mellon":
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop()

    def start(self, places: dict[str, tuple[NameFormat, bytes]]) -> None:
        """Start Apache.

        Args:
            places: how each place wants people named, and the metadata of the identity provider that it knows.
        """
        written = []
        certificate = (self.folder / "sp.pem").read_text().split("-----")[2]
        for name, (name_format, metadata) in places.items():
            file = self.folder / f"{name}-idp.xml"
            file.write_bytes(metadata)
            (self.folder / f"{name}-sp.xml").write_text(
                METADATA.format(name=name, port=self.port, certificate=certificate, name_format=name_format.value)
            )
            written.append(PLACE.format(name=name, folder=self.folder, port=self.port, idp=file))
        as_root = os.geteuid() == 0
        file = self.folder / "apache.conf"
        file.write_text(
            CONFIGURATION.format(
                folder=self.folder,
                modules="\n".join(f"LoadModule {one}_module {MODULES / f'mod_{one}.so'}" for one in LOADED),
                user="User www-data\nGroup www-data" if as_root else "",
                port=self.port,
                places="".join(written),
            )
        )
        if as_root:
            self._let_others_read()
        self._process = subprocess.Popen(
            [shutil.which("apache2") or "/usr/sbin/apache2", "-f", str(file), "-D", "FOREGROUND"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Apache's end is told to its whole process group
        )
        self.running.eventually(self._answers, "Apache answers")

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(60)

    def url(self, path: str) -> str:
        return f"https://localhost:{self.port}{path}"

    def metadata(self, name: str) -> str:
        """Return what mellon says of itself at one place."""
        found = httpx.get(self.url(f"/{name}/mellon/metadata"), verify=trusting(self.certificate))
        assert found.status_code == 200, self.last_words()
        return found.text

    def log(self) -> str:
        return (self.folder / "apache.log").read_text(errors="replace")

    def last_words(self) -> str:
        return self.log()[-3000:]

    def browser(self, client: Client) -> Client:
        """Let a person's browser trust this Apache as well."""
        client.browser.authority = self.trusted
        return client

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.last_words() if (self.folder / "apache.log").exists() else "no log"
        try:
            return httpx.get(self.url("/"), verify=trusting(self.certificate), timeout=5).status_code > 0
        except httpx.TransportError:
            return False

    def _make_signing_key(self) -> None:
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=sp"),
                *("-keyout", str(self.folder / "sp.key"), "-out", str(self.folder / "sp.pem")),
            ],
            check=True,
            capture_output=True,
        )

    def _let_others_read(self) -> None:
        """Let the user whom Apache becomes into this folder, and into no other of the instance."""
        self.running.folder.chmod(0o711)
        for path in self.folder.iterdir():
            path.chmod(0o755)
        shutil.chown(self.folder, "www-data")


def learned(page: httpx.Response) -> dict[str, str]:
    """Return what mellon learned, of a page behind it."""
    assert page.headers.get("content-type", "").startswith("application/x-learned"), words_of(page)
    pairs = (one.partition("=") for one in page.text.split("\0") if one.startswith("MELLON_"))
    return {name: value for name, _equals, value in pairs}


def deliver(client: Client, page: httpx.Response, **changed: str) -> httpx.Response:
    """Post the answer on to the application, as the page's script does, and follow where it leads."""
    return client.browser.submit(page, form_with(page, "SAMLResponse"), **changed)
