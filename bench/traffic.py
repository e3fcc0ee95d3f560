"""The ways to the application under load: Ostiary with a grant, without one, without authorisation; then the alternatives."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.bare_envoy import start_bare_envoy, write_bare_envoy
from bench.browser import Browser
from bench.counting import decisions_made
from bench.figures import TRAEFIK, PeerFigures
from bench.instance import Gateway
from bench.load import InvalidRun, Target
from bench.peers.apache import sign_in_to_apache, start_apache
from bench.peers.caddy import start_caddy
from bench.peers.nginx import start_nginx
from bench.peers.peer import ForwardAuth, Peer, Place
from bench.processes import family_of, free_port, pin, usable_cores
from bench.upstream import Upstream
from bench.variants import Cores, Counters, Run, Variant, measure, ratio, summarise

GRANT, SESSION = "__Host-ostiary-grant", "__Host-ostiary-session"


def measure_traffic(
    gateway: Gateway,
    upstream: Upstream,
    browser: Browser,
    folder: Path,
    *,
    rounds: int,
    seconds: int,
    ours: bool,
    peers: bool,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Drive every variant in turn, `rounds` times, and return the figures by field.

    Args:
        gateway: running.
        upstream: the application.
        browser: signed in, with a session at the application.
        folder: for the other proxies' files.
        rounds: how often each variant takes its turn.
        seconds: how long a turn lasts.
        ours: whether to measure Ostiary.
        peers: whether to measure the alternatives.
        say: tells the person who waits.

    Raises:
        InvalidRun: when a run is not what it claims to be.
    """
    with ExitStack() as stack:
        variants: list[Variant] = []
        if ours:
            variants += _our_variants(gateway, browser, folder, stack)
        started = _start_peers(gateway, upstream, folder, stack) if peers else []
        variants += _peer_variants(gateway, browser, started)
        cores = stack.enter_context(_spread(gateway, upstream))
        counters = Counters(
            answered=upstream.answered,
            decided=lambda: decisions_made(gateway.instance.decider_socket),
            decider=gateway.pid_of("decider"),
        )
        runs: list[Run] = []
        for number in range(1, rounds + 1):
            for variant in variants:
                say(f"round {number} of {rounds}: {variant.name.replace('_', ' ')}")
                runs.append(measure(variant, counters, seconds=seconds, cores=cores))
    found = _our_figures(runs) if ours else {}
    if peers:
        found["peers"] = {peer.name: _peer_figures(runs, peer) for peer in started} | {"traefik": TRAEFIK}
    return found


@contextmanager
def _spread(gateway: Gateway, upstream: Upstream) -> Iterator[Cores]:
    """Give the proxy under test a core of its own, where there are two; everything else shares the others. For a while."""
    usable = usable_cores()
    if len(usable) < 2:
        yield Cores(proxy=(), others=())
        return
    everything = {*family_of(gateway.supervisor.pid), *family_of(upstream.program.pid)}
    envoy = set(family_of(gateway.pid_of("envoy")))
    pin(everything - envoy, usable[1:])
    try:
        yield Cores(proxy=usable[:1], others=usable[1:])
    finally:
        pin(everything, usable)


def _our_variants(gateway: Gateway, browser: Browser, folder: Path, stack: ExitStack) -> list[Variant]:
    host = {"Host": gateway.instance.authority(gateway.app_host)}

    def target(port: int, *, grant: bool) -> Target:
        cookies = {"Cookie": _fresh_cookies(gateway, browser, grant=grant)}
        return Target(host=gateway.app_host, port=port, headers=host | cookies)

    variants = []
    for name, keep in (("none", None), ("bare", frozenset[str]())):
        port = free_port()
        bootstrap = write_bare_envoy(gateway.instance, folder / name, port=port, keep=keep)
        program = stack.enter_context(start_bare_envoy(bootstrap, port=port, name=f"Envoy ({name})"))
        variants.append(Variant(name, program.pid, partial(target, port, grant=True), decides=0))
    envoy, port = gateway.pid_of("envoy"), gateway.https_port
    variants.append(Variant("grant", envoy, partial(target, port, grant=True), decides=0))
    variants.append(Variant("slow", envoy, partial(target, port, grant=False), decides=1))
    return variants


def _fresh_cookies(gateway: Gateway, browser: Browser, *, grant: bool) -> str:
    """Return the cookies of a browser at the application, with a grant that was issued just now or without any."""
    answer = browser.ask(gateway.app_url, without_cookies=frozenset({GRANT}))
    jar = browser.cookies[gateway.app_host]
    if answer.status != 200 or GRANT not in jar or SESSION not in jar:
        raise InvalidRun(f"The application's front page answered {answer.status} to a person who may enter.")
    return browser.cookie_header(gateway.app_host, without=frozenset() if grant else frozenset({GRANT}))


def _start_peers(gateway: Gateway, upstream: Upstream, folder: Path, stack: ExitStack) -> list[Peer]:
    certificate, key = gateway.certificate
    place = Place(folder=folder, certificate=certificate, key=key, app_port=upstream.port)
    auth = ForwardAuth(
        port=gateway.forward_auth_port, nginx_path="/forward-auth/nginx", redirect_path="/forward-auth/caddy"
    )
    started = [start_nginx(place, auth), start_caddy(place, auth)]
    apache, provider = start_apache(place, host=gateway.app_host, running_as_root=os.geteuid() == 0)
    for program in (*(peer.program for peer in started), apache.program, provider):
        stack.enter_context(program)
    return [*started, apache]


def _peer_variants(gateway: Gateway, browser: Browser, peers: Sequence[Peer]) -> list[Variant]:
    host = gateway.app_host

    def guarded(peer: Peer) -> Target:
        if peer.how == "mod_auth_openidc":
            cookie = sign_in_to_apache(host, peer.guarded_port)
        else:
            cookie = _fresh_cookies(gateway, browser, grant=False)
        return Target(host=host, port=peer.guarded_port, headers={"Cookie": cookie})

    variants: list[Variant] = []
    stranger = browser.stranger()
    for peer in peers:
        decides = 0 if peer.how == "mod_auth_openidc" else 1
        _refuses_strangers(host, peer, stranger)
        variants.append(
            Variant(
                f"{peer.name}_open",
                peer.program.pid,
                partial(Target, host, peer.open_port, headers={"Cookie": "a=1"}),
                decides=0,
            )
        )
        variants.append(Variant(f"{peer.name}_guarded", peer.program.pid, partial(guarded, peer), decides=decides))
    return variants


def _refuses_strangers(host: str, peer: Peer, stranger: Browser) -> None:
    """Make sure that the guarded door is one."""
    if stranger.ask(f"https://{host}:{peer.guarded_port}/").status == 200:
        raise InvalidRun(f"{peer.name} lets strangers in.")


def _our_figures(runs: Sequence[Run]) -> dict[str, Any]:
    names = ("none", "bare", "grant", "slow")
    return {
        "grant_throughput_ratio": ratio(runs, "grant", "none", "per_second"),
        "grant_cpu_ratio": ratio(runs, "grant", "none", "cpu_us"),
        "slow_throughput_ratio": ratio(runs, "slow", "none", "per_second"),
        "grant_throughput_ratio_bare": ratio(runs, "grant", "bare", "per_second"),
        "grant_cpu_ratio_bare": ratio(runs, "grant", "bare", "cpu_us"),
        "variants": {name: summarise(runs, name) for name in names},
    }


def _peer_figures(runs: Sequence[Run], peer: Peer) -> PeerFigures:
    free, guarded = f"{peer.name}_open", f"{peer.name}_guarded"
    without, with_it = summarise(runs, free), summarise(runs, guarded)
    return PeerFigures(
        how=peer.how,
        open_per_second=without.per_second,
        guarded_per_second=with_it.per_second,
        throughput_ratio=ratio(runs, guarded, free, "per_second"),
        cpu_ratio=ratio(runs, guarded, free, "cpu_us"),
        open_cpu_us=without.cpu_us,
        guarded_cpu_us=with_it.cpu_us,
        guarded_decider_cpu_us=with_it.decider_cpu_us,
        guarded_p99_us=with_it.p99_us,
    )
