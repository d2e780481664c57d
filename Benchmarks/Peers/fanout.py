"""Redis pub/sub behind a fan-out over WebSockets: the usual way to push events to browsers.

    python fanout.py REDIS-PORT PORT

Every client is sent what is published to the channel `bench`, and "joined" when it has joined.
"""

import asyncio
import sys

from websockets.asyncio.server import broadcast, serve

clients = set()


async def client(socket):
    await socket.recv()
    clients.add(socket)
    try:
        await socket.send("joined")
        await socket.wait_closed()
    finally:
        clients.discard(socket)


async def subscriber(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"SUBSCRIBE bench\r\n")
    while True:
        # *3, then three bulk strings: kind, channel, and the message (or a count).
        assert (await reader.readline()).startswith(b"*3")
        parts = []
        for _ in range(3):
            head = await reader.readline()
            if head.startswith(b":"):
                parts.append(head)
                continue
            body = await reader.readexactly(int(head[1:]) + 2)
            parts.append(body[:-2])
        if parts[0] == b"message":
            broadcast(clients, parts[2].decode())


async def main():
    redis_port, port = int(sys.argv[1]), int(sys.argv[2])
    # Without pings, which those who measure do not answer, and in no hurry while all join.
    quiet = {"ping_interval": None, "open_timeout": None}
    async with serve(client, "127.0.0.1", port, compression=None, backlog=4096, **quiet):
        await subscriber(redis_port)


asyncio.run(main())
