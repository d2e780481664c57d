"""What the tests say, and how they fail."""

import sys
import time


class Broken(Exception):
    """A promise of the engine that was not kept, or a tool that did not do its part."""


class Refused(Exception):
    """The machine does not allow a fault to be made: said at the end, not an error."""


class Kind:
    """The account of one kind of fault: counts in the order in which they came up."""

    def __init__(self, name, seed):
        self.name = name
        self.seed = seed
        self.counts = {}
        self.start = time.monotonic()

    def count(self, what, number=1):
        self.counts[what] = self.counts.get(what, 0) + number

    def peak(self, what, value):
        self.counts[what] = max(self.counts.get(what, value), value)

    def say(self, text):
        print(f"{self.name}: {text}", flush=True)

    def line(self):
        parts = []
        for what, number in self.counts.items():
            shown = f"{number:.2f}" if isinstance(number, float) else str(number)
            parts.append(f"{shown} {what}")
        seconds = time.monotonic() - self.start
        return f"{', '.join(parts)}; {seconds:.0f} s, SEED={self.seed}"


def summary(lines, found, refused):
    """- Returns: the exit status."""
    print("\nfaults:", flush=True)
    for name, line in lines:
        print(f"  {name:<9} {line}")
    for name, reason in refused:
        print(f"  {name:<9} NOT RUN, the machine refuses: {reason}")
    for name, text in found:
        print(f"  {name:<9} FOUND: {text}")
    passed = len(lines) - len(found)
    print(f"{passed} passed, {len(found)} failed, {len(refused)} skipped")
    sys.stdout.flush()
    return 1 if found else 0
