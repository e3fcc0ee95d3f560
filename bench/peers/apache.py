"""Apache with mod_auth_openidc, and the same Apache without; the session comes from a real sign-in at the provider.

Once signed in, mod_auth_openidc looks the session up in shared memory and checks one claim. It asks nobody whether the
person may still enter: its counterpart here is a grant, without revocation.
"""

import http.client
import shutil
import ssl
import sys
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit

from bench.peers.openid_provider import CLIENT, CLIENT_SECRET, GROUP
from bench.peers.peer import Peer, Place, add_proxy_facts
from bench.processes import Program, ProgramFailed, free_port

MODULES = Path("/usr/lib/apache2/modules")
SESSION_COOKIE = "mod_auth_openidc_session"
LOADED = (
    "mpm_event",
    "authn_core",
    "authz_core",
    "authz_user",
    "headers",
    "proxy",
    "proxy_http",
    "socache_shmcb",
    "ssl",
    "auth_openidc",
)

CONFIGURATION = """
ServerRoot {folder}
ServerName {host}
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
Mutex sem
ErrorLog {folder}/apache.log
LogLevel warn
{modules}
{user}
StartServers 1
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 600
Listen 127.0.0.1:{open_port}
Listen 127.0.0.1:{guarded_port}
SSLSessionCache none

OIDCProviderMetadataURL http://127.0.0.1:{provider_port}/.well-known/openid-configuration
OIDCClientID {client}
OIDCClientSecret {secret}
OIDCRedirectURI https://{host}:{guarded_port}/openid/callback
OIDCCryptoPassphrase one-run-only
OIDCCacheType shm
OIDCSessionInactivityTimeout 3600

<VirtualHost 127.0.0.1:{open_port}>
    SSLEngine on
    SSLCertificateFile {certificate}
    SSLCertificateKeyFile {key}
    ProxyPreserveHost On
    ProxyPass / http://127.0.0.1:{app_port}/ keepalive=On
</VirtualHost>
<VirtualHost 127.0.0.1:{guarded_port}>
    SSLEngine on
    SSLCertificateFile {certificate}
    SSLCertificateKeyFile {key}
    ProxyPreserveHost On
    ProxyPass /openid/ !
    ProxyPass / http://127.0.0.1:{app_port}/ keepalive=On
    <Location />
        AuthType openid-connect
        Require claim groups:{group}
    </Location>
</VirtualHost>
"""


def start_apache(place: Place, *, host: str, running_as_root: bool) -> tuple[Peer, Program]:
    """Start the provider and Apache with both hosts; return both."""
    provider_port, open_port, guarded_port = free_port(), free_port(), free_port()
    provider = Program(
        "the OpenID provider",
        [sys.executable, "-m", "bench.peers.openid_provider", str(provider_port)],
        place.folder / "provider.out",
    )
    provider.wait_for_port(provider_port)
    modules = [f"LoadModule {name}_module {MODULES / f'mod_{name}.so'}" for name in LOADED]
    file = place.folder / "apache.conf"
    file.write_text(
        CONFIGURATION.format(
            **add_proxy_facts(place),
            modules="\n".join(modules),
            user="User www-data\nGroup www-data" if running_as_root else "",
            host=host,
            client=CLIENT,
            secret=CLIENT_SECRET,
            group=GROUP,
            provider_port=provider_port,
            open_port=open_port,
            guarded_port=guarded_port,
        ),
        encoding="utf-8",
    )
    binary = shutil.which("apache2") or "/usr/sbin/apache2"
    program = Program("Apache", [binary, "-f", str(file), "-D", "FOREGROUND"], place.folder / "apache.out")
    program.wait_for_port(guarded_port)
    peer = Peer(name="apache", how="mod_auth_openidc", program=program, open_port=open_port, guarded_port=guarded_port)
    return peer, provider


def sign_in_to_apache(host: str, port: int) -> str:
    """Walk the authorisation code flow as a browser would and return the session cookie as `name=value`.

    Raises:
        ProgramFailed: when the flow ends anywhere but at the application.
    """
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    cookies: SimpleCookie = SimpleCookie()
    where = f"https://{host}:{port}/"
    for _ in range(6):
        parts = urlsplit(where)
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection("127.0.0.1", parts.port, timeout=20, context=unverified)
            headers = {
                "Host": f"{host}:{port}",
                "Accept": "text/html",
                "Cookie": "; ".join(f"{m.key}={m.value}" for m in cookies.values()),
            }
        else:
            connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=20)
            headers = {}
        connection.request("GET", f"{parts.path}?{parts.query}", headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        for value in answer.headers.get_all("Set-Cookie") or ():
            cookies.load(value)
        connection.close()
        if answer.status == 200 and SESSION_COOKIE in cookies:
            return f"{SESSION_COOKIE}={cookies[SESSION_COOKIE].value}"
        if answer.status not in {302, 303}:
            raise ProgramFailed(
                f"Apache's sign-in ended with {answer.status}.", hint=body.decode(errors="replace")[:400]
            )
        where = answer.headers["Location"]
    raise ProgramFailed("Apache's sign-in went round in circles.")
