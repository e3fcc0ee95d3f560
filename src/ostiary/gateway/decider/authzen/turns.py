"""Long work on the loop on which everybody's requests are decided: it stops when its turn is over, and goes on after them."""

import asyncio
import time
from typing import Final

TURN_SECONDS: Final = 0.001
"""How long other requests may wait for one that asks much; for as long it then waits for them, as each needs the loop
several times before it is answered."""


class Turns:
    """The turns of one request. The first begins now."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    async def take(self) -> None:
        """Return at once while the turn lasts, else after the others had as long."""
        if time.perf_counter() - self._began >= TURN_SECONDS:
            await asyncio.sleep(TURN_SECONDS)
            self._began = time.perf_counter()
