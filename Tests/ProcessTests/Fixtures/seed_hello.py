# worker.py
from iii import register_worker, InitOptions, ApiRequest, ApiResponse

iii = register_worker(
    address="ws://localhost:49134",
    options=InitOptions(worker_name="hello-worker"),
)
import os
import random
import string
from datetime import datetime, timezone
from iii import Logger


def hello_api(data) -> ApiResponse:
    logger = Logger()
    req = ApiRequest(**data) if isinstance(data, dict) else data
    app_name = "III App"
    request_id = "".join(random.choices(string.ascii_lowercase + string.digits, k=7))
    logger.info("Hello API called", {"appName": app_name, "requestId": request_id})
    iii.trigger({
        "function_id": "enqueue",
        "payload": {
            "topic": "greet::process",
            "data": {
                "requestId": request_id,
                "appName": app_name,
                "greetingPrefix": os.environ.get("GREETING_PREFIX", "Hello"),
                "timestamp": datetime.now(timezone.utc).isoformat(),
            },
        },
    })
    return ApiResponse(
        status_code=200,
        body={
            "message": "Hello request received! Processing in background.",
            "status": "processing",
            "appName": app_name,
        },
    )


iii.register_function({"id": "hello::api"}, hello_api)
iii.register_trigger({
    "type": "http",
    "function_id": "hello::api",
    "config": {"api_path": "hello", "http_method": "GET"},
})
from datetime import datetime, timezone
from iii import Logger


def greet_process(data: dict) -> None:
    logger = Logger()
    request_id = data.get("requestId", "unknown")
    app_name = data.get("appName", "III App")
    greeting_prefix = data.get("greetingPrefix", "Hello")
    timestamp = data.get("timestamp", "")
    logger.info("Processing greeting", {"requestId": request_id, "appName": app_name})
    greeting = f"{greeting_prefix} {app_name}!"
    iii.trigger({
        "function_id": "state::set",
        "payload": {
            "scope": "greetings",
            "key": request_id,
            "data": {
                "greeting": greeting,
                "processedAt": datetime.now(timezone.utc).isoformat(),
                "originalTimestamp": timestamp,
            },
        },
    })
    logger.info("Greeting processed", {"requestId": request_id, "greeting": greeting})


iii.register_function({"id": "greet::process"}, greet_process)
iii.register_trigger({
    "type": "queue",
    "function_id": "greet::process",
    "config": {"topic": "greet::process"},
})
import time


def main() -> None:
    while True:
        time.sleep(60)
