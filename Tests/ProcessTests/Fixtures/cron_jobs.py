"""A worker whose jobs run every two seconds, one for each way of catching up.

    python cron_jobs.py LOG

Each run is a line of LOG: the job and its slot.
"""

import os
import sys
import threading

from iii import InitOptions, register_worker

iii = register_worker(os.environ["III_URL"], InitOptions(worker_name="jobs"))
lock = threading.Lock()


def job(name, config):
    def handler(event):
        with lock, open(sys.argv[1], "a", encoding="utf-8") as log:
            log.write(f"{name} {event['scheduled_time']}\n")

    try:
        iii.register_function(f"jobs::{name}", handler)
    except Exception:
        iii.register_function({"id": f"jobs::{name}"}, handler)
    iii.register_trigger({
        "type": "cron",
        "function_id": f"jobs::{name}",
        "config": {"expression": "*/2 * * * * *", **config},
    })


job("skip", {})
job("one", {"catch_up": "one"})
job("all", {"catch_up": "all", "timezone": "Europe/Berlin"})
job("window", {"catch_up": "window", "window": "3s"})

threading.Event().wait()
