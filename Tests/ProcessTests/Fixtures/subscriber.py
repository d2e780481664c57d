"""A worker with two subscriptions, which keeps what it was called with in its file.

    python subscriber.py LOG
"""

import json
import os
import sys
import threading

from iii import InitOptions, register_worker

iii = register_worker(os.environ["III_URL"], InitOptions(worker_name="subscriber"))
lock = threading.Lock()


def keep(topic):
    def handler(data):
        with lock, open(sys.argv[1], "a", encoding="utf-8") as log:
            log.write(json.dumps([topic, data]) + "\n")

    return handler


for topic in ["news", "weather"]:
    function = f"subscriber::{topic}"
    try:
        iii.register_function(function, keep(topic))
    except Exception:
        iii.register_function({"id": function}, keep(topic))
    iii.register_trigger({
        "type": "subscribe", "function_id": function, "config": {"topic": topic},
    })

threading.Event().wait()
