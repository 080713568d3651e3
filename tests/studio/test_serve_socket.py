"""The socket that `serve` listens on: small answers leave at once, none waits for the other side to confirm its first half."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

from studio.commands.serve import listen


def test_connections_send_small_packets_at_once() -> None:
    async def nodelay() -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            found.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listener = listen("127.0.0.1", None)
        async with await asyncio.start_server(greet, sock=listener):
            await asyncio.open_connection(*listener.getsockname())
            return await found

    with ThreadPoolExecutor(1) as thread:  # the main one may hold the browser's event loop
        assert thread.submit(asyncio.run, nodelay()).result() == 1
