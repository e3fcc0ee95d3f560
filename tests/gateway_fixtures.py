"""A real gateway to test against: Envoy with the product's own plan, real upstreams, and either the real decision service
or a test double of it.

    with GatewayUnderTest(apps=[echo_app("wiki")]) as gateway:
        gateway.stub.allow({"x-ostiary-assertion": "…"})
        answer = gateway.get("wiki", "/page")             # httpx.Response; *.example.test is 127.0.0.1, TLS is verified
        answer.json()["headers"]                          # what the app received (see `gateway_upstream`)

* `gateway.host("wiki")` is `wiki.example.test`; `id` and `admin` are there too.
* `gateway.client(http2=True)` is an `httpx.Client` that trusts the instance's private authority.
* `gateway.raw("wiki", b"GET / HTTP/1.1\\r\\n…")` sends bytes as they are over TLS and returns a `RawAnswer`.
* `gateway.open("wiki")` is the TLS socket itself, for what takes several steps.
* `gateway.grant("wiki", person="p_ada")` is a grant's value, signed with the key in force; `gateway.grant_cookie(…)` the
  whole `Cookie` value. `gateway.rotate()` makes a new key, as a revocation does.
* `gateway.apply(apps)` plans and applies other apps through the product's own data-plane code.
* `gateway.access_log()` returns the lines of the access log so far; `gateway.eventually(…)` polls with a deadline.
* `facts=snapshot` starts the real decision service on these facts instead of the double; `gateway.publish(snapshot,
  takes_away=True)` changes them, `gateway.session_cookie("wiki", "p_ada", "s_1")` is a signed-in browser.

Nothing here needs a database. Everything lives in a folder of its own and is stopped by its process id.
"""

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpcore
import httpx
import msgspec

from ostiary.applications.domain import App, Upstream
from ostiary.config.loader import load_instance
from ostiary.config.secrets import read_secret
from ostiary.gateway.certificates import authority_file, install_certificate, utc_now
from ostiary.gateway.dataplane import apply_plan
from ostiary.gateway.envoy import DataPlaneSilent, ask_admin
from ostiary.gateway.grant_keys import key_set, new_grant_key
from ostiary.gateway.plan import GRANTS_FILE, GatewayInputs, GatewayPlan, plan_gateway, rotate_grants
from ostiary.gateway.publication_lock import publication_lock
from ostiary.gateway.replaced_file import replace_file
from ostiary.gateway.snapshots import beat, write_snapshot
from ostiary.gateway.tokens import GrantSigner, SessionClaims, sign_session
from ostiary.policy.identifiers import AppId, Generation, PersonId, SessionId
from ostiary.policy.snapshot import AppFact, Catalogue, Snapshot
from ostiary.supervisor.roster import list_processes
from tests.gateway_stub_decider import StubDecider
from tests.gateway_upstream import EchoUpstream
from tests.instance import make_instance_home
from tests.ports import free_port

DOMAIN = "example.test"
DEADLINE_SECONDS = 60.0


@dataclass(frozen=True)
class RawAnswer:
    """What came back on a raw connection: status 0 where the connection was closed without an answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def echo_app(name: str, *, upstream: str = "echo:", **fields: Any) -> App:
    """Describe an app; `echo:` stands for the gateway's own echo upstream, `echo-tls:` for its TLS one."""
    upstream_fields = {key: fields.pop(key) for key in list(fields) if key in Upstream.__struct_fields__}
    return App(
        id=AppId(name),
        name=name.title(),
        host=fields.pop("host", f"{name}.{DOMAIN}"),
        upstream=Upstream(url=upstream, **upstream_fields),
        **fields,
    )


CONSOLE = App(id=AppId("console"), name="Console", host=f"admin.{DOMAIN}", upstream=Upstream(), builtin=True)


class GatewayUnderTest:
    """One gateway; use as a context manager."""

    def __init__(
        self,
        apps: Sequence[App] = (),
        *,
        gateway: str = "",
        extra: str = "",
        decider: str = "stub",
        facts: Snapshot | None = None,
    ) -> None:
        """Describe it.

        Args:
            apps: what stands behind it; the console is always there.
            gateway: more lines for the `[gateway]` table.
            extra: more tables for `ostiary.toml`.
            decider: `real` starts the decision service instead of its test double.
            facts: what the real decision service starts with; giving them implies it.
        """
        self.https_port, self.http_port = free_port(), free_port()
        self.home = make_instance_home(
            f'domain = "{DOMAIN}"\norganisation = "Example"\n[gateway]\naddress = "127.0.0.1"\nworkers = 1\n'
            f"https_port = {self.https_port}\nhttp_port = {self.http_port}\n{gateway}\n{extra}\n"
        )
        self.instance = load_instance(self.home, {})
        self.key = new_grant_key()
        self.generation = 0
        self._wanted = list(apps)
        self._facts = facts
        self._is_real = decider == "real" or facts is not None
        self._processes: list[subprocess.Popen[bytes]] = []
        self._stubs: list[StubDecider] = []
        self.authorities: dict[str, str] = {}

    def __enter__(self) -> Self:
        try:
            return self._start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()

    # What stands around it

    def _start(self) -> Self:
        self.upstream = EchoUpstream().start()
        self.control = StubDecider(self.instance.control_socket).start()
        self.control.allow()
        self._stubs.append(self.control)
        if not self._is_real:
            self.stub = StubDecider(self.instance.decider_socket).start()
            self._stubs.append(self.stub)
        self.apply(self._wanted)
        if self._facts is not None:
            self.publish(self._facts)
        if self._is_real:
            self.start_decider()
        self.start_envoy()
        return self

    def start_envoy(self, *, seconds: float = DEADLINE_SECONDS) -> subprocess.Popen[bytes]:
        """Start Envoy exactly as the supervisor does, and wait until it serves."""
        command = list_processes(self.instance, ["envoy"])[0].command
        self.envoy = self._spawn(command, "envoy")
        self.eventually(self._is_ready, "Envoy serves", seconds=seconds)
        return self.envoy

    def start_decider(self) -> subprocess.Popen[bytes]:
        """Start the decision service exactly as the supervisor does, and wait until it listens."""
        command = list_processes(self.instance, ["decider"])[0].command
        self.decider = self._spawn(command, "decider")
        self.eventually(self._decider_listens, "the decision service listens")
        return self.decider

    def _spawn(self, command: Sequence[str], name: str) -> subprocess.Popen[bytes]:
        with (self.instance.logs / f"{name}.out").open("ab") as output:
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                env={**os.environ, "OSTIARY_HOME": str(self.home), "PYTHONUNBUFFERED": "1"},
                cwd=self.home,
            )
        self._processes.append(process)
        return process

    def stop(self) -> None:
        """Stop everything this object started, by its process id, and remove its folder."""
        for process in reversed(self._processes):
            self.end(process)
        for stub in self._stubs:
            stub.stop()
        if hasattr(self, "upstream"):
            self.upstream.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """End one process; kill it when it does not go."""
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)

    def logs(self) -> str:
        """Return what the processes said, for a failing test's message."""
        files = sorted(self.instance.logs.glob("*.out"))
        return "\n".join(f"--- {file.name}\n{file.read_text(errors='replace')[-3000:]}" for file in files)

    def eventually(self, holds: Callable[[], object], what: str, *, seconds: float = DEADLINE_SECONDS) -> Any:
        """Return the first true value of `holds`; fail with the processes' output when there is none in time."""
        deadline = time.monotonic() + seconds
        while True:
            if value := holds():
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"not in {seconds:g} s: {what}\n{self.logs()}")
            time.sleep(0.02)

    def _is_ready(self) -> bool:
        assert self.envoy.poll() is None, self.logs()
        try:
            return ask_admin(self.instance, "/listeners").count(b"::") == 2
        except DataPlaneSilent:
            return False

    def _decider_listens(self) -> bool:
        assert self.decider.poll() is None, self.logs()
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.instance.decider_socket))
            except OSError:
                return False
        return True

    # Configuration

    def plan(self, apps: Iterable[App]) -> GatewayPlan:
        """Return the product's plan for these apps."""
        self.apps = (CONSOLE, *(self._resolved(app) for app in apps))
        self.generation += 1
        inputs = GatewayInputs(
            instance=self.instance,
            generation=self.generation,
            apps=self.apps,
            key_set=key_set(self.key),
            authorities=self.authorities,
            system_authorities=ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt",
        )
        return plan_gateway(inputs)

    def apply(self, apps: Iterable[App]) -> tuple[str, ...]:
        """Put these apps into force the way the product does: certificate, plan, trial, files."""
        plan = self.plan(apps)
        hosts = [self.host("id"), *(app.host for app in self.apps)]
        install_certificate(self.instance, hosts, now=utc_now())
        with publication_lock(self.instance):
            return apply_plan(plan, self.instance)

    def _resolved(self, app: App) -> App:
        if app.upstream.url != "echo:":
            return app
        upstream = msgspec.structs.replace(app.upstream, url=self.upstream.url)
        return msgspec.structs.replace(app, upstream=upstream)

    # Grants

    def grant(self, app: str, *, person: str = "p_ada", seconds: float = 60, key: Any = None, **claims: Any) -> str:
        """Return a grant; claims given as `None` are left out."""
        key = key or self.key
        now = time.time()
        content = {
            "aud": app,
            "sub": person,
            "sid": "s_test",
            "jti": "REF-GRANT",
            "iat": int(now),
            "exp": int(now + seconds),
            "assertion": "assertion.of.the.grant",
            **claims,
        }
        signer = GrantSigner(kid=key.kid, private=key.private, issuer=f"https://id.{DOMAIN}")
        return signer.sign({name: value for name, value in content.items() if value is not None})

    def grant_cookie(self, app: str, **options: Any) -> str:
        """Return a `Cookie` value that holds a grant."""
        return f"__Host-ostiary-grant={self.grant(app, **options)}"

    def rotate(self) -> None:
        """Replace the key of grants, as a publication that takes something away does."""
        self.key = new_grant_key()
        path = self.instance.envoy / GRANTS_FILE
        replace_file(path, rotate_grants(path.read_bytes(), key_set(self.key)), durable=False)

    # Facts, for the real decision service

    def publish(self, snapshot: Snapshot, *, takes_away: bool = False) -> None:
        """Publish facts as the product does: the snapshot first, then, where something is taken away, the key set.

        Generation, key and apps are this gateway's own; the rest is the caller's.
        """
        if takes_away:
            self.key = new_grant_key()
        self.generation += 1
        facts = {
            app.id: AppFact(
                id=app.id,
                host=app.host,
                name=app.name,
                labels=app.labels,
                methods=dict(app.methods),
                identity_headers=dict(app.identity_headers),
                streams=app.streams,
            )
            for app in self.apps
        }
        whole = msgspec.structs.replace(
            snapshot, generation=Generation(self.generation), grant_key=self.key, applications=Catalogue(apps=facts)
        )
        write_snapshot(self.instance.facts, whole, durable=False)
        beat(self.instance.facts, time.time())
        if takes_away:
            path = self.instance.envoy / GRANTS_FILE
            replace_file(path, rotate_grants(path.read_bytes(), key_set(self.key)), durable=False)

    def session_cookie(self, app: str, person: str, session: str) -> str:
        """Return the session cookie of a signed-in person at an app, signed with the instance's own key."""
        claims = SessionClaims(app=AppId(app), person=PersonId(person), session=SessionId(session))
        key = read_secret(self.instance.secrets, "session.key").reveal()
        return f"__Host-ostiary-session={sign_session(key, claims, now=time.time())}"

    # Asking it

    def host(self, name: str) -> str:
        """Return the host name of an app, of `id` or of `admin`."""
        return f"{name}.{DOMAIN}"

    def url(self, name: str, path: str = "/") -> str:
        return f"https://{self.host(name)}:{self.https_port}{path}"

    def trust(self) -> ssl.SSLContext:
        """Return a context that trusts this instance's private authority and nobody else."""
        return ssl.create_default_context(cafile=str(authority_file(self.instance)))

    def client(self, *, http2: bool = False, **options: Any) -> httpx.Client:
        """Return a client for which every name is this machine."""
        transport = httpx.HTTPTransport(verify=self.trust(), http2=http2)
        transport._pool = httpcore.ConnectionPool(
            ssl_context=self._alpn(http2=http2), http1=not http2, http2=http2, network_backend=_ThisMachine()
        )
        return httpx.Client(transport=transport, timeout=30, **options)

    def _alpn(self, *, http2: bool) -> ssl.SSLContext:
        context = self.trust()
        context.set_alpn_protocols(["h2"] if http2 else ["http/1.1"])
        return context

    def get(self, name: str, path: str = "/", **options: Any) -> httpx.Response:
        """GET over a connection of its own."""
        return self.ask("GET", name, path, **options)

    def ask(self, method: str, name: str, path: str = "/", *, http2: bool = False, **options: Any) -> httpx.Response:
        """Send one request over a connection of its own."""
        with self.client(http2=http2) as client:
            return client.request(method, self.url(name, path), **options)

    def open(self, name: str, *, sni: str | None = None, alpn: str = "http/1.1") -> ssl.SSLSocket:
        """Return a TLS connection for a host; `sni` names another one on purpose."""
        context = self.trust()
        context.set_alpn_protocols([alpn])
        if sni is not None and sni != self.host(name):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        plain = socket.create_connection(("127.0.0.1", self.https_port), timeout=30)
        return context.wrap_socket(plain, server_hostname=self.host(name) if sni is None else (sni or None))

    def raw(self, name: str, request: bytes, *, sni: str | None = None) -> RawAnswer:
        """Send bytes as they are and read one answer. `{authority}` in them becomes the host's authority."""
        authority = f"{self.host(name)}:{self.https_port}".encode()
        with self.open(name, sni=sni) as connection:
            connection.sendall(request.replace(b"{authority}", authority))
            return read_answer(connection)

    def raw_path(self, name: str, target: str, *headers: str, method: str = "GET") -> RawAnswer:
        """Send a request line with `target` exactly as given, over a connection that closes afterwards."""
        lines = [f"{method} {target} HTTP/1.1", "Host: {authority}", "Connection: close", *headers, "", ""]
        return self.raw(name, "\r\n".join(lines).encode("latin-1"))

    def access_log(self) -> list[dict[str, Any]]:
        """Return the access log so far."""
        path = self.instance.logs / "access.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]


def read_answer(connection: socket.socket) -> RawAnswer:
    """Read one HTTP/1.1 answer; a connection that was closed without one gives status 0."""
    from http.client import HTTPException, HTTPResponse

    response = HTTPResponse(connection)
    try:
        response.begin()
        body = response.read()
    except (HTTPException, ConnectionError, ssl.SSLError):
        return RawAnswer(0, [], b"")
    return RawAnswer(response.status, response.getheaders(), body)


class _ThisMachine(httpcore.SyncBackend):
    """Connects to the loopback address whatever the name."""

    def connect_tcp(self, host: str, port: int, *args: Any, **options: Any) -> httpcore.NetworkStream:
        return super().connect_tcp("127.0.0.1", port, *args, **options)


def python() -> str:
    """Return the interpreter the tests run with."""
    return sys.executable


def write_authority(folder: Path, host: str) -> tuple[Path, ssl.SSLContext]:
    """Make a self-signed certificate for `host`; return its file and a server context that uses it."""
    certificate, key = folder / "upstream.pem", folder / "upstream.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "2", "-subj", f"/CN={host}", "-addext", f"subjectAltName={host}"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context
