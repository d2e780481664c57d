"""Hello, in two steps: a request over HTTP, and an event on a durable topic for the rest.

For iii-sdk 0.10, whose functions are registered by a dictionary and whose queues are topics: the
function `enqueue` publishes, a `queue` trigger subscribes. Run it:

    pip install "iii-sdk[otel]==0.10.0"
    python worker_0_10.py
    curl http://127.0.0.1:3111/hello
"""

import os
import threading
import uuid
from datetime import datetime, timezone

from iii import ApiRequest, ApiResponse, InitOptions, Logger, register_worker

APP_NAME = "III App"
TOPIC = "greet::process"

iii = register_worker(
    address=os.environ.get("III_URL", "ws://127.0.0.1:49134"),
    options=InitOptions(worker_name="hello"),
)
logger = Logger(service_name="hello")


def now() -> str:
    return datetime.now(timezone.utc).isoformat()


def hello_api(data: dict) -> ApiResponse:
    """Step 1: answers at once; the greeting itself is made in the background."""
    request = ApiRequest(**data)
    request_id = uuid.uuid4().hex
    logger.info("Hello API called", {"method": request.method, "requestId": request_id})
    # When this call returns, the event is on disk: it outlives the engine and this worker.
    iii.trigger({
        "function_id": "enqueue",
        "payload": {
            "topic": TOPIC,
            "data": {
                "requestId": request_id,
                "appName": APP_NAME,
                "greetingPrefix": os.environ.get("GREETING_PREFIX", "Hello"),
                "timestamp": now(),
            },
        },
    })
    return ApiResponse(
        status_code=200,
        body={
            "message": "Hello request received! Processing in background.",
            "status": "processing",
            "appName": APP_NAME,
        },
    )


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
            "data": {
                "greeting": greeting,
                "processedAt": now(),
                "originalTimestamp": job["timestamp"],
            },
        },
    })
    logger.info("Greeting processed", {"requestId": request_id, "greeting": greeting})


iii.register_function({"id": "hello::api"}, hello_api)
iii.register_function({"id": "greet::process"}, greet_process)
iii.register_trigger({
    "type": "http",
    "function_id": "hello::api",
    "config": {"api_path": "hello", "http_method": "GET"},
})
iii.register_trigger({
    "type": "queue",
    "function_id": "greet::process",
    "config": {"topic": TOPIC},
})

# The SDK works on threads of its own and reconnects by itself; this one only stays.
threading.Event().wait()
