"""Routes with middleware and a condition, for every iii-sdk from 0.11 on.

    python http_worker.py
"""

import os
import threading

from iii import InitOptions, register_worker

iii = register_worker(os.environ["III_URL"], InitOptions(worker_name="http"))


def gate(data):
    """Lets in whoever shows the right key."""
    assert set(data["request"]) == {"path_params", "query_params", "headers", "method"}
    if data["request"]["headers"].get("x-key") == "right":
        return {"action": "continue"}
    return {
        "action": "respond",
        "response": {"status_code": 401, "body": {"who": "gate"}, "headers": {"x-gate": "shut"}},
    }


def is_even(request):
    return int(request["path_params"]["number"]) % 2 == 0


runs = {"count": 0}


def half(request):
    runs["count"] += 1
    return {
        "status_code": 201,
        "headers": ["set-cookie: a=1", "set-cookie: b=2"],
        "body": {"half": int(request["path_params"]["number"]) // 2, "run": runs["count"]},
    }


iii.register_function("http::gate", gate)
iii.register_function("http::is_even", is_even)
iii.register_function("http::half", half)
iii.register_trigger({
    "type": "http",
    "function_id": "http::half",
    "config": {
        "api_path": "half/:number",
        "http_method": "POST",
        "condition_function_id": "http::is_even",
        "middleware_function_ids": ["http::gate"],
    },
})
threading.Event().wait()
