"""What the meters on a test bench say: a page, and a WebSocket that tells a reading twice a second."""

import asyncio
import json
import math
import time
from contextlib import suppress
from typing import Any

from ostiary.demo.applications.page import render_page

EVERY_SECONDS = 0.5
METERS = (("Cooling loop 1", 12.4, 0.8), ("Cooling loop 2", 11.9, 0.5), ("Calibration rig", 3.2, 0.1))
"""Name, litres a minute, and by how much that swings."""
_BODY = """
<section><h1>Test bench</h1><p id="link">Connecting …</p>
<table><tr><th>Meter</th><th>Litres a minute</th></tr><tbody id="meters"></tbody></table></section>
<script>
const link = document.getElementById("link"), meters = document.getElementById("meters");
const socket = new WebSocket(`wss://${location.host}/live`);
socket.onopen = () => { link.textContent = "Live."; };
socket.onmessage = heard => {
  const rows = JSON.parse(heard.data).meters.map(([name, flow]) => {
    const row = document.createElement("tr");
    for (const words of [name, flow.toFixed(2)]) row.insertCell().textContent = words;
    return row;
  });
  meters.replaceChildren(...rows);
};
socket.onclose = () => { link.textContent = "The connection has ended. Load the page again to see why."; meters.style.opacity = .4; };
</script>
"""


async def application(scope: Any, proto: Any) -> None:
    """Answer one request or WebSocket."""
    if scope.proto == "ws":
        await _tell(proto)
    else:
        page = render_page("Readings", "on enrolled computers that keep their disk encrypted", _BODY)
        proto.response_str(200, [("content-type", "text/html; charset=utf-8")], page)


async def _tell(proto: Any) -> None:
    """Tell until the other side is gone, which is noticed when nothing can be sent any more."""
    link = await proto.accept()
    with suppress(Exception):
        while True:
            await link.send_str(json.dumps({"meters": readings(time.time())}))
            await asyncio.sleep(EVERY_SECONDS)


def readings(now: float) -> list[tuple[str, float]]:
    """Return what each meter says at a moment (seconds since the epoch)."""
    return [(name, flow + swing * math.sin(now / (3 + number))) for number, (name, flow, swing) in enumerate(METERS)]
