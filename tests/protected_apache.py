"""An Apache whose pages are for people who signed in by OpenID Connect: the module that Debian ships, as others use it."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tests.ports import free_port

MODULES = Path("/usr/lib/apache2/modules")
START_SECONDS = 30.0
CONFIGURATION = """\
ServerRoot "{folder}"
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
Mutex pthread
ErrorLog {folder}/error.log
LogLevel warn
User www-data
Group www-data
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule dir_module {modules}/mod_dir.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule auth_openidc_module {modules}/mod_auth_openidc.so
DocumentRoot {folder}/pages
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
OIDCClientSecret {secret}
OIDCRedirectURI http://127.0.0.1:{port}/callback
OIDCCABundlePath {folder}/authority.pem
OIDCCryptoPassphrase only-for-tests
OIDCPKCEMethod S256
OIDCScope "openid email profile groups"
OIDCRemoteUserClaim email
OIDCDefaultLoggedOutURL http://127.0.0.1:{port}/out
<Location />
  AuthType openid-connect
  Require valid-user
  Header set X-User "expr=%{{REMOTE_USER}}"
  Header set X-Groups "expr=%{{req:OIDC_CLAIM_groups}}"
</Location>
"""


class ProtectedApache:
    """Starts and stops it; use it as a context manager. The port is known before, for the redirect URI."""

    def __init__(self) -> None:
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.redirect_uri = f"{self.origin}/callback"
        self.backchannel_uri = f"{self.redirect_uri}?logout=backchannel"
        self.folder = Path(tempfile.mkdtemp(prefix="ost-apache-"))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, issuer: str, client_id: str, secret: str, authority: Path) -> "ProtectedApache":
        assert (MODULES / "mod_auth_openidc.so").exists(), "apt-get install apache2 libapache2-mod-auth-openidc"
        self.folder.chmod(0o755)
        pages = self.folder / "pages"
        pages.mkdir()
        (pages / "index.html").write_text("the books")
        pages.chmod(0o755)  # whatever files are made with in this process
        (pages / "index.html").chmod(0o644)
        shutil.copy(authority, self.folder / "authority.pem")
        (self.folder / "authority.pem").chmod(0o644)
        configuration = self.folder / "apache.conf"
        configuration.write_text(
            CONFIGURATION.format(
                folder=self.folder, port=self.port, modules=MODULES, issuer=issuer, client_id=client_id, secret=secret
            )
        )
        self._process = subprocess.Popen(
            ["/usr/sbin/apache2", "-f", str(configuration), "-DFOREGROUND"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "LANG": "C"},
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self.last_words()
            assert time.monotonic() < deadline, self.last_words()
            time.sleep(0.03)
        return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def last_words(self) -> str:
        log = self.folder / "error.log"
        return log.read_text(errors="replace")[-3000:] if log.exists() else "apache said nothing"

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True
