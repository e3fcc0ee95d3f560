"""What Granian serves on the control socket: sign-in, portal and console."""

import os
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ostiary.config.django")

DRAIN_BYTES: Final = 1024 * 1024
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Stream(Protocol):
    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes."""

    def readline(self, size: int = -1) -> bytes:
        """Return up to the end of a line."""


class _Counted:
    """A request's body that counts what was read of it."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        return self._counted(self._stream.read(size))

    def readline(self, size: int = -1) -> bytes:
        return self._counted(self._stream.readline(size))

    def _counted(self, part: bytes) -> bytes:
        self.count += len(part)
        return part


def reads_all(application: Application) -> Application:
    """Read what an application left of a request's body before it is answered.

    Granian closes a connection on which a body was left: the gateway would lose the answer, or have sent somebody
    else's request on it. Where much is left, the answer says that the connection ends.
    """

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or "0"
        announced = int(length) if length.isascii() and length.isdigit() else DRAIN_BYTES + 1
        body = environ["wsgi.input"] = _Counted(environ["wsgi.input"])

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            if announced <= DRAIN_BYTES:
                while body.count < announced and body.read(announced - body.count):
                    pass
            unread = body.count < announced or "HTTP_TRANSFER_ENCODING" in environ
            return start_response(status, [*headers, ("Connection", "close")] if unread else headers, *more)

        return application(environ, start)

    return answer


application = reads_all(get_wsgi_application())
