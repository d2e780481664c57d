"""Reacts to the state with an unmodified iii-sdk, and keeps in the scope `seen` what it was told.

    python state_worker.py
"""

import os
import threading

from iii import InitOptions, register_worker

iii = register_worker(os.environ["III_URL"], InitOptions(worker_name="reactor"))


def seen(event):
    event.pop("_caller_worker_id", None)
    if event["new_value"] == "fail":
        raise ValueError("told to")
    key = event["key"]
    iii.trigger({
        "function_id": "state::update",
        "payload": {
            "scope": "seen",
            "key": key,
            "ops": [{"type": "append", "path": "events", "value": event}],
        },
    })


def wanted(event):
    return event["new_value"] != "skip"


iii.register_function("reactor::seen", seen)
iii.register_function("reactor::wanted", wanted)
iii.register_trigger({
    "type": "state",
    "function_id": "reactor::seen",
    "config": {"scope": "orders", "condition_function_id": "reactor::wanted"},
})
iii.register_trigger({
    "type": "state",
    "function_id": "reactor::seen",
    "config": {"scope": 7},
})
iii.register_function("reactor::ready", lambda _: True)
threading.Event().wait()
