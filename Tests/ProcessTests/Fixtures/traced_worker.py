"""A request that logs, calls and enqueues within its spans, for iii-sdk 0.25.

    python traced_worker.py
"""

import os
import threading

from iii import InitOptions, TriggerAction, register_worker
from iii_helpers.observability import Logger

iii = register_worker(os.environ["III_URL"], InitOptions(worker_name="traced"))
logger = Logger(service_name="orders")


def order(_):
    logger.info("order accepted", {"id": 7})
    iii.trigger({"function_id": "traced::price", "payload": {}})
    iii.trigger({
        "function_id": "traced::mail",
        "payload": {},
        "action": TriggerAction.Enqueue(queue="default"),
    })
    return {"status_code": 201, "body": {"accepted": True}}


def price(_):
    return 3


def mail(_):
    logger.warn("mail sent")


iii.register_function("traced::order", order)
iii.register_function("traced::price", price)
iii.register_function("traced::mail", mail)
iii.register_trigger({
    "type": "http",
    "function_id": "traced::order",
    "config": {"api_path": "orders/:id", "http_method": "GET"},
})
threading.Event().wait()
