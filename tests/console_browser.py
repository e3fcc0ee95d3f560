"""Stands where the gateway stands, for browser tests of the console: names the host, asserts who is calling."""

from collections.abc import Callable, Iterable
from typing import Any

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]


class FrontDoor:
    """Wraps the control plane: every request is for the console, over TLS, from the person the assertion names.

    Args:
        application: the control plane.
        assertion: returns a fresh assertion, or an empty text for nobody.
        host: the host that requests are for.
    """

    def __init__(
        self, application: Application, *, assertion: Callable[[], str], host: str = "admin.example.test"
    ) -> None:
        self.application = application
        self.assertion = assertion
        self.host = host

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer one request as the gateway would pass it on."""
        here = f"http://{environ.get('HTTP_HOST', '')}"
        there = f"https://{self.host}"
        for name in ("HTTP_ORIGIN", "HTTP_REFERER"):
            if environ.get(name, "").startswith(here):
                environ[name] = there + environ[name].removeprefix(here)
        environ["HTTP_HOST"] = self.host
        environ["HTTP_X_FORWARDED_PROTO"] = "https"
        environ["HTTP_X_FORWARDED_FOR"] = "192.0.2.17"
        environ["HTTP_X_OSTIARY_ASSERTION"] = self.assertion()
        return self.application(environ, start_response)
