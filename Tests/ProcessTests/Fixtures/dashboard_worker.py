"""A small shop whose mails fail in ways that the dashboard's tests mend.

`shop::order` keeps the order and enqueues its mail. `mail::send` refuses an address without "@",
and any mail while `switches/mail` in the state is not `{"on": true}`. `shop::audit` is subscribed to
the topic `orders`, and refuses what has no total. `shop::settle` is there in two namespaces, and says
which one has run.
"""

import os
import threading
from functools import partial

from iii import InitOptions, TriggerAction, register_worker

iii = register_worker(os.environ["III_URL"], InitOptions(worker_name="shop"))
europe = register_worker(
    os.environ["III_URL"], InitOptions(worker_name="shop-eu", namespace="eu")
)


def state(function: str, **payload):
    return iii.trigger({"function_id": f"state::{function}", "payload": payload})


def order(request: dict) -> dict:
    body = request["body"]
    state("set", scope="orders", key=body["id"], value={"status": "new", "to": body["to"]})
    iii.trigger(
        {
            "function_id": "mail::send",
            "payload": body,
            "action": TriggerAction.Enqueue(queue="mails"),
        }
    )
    return {"status_code": 202, "body": {"accepted": True}}


def send(mail: dict) -> dict:
    if "@" not in mail["to"]:
        raise ValueError(f"no such mailbox: {mail['to']}")
    if (state("get", scope="switches", key="mail") or {}).get("on") is not True:
        raise RuntimeError("mail is switched off")
    state("set", scope="orders", key=mail["id"], value={"status": "mailed", "to": mail["to"]})
    return {"sent": True}


def audit(order: dict) -> None:
    if "total" not in order:
        raise ValueError("no total")
    state("set", scope="audits", key=order["id"], value=order["total"])


def charge(payment: dict) -> dict:
    return {"charged": payment["total"]}


def settle(namespace: str, job: dict) -> str:
    if not job.get("ok"):
        raise ValueError("not ok")
    state("set", scope="settled", key="by", value=namespace)
    return namespace


for namespace, owner in (("default", iii), ("eu", europe)):
    owner.register_function("shop::settle", partial(settle, namespace))
iii.register_function("shop::ready", lambda _: {"status_code": 200})
iii.register_function("shop::order", order, description="Takes an order")
iii.register_function("mail::send", send, description="Sends a confirmation")
iii.register_function("shop::audit", audit, description="Audits an order")
iii.register_function(
    "payments::charge",
    charge,
    description="Charges a card",
    request_format={
        "type": "object",
        "required": ["id", "total"],
        "properties": {
            "id": {"type": "string"},
            "total": {"type": "number", "minimum": 0},
            "currency": {"type": "string", "enum": ["EUR", "USD"]},
        },
    },
)
iii.register_trigger(
    {
        "type": "durable:subscriber",
        "function_id": "shop::audit",
        "config": {"topic": "orders", "max_retries": 0},
    }
)
iii.register_trigger(
    {
        "type": "http",
        "function_id": "shop::order",
        "config": {"api_path": "orders", "http_method": "POST"},
    }
)
iii.register_trigger(
    {
        "type": "http",
        "function_id": "shop::ready",
        "config": {"api_path": "ready", "http_method": "GET"},
    }
)
iii.register_trigger(
    {
        "type": "cron",
        "function_id": "payments::charge",
        "config": {"expression": "0 0 1 1 *"},
    }
)

threading.Event().wait()
