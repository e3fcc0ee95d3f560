"""Load by wrk: keep-alive connections to one URL, and what came back. Judging the figures lives in `variants`."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ostiary.errors import OstiaryError

SCRIPT = Path(__file__).with_name("load.lua")
CONNECTIONS = 32


class InvalidRun(OstiaryError):
    """What was measured is not what was meant; the figure must not be used."""


@dataclass(frozen=True, slots=True)
class Target:
    """One request, repeated.

    Args:
        host: the name in the URL, in `Host` and in the TLS handshake; wrk connects to the loopback address.
        port: where the gateway or proxy under test listens, TLS.
        headers: sent with every request.
    """

    host: str
    port: int
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The URL as wrk takes it."""
        return f"https://{self.host}:{self.port}{self.path}"


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What wrk saw. Errors are counts: connections, reads and writes that failed, answers above 399, time-outs."""

    requests: int
    microseconds: int
    connect: int
    read: int
    write: int
    status: int
    timeout: int
    p50_us: int
    p99_us: int

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.requests / (self.microseconds / 1e6)

    @property
    def errors(self) -> int:
        """Everything that was not an answer below 400."""
        return self.connect + self.read + self.write + self.status + self.timeout


def parse_load(output: str) -> Load:
    """Return the figures in wrk's output.

    Raises:
        InvalidRun: when there are none.
    """
    last = output.strip().rpartition("\n")[2]
    try:
        return msgspec.json.decode(last, type=Load)
    except msgspec.MsgspecError:
        raise InvalidRun("wrk printed no figures.", hint=output.strip()[-500:]) from None


def drive(target: Target, *, seconds: int, connections: int = CONNECTIONS, cores: Sequence[int] = ()) -> Load:
    """Send `target` over and over for `seconds` on `connections` kept-alive connections.

    Raises:
        InvalidRun: when wrk fails, or any request did.
    """
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(SCRIPT)]
    for name, value in target.headers.items():
        command += ["-H", f"{name}: {value}"]
    if cores:
        command = ["taskset", "-c", ",".join(map(str, cores)), *command]
    done = subprocess.run([*command, target.url], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InvalidRun(f"wrk failed on {target.url}.", hint=(done.stderr or done.stdout).strip()[-500:])
    load = parse_load(done.stdout)
    if load.errors or not load.requests:
        raise InvalidRun(
            f"{target.url}: of {load.requests} requests, {load.errors} failed.",
            hint=f"{load.connect} connect, {load.read} read, {load.write} write, {load.status} refused, "
            f"{load.timeout} timed out",
        )
    return load
