"""Hello, in two steps: a request over HTTP, and the work it leaves for later in a durable queue.

For iii-sdk 0.21 and newer. Run it:

    pip install -r requirements.txt
    python worker.py
    curl http://127.0.0.1:3111/hello
"""

import os
import threading
import uuid
from datetime import datetime, timezone

from iii import InitOptions, TriggerAction, register_worker
from iii_helpers.observability import Logger

APP_NAME = "III App"

iii = register_worker(
    os.environ.get("III_URL", "ws://127.0.0.1:49134"),
    InitOptions(worker_name="hello"),
)
logger = Logger(service_name="hello")


def now() -> str:
    return datetime.now(timezone.utc).isoformat()


def hello_api(request: dict) -> dict:
    """Step 1: answers at once; the greeting itself is made in the background."""
    request_id = uuid.uuid4().hex
    logger.info("Hello API called", {"appName": APP_NAME, "requestId": request_id})
    # When this call returns, the work is on disk: it outlives the engine and this worker.
    iii.trigger({
        "function_id": "greet::process",
        "payload": {
            "requestId": request_id,
            "appName": APP_NAME,
            "greetingPrefix": os.environ.get("GREETING_PREFIX", "Hello"),
            "timestamp": now(),
        },
        "action": TriggerAction.Enqueue(queue="default"),
    })
    return {
        "status_code": 200,
        "body": {
            "message": "Hello request received! Processing in background.",
            "status": "processing",
            "appName": APP_NAME,
        },
    }


def greet_process(job: dict) -> None:
    """Step 2: makes the greeting and keeps it in the state store.

    It may run twice for one request, if the engine or the worker dies in between. The key is the
    request's own, so the second run writes the same greeting over the first.
    """
    request_id = job["requestId"]
    greeting = f"{job['greetingPrefix']} {job['appName']}!"
    logger.info("Processing greeting", {"requestId": request_id})
    iii.trigger({
        "function_id": "state::set",
        "payload": {
            "scope": "greetings",
            "key": request_id,
            "value": {
                "greeting": greeting,
                "processedAt": now(),
                "originalTimestamp": job["timestamp"],
            },
        },
    })
    logger.info("Greeting processed", {"requestId": request_id, "greeting": greeting})


iii.register_function("hello::api", hello_api, description="Receives a hello request")
iii.register_function("greet::process", greet_process, description="Makes the greeting")
iii.register_trigger({
    "type": "http",
    "function_id": "hello::api",
    "config": {"api_path": "hello", "http_method": "GET"},
})

# The SDK works on threads of its own and reconnects by itself; this one only stays.
threading.Event().wait()
