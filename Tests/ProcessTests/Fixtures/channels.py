"""Functions over channels and streamed HTTP, for iii-sdk 0.11 to 0.25.

    III_URL=ws://127.0.0.1:49134 python channels.py
"""

import asyncio
import functools
import hashlib
import json
import os
import threading

import websockets
from iii import InitOptions, register_worker

# Pings every half second and gives up after another: SDKs take 20 seconds for either.
websockets.connect = functools.partial(websockets.connect, ping_interval=0.5, ping_timeout=0.5)

worker = register_worker(os.environ["III_URL"], InitOptions(worker_name="channels"))


async def write(data):
    """Binary parts with a text behind every fourth, an idle time in the middle, and the end."""
    writer, digest = data["writer"], hashlib.sha256()
    for number in range(data["parts"]):
        if number == data["parts"] // 2:
            await asyncio.sleep(data["idle"])
        part = bytes([number % 251]) * data["bytes"]
        digest.update(part)
        await writer.write(part)
        if number % 4 == 3:
            text = "text %d äöü" % number
            digest.update(text.encode())
            await writer.send_message_async(text)
    await writer.close_async()
    return {"sha256": digest.hexdigest()}


async def read(data):
    """What comes, in the order in which it comes."""
    reader, digest = data["reader"], hashlib.sha256()
    seen = {"bytes": 0, "texts": 0, "largest": 0}

    def text(message):
        seen["texts"] += 1
        digest.update(message.encode())

    reader.on_message(text)
    async for part in reader:
        seen["bytes"] += len(part)
        seen["largest"] = max(seen["largest"], len(part))
        digest.update(part)
    return {"sha256": digest.hexdigest(), **seen}


async def say(writer, message):
    await writer.send_message_async(json.dumps(message))


async def download(request):
    """Streams as many mebibytes as it was asked for."""
    writer = request["response"]
    await say(writer, {"type": "set_status", "status_code": 201})
    await say(writer, {"type": "set_headers", "headers": {"content-type": "text/plain", "x-a": "1"}})
    await say(writer, {"type": "set_headers", "headers": {"x-a": "2"}})
    for _ in range(int(request["query_params"].get("mib", "1"))):
        await writer.write(b"x" * (1 << 20))
    await writer.close_async()


async def events(request):
    """Server-sent events, each when the one before was heard of."""
    writer = request["response"]
    headers = {"content-type": "text/event-stream", "cache-control": "no-cache"}
    await say(writer, {"type": "set_headers", "headers": headers})
    for number in range(3):
        await writer.write(b"data: %d\n\n" % number)
        gate = gates.setdefault(number, asyncio.Event())
        await asyncio.wait_for(gate.wait(), 30)
    await writer.close_async()


gates = {}


async def heard(data):
    gates.setdefault(data["number"], asyncio.Event()).set()
    return None


async def echo(request):
    """Sends the request's body back while it comes."""
    writer = request["response"]
    await say(writer, {"type": "set_headers", "headers": {"content-type": "application/x-echo"}})
    async for part in request["request_body"]:
        await writer.write(part)
    await writer.close_async()


async def digest(request):
    """Reads the request's body and returns what it was."""
    digest, count = hashlib.sha256(), 0
    async for part in request["request_body"]:
        digest.update(part)
        count += len(part)
    body = {"sha256": digest.hexdigest(), "bytes": count, "body": request["body"]}
    return {"status_code": 200, "body": body}


async def status_only(request):
    writer = request["response"]
    await say(writer, {"type": "set_status", "status_code": 418})
    await writer.close_async()


for function in (write, read, heard):
    worker.register_function("channel::" + function.__name__, function)

for method, function in (
    ("GET", download), ("GET", events), ("POST", echo), ("POST", digest), ("GET", status_only),
):
    worker.register_function("stream::" + function.__name__, function)
    worker.register_trigger({
        "type": "http",
        "function_id": "stream::" + function.__name__,
        "config": {"api_path": "stream/" + function.__name__, "http_method": method},
    })

threading.Event().wait()
