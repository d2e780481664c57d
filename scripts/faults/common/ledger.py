"""What the clients were told, against which the engine's doings are held."""

import copy

from .report import Broken

KEYS = 16


def payload(number, size):
    return {"number": number, "fill": (f"{number:08d}" * (size // 8 + 1))[:size]}


def is_doomed(number):
    """Its handler always fails: it must end as a dead letter."""
    return number % 97 == 0


class Ledger:
    """A receipt is a promise until the message's result was sent, or its death was seen.

    A result that was sent may be lost with a crash: the message then comes again, which is no
    fault. A call without an answer may have been carried out or not.
    """

    def __init__(self):
        self.last = 0
        self.sizes = {}
        # Receipts that were not settled yet.
        self.open = set()
        # Results that were sent in this life of the engine.
        self.done = set()
        self.dead = set()
        self.stored = [None] * KEYS
        self.maybe = [None] * KEYS
        self.values = [0] * KEYS
        self.receipts = 0
        self.writes = 0

    def copied(self):
        return copy.deepcopy(self)

    # Messages

    def new_message(self, size):
        self.last += 1
        self.sizes[self.last] = size
        return self.last

    def receipt(self, number):
        self.receipts += 1
        if number not in self.done and number not in self.dead:
            self.open.add(number)

    def delivered(self, data):
        number = data.get("number") if isinstance(data, dict) else None
        if number not in self.sizes:
            raise Broken(f"a message was delivered and never sent: {str(data)[:200]}")
        if data != payload(number, self.sizes[number]):
            raise Broken(f"message {number} was delivered with another payload")
        if number in self.done:
            raise Broken(f"message {number} was delivered again after its result, without a crash")
        return number

    def settled(self, number):
        self.open.discard(number)
        self.done.add(number)

    def letters(self, numbers):
        """The dead letters as the engine lists them."""
        for number in numbers:
            if not is_doomed(number):
                raise Broken(f"message {number} is dead, and never failed")
        missing = self.dead - numbers
        if missing:
            raise Broken(f"dead letters that were seen before are gone: {sorted(missing)[:10]}")
        self.dead |= numbers
        self.open -= numbers

    # State

    def new_value(self, key):
        """The next value of a key, or None while a write of it is under way."""
        if self.maybe[key] is not None:
            return None
        self.values[key] += 1
        self.maybe[key] = self.values[key]
        return self.values[key]

    def written(self, key):
        self.writes += 1
        self.stored[key] = self.maybe[key]
        self.maybe[key] = None

    def not_written(self, key):
        self.maybe[key] = None

    def found(self, key, value):
        if value != self.stored[key] and (value is None or value != self.maybe[key]):
            raise Broken(
                f"key {key} holds {value}; acknowledged was {self.stored[key]}, "
                f"under way {self.maybe[key]}"
            )
        self.stored[key] = value
        self.maybe[key] = None

    def crashed(self):
        self.done.clear()
