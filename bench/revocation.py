"""How long a disabled person still gets through: one client hammers on a grant while another process disables them."""

import http.client
import math
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

from bench.browser import Browser
from bench.counting import decisions_made
from bench.disabler import Disabled
from bench.instance import Gateway
from bench.load import InvalidRun
from bench.processes import ProgramFailed

PATIENCE_NANOSECONDS = 10 * 10**9
CALM_SECONDS = (0.02, 0.05)


@dataclass(frozen=True, slots=True)
class Sample:
    """One request of the hammering client, on the monotonic clock (nanoseconds)."""

    sent_at: int
    answered_at: int
    status: int


@dataclass(frozen=True, slots=True)
class Trial:
    """What one revocation took, in milliseconds after the commit was done.

    Args:
        refused_ms: when the first refusal had arrived.
        last_allowed_ms: when the last request that still got through was sent; negative if before the commit.
        published_ms: when the service had returned: the new facts written, the grant key replaced.
        late_requests: how many requests were answered after the commit was asked for, the refusal among them.
    """

    refused_ms: float
    last_allowed_ms: float
    published_ms: float
    late_requests: int


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody signed in: their id, and the cookies of the application's host, grant and all."""

    id: str
    browser: Browser


class Disabler:
    """The Django process that disables people; see `disabler`."""

    def __init__(self, home: Path, log: Path) -> None:
        """Start it and wait until it is ready.

        Raises:
            ProgramFailed: when it does not get ready.
        """
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.disabler"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "OSTIARY_HOME": str(home)},
                text=True,
            )
        self._read()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def order(self, person: str) -> None:
        """Have `person` disabled; return at once."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{person}\n")
        self._process.stdin.flush()

    def answer(self) -> Disabled:
        """Return when the last order was carried out."""
        return msgspec.json.decode(self._read(), type=Disabled)

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ProgramFailed("The process that disables people ended.", hint=self._log.read_text()[-1500:])
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


def run_trial(
    disabler: Disabler, connection: http.client.HTTPConnection, headers: Mapping[str, str], who: str
) -> Trial:
    """Hammer on a grant, have its owner disabled after a moment, and return what was seen.

    Raises:
        InvalidRun: when the person was refused before, or never.
    """
    order_at = time.monotonic_ns() + int(random.uniform(*CALM_SECONDS) * 1e9)
    end_at = order_at + PATIENCE_NANOSECONDS
    ordered = False
    samples: list[Sample] = []
    while not samples or samples[-1].status == 200:
        sent_at = time.monotonic_ns()
        if not ordered and sent_at >= order_at:
            disabler.order(who)
            ordered = True
        if sent_at > end_at:
            raise InvalidRun("A disabled person still gets through after 10 s.")
        connection.request("GET", "/", headers=dict(headers))
        answer = connection.getresponse()
        answer.read()
        samples.append(Sample(sent_at, time.monotonic_ns(), answer.status))
    if not ordered:
        raise InvalidRun(f"Somebody with a grant was refused ({samples[-1].status}) before they were disabled.")
    return judge(samples, disabler.answer())


def judge(samples: Sequence[Sample], disabled: Disabled) -> Trial:
    """Return what `samples`, the last of them the refusal, say about a commit that was done at `committed_at`.

    Raises:
        InvalidRun: when the refusal came before the commit was even asked for, so that something else refused.
    """
    refused = samples[-1]
    allowed = [sample for sample in samples if sample.status == 200]
    if refused.answered_at < disabled.commit_at or not allowed:
        raise InvalidRun("The refusal came before the commit.")
    return Trial(
        refused_ms=(refused.answered_at - disabled.committed_at) / 1e6,
        last_allowed_ms=(allowed[-1].sent_at - disabled.committed_at) / 1e6,
        published_ms=(disabled.returned_at - disabled.committed_at) / 1e6,
        late_requests=sum(sample.answered_at >= disabled.commit_at for sample in samples),
    )


def measure_revocation(gateway: Gateway, people: Iterable[Person], *, log: Path) -> tuple[Trial, ...]:
    """Disable every one of `people` while they are let through on a grant; return one trial for each.

    Args:
        gateway: running.
        people: signed in and inside the application, each once.
        log: for the disabling process's errors.

    Raises:
        InvalidRun: when a trial is not what it claims to be, or their requests were decided instead of granted.
    """
    trials = []
    decider = gateway.instance.decider_socket
    with Disabler(gateway.instance.home, log) as disabler:
        for person in people:
            first = person.browser.ask(gateway.app_url)
            if first.status != 200:
                raise InvalidRun(f"A person who may enter was answered {first.status}.")
            connection = person.browser.connection_to(gateway.app_url)
            headers = {"Cookie": person.browser.cookie_header(gateway.app_host)}
            before = decisions_made(decider)
            trials.append(run_trial(disabler, connection, headers, person.id))
            if decisions_made(decider) - before > trials[-1].late_requests:
                raise InvalidRun("A person with a grant was decided afresh before they were disabled.")
            person.browser.close()
    return tuple(trials)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
