"""A worker that shows a token in a header, or in the address: guest_worker.py URL [TOKEN]"""

import sys
import threading

from iii import InitOptions, register_worker

headers = {"Authorization": f"Bearer {sys.argv[2]}"} if len(sys.argv) > 2 else None
iii = register_worker(sys.argv[1], InitOptions(worker_name="guest", headers=headers))
iii.register_function("hello", lambda data: {"hello": "guest"})
for name in ["pub::a", "granted", "secret"]:
    try:
        print(name, iii.trigger({"function_id": name, "payload": {}})["answer"], flush=True)
    except Exception as error:
        print(name, getattr(error, "code", error), flush=True)
print("done", flush=True)
threading.Event().wait()
