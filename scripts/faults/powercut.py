"""Power cuts below a real file system.

Two ways, on ext4 and XFS each. *Shutdown*: the file system stops writing at once, the engine sees
errors, and the same directory is used after a remount. *Snapshot*: the image of a file system is
cloned in one instant under a running engine, and a second engine starts on the clone. The clone has
what the device had taken, flushed or not, so the first way is the stricter one and has most cuts.
"""

import random
import time

from common.engine import TENDED, Engine
from common.ledger import Ledger
from common.load import Load
from common.place import Clone
from common.report import Broken

SIZE = 320 << 20
# Cuts before a fresh file system: the log grows, and each start reads it.
GENERATION = 50


def run(kind, place, count):
    for way, system, begin, end in SHARES:
        share = count * end // 8 - count * begin // 8
        # Each way has choices of its own, so that one can be repeated without the others.
        choose = random.Random(f"{kind.seed} {way.__name__} {system}")
        done = 0
        while done < share:
            cuts = min(GENERATION, share - done)
            way(kind, place, choose, system, cuts)
            place.clear()
            done += cuts
            kind.say(f"{way.__name__} on {system}: {done} of {share}")


def shutdowns(kind, place, choose, system, cuts):
    image = place.image("disk", SIZE, system)
    disk = place.mount(image, "disk", system)
    engine = Engine(place.programs, disk.path / "data", place.scratch, more=TENDED)
    place.suspect = disk.path / "data"
    ledger = Ledger()
    for _ in range(cuts):
        if choose.random() < 0.1:
            # A cut during recovery.
            engine.launch()
            time.sleep(choose.uniform(0, 0.06))
            disk.cut()
            engine.kill()
            reboot(kind, engine, disk)
            kind.count("cuts in recovery")
        engine.start()
        load = Load(engine, ledger, choose)
        load.check()
        load.run(choose.uniform(0.005, 0.15), window=choose.randint(1, 32))
        for client in load.clients:
            load.request(client)
        disk.cut()
        # An engine that has nothing more to write would not learn of it.
        for client in load.clients:
            load.request(client)
        load.rest()
        code = engine.wait()
        if code != 74:
            raise Broken(f"the engine ended with {code}, not 74:\n{engine.words()}")
        load.close()
        ledger.crashed()
        kind.count("retention runs", engine.retentions())
        reboot(kind, engine, disk)
        kind.count(f"{system} shutdowns")
    engine.start()
    load = Load(engine, ledger, choose)
    load.check()
    load.close()
    engine.stop()
    engine.verify()
    account(kind, ledger)


def reboot(kind, engine, disk):
    disk.again()
    if (disk.path / "data" / "MANIFEST").exists() and engine.verify() == 1:
        kind.count("torn tails")


def snapshots(kind, place, choose, system, cuts):
    outer_image = place.image("outer", 4 << 30, "xfs")
    outer = place.mount(outer_image, "outer", "xfs")
    image = place.image("inner", SIZE, system, folder=outer.path)
    inner = place.mount(image, "inner", system)
    engine = Engine(place.programs, inner.path / "data", place.scratch, more=TENDED)
    ledger = Ledger()
    engine.start()
    load = Load(engine, ledger, choose)
    second_scratch = place.folder("second")
    for _ in range(cuts):
        load.run(choose.uniform(0.005, 0.1), window=choose.randint(1, 32))
        clone = Clone(image, outer.path / "clone.img")
        for client in load.clients:
            load.request(client)
        # What was answered by now is read; then nothing is sent until the clone is made.
        load.pump(choose.uniform(0, 0.003))
        clone.make()
        known = ledger.copied()
        known.crashed()
        look(kind, place, choose, clone.path, known, second_scratch, system)
        kind.count(f"{system} snapshots")
        load.pump(0)
    load.finish()
    load.check()
    load.close()
    engine.stop()
    engine.verify()
    kind.count("retention runs", engine.retentions())
    account(kind, ledger)


def look(kind, place, choose, clone, known, scratch, system):
    disk = place.mount(clone, "clone", system)
    second = Engine(place.programs, disk.path / "data", scratch)
    place.suspect = disk.path / "data"
    if not (disk.path / "data" / "MANIFEST").exists():
        raise Broken(f"{system}: the data directory is not there after the cut")
    if second.verify() == 1:
        kind.count("torn tails")
    second.start()
    load = Load(second, known, choose)
    load.check()
    load.close()
    second.kill()
    place.suspect = None
    disk.unmount()


def account(kind, ledger):
    kind.count("receipts", ledger.receipts)
    kind.count("writes", ledger.writes)


# The eighths of all cuts that each way has, on which file system.
SHARES = (
    (shutdowns, "ext4", 0, 3),
    (shutdowns, "xfs", 3, 6),
    (snapshots, "ext4", 6, 7),
    (snapshots, "xfs", 7, 8),
)
