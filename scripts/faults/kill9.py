"""`kill -9` at any moment: nothing that a client was told is lost."""

import random
import shutil
import time

from common.engine import TENDED, Engine
from common.ledger import Ledger
from common.load import Load

# Rounds on one data directory; its log grows, and each start reads it.
GENERATION = 100


def run(kind, place, count):
    choose = random.Random(kind.seed)
    done = 0
    while done < count:
        rounds = min(GENERATION, count - done)
        generation(kind, place, choose, rounds)
        done += rounds
        kind.say(f"{done} of {count} rounds")


def generation(kind, place, choose, rounds):
    data = place.folder("kill9-data")
    more = choose.choice(("", TENDED))
    engine = Engine(place.programs, data, place.scratch, more=more)
    place.suspect = data
    ledger = Ledger()
    for _ in range(rounds):
        if choose.random() < 0.05:
            # A death during recovery.
            engine.launch()
            time.sleep(choose.uniform(0, 0.06))
            engine.kill()
            kind.count("kills in recovery")
        engine.start()
        load = Load(engine, ledger, choose)
        load.check()
        load.run(choose.uniform(0.005, 0.15), window=choose.randint(1, 32))
        engine.kill()
        load.rest()
        load.close()
        ledger.crashed()
        kind.count("kills")
        kind.count("retention runs", engine.retentions())
    engine.start()
    load = Load(engine, ledger, choose)
    load.check()
    load.close()
    engine.stop()
    engine.verify()
    kind.count("receipts", ledger.receipts)
    kind.count("writes", ledger.writes)
    shutil.rmtree(data)
