"""A worker that provides the trigger type `beat`, or one that binds a function to it.

    python trigger_type.py provider
    python trigger_type.py binder
"""

import os
import sys
import threading

from iii import InitOptions, register_worker
from iii.triggers import TriggerHandler

role = sys.argv[1]
iii = register_worker(os.environ["III_URL"], InitOptions(worker_name=role))
bound = {}


class Beat(TriggerHandler):
    async def register_trigger(self, config):
        if config.config["n"] < 0:
            raise ValueError("no such beat")
        bound[config.id] = config

    async def unregister_trigger(self, config):
        bound.pop(config.id, None)


def beats(_):
    return sorted(config.config["n"] for config in bound.values())


def fire(_):
    return sorted(
        iii.trigger({"function_id": config.function_id, "payload": {"n": config.config["n"]}})
        for config in bound.values()
    )


def function(name, handler):
    """SDKs before 0.16 take a description, later ones the id."""
    try:
        iii.register_function(name, handler)
    except Exception:
        iii.register_function({"id": name}, handler)


if role == "provider":
    function("beat::fire", fire)
    function("beat::beats", beats)
    iii.register_trigger_type({"id": "beat", "description": "when it is told to"}, Beat())
else:
    function("beat::on", lambda data: data["n"] * 10)
    for n in [7, -1]:
        iii.register_trigger({"type": "beat", "function_id": "beat::on", "config": {"n": n}})

threading.Event().wait()
