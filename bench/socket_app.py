"""An application that keeps WebSockets open and sends back what it gets. Run: python -m bench.socket_app PORT"""

import asyncio
import sys
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response


async def main(port: int) -> None:
    """Serve on the loopback address until the process ends."""

    async def echo(socket: ServerConnection) -> None:
        async for message in socket:
            await socket.send(message)

    def answer_others(connection: ServerConnection, request: Request) -> Response | None:
        return None if "Upgrade" in request.headers else connection.respond(HTTPStatus.OK, "an answer\n")

    async with serve(
        echo, "127.0.0.1", port, process_request=answer_others, ping_interval=None, compression=None
    ) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
