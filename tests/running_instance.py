"""A whole instance as its owner runs it, and people at it: `ostiary init`, `ostiary up`, a small company, real clients.

    def test_something(running: RunningInstance) -> None:
        ada = running.make_person("staff")
        browser = running.signed_in(ada)                      # through the real forms, password and code
        assert browser.get("wiki", "/page").status_code == 200
        running.operator("ostiary.identity.facade:disable_person", person_id=ada.id, reason="left")

The fixture `running` (import it into a `conftest.py`) starts once a process: in a parallel run each worker has an instance
of its own, so tests never share one at the same time. State is on SQLite, or in a database of its own on the server
that `OSTIARY_DATABASE_URL` names. Whoever changes the rules puts them back: `with running.rules(document): …`.
"""

import itertools
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import msgspec
import psutil
import psycopg
import pytest

from ostiary.config.loader import load_instance
from ostiary.config.secrets import read_secret
from ostiary.demo.walk.browser import words_of
from ostiary.gateway.envoy import ask_admin
from ostiary.gateway.snapshots import read_encoded
from ostiary.supervisor.status_file import NotRunning, read_status
from tests import running_http2 as wire
from tests.gateway_fixtures import RawAnswer, write_authority
from tests.gateway_upstream import EchoUpstream
from tests.ports import free_port
from tests.running_answers import location, reached, read_answer, received, unix_request
from tests.running_client import Client, token_of
from tests.running_company import DOMAIN, IDENTITY, RULES
from tests.running_operator import Made
from tests.running_upstreams import Answer, Server, as_told

__all__ = [
    "DOMAIN",
    "IDENTITY",
    "RULES",
    "Client",
    "OperatorRefused",
    "RunningInstance",
    "location",
    "reached",
    "read_answer",
    "received",
    "running",
    "token_of",
    "unix_request",
]

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_SECONDS = 180.0
ECDS_DUMP = "/config_dump?resource=ecds_filters"
OSTIARY = [sys.executable, "-c", "from ostiary.cli.main import main; main()"]
CONFIGURATION = """\
domain = "{domain}"
organisation = "Corporation"
contact = "desk@corp.test"
[gateway]
address = "127.0.0.1"
https_port = {https_port}
http_port = {http_port}
workers = 1
max_body_bytes = 8388608
max_header_kib = 32
[decisions]
forward_auth_port = {forward_auth_port}
[authzen]
enabled = true
on_gateway = true
[scim]
enabled = true
requests_per_second = 1000
[osquery]
enabled = true
[access]
emergency_group = "on-call"
[signals]
enabled = true
authority = "{authority}"
[rules]
confirm_seconds = 30
[sign_in]
breached_range_url = "https://localhost:{range_port}/range"
[record]
min_free_mib = 1
"""


class OperatorRefused(Exception):
    """A call was refused by the product."""


class RunningInstance:
    """The instance, its company and its surroundings."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ost-"))
        self.home = self.folder / "i"
        self.echo = EchoUpstream().start()
        self.told = Server(as_told)
        certificate, tls = write_authority(self.folder, "DNS:localhost")
        self.breached: set[str] = set()
        self.ranges = Server(self.answer_range, tls=tls)
        self.database = _new_database()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("OSTIARY_", "DJANGO_"))},
            "OSTIARY_HOME": str(self.home),
            "SSL_CERT_FILE": str(certificate),
            **({"OSTIARY_DATABASE_URL": self.database} if self.database else {}),
        }
        self.https_port, self.http_port, self.forward_auth_port = free_port(), free_port(), free_port()
        self.other_authorities = self.folder / "others.pem"
        self._numbers = itertools.count(1)
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._operator: subprocess.Popen[str] | None = None
        self._clients: list[Client] = []

    # Its life

    def start(self) -> None:
        self.home.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(self.environment["SSL_CERT_FILE"], self.other_authorities)
        ports = {"https_port": self.https_port, "http_port": self.http_port, "range_port": self.ranges.port}
        (self.home / "ostiary.toml").write_text(
            CONFIGURATION.format(
                domain=DOMAIN, forward_auth_port=self.forward_auth_port, authority=self.other_authorities, **ports
            )
        )
        done = subprocess.run(
            [*OSTIARY, "init", "--home", str(self.home)],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.instance = load_instance(self.home, {})
        with (self.folder / "up.out").open("wb") as output:
            self._supervisor = subprocess.Popen(
                [*OSTIARY, "up"], env=self.environment, stdout=output, stderr=output, cwd=self.home
            )
        with (self.folder / "operator.out").open("wb") as output:
            self._operator = subprocess.Popen(
                [sys.executable, "-m", "tests.running_operator"],
                env=self.environment,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )
        self.eventually(self._is_ready, "ostiary up is ready")
        self._read_operator()
        self._make_company()

    def stop(self) -> None:
        for client in self._clients:
            client.close()
        for process in (self._operator, self._supervisor):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in (self._operator, self._supervisor):
            if process is not None:
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(60)
                for pipe in (process.stdin, process.stdout):
                    if pipe is not None:
                        with suppress(OSError):
                            pipe.close()
        for server in (self.echo, self.told, self.ranges):
            server.stop()
        _drop_database(self.database)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _is_ready(self) -> bool:
        assert self._supervisor is not None
        assert self._supervisor.poll() is None, self.last_words()
        with suppress(NotRunning):
            return read_status(self.instance.run).ready
        return False

    def _make_company(self) -> None:
        for group in ("staff", "finance", "misled", "on-call"):
            self.operator(f"{IDENTITY}:create_group", id=group, name=group.title())
        for name in ("wiki", "files", "vault", "payroll"):
            more = {"identity_headers": {"Remote-User": "email", "Remote-Name": "name"}} if name == "wiki" else {}
            self.operator(
                "ostiary.applications.facade:add_app", name, upstream=self.echo.url, name=name.title(), **more
            )
        told = f"http://127.0.0.1:{self.told.port}"
        self.operator("ostiary.applications.facade:add_app", "told", upstream=told, name="Told")
        self.apply_rules(RULES)
        ada = self.signed_in(self.make_person("staff"))
        self.eventually(lambda: ada.open("wiki").status_code == 200, "the company is in force")
        ada.close()

    def last_words(self) -> str:
        """Return what the processes said last, for a failing test."""
        files = [self.folder / "up.out", self.folder / "operator.out", *sorted(self.instance.logs.glob("*.log"))]
        return "\n".join(f"--- {one.name}\n{one.read_text(errors='replace')[-2000:]}" for one in files if one.exists())

    def pid_of(self, name: str) -> int:
        return next(one.pid for one in read_status(self.instance.run).processes if one.name == name and one.pid)

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Stop a process and its children from running at all for a while."""
        root = psutil.Process(self.pid_of(name))
        family = [root, *root.children(recursive=True)]
        for process in family:
            process.suspend()
        try:
            yield
        finally:
            for process in family:
                process.resume()

    def resident_bytes(self, name: str) -> int:
        """Return the resident memory of a process and its children."""
        root = psutil.Process(self.pid_of(name))
        return sum(one.memory_info().rss for one in (root, *root.children(recursive=True)))

    # What its operator does

    def operator(self, call: str, *args: Any, acting: bool = True, **kwargs: Any) -> Any:
        """Call a facade as a command on the machine.

        Raises:
            OperatorRefused: with the class and the words of what the product raised.
        """
        assert self._operator is not None
        assert self._operator.stdin is not None
        line = msgspec.json.encode({"call": call, "args": args, "kwargs": kwargs, "acting": acting}).decode()
        self._operator.stdin.write(f"{line}\n")
        self._operator.stdin.flush()
        return self._read_operator()

    def _read_operator(self) -> Any:
        assert self._operator is not None
        assert self._operator.stdout is not None
        line = self._operator.stdout.readline()
        assert line, self.last_words()
        said = json.loads(line)
        if "error" in said:
            raise OperatorRefused(said["error"])
        return said["result"]

    def command_any(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run an `ostiary` command on the instance, however it ends."""
        return subprocess.run([*OSTIARY, *words], env=self.environment, capture_output=True, text=True, check=False)

    def command(self, *words: str) -> str:
        """Run an `ostiary` command on the instance and return what it printed."""
        done = self.command_any(*words)
        assert done.returncode == 0, f"{words}: {done.stderr}{done.stdout}"
        return done.stdout

    def make_person(self, *groups: str, code_app: bool = True, name: str = "") -> Made:
        """Make somebody new in these groups."""
        number = next(self._numbers)
        email = f"person-{number}@corp.test"
        made = self.operator(
            "tests.running_operator:make_person",
            email,
            name or f"Person {number}",
            list(groups),
            code_app=code_app,
            acting=False,
        )
        return msgspec.convert(made, Made)

    def apply_rules(self, document: str) -> None:
        self.operator("ostiary.rulebook.facade:apply_rules", document)
        self.in_force()

    @contextmanager
    def rules(self, document: str, *, unchecked: bool = False) -> Iterator[None]:
        """Have other rules in force for a while."""
        try:
            if unchecked:
                self.operator("tests.running_operator:put_rules_unchecked", document, acting=False)
                self.in_force()
            else:
                self.apply_rules(document)
            yield
        finally:
            self.apply_rules(RULES)

    def secret(self, name: str) -> bytes:
        return read_secret(self.instance.secrets, name).reveal()

    def session_claims(self, token: str) -> dict[str, Any]:
        """Return what an app's session cookie says."""
        return self.unverified_claims(token)

    @staticmethod
    def unverified_claims(token: str) -> dict[str, Any]:
        return dict(jwt.decode(token, options={"verify_signature": False}))

    def sign_assertion(self, claims: Mapping[str, Any], key: Any = None) -> str:
        """Return an assertion with the instance's own key, good for a minute unless the claims say otherwise; a claim
        given as `None` is left out."""
        now = int(time.time())
        issuer = self.url("id").rstrip("/")
        content = {"iss": issuer, "aud": "console", "iat": now, "exp": now + 60, **claims}
        content = {name: value for name, value in content.items() if value is not None}
        return jwt.encode(content, key or self.secret("assertion.pem"), algorithm="ES256")

    # People at it

    @property
    def authority(self) -> Path:
        return self.instance.authority_certificate

    def host(self, name: str) -> str:
        return f"{name}.{DOMAIN}"

    def url(self, name: str, path: str = "/") -> str:
        return f"https://{self.host(name)}:{self.https_port}{path}"

    def client(self, account: Made | None = None) -> Client:
        client = Client(self, account)
        self._clients.append(client)
        return client

    def signed_in(self, account: Made) -> Client:
        """Return a browser in which somebody signed in through the forms."""
        return self.client(account).sign_in()

    def administrator(self) -> Client:
        """Return an administrator's browser, with a passkey, at the console."""
        client = self.signed_in(self.make_person("administrators"))
        passkey = client.add_passkey()
        page = client.open("admin")
        if page.request.url.host == self.host("id"):
            page = client.visitor.give_passkey(page, passkey)
        assert page.status_code == 200, words_of(page)
        assert page.request.url.host == self.host("admin"), words_of(page)
        return client

    # Bytes on the wire

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority))

    def connect(
        self,
        name: str,
        *,
        sni: str | None = None,
        alpn: str = "http/1.1",
        source: str = "",
        certificate: Path | None = None,
        newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
    ) -> ssl.SSLSocket:
        """Return a TLS connection for a host; `sni` names another one on purpose, empty names none; `certificate` is a
        file with a key and a chain, shown when it is asked for."""
        context = self.trust()
        context.maximum_version = newest
        if certificate is not None:
            context.load_cert_chain(certificate)
        context.set_alpn_protocols([alpn])
        if sni is not None and sni != self.host(name):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        plain = socket.create_connection(
            ("127.0.0.1", self.https_port), timeout=60, source_address=(source, 0) if source else None
        )
        return context.wrap_socket(plain, server_hostname=self.host(name) if sni is None else (sni or None))

    def raw(self, name: str, request: bytes, *, sni: str | None = None, **connection_options: Any) -> RawAnswer:
        """Send bytes as they are and read one answer; `{authority}` in them becomes the host's authority."""
        authority = f"{self.host(name)}:{self.https_port}".encode()
        with self.connect(name, sni=sni, **connection_options) as connection:
            connection.sendall(request.replace(b"{authority}", authority))
            return read_answer(connection, method=request.partition(b" ")[0].decode("latin-1"))

    def raw_path(
        self, name: str, target: str, *headers: str, method: str = "GET", **connection_options: Any
    ) -> RawAnswer:
        """Send a request line with `target` exactly as given."""
        lines = [f"{method} {target} HTTP/1.1", "Host: {authority}", "Connection: close", *headers, "", ""]
        return self.raw(name, "\r\n".join(lines).encode("latin-1"), **connection_options)

    def http2(self, name: str, headers: wire.Headers, *, body: bytes = b"", sni: str | None = None) -> wire.Http2Answer:
        """Send one HTTP/2 request with exactly these headers, pseudo-headers included."""
        with self.connect(name, sni=sni, alpn="h2") as connection:
            return wire.ask(connection, headers, body)

    def http2_get(self, name: str, target: str, *headers: tuple[str, str], method: str = "GET") -> wire.Http2Answer:
        """Send one HTTP/2 request with `target` exactly as given."""
        authority = f"{self.host(name)}:{self.https_port}"
        pseudo = [(":method", method), (":scheme", "https"), (":authority", authority), (":path", target)]
        return self.http2(name, [*pseudo, *headers])

    def in_force(self) -> None:
        """Wait until the decision service and the data plane both stand on all that was changed.

        What takes nothing away is published within seconds, which nobody waits for here. Then they learn of it one after the
        other: in between, a grant from before may still pass.
        """
        self.operator("ostiary.gateway.publisher:publish", "a test goes on", acting=False)
        self.eventually(lambda: not self._is_behind(), "what was published is in force")

    def _is_behind(self) -> bool:
        published = read_encoded(self.instance.facts)
        health = unix_request(self.instance.decider_socket, "GET", "/health").json()
        if int(health["generation"]) < published.generation:
            return True
        return published.grant_key.kid.encode() not in ask_admin(self.instance, ECDS_DUMP)

    # What it remembers

    def decisions(self) -> list[dict[str, Any]]:
        """Return every decision on record, in order."""
        return [event for event in self._record("decisions") if event.get("class_uid") == 4002]

    def control_events(self) -> list[dict[str, Any]]:
        """Return every sign-in and every change on record, in order."""
        return [event for event in self._record("control") if "class_uid" in event]

    def _record(self, stream: str) -> Iterator[dict[str, Any]]:
        for path in sorted((self.instance.audit / stream).iterdir()):
            for line in path.read_bytes().splitlines() if path.suffix != ".lock" else ():
                with suppress(ValueError):
                    record = json.loads(line)
                    yield record.get("event", record)

    def access_log(self) -> list[dict[str, Any]]:
        path = self.instance.logs / "access.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("}")]

    def eventually(self, holds: Callable[[], object], what: str, *, seconds: float = PATIENCE_SECONDS) -> Any:
        """Return the first true value of `holds`; fail with the processes' words when there is none in time."""
        deadline = time.monotonic() + seconds
        while True:
            if value := holds():
                return value
            assert time.monotonic() < deadline, f"not in {seconds:g} s: {what}\n{self.last_words()}"
            time.sleep(0.03)

    def answer_range(self, path: str) -> Answer:
        """Answer as a range service of breached passwords does, for those in `breached` (SHA-1, upper case)."""
        prefix = path.rsplit("/", 1)[1]
        found = [f"{digest[5:]}:7" for digest in self.breached if digest.startswith(prefix)]
        return 200, [("content-type", "text/plain")], "\r\n".join(["0" * 35 + ":0", *found]).encode()


def _new_database() -> str:
    server = os.environ.get("OSTIARY_DATABASE_URL", "")
    if not server:
        return ""
    name = f"lessons_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return urlsplit(server)._replace(path=f"/{name}").geturl()


def _drop_database(url: str) -> None:
    if url:
        name = urlsplit(url).path.lstrip("/")
        with psycopg.connect(os.environ["OSTIARY_DATABASE_URL"], autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


@pytest.fixture(scope="session")
def running() -> Iterator[RunningInstance]:
    """The instance of this test process."""
    instance = RunningInstance()
    try:
        instance.start()
        yield instance
    finally:
        instance.stop()
