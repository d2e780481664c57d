"""EIO from the device at each of the first commits of a log.

The engine must end with 74 and tell nobody anything more; on the healed device all that it had
told is there: first as a supervisor restarts it, on the same mount with whatever the kernel's
cache holds, then after a remount.
"""

import pathlib
import random
import shutil
import time

from common.engine import Engine
from common.ledger import Ledger
from common.load import Load
from common.place import FaultyDevice, drop_caches
from common.report import Broken


def run(kind, place, count):
    choose = random.Random(kind.seed)
    image = place.image("disk", 256 << 20, "ext4")
    switch = place.scratch / "inject"
    device = FaultyDevice(
        place, image, "error", "error-pwrite=EIO", "error-zero=EIO", "error-pwrite-rate=100%",
        f"error-pwrite-file={switch}", "error-zero-rate=100%", f"error-zero-file={switch}",
    )
    disk = place.mount(device.open(), "disk")
    for commit in range(1, count + 1):
        once(kind, place, choose, disk, switch, commit)
        if commit % 10 == 0:
            kind.say(f"{commit} of {count} commits")


def once(kind, place, choose, disk, switch, commit):
    data = disk.path / f"data-{commit}"
    place.suspect = data
    engine = Engine(place.programs, data, place.scratch)
    ledger = Ledger()
    engine.start()
    load = Load(engine, ledger, choose)
    for _ in range(commit):
        # One at a time: each is a commit of its own.
        load.enqueue(load.clients[0], size=16)
        load.finish()
    told = ledger.receipts
    switch.touch()
    failed = time.monotonic()
    for client in load.clients:
        load.enqueue(client, size=16)
        load.write(client)
    load.rest()
    code = engine.wait()
    kind.peak("s to the end at most", time.monotonic() - failed)
    if code != 74:
        raise Broken(f"commit {commit}: exit {code}, not 74:\n{engine.words()}")
    if ledger.receipts != told or ledger.writes:
        raise Broken(f"commit {commit}: something was acknowledged after the error")
    load.close()
    ledger.crashed()
    # The device stays broken: another start must not come up.
    if commit % 10 == 0:
        engine.launch()
        code = engine.wait()
        if code != 74:
            raise Broken(f"commit {commit}: a start on the broken device ended with {code}")
        kind.count("starts on the broken device")
    switch.unlink()
    kind.count("commits failed")
    try:
        engine.start()
    except Broken:
        # The file system gave up with the device.
        if writable(disk.path):
            raise
        kind.count("file systems that gave up")
    else:
        healed(engine, ledger, choose)
        kind.count("restarts on the same mount")
    disk.unmount()
    drop_caches()
    disk.mount()
    engine.start()
    healed(engine, ledger, choose)
    if engine.verify() == 1:
        raise Broken(f"commit {commit}: a torn tail is left after a start")
    kind.count("receipts", ledger.receipts)
    shutil.rmtree(data)


def healed(engine, ledger, choose):
    load = Load(engine, ledger, choose)
    load.check()
    load.run(0.01, window=4, most=4)
    load.finish()
    engine.kill()
    load.rest()
    load.close()
    ledger.crashed()


def writable(path):
    try:
        probe = pathlib.Path(path) / "probe"
        probe.write_text("x")
        probe.unlink()
        return True
    except OSError:
        return False
