"""An auth function, and what it lets others call."""

import os
import threading

from iii import InitOptions, register_worker

iii = register_worker(os.environ["III_URL"], InitOptions(worker_name="admin"))


def auth(request: dict) -> dict:
    tokens = request["query_params"].get("token", [])
    tokens.append(request["headers"].get("authorization", "").removeprefix("Bearer "))
    if "good" not in tokens:
        raise ValueError("who is it?")
    return {
        "allowed_functions": ["granted"],
        "function_registration_prefix": "guests",
        "context": {"user": "ada"},
    }


iii.register_function("auth", auth)
for name in ["pub::a", "granted", "secret"]:
    iii.register_function(name, lambda data, name=name: {"answer": name})
print("ready", flush=True)
threading.Event().wait()
