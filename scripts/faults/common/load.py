"""Clients that enqueue and write, and a worker that answers."""

import time

from . import ledger as ledgers
from . import wire
from .report import Broken

FUNCTION = "faults::work"


class Load:
    """One life of the clients; all that they are told goes into the ledger."""

    def __init__(self, engine, ledger, random, clients=2):
        self.ledger = ledger
        self.random = random
        self.worker = wire.Client(engine.worker_port)
        self.clients = [wire.Client(engine.worker_port) for _ in range(clients)]
        self.peers = [self.worker, *self.clients]
        self.requests = {}
        self.replies = {}
        # Deliveries that wait for an answer while the worker is held.
        self.held = []
        self.is_held = False
        self.refusals = {}
        # Called with the seconds that a receipt took.
        self.on_receipt = None
        self.worker.send({"type": "registerfunction", "id": FUNCTION})
        metadata = {"runtime": "python", "version": "0.25.0", "os": "test"}
        self.ask(self.worker, "engine::workers::register", metadata)

    def close(self):
        for peer in self.peers:
            peer.close()

    # One message

    def enqueue(self, client, size=None):
        size = self.random.choice((16, 200, 3000)) if size is None else size
        number = self.ledger.new_message(size)
        action = {"type": "enqueue", "queue": "faults"}
        call = client.call(FUNCTION, ledgers.payload(number, size), action)
        self.requests[call] = ("enqueue", number, time.monotonic())

    def write(self, client, key=None):
        key = self.random.randrange(ledgers.KEYS) if key is None else key
        value = self.ledger.new_value(key)
        if value is None:
            return False
        call = client.call("state::set", {"scope": "faults", "key": f"k{key}", "value": value})
        self.requests[call] = ("write", key, time.monotonic())
        return True

    def request(self, client):
        if self.random.random() < 0.6 or not self.write(client):
            self.enqueue(client)

    def handle(self, peer, message):
        kind = message.get("type")
        if kind == "invocationresult":
            self.told(message)
        elif kind == "invokefunction":
            number = self.ledger.delivered(message["data"])
            if self.is_held:
                self.held.append((peer, message, number))
            else:
                self.work(peer, message, number)

    def told(self, message):
        call = message.get("invocation_id")
        request = self.requests.pop(call, None)
        if request is None:
            self.replies[call] = message
            return
        what, subject, start = request
        error = message.get("error")
        if error is not None:
            code = error.get("code")
            self.refusals[code] = self.refusals.get(code, 0) + 1
            if code != "STORAGE_FULL":
                raise Broken(f"refused: {error}")
            if what == "write":
                self.ledger.not_written(subject)
        elif what == "enqueue":
            self.ledger.receipt(subject)
            if self.on_receipt:
                self.on_receipt(time.monotonic() - start)
        else:
            self.ledger.written(subject)

    def work(self, peer, message, number):
        if peer.ended:
            return
        if ledgers.is_doomed(number):
            peer.answer(message, error="as the test wants it")
        else:
            self.ledger.settled(number)
            peer.answer(message, None)

    def release(self):
        """Answers what was held, and from now on all."""
        self.is_held = False
        for peer, message, number in self.held:
            self.work(peer, message, number)
        self.held = []

    # Time

    def pump(self, seconds):
        """Handles what has arrived, after waiting for it for so long at most."""
        wire.wait(self.peers, seconds)
        for peer in self.peers:
            for message in peer.receive():
                self.handle(peer, message)

    def run(self, seconds, window=16, most=None):
        """Keeps `window` requests under way."""
        end = time.monotonic() + seconds
        sent = 0
        while time.monotonic() < end and not self.worker.ended:
            for client in self.clients:
                while len(self.requests) < window and (most is None or sent < most):
                    self.request(client)
                    sent += 1
            self.pump(0.001)

    def until(self, what, condition, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise Broken(f"{what}: not within {seconds} s")
            if all(peer.ended for peer in self.peers):
                raise Broken(f"{what}: the engine is gone")
            self.pump(0.01)

    def finish(self, seconds=60):
        """Waits for the answers to all that was sent."""
        self.until("answers", lambda: not self.requests, seconds)

    def rest(self, seconds=30):
        """Reads what an engine had sent before it died: that counts as told."""
        end = time.monotonic() + seconds
        while not all(peer.ended for peer in self.peers):
            if time.monotonic() > end:
                raise Broken(f"an engine that is to end keeps its sockets open after {seconds} s")
            self.pump(0.01)
        self.pump(0)

    def ask(self, client, function, data, seconds=60):
        call = client.call(function, data)
        self.until(function, lambda: call in self.replies, seconds)
        reply = self.replies.pop(call)
        if reply.get("error") is not None:
            raise Broken(f"{function} failed: {reply['error']}")
        return reply.get("result")

    # Checks

    def check(self, seconds=60):
        """All that was promised is there: values, messages, dead letters."""
        client = self.clients[0]
        for key in range(ledgers.KEYS):
            value = self.ask(client, "state::get", {"scope": "faults", "key": f"k{key}"})
            self.ledger.found(key, value)
        self.drain(seconds)

    def drain(self, seconds=60):
        """Works until nothing is owed any more.

        A message without a receipt may be there too, so the queue is looked at, not the ledger
        alone, only for what was promised.
        """
        end = time.monotonic() + seconds
        while any(not ledgers.is_doomed(number) for number in self.ledger.open):
            self.lost_after(end, seconds)
            self.pump(0.01)
        while self.ledger.open:
            self.lost_after(end, seconds)
            self.ledger.letters(self.dead_letters())
            self.pump(0.02)

    def lost_after(self, end, seconds):
        if time.monotonic() > end:
            lost = sorted(self.ledger.open)
            raise Broken(
                f"{len(lost)} messages with a receipt did not come within {seconds} s: {lost[:10]}"
            )

    def dead_letters(self):
        found = set()
        offset = 0
        while True:
            page = self.ask(
                self.clients[0],
                "engine::queue::dlq_messages",
                {"topic": "faults", "offset": offset, "limit": 100},
            )
            if not page:
                return found
            found |= {letter["payload"]["number"] for letter in page}
            offset += len(page)
