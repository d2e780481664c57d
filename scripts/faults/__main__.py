"""Faults under the release binaries, each kind with its count."""

import argparse
import pathlib
import random
import signal
import sys
import traceback

import eio
import full
import kill9
import powercut
import slow
from common.engine import Engine, is_root
from common.place import Place
from common.report import Broken, Kind, Refused, summary

# The kinds in their order, how much of each when nothing is said, and who may run them.
KINDS = {
    "kill9": (kill9.run, 200, False),
    "powercut": (powercut.run, 40, True),
    "eio": (eio.run, 20, True),
    "full": (full.run, 10, True),
    "slow": (slow.run, 20, True),
}


def arguments():
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--programs", default=".build/release", help="where iii and iii-log are")
    parser.add_argument("--seed", type=int, default=None, help="repeats the random choices")
    parser.add_argument(
        "kinds",
        nargs="*",
        metavar="KIND=COUNT",
        help="kill9 (rounds), powercut (cuts), eio (commits), full (fills), slow (seconds a case); "
        "all of them when none is named",
    )
    given = parser.parse_args()
    chosen = []
    for item in given.kinds or KINDS:
        name, _, count = item.partition("=")
        if name not in KINDS or (count and not count.isdigit()):
            parser.error(f"{item}: known are {', '.join(KINDS)}, each with =COUNT")
        chosen.append((name, int(count) if count else KINDS[name][1]))
    return given, chosen


def stop(number, _):
    sys.exit(128 + number)


def main():
    given, chosen = arguments()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    seed = given.seed if given.seed is not None else random.randrange(1, 1_000_000)
    programs = pathlib.Path(given.programs).resolve()
    scratch = pathlib.Path(".build").resolve()
    place = Place(scratch, programs)
    print(f"faults: SEED={seed}, scratch in {place.scratch}", flush=True)
    lines, found, refused = [], [], []
    try:
        for name, count in chosen:
            body, _, needs_root = KINDS[name]
            kind = Kind(name, seed)
            try:
                if needs_root and not is_root():
                    raise Refused("it needs root, for loop devices and mounts")
                body(kind, place, count)
            except Refused as reason:
                refused.append((name, str(reason)))
                continue
            except (Broken, OSError) as broken:
                Engine.kill_all()
                kept = place.keep(f"{name}-{seed}")
                where = f"{traceback.extract_tb(broken.__traceback__)[-1].name}"
                found.append((name, f"{broken} [{where}; data kept in {kept}; SEED={seed}]"))
            finally:
                Engine.kill_all()
                place.clear()
            lines.append((name, kind.line()))
            print(f"{name}: {kind.line()}", flush=True)
    finally:
        Engine.kill_all()
        place.close()
    sys.exit(summary(lines, found, refused))


if __name__ == "__main__":
    main()
