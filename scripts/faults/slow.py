"""A device that takes long for each write: slower answers, and nothing else."""

import random
import statistics
import time

from common.engine import Engine
from common.ledger import Ledger
from common.load import Load
from common.place import FaultyDevice
from common.report import Broken

# Milliseconds a write, and how many requests are under way.
CASES = ((50, 64), (1500, 256))


def run(kind, place, seconds):
    for delay, window in CASES:
        case(kind, place, random.Random(f"{kind.seed} {delay}"), delay, window, seconds)
        place.clear()


def case(kind, place, choose, delay, window, seconds):
    image = place.image("disk", 256 << 20, "ext4")
    # The log is begun at full speed.
    disk = place.mount(image, "disk")
    engine = Engine(place.programs, disk.path / "data", place.scratch, segment_bytes="4MiB")
    engine.start()
    engine.stop()
    disk.unmount()
    device = FaultyDevice(place, image, "delay", f"delay-write={delay}ms")
    disk = place.mount(device.open(), "disk")
    engine = Engine(place.programs, disk.path / "data", place.scratch, segment_bytes="4MiB")
    place.suspect = disk.path / "data"
    engine.start(seconds=120)
    ledger = Ledger()
    load = Load(engine, ledger, choose)
    load.is_held = True
    times = []
    load.on_receipt = times.append
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        while len(load.requests) < window:
            load.enqueue(load.clients[0], size=200)
        load.pump(0.005)
    spent = time.monotonic() - start
    load.on_receipt = None
    load.finish(120)
    if min(times) < delay / 1000:
        raise Broken(f"a receipt after {min(times) * 1000:.1f} ms; a write takes {delay} ms")
    rate = len(times) / spent
    median = statistics.median(times)
    # Whatever came while one commit ran shares the next. A commit is up to four writes of the
    # device: the loop splits it, and the file system's journal has its own.
    least = window / (8 * delay / 1000)
    if rate < least:
        raise Broken(f"{rate:.0f} receipts/s at {delay} ms a write; group commit gives {least:.0f}")
    warnings = engine.errors.read_text().count("ms for a write")
    allowed = 1 + int(spent / 60) if delay >= 1000 else 0
    if warnings > allowed or (delay >= 1000 and warnings == 0):
        raise Broken(f"{warnings} warnings in {spent:.0f} s at {delay} ms a write")
    kind.counts[f"receipts/s at {delay} ms a write"] = round(rate)
    kind.counts[f"ms median at {delay} ms"] = round(median * 1000)
    kind.counts[f"warnings at {delay} ms"] = warnings
    kind.say(f"{delay} ms a write: {rate:.0f} receipts/s, {warnings} warnings")
    # Death in the middle of a write: what was told is there.
    for _ in range(16):
        load.enqueue(load.clients[0], size=200)
    load.pump(delay / 2000)
    engine.kill()
    load.rest()
    load.close()
    ledger.crashed()
    disk.unmount()
    device.close()
    disk = place.mount(image, "disk")
    engine = Engine(place.programs, disk.path / "data", place.scratch, segment_bytes="4MiB")
    engine.start()
    load = Load(engine, ledger, choose)
    load.check()
    load.close()
    engine.stop()
    engine.verify()
    kind.count("receipts", ledger.receipts)
