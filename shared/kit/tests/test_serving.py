import asyncio
import socket
from collections.abc import AsyncIterator

import uvicorn
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from caseway_kit.serving import Connection

MIB = bytes(1024 * 1024)


class Impatient(Connection):
    seconds = 0.2


async def test_a_reader_who_never_reads_is_given_up() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def endless() -> AsyncIterator[bytes]:
            begun.set()
            while True:
                yield MIB
                await asyncio.sleep(0)

        try:
            await StreamingResponse(endless())(scope, receive, send)
        finally:
            ended.set()

    config = uvicorn.Config(app, lifespan="off", log_config=None)
    state = ServerState()
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Impatient(config, state, {}), "127.0.0.1", 0)
    try:
        with socket.create_connection(server.sockets[0].getsockname()[:2]) as reader:
            reader.sendall(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n")
            async with asyncio.timeout(60):
                await begun.wait()
                await ended.wait()
                while state.connections:
                    await asyncio.sleep(0.01)
    finally:
        server.close()
        await server.wait_closed()
