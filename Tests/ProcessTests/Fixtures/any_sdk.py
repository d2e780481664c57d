"""One worker for every iii-sdk from 0.9 on: what a test asks of an SDK, on both sides of a call.

    python any_sdk.py PREFIX [FUNCTIONS]

Its functions are named PREFIX::echo and so on. `PREFIX::ask` makes the call that its payload
describes and tells how it ended, so that a test sees the SDK as a caller, too. FUNCTIONS more of
them are named PREFIX::0, PREFIX::1 and so on.
"""

import os
import socket
import sys
import threading
import time

from iii import InitOptions, TriggerAction, register_worker

PREFIX = sys.argv[1]
NAME = os.environ.get("III_WORKER_NAME", PREFIX)
iii = register_worker(os.environ["III_URL"], InitOptions(worker_name=NAME))


def register(name, handler):
    function = f"{PREFIX}::{name}"
    try:
        iii.register_function(function, handler)
    except AttributeError:
        # 0.9 knows the dictionary only.
        iii.register_function({"id": function}, handler)


def echo(data):
    # The engine says who called. Nothing else may have been added.
    if isinstance(data, dict):
        data.pop("_caller_worker_id", None)
    return data


def nothing(_):
    return None


def fail(data):
    raise ValueError(data["message"])


def ask(data):
    """Calls what `data` names, by the action that it names, and tells how that ended."""
    request = {"function_id": data["function_id"], "payload": data.get("payload")}
    if data.get("action") == "void":
        request["action"] = TriggerAction.Void()
    elif data.get("action"):
        request["action"] = TriggerAction.Enqueue(queue=data["action"])
    try:
        value = plain(iii.trigger(request))
        return {"length": len(value)} if data.get("measure") else {"value": value}
    except Exception as error:
        # Later versions have the code in a field, the first only in the text.
        return {"error": f"{getattr(error, 'code', '')} {error}"}


def plain(value):
    """A receipt is an object of the SDK."""
    return value.model_dump() if hasattr(value, "model_dump") else value


def keep(data):
    """What was delivered, counted: a second delivery of the same key would be seen."""
    iii.trigger({
        "function_id": "state::update",
        "payload": {
            "scope": PREFIX,
            "key": data["key"],
            "ops": [{"type": "increment", "path": "", "by": 1}],
        },
    })


def sleep(data):
    iii.trigger({"function_id": data["started"], "payload": {}, "action": TriggerAction.Void()})
    time.sleep(60)


def slow(data):
    """Takes a while, and tells which of several workers it was; work with a key is kept."""
    time.sleep(0.05)
    if data.get("key"):
        keep(data)
    return NAME


def fidelity(_):
    """What Python writes and JSON has no word for, and numbers at the edges, there and back."""
    value = [
        float("nan"), float("-inf"), "a\ud800b", 2**63, 2**64 - 1, -(2**63), 1.0, 1, 1e300,
        [None, {"b": None}],
    ]
    return repr(iii.trigger({"function_id": f"{PREFIX}::echo", "payload": value}))


def drop(_):
    """Ends the TCP connections to the engine under the SDK's feet."""
    port = int(os.environ["III_URL"].rsplit(":", 1)[1])
    for name in os.listdir("/proc/self/fd"):
        try:
            copy = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue
        with copy:
            try:
                # A name of two parts or more: an Internet address.
                if copy.getpeername()[1:2] == (port,):
                    copy.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def http(request):
    return {
        "status_code": 202,
        "headers": {"x-sdk": PREFIX},
        "body": {"method": request["method"], "q": request["query_params"].get("q")},
    }


for name, handler in [
    ("echo", echo), ("nothing", nothing), ("fail", fail), ("ask", ask), ("keep", keep),
    ("sleep", sleep), ("slow", slow), ("fidelity", fidelity), ("drop", drop), ("http", http),
]:
    register(name, handler)
for number in range(int(sys.argv[2]) if len(sys.argv) > 2 else 0):
    register(str(number), echo)
iii.register_trigger({
    "type": "http",
    "function_id": f"{PREFIX}::http",
    "config": {"api_path": PREFIX, "http_method": "GET"},
})
iii.register_trigger({
    "type": "queue",
    "function_id": f"{PREFIX}::keep",
    "config": {"topic": PREFIX},
})
threading.Event().wait()
