"""The body of a request, which is read to its end even when the answer does not depend on it.

Granian closes a connection on which a body was left. Whoever sent the request may then lose the answer, or has already
sent the next request on that connection: our data plane would answer either with 503. Source: RFC 9112, section 9.3.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from ostiary.gateway.decider.answers import Answer
from ostiary.gateway.decider.incoming import Scope

DRAIN_BYTES: Final = 1024 * 1024
DRAIN_SECONDS: Final = 2.0
_CLOSE: Final = ("connection", "close")


class Body:
    """A body, which knows how far it was read.

    Args:
        scope: the request.
        protocol: what Granian gives to read the body from.
    """

    def __init__(self, scope: Scope, protocol: Any) -> None:
        self._scope = scope
        self._protocol = protocol
        self._begun = False
        self._was_read = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give it part by part, once."""
        self._begun = True
        async for part in self._protocol:
            yield part
        self._was_read = True

    async def end(self, answer: Answer) -> Answer:
        """Read a short body that nobody read; return the answer, which says that the connection ends where more is left."""
        if self._was_read:
            return answer
        headers = self._scope.headers
        length = headers.get("content-length") or "0"
        if length == "0" and headers.get("transfer-encoding") is None:
            return answer
        if not self._begun and length.isascii() and length.isdigit() and 0 < int(length[:9]) <= DRAIN_BYTES:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_SECONDS):
                    async for _ in self:
                        pass
        return answer if self._was_read else msgspec.structs.replace(answer, headers=[*answer.headers, _CLOSE])
