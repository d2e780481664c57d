"""A worker that keeps its settings as a configuration entry, and hears of changes.

    python configuration_worker.py

`conf::ask` calls a function of the engine and hands back what the SDK makes of the answer; every
change that `conf::on` is told of becomes an element of the state's `conf/told`.
"""

import os
import threading

from iii import InitOptions, register_worker

iii = register_worker(os.environ["III_URL"], InitOptions(worker_name="conf"))


def register(name, handler):
    try:
        iii.register_function(f"conf::{name}", handler)
    except Exception:
        iii.register_function({"id": f"conf::{name}"}, handler)


def on(event):
    iii.trigger({
        "function_id": "state::update",
        "payload": {
            "scope": "conf", "key": "told",
            "ops": [{"type": "append", "path": "", "value": event}],
        },
    })


def ask(data):
    try:
        return {"value": iii.trigger(data)}
    except Exception as error:
        return {"error": f"{getattr(error, 'code', '')} {error}"}


register("on", on)
register("ask", ask)
iii.register_trigger({
    "type": "configuration",
    "function_id": "conf::on",
    "config": {"configuration_id": "mail"},
})
threading.Event().wait()
