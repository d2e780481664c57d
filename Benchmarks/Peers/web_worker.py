"""A worker that answers requests over HTTP at once: the usual form of a function in Python.

    III_URL=ws://127.0.0.1:PORT python web_worker.py BODY
"""

import json
import os
import sys
import threading

from iii import InitOptions, register_worker

BODY = json.loads(sys.argv[1])
iii = register_worker(os.environ["III_URL"], InitOptions(worker_name="web"))


async def bench(request):
    return {"status_code": 200, "body": BODY}


iii.register_function("bench::http", bench)
iii.register_trigger({
    "type": "http",
    "function_id": "bench::http",
    "config": {"api_path": "bench", "http_method": "POST"},
})
threading.Event().wait()
