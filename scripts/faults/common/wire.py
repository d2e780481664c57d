"""A client of the worker socket, down to the frames: standard library only."""

import json
import os
import select
import socket
import struct
import time

from .report import Broken


class Client:
    """One connection. `ended` turns true when the engine's side is gone."""

    def __init__(self, port, timeout=30):
        self.ended = False
        self.serial = 0
        self.prefix = os.urandom(6).hex()
        self.buffer = bytearray()
        self.part = b""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        while b"\r\n\r\n" not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                raise Broken("the engine closed the connection during the upgrade")
            self.buffer += data
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise Broken(f"the upgrade was answered with {head[:60]}")
        self.buffer = bytearray(rest)
        self.socket.setblocking(False)

    def close(self):
        self.socket.close()

    # Sending

    def send(self, message):
        """Sends a message; an engine that is gone is noticed by reading."""
        payload = json.dumps(message, separators=(",", ":")).encode()
        size = len(payload)
        if size < 126:
            head = struct.pack("!BB", 0x81, 0x80 | size)
        elif size < 65536:
            head = struct.pack("!BBH", 0x81, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", 0x81, 0x80 | 127, size)
        # A mask of zeros leaves the payload as it is.
        self.write(head + b"\0\0\0\0" + payload)

    def write(self, data):
        view = memoryview(data)
        while view and not self.ended:
            try:
                view = view[self.socket.send(view):]
            except BlockingIOError:
                select.select([], [self.socket], [], 1)
            except OSError:
                return

    def call(self, function, data, action=None):
        """Sends a call and returns its id."""
        self.serial += 1
        call = f"{self.prefix[:8]}-{self.prefix[8:]}-4000-8000-{self.serial:012x}"
        message = {
            "type": "invokefunction",
            "invocation_id": call,
            "function_id": function,
            "data": data,
        }
        if action:
            message["action"] = action
        self.send(message)
        return call

    def answer(self, dispatch, result=None, error=None):
        message = {
            "type": "invocationresult",
            "invocation_id": dispatch["invocation_id"],
            "function_id": dispatch["function_id"],
        }
        if error is None:
            message["result"] = result
        else:
            message["error"] = {"code": "invocation_failed", "message": error}
        self.send(message)

    # Receiving

    def receive(self):
        """Every message that has arrived; waits for nothing."""
        while not self.ended:
            try:
                data = self.socket.recv(1 << 18)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self.ended = True
            self.buffer += data
        return self.messages()

    def messages(self):
        found = []
        while (frame := self.frame()) is not None:
            first, payload = frame
            opcode = first & 0x0F
            if opcode == 9:
                self.write(struct.pack("!BB", 0x8A, 0x80 | len(payload)) + b"\0\0\0\0" + payload)
            elif opcode in (0, 1):
                self.part += payload
                if first & 0x80:
                    found.append(json.loads(self.part))
                    self.part = b""
        return found

    def frame(self):
        buffer = self.buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 0x7F, 2
        if size == 126:
            if len(buffer) < 4:
                return None
            size, start = struct.unpack_from("!H", buffer, 2)[0], 4
        elif size == 127:
            if len(buffer) < 10:
                return None
            size, start = struct.unpack_from("!Q", buffer, 2)[0], 10
        if len(buffer) < start + size:
            return None
        first, payload = buffer[0], bytes(buffer[start:start + size])
        del buffer[:start + size]
        return first, payload


def wait(clients, seconds):
    """Sleeps until one of the clients has something to read, or the time is over."""
    alive = [client.socket for client in clients if not client.ended]
    if alive:
        select.select(alive, [], [], seconds)
    else:
        time.sleep(min(seconds, 0.01))
