"""Serves the control plane in this process for a browser, as if the gateway stood in front."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any, TypeVar
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.core.wsgi import get_wsgi_application
from django.db import connections
from playwright.sync_api import Browser, sync_playwright

from tests.console_browser import FrontDoor

Answer = TypeVar("Answer")
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, and give its database connection back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            connections.close_all()


@contextmanager
def serve_console(assertion: Callable[[], str]) -> Iterator[str]:
    """Serve on a free port of this machine until the block ends; yield the address.

    Args:
        assertion: what the gateway says about whoever looks; called for each request.
    """
    application = FrontDoor(get_wsgi_application(), assertion=assertion)
    with make_server("127.0.0.1", 0, application, server_class=_Server, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def asked_elsewhere(question: Callable[[], Answer]) -> Answer:
    """Return an answer from the database, asked in a thread of its own: this one may have an event loop."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(_asked_and_closed, question).result()


def _asked_and_closed(question: Callable[[], Answer]) -> Answer:
    try:
        return question()
    finally:
        connections.close_all()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the machine's Chromium without a window, and end it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()
