"""The server's process: tells its port on the first line of output, ends when its input does."""

from __future__ import annotations

import asyncio
import gc
import sys

from benchmarks.server.protocol import Connection, State


async def serve() -> None:
    """Serve until whoever started this process closes its input, or is gone."""
    loop = asyncio.get_running_loop()
    state, ended = State(), asyncio.Event()
    server = await loop.create_server(lambda: Connection(state), "127.0.0.1", 0, backlog=2048)
    loop.add_reader(sys.stdin.fileno(), ended.set)
    print(server.sockets[0].getsockname()[1], flush=True)
    gc.freeze()
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve())
