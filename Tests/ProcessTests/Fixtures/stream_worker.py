"""Keeps the items of the stream `own` itself, and judges who connects to streams and who joins.

    python stream_worker.py
"""

import os
import threading

from iii import InitOptions, register_worker

try:
    from iii.stream import IStream, StreamDeleteResult, StreamSetResult
except ImportError:
    from iii.stream import IStream
    from iii_helpers.stream import StreamDeleteResult, StreamSetResult

iii = register_worker(os.environ["III_URL"], InitOptions(worker_name="streams"))


class Own(IStream):
    def __init__(self):
        self.items = {}

    async def get(self, input):
        return self.items.get((input.group_id, input.item_id))

    async def set(self, input):
        if input.data == "refuse":
            raise ValueError("refused")
        place = (input.group_id, input.item_id)
        old = self.items.get(place)
        self.items[place] = input.data
        return StreamSetResult(old_value=old, new_value=input.data)

    async def delete(self, input):
        return StreamDeleteResult(old_value=self.items.pop((input.group_id, input.item_id), None))

    async def list(self, input):
        return [value for (group, _), value in self.items.items() if group == input.group_id]

    async def list_groups(self, input):
        return sorted({group for group, _ in self.items})

    async def update(self, input):
        raise NotImplementedError


def register(name, handler):
    try:
        iii.register_function(f"streams::{name}", handler)
    except Exception:
        iii.register_function({"id": f"streams::{name}"}, handler)


def know(request):
    """Who connects: the header, the query and the address, as the context of what it joins."""
    return {
        "context": {
            "user": request["headers"].get("x-user"),
            "team": request["query_params"].get("team"),
            "path": request["path"],
            "addr": request["addr"].rsplit(":", 1)[0],
        }
    }


def judge(visit):
    context = visit.get("context") or {}
    return {"unauthorized": visit["group_id"] == "secret" and context.get("user") != "root"}


def heard(event):
    """What a trigger is told, kept for the test to read."""
    event.pop("_caller_worker_id", None)
    iii.trigger({
        "function_id": "state::update",
        "payload": {
            "scope": "streams",
            "key": event["streamName"] if "streamName" in event else "left",
            "ops": [{"type": "append", "path": "", "value": event}],
        },
    })


register("know", know)
register("judge", judge)
register("heard", heard)
try:
    iii.create_stream("own", Own())
except AttributeError:
    from iii.helpers import create_stream

    create_stream(iii, "own", Own())
for kind, function, config in [
    ("stream:join", "judge", {}),
    ("stream:leave", "heard", {}),
    ("stream", "heard", {"stream_name": "own"}),
]:
    iii.register_trigger({
        "type": kind, "function_id": f"streams::{function}", "config": config,
    })
threading.Event().wait()
