"""What is measured under load: each way a request can take, and whether a run of it was what it claims to be."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from bench.load import CONNECTIONS, InvalidRun, Load, Target, drive
from bench.processes import cpu_seconds, family_of, pin

WARM_UP_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Cores:
    """Who runs where. Empty lets the kernel choose.

    Args:
        proxy: the proxy under test alone.
        others: the load, the application and the decision service.
    """

    proxy: tuple[int, ...]
    others: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to the application.

    Args:
        name: for figures: `none`, `grant`, `slow`, `nginx_open` …
        proxy: the process id whose family is the proxy.
        target: returns the request to repeat, with cookies that are good for this run.
        decides: how many decisions a request takes: 0, 1, or `None` where nobody counts them.
    """

    name: str
    proxy: int
    target: Callable[[], Target]
    decides: int | None = None


@dataclass(frozen=True, slots=True)
class Counters:
    """Who counts what besides wrk.

    Args:
        answered: requests the application has received so far.
        decided: decisions the decision service has made so far.
        decider: the process id of the decision service.
    """

    answered: Callable[[], int]
    decided: Callable[[], int]
    decider: int


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one variant.

    Args:
        cpu_us: processor time of the proxy for a request, microseconds.
        decider_cpu_us: of the decision service.
    """

    variant: str
    per_second: float
    cpu_us: float
    decider_cpu_us: float
    p50_us: int
    p99_us: int
    requests: int


def measure(variant: Variant, counters: Counters, *, seconds: int, cores: Cores) -> Run:
    """Drive one variant and return its figures.

    Raises:
        InvalidRun: when a request failed, was not answered by the application, or was decided otherwise than it claims.
    """
    target = variant.target()
    proxy, decider = family_of(variant.proxy), family_of(counters.decider)
    pin(proxy, cores.proxy)
    drive(target, seconds=WARM_UP_SECONDS, cores=cores.others)
    answered, decided = counters.answered(), counters.decided()
    cpu, decider_cpu = cpu_seconds(proxy), cpu_seconds(decider)
    load = drive(target, seconds=seconds, cores=cores.others)
    cpu, decider_cpu = cpu_seconds(proxy) - cpu, cpu_seconds(decider) - decider_cpu
    check_counts(variant, load, answered=counters.answered() - answered, decided=counters.decided() - decided)
    return Run(
        variant=variant.name,
        per_second=load.per_second,
        cpu_us=cpu / load.requests * 1e6,
        decider_cpu_us=decider_cpu / load.requests * 1e6,
        p50_us=load.p50_us,
        p99_us=load.p99_us,
        requests=load.requests,
    )


def check_counts(variant: Variant, load: Load, *, answered: int, decided: int) -> None:
    """Raise `InvalidRun` unless the application and the decision service saw what wrk saw.

    wrk drops what is under way when its time ends, so both may have seen that much more.
    """
    slack = 2 * CONNECTIONS + 8
    if not load.requests <= answered <= load.requests + slack:
        raise InvalidRun(
            f"{variant.name}: wrk counted {load.requests} answers, the application {answered}.",
            hint="Somebody else answered, or asked.",
        )
    if variant.decides is None:
        return
    expected = variant.decides * load.requests
    if not expected <= decided <= expected + slack:
        raise InvalidRun(
            f"{variant.name}: {decided} decisions for {load.requests} requests; expected {variant.decides} for each.",
            hint="The grant was not used, or was used where none should be.",
        )


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """One variant over all rounds: medians."""

    per_second: float
    cpu_us: float
    decider_cpu_us: float
    p50_us: float
    p99_us: float


def summarise(runs: Sequence[Run], variant: str) -> Summary:
    """Return the medians of one variant's runs."""
    mine = [run for run in runs if run.variant == variant]
    return Summary(
        per_second=round(statistics.median(run.per_second for run in mine)),
        cpu_us=round(statistics.median(run.cpu_us for run in mine), 1),
        decider_cpu_us=round(statistics.median(run.decider_cpu_us for run in mine), 1),
        p50_us=round(statistics.median(run.p50_us for run in mine)),
        p99_us=round(statistics.median(run.p99_us for run in mine)),
    )


def ratio(runs: Sequence[Run], variant: str, baseline: str, figure: str) -> float:
    """Return the median over the rounds of `figure` of one variant divided by the baseline's in the same round.

    Dividing inside a round lets slow changes of the machine (heat, neighbours) cancel out.
    """
    pairs = zip(
        (run for run in runs if run.variant == variant), (run for run in runs if run.variant == baseline), strict=True
    )
    shares = [float(getattr(mine, figure) / getattr(other, figure)) for mine, other in pairs]
    return round(statistics.median(shares), 3)
