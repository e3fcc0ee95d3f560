"""The decision service's process: `granian --interface rsgi --uds … ostiary.gateway.decider.service:app`.

On the Unix socket: decisions for our data plane under `/check`, our own pages on the apps' hosts, and for the machine
itself `/sign-in` (which the control plane asks), `/health` and `/metrics`, which the data plane never routes to. On the loopback port, when it is configured:
decisions for other proxies and programs, and our own pages. One worker; it writes the stream `decisions` alone.
"""

import asyncio
import gc
from collections.abc import AsyncIterable
from typing import Any, Final

import structlog
from granian.constants import Interfaces
from granian.server.embed import Server

from ostiary.config.loader import find_home, load_instance
from ostiary.gateway.decider import callback, forward_auth, sign_out, static
from ostiary.gateway.decider.answers import UNAVAILABLE, Answer, for_data_plane, plain
from ostiary.gateway.decider.assembly import Parts, assemble
from ostiary.gateway.decider.authzen import metadata as authzen
from ostiary.gateway.decider.bodies import Body
from ostiary.gateway.decider.health import health, metrics
from ostiary.gateway.decider.incoming import Incoming, Scope, from_data_plane, read_headers, read_host, without_device
from ostiary.gateway.decider.process_log import configure_log
from ostiary.gateway.sign_in_question import QUESTION_PATH
from ostiary.gateway.under_way import UNDER_WAY_FILE, keep_empty
from ostiary.policy.decision import ReasonCode

CHECK: Final = "/check"
KEY_SET_PATH: Final = "/.well-known/ostiary/jwks.json"
LOOPBACK: Final = "127.0.0.1"
COLLECT_AFTER: Final = 20_000
"""Objects between garbage collections: a request leaves nothing in cycles, and the facts are many objects to look at."""

_FAILED: Final = plain(UNAVAILABLE, "The request could not be decided, so it is refused.")

log = structlog.get_logger(__name__)


class Service:
    """Routes requests of the Unix socket; an RSGI application."""

    def __init__(self) -> None:
        self._parts: Parts | None = None
        self._forward: Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start: read everything, begin to follow the facts, open the loopback port."""
        instance = load_instance(find_home())
        configure_log(instance.configuration.log_level)
        self._parts = assemble(instance, loop)
        self._parts.decider.follower.follow(loop)
        if self._parts.decider.streams is not None:
            self._parts.decider.streams.start(loop)
        else:
            keep_empty(loop, instance.run / UNDER_WAY_FILE)
        if self._parts.decider.last_use is not None:
            self._parts.decider.last_use.start(loop)
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER)
        if instance.configuration.decisions.forward_auth_port:
            loop.call_soon(self._listen_for_proxies, self._parts, loop)

    def __rsgi_del__(self, _: asyncio.AbstractEventLoop) -> None:
        """Stop."""
        if self._forward is not None:
            self._forward.stop()  # type: ignore[no-untyped-call]
        if self._parts is not None:
            self._parts.decider.follower.stop()
            if self._parts.decider.streams is not None:
                self._parts.decider.streams.stop()
            if self._parts.decider.last_use is not None:
                self._parts.decider.last_use.stop()
            self._parts.audit.close()
            self._parts = None

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Answer one request."""
        if scope.proto != "http":
            protocol.close(403)
            return
        body = Body(scope, protocol)
        try:
            answer = await self._answer(scope, body)
        except Exception:
            log.exception("request_failed", reason=ReasonCode.ENGINE_ERROR.value)
            answer = _FAILED
        send(protocol, await body.end(answer))

    async def _answer(self, scope: Scope, body: AsyncIterable[bytes]) -> Answer:
        parts, path = self._parts, scope.path
        if parts is None:
            return _FAILED
        if path.startswith(CHECK):
            return for_data_plane(await parts.decider.decide(from_data_plane(scope, path[len(CHECK) :])))
        if path == "/health":
            return health(parts)
        if path == "/metrics":
            return metrics(parts)
        if path == QUESTION_PATH:
            return await parts.sign_ins.answer(scope.method, body)
        if authzen.is_ours(path) and asks_at_the_gateway(scope, parts):
            return await parts.authzen.answer(scope, body, origin=parts.links.sign_in_origin, gateway=True)
        return own_page(parts, from_data_plane(scope, path))

    def _listen_for_proxies(self, parts: Parts, loop: asyncio.AbstractEventLoop) -> None:
        port = parts.instance.configuration.decisions.forward_auth_port
        self._forward = Server(
            ProxyService(parts),
            address=LOOPBACK,
            port=port,
            interface=Interfaces.RSGI,
            websockets=False,
            log_enabled=False,
        )
        task = loop.create_task(self._forward.serve())
        self._tasks.add(task)
        task.add_done_callback(lambda done: _listening_ended(done, parts, port))


class ProxyService:
    """Routes requests of the loopback port; an RSGI application."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Answer one request."""
        body = Body(scope, protocol)
        try:
            answer = await self._answer(scope, body)
        except Exception:
            log.exception("request_failed", reason=ReasonCode.ENGINE_ERROR.value)
            answer = _FAILED
        send(protocol, await body.end(answer))

    async def _answer(self, scope: Scope, body: AsyncIterable[bytes]) -> Answer:
        path = scope.path
        configuration = self._parts.instance.configuration
        if authzen.is_ours(path) and configuration.authzen.enabled:
            origin = f"http://{LOOPBACK}:{configuration.decisions.forward_auth_port}"
            return await self._parts.authzen.answer(scope, body, origin=origin)
        if not path.startswith(forward_auth.PREFIX):
            return own_page(self._parts, without_device(from_data_plane(scope, path)))
        proxy = forward_auth.PROXIES.get(path.removeprefix(forward_auth.PREFIX))
        if proxy is None:
            return plain(404, "Ask at /forward-auth/caddy, /forward-auth/traefik or /forward-auth/nginx.")
        incoming = forward_auth.from_proxy(scope, proxy)
        answer = await self._parts.decider.decide(incoming, grants=False)
        return forward_auth.for_proxy(answer, incoming, proxy)


def asks_at_the_gateway(scope: Scope, parts: Parts) -> bool:
    """Return whether programs are answered at the sign-in host, and this is it."""
    instance = parts.instance
    wanted = instance.configuration.authzen.enabled and instance.configuration.authzen.on_gateway
    return wanted and read_host(read_headers(scope.headers).get("host", "")) == instance.identity_host


def own_page(parts: Parts, incoming: Incoming) -> Answer:
    """Answer one of our own addresses on an app's host, without a decision."""
    path = incoming.path
    if path == callback.PATH:
        return parts.callback.answer(incoming, parts.decider.basis(), parts.clock())
    if path == sign_out.PATH:
        return parts.sign_out.answer(incoming, parts.decider.basis())
    if path.startswith(static.PREFIX):
        return static.serve(incoming.method, path)
    if path == KEY_SET_PATH and incoming.method in {"GET", "HEAD"}:
        headers = [("content-type", "application/jwk-set+json"), ("cache-control", "public, max-age=300")]
        return Answer(200, headers, parts.key_set)
    return plain(404, "There is nothing at this address.")


def send(protocol: Any, answer: Answer) -> None:
    """Send an answer."""
    if answer.body:
        protocol.response_bytes(answer.status, answer.headers, answer.body)
    else:
        protocol.response_empty(answer.status, answer.headers)


def _listening_ended(task: "asyncio.Task[None]", parts: Parts, port: int) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        words = f"The forward-auth port {port} cannot be served. Is it in use? Change decisions.forward_auth_port."
        parts.alarms.sound("forward_auth_port", words, detail=repr(error))


app = Service()
