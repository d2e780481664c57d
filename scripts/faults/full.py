"""A disk that is full is a pause: filled and drained, again and again.

While it is full, new work is refused with STORAGE_FULL, acknowledgements and reads go on; when
there is room again, the engine goes on by itself. The same for a limit on the size of files.
"""

import http.client
import os
import random
import resource
import shutil
import time

from common import wire
from common.engine import TENDED, Engine
from common.ledger import KEYS, Ledger
from common.load import FUNCTION, Load
from common.report import Broken

SIZE = 64 << 20
# Fills on one data directory, of which nothing is removed yet: it must not fill the disk itself.
GENERATION = 20
# How soon after the room comes back new work must be taken, in seconds.
SOON = 2.0
# Bytes of a message. The reserve is a quarter of a segment, and a commit takes a page of it at the
# least: so few messages fill a segment that each may be delivered and answered by itself.
MESSAGE = 60_000
BLOCK = b"\0" * (1 << 20)


class Filler:
    """A file that takes all the room there is."""

    def __init__(self, folder):
        self.path = folder / "filler"

    def fill(self):
        with open(self.path, "ab", buffering=0) as file:
            size = len(BLOCK)
            while size >= 512:
                try:
                    while file.write(BLOCK[:size]) == size:
                        pass
                except OSError:
                    pass
                size //= 2
            try:
                os.fsync(file.fileno())
            except OSError:
                pass

    def remove(self):
        self.path.unlink(missing_ok=True)


class SizeLimit:
    """RLIMIT_FSIZE of the engine: no file may grow to the size of a segment."""

    def __init__(self, engine):
        self.engine = engine

    def set(self, soft):
        hard = resource.prlimit(self.engine.child.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(self.engine.child.pid, resource.RLIMIT_FSIZE, (soft, hard))

    def fill(self):
        self.set((1 << 20) - 4096)

    def remove(self):
        self.set(resource.RLIM_INFINITY)


def run(kind, place, count):
    choose = random.Random(kind.seed)
    done = 0
    while done < count:
        image = place.image("disk", SIZE, "ext4")
        disk = place.mount(image, "disk")
        fills = min(GENERATION, count - done)
        life(kind, place, choose, disk.path, fills, Filler(disk.path), "fills")
        place.clear()
        done += fills
        kind.say(f"{done} of {count} fills")
    image = place.image("disk", SIZE, "ext4")
    disk = place.mount(image, "disk")
    tended(kind, place, choose, disk.path, max(1, count // 2))
    place.clear()
    folder = place.folder("limited")
    life(kind, place, choose, folder, max(1, count // 10), None, "file-size limits")


def life(kind, place, choose, folder, fills, obstacle, what):
    engine = Engine(place.programs, folder / "data", place.scratch, concurrency=64)
    place.suspect = folder / "data"
    engine.start()
    ledger = Ledger()
    load = ready(engine, ledger, choose)
    for index in range(fills):
        if obstacle is None:
            fill_once(kind, engine, load, SizeLimit(engine))
        else:
            fill_once(kind, engine, load, obstacle)
            if index % 5 == 2:
                use_up(kind, engine, load, obstacle)
            if index % 5 == 4:
                engine, load = die_while_full(kind, engine, load, obstacle, choose)
        kind.count(what)
    load.check()
    load.close()
    engine.stop()
    engine.verify()
    kind.count("receipts", ledger.receipts)
    shutil.rmtree(folder / "data")


def tended(kind, place, choose, folder, fills):
    """With retention, which needs room to give room back: work goes on whenever there is some."""
    engine = Engine(place.programs, folder / "data", place.scratch, more=TENDED)
    place.suspect = folder / "data"
    engine.start()
    load = Load(engine, Ledger(), choose)
    obstacle = Filler(folder)
    for _ in range(fills):
        obstacle.fill()
        load.run(0.2)
        obstacle.fill()
        load.run(0.2)
        read(kind, load)
        obstacle.remove()
        resumed(kind, load)
        load.finish()
        load.drain()
        kind.count("fills with retention")
    load.check()
    load.close()
    engine.stop()
    engine.verify()
    kind.count("retention runs", engine.retentions())
    kind.count("receipts", load.ledger.receipts)


def ready(engine, ledger, choose):
    load = Load(engine, ledger, choose)
    trigger = {
        "type": "registertrigger", "id": "faults-api", "trigger_type": "http",
        "function_id": FUNCTION, "config": {"api_path": "faults", "http_method": "GET"},
    }
    load.worker.send(trigger)
    load.check()
    return load


def fill_once(kind, engine, load, obstacle):
    obstacle.fill()
    taken = until_refused(kind, load, obstacle)
    started = time.monotonic()
    refused(kind, engine, load)
    drained(kind, load)
    kind.peak("messages drained while full", taken)
    kind.peak("s full at most", time.monotonic() - started)
    # Reads go on to the end.
    read(kind, load)
    obstacle.remove()
    resumed(kind, load)


def until_refused(kind, load, obstacle):
    """Enqueues until STORAGE_FULL, while the worker keeps what it gets."""
    load.is_held = True
    load.refusals.clear()
    before = load.ledger.receipts
    end = time.monotonic() + 30
    while not load.refusals:
        if time.monotonic() > end:
            raise Broken("the disk is full, and new work is neither taken nor refused for 30 s")
        while len(load.requests) < 8:
            load.enqueue(load.clients[0], size=MESSAGE)
        load.pump(0.005)
        # A segment that was being made when the disk was filled may have given some room back.
        if time.monotonic() > end - 25:
            obstacle.fill()
    load.finish(10)
    kind.count("refusals", sum(load.refusals.values()))
    return load.ledger.receipts - before


def refused(kind, engine, load):
    """What new work is told, by each of its ways in."""
    key = load.random.randrange(KEYS)
    before = load.refusals.get("STORAGE_FULL", 0)
    load.write(load.clients[1], key)
    load.finish(5)
    if load.refusals.get("STORAGE_FULL", 0) == before:
        raise Broken("a write of state was taken while the disk was full")
    connection = http.client.HTTPConnection("127.0.0.1", engine.http_port, timeout=5)
    connection.request("GET", "/faults")
    status = connection.getresponse().status
    connection.close()
    if status != 507:
        raise Broken(f"a request was answered with {status}, not 507, while the disk was full")
    kind.count("requests with 507")
    read(kind, load)


def read(kind, load):
    key = load.random.randrange(KEYS)
    start = time.monotonic()
    value = load.ask(load.clients[1], "state::get", {"scope": "faults", "key": f"k{key}"}, 10)
    kind.peak("s for a read while full", time.monotonic() - start)
    load.ledger.found(key, value)


def drained(kind, load):
    """The messages that were taken are worked off while the disk is full."""
    load.release()
    try:
        load.drain(20)
    except Broken as broken:
        raise Broken(f"acknowledgements do not go on while the disk is full: {broken}") from None
    # The answers themselves are recorded too: a read that sees them tells when they are on disk.
    read(kind, load)


def resumed(kind, load):
    start = time.monotonic()
    while True:
        load.refusals.clear()
        load.write(load.clients[1], 0)
        load.finish(10)
        if not load.refusals:
            break
        if time.monotonic() - start > 10:
            raise Broken("10 s after the room came back new work is still refused")
        load.pump(0.01)
    spent = time.monotonic() - start
    kind.peak("s to go on at most", spent)
    if spent > SOON:
        raise Broken(f"the engine went on {spent:.2f} s after the room came back")


def use_up(kind, engine, load, obstacle):
    """The reserve is used up: everything waits for room, and then goes on by itself."""
    obstacle.fill()
    until_refused(kind, load, obstacle)
    drained(kind, load)
    joined = []
    # Workers that come are recorded, so that each of them takes a page.
    while not joined or greeted(joined[-1]):
        joined.append(wire.Client(engine.worker_port))
        if len(joined) > 2000:
            raise Broken("2,000 workers came, and the reserve is not used up")
    kind.count("reserves used up")
    obstacle.remove()
    resumed(kind, load)
    if not greeted(joined[-1], 5):
        raise Broken("a worker that came when the reserve was used up is not greeted after")
    for client in joined:
        client.close()


def greeted(client, seconds=0.5):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        wire.wait([client], 0.02)
        if client.receive():
            return True
    return False


def die_while_full(kind, engine, load, obstacle, choose):
    """kill -9 in the shortage, and a start while it lasts."""
    obstacle.fill()
    until_refused(kind, load, obstacle)
    engine.kill()
    load.rest()
    load.close()
    load.ledger.crashed()
    engine.start()
    again = ready(engine, load.ledger, choose)
    kind.count("starts while full")
    obstacle.remove()
    resumed(kind, again)
    return engine, again
