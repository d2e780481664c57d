"""Observing with iii-sdk 0.25, unmodified: each scenario checks what it sees, and says so.

    python observe.py SCENARIO
"""

import logging
import os
import queue
import sys
import threading
import time
import traceback

from iii import InitOptions, ObserveHooks, ObserveRejection, register_worker

logging.basicConfig(level=logging.INFO, stream=sys.stderr)
URL = os.environ["III_URL"]


def connect(name, **options):
    return register_worker(URL, InitOptions(worker_name=name, **options))


def bare(data):
    """An input without the sender's id, which the engine puts into calls of workers."""
    if isinstance(data, dict):
        return {key: value for key, value in data.items() if key != "_caller_worker_id"}
    return data


class Inbox:
    """What a function was called with, in order."""

    def __init__(self):
        self.calls = queue.Queue()

    def __call__(self, data):
        self.calls.put(data)
        return {"seen": True}

    def take(self, timeout=20):
        return self.calls.get(timeout=timeout)

    def is_quiet(self, seconds=0.3):
        try:
            raise AssertionError(f"unexpected: {self.calls.get(timeout=seconds)}")
        except queue.Empty:
            return True


def until(what, probe, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = probe()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"did not happen: {what}")


def call(iii, function_id, payload=None, **more):
    return iii.trigger({"function_id": function_id, "payload": payload, "timeout_ms": 20000, **more})


def rejection(handle):
    try:
        handle.ready(timeout=20)
    except ObserveRejection as error:
        return error.code
    raise AssertionError(f"{handle} was taken")


def create_order(data):
    if data.get("fail"):
        raise ValueError("out of stock")
    return {"id": "123", "total": data["body"]["total"]}


def auto():
    """The README's own example, and what else an observer of any function can say."""
    shop, alerts = connect("shop"), connect("alerts")
    shop.register_function("orders::create", create_order)
    big, failed, every = Inbox(), Inbox(), Inbox()
    alerts.register_function("alerts::big-order", big)
    alerts.register_function("alerts::failed", failed)
    alerts.register_function("alerts::every", every)
    observer = alerts.observe(
        {"function_id": "orders::create", "filters": {"input.body.total": {"$gte": 500}}},
        "alerts::big-order",
        {"max_in_flight": 4},
    )
    observer.ready(timeout=20)
    failures = alerts.observe(
        {"function_id": "orders::create", "on": "error", "capture": ["input", "error"]},
        "alerts::failed",
    )
    failures.ready(timeout=20)
    all_of_them = alerts.observe(
        {"function_id": "orders::create", "on": "complete", "deliver": "input"},
        "alerts::every",
        {"metadata": {"why": "audit"}},
    )
    all_of_them.ready(timeout=20)

    small, large = {"body": {"total": 499}}, {"body": {"total": 500}}
    assert call(shop, "orders::create", small) == {"id": "123", "total": 499}
    assert call(shop, "orders::create", large)["total"] == 500
    envelope = big.take()
    assert envelope["input"] == large and envelope["output"] == {"id": "123", "total": 500}, envelope
    assert envelope["status"] == "success" and envelope["observer_id"] == observer.id
    assert envelope["caller"]["worker_name"] == "shop", envelope
    assert "error" not in envelope and "metadata" not in envelope
    assert envelope["started_at_ms"] > 1_700_000_000_000 and envelope["duration_ms"] >= 0
    try:
        call(shop, "orders::create", {"fail": True})
        raise AssertionError("it did not fail")
    except Exception as error:
        assert "out of stock" in str(error), error
    envelope = failed.take()
    assert envelope["status"] == "error" and envelope["error"]["code"] == "invocation_failed", envelope
    assert envelope["input"] == {"fail": True} and "output" not in envelope and "caller" not in envelope
    assert [every.take() for _ in range(3)] == [small, large, {"fail": True}]
    assert big.is_quiet() and failed.is_quiet(0)

    observer.dispose()
    failures.dispose()
    until("unobserve arrives", lambda: call(shop, "orders::create", large) and big.calls.empty())
    time.sleep(0.2)
    while not big.calls.empty():
        big.take()
    call(shop, "orders::create", large)
    assert big.is_quiet()


def ends():
    """max_fires, expires_in_ms, and states that are told in order."""
    shop, alerts = connect("shop"), connect("alerts")
    seen = Inbox()
    alerts.register_function("seen", seen)
    first = alerts.observe({"function_id": "late"}, "seen", {"max_fires": 2})
    states = []
    first.on_state_change(lambda state, reason: states.append((state, reason and reason["code"])))
    time.sleep(0.3)
    assert first.state == "pending", first
    shop.register_function("late", lambda data: data)
    first.ready(timeout=20)
    for number in range(4):
        assert call(shop, "late", number) == number
    assert [seen.take()["output"] for _ in range(2)] == [0, 1]
    assert seen.is_quiet()
    until("it is disposed", lambda: first.state == "disposed")
    until("it is told", lambda: states[-1] == ("disposed", "MAX_FIRES"))
    short = alerts.observe({"function_id": "late"}, "seen", {"expires_in_ms": 300})
    short.ready(timeout=20)
    until("it expires", lambda: short.state == "disposed")
    assert short.reason["code"] == "EXPIRED", short.reason
    call(shop, "late", 5)
    assert seen.is_quiet()


def refusals():
    shop, alerts = connect("shop"), connect("alerts")
    shop.register_function("shy", lambda data: data, observe=ObserveHooks(allow=False))
    shop.register_function("open", lambda data: data)
    seen = Inbox()
    alerts.register_function("seen", seen)
    assert rejection(alerts.observe({"function_id": "shy"}, "seen")) == "NOT_OBSERVABLE"
    bad = {"function_id": "open", "filters": {"input.a": 5}}
    assert rejection(alerts.observe(bad, "seen")) == "INVALID_FILTER"
    assert rejection(alerts.observe({"function_id": "open", "on": "never"}, "seen")) == "INVALID_ARGS"

    class Picky(ObserveHooks):
        def on_observer_added(self, obs):
            if obs.args.get("bad") or obs.target == "elsewhere":
                raise ObserveRejection("TOO_PICKY", "not this one")

    shop.register_function("picky", lambda data: data, observe=Picky())
    alerts.register_function("elsewhere", seen)
    assert rejection(alerts.observe({"function_id": "picky"}, "elsewhere")) == "TOO_PICKY"
    alerts.observe({"function_id": "picky"}, "seen").ready(timeout=20)


class CronHooks(ObserveHooks):
    """As in the SDK's README."""

    delivery = "owner"
    legacy_trigger_type = "clock"
    args_format = {
        "type": "object",
        "required": ["expression"],
        "properties": {"expression": {"type": "string"}},
    }

    def __init__(self):
        super().__init__()
        self.schedules = {}

    def on_observer_added(self, obs):
        self.schedules.setdefault(obs.args["expression"], set()).add(obs)

    def on_observer_removed(self, obs):
        self.schedules[obs.args["expression"]].discard(obs)


def owner():
    """A function hands out its own events: emit, call, late refusal, and old triggers."""
    clock, users = connect("clock"), connect("users")
    hooks = CronHooks()
    answers = []

    def on_tick(tick):
        for obs in list(hooks.schedules.get(tick["expression"], ())):
            if tick.get("ask"):
                answers.append(obs.call(tick, timeout_ms=20000))
            else:
                obs.emit(tick)

    clock.register_function("cron::on-tick", on_tick, observe=hooks)
    seen, old = Inbox(), Inbox()
    users.register_function("seen", seen)
    users.register_function("old", old)
    source = {"function_id": "cron::on-tick", "args": {"expression": "* * * * *"}}
    only_even = {**source, "filters": {"input.even": {"$eq": True}}}
    observer = users.observe(source, "seen")
    observer.ready(timeout=20)
    even = users.observe(only_even, "seen", {"metadata": {"t": 1}})
    even.ready(timeout=20)
    assert rejection(users.observe({"function_id": "cron::on-tick"}, "seen")) == "INVALID_ARGS"
    looking = {**source, "filters": {"output": {"$exists": True}}}
    assert rejection(users.observe(looking, "seen")) == "INVALID_FILTER_PATH"

    odd = {"expression": "* * * * *", "even": False}
    call(clock, "cron::on-tick", odd)
    envelope = seen.take()
    assert envelope["observer_id"] == observer.id and bare(envelope["input"]) == odd, envelope
    assert seen.is_quiet(), "a call of an owner's function is no event by itself"
    call(clock, "cron::on-tick", {**odd, "even": True})
    assert {seen.take()["observer_id"] for _ in range(2)} == {observer.id, even.id}

    even.dispose()
    until("it is removed", lambda: len(hooks.schedules["* * * * *"]) == 1)
    call(clock, "cron::on-tick", {**odd, "ask": True})
    assert answers == [{"seen": True}], answers
    assert bare(seen.take()) == {**odd, "ask": True}

    trigger = users.register_trigger(
        {"type": "clock", "function_id": "old", "config": {"expression": "0 0 * * *"}}
    )
    until("the old trigger observes", lambda: hooks.schedules.get("0 0 * * *"))
    legacy = next(iter(hooks.schedules["0 0 * * *"]))
    assert legacy.legacy["trigger_type"] == "clock", legacy.legacy
    call(clock, "cron::on-tick", {"expression": "0 0 * * *"})
    assert bare(old.take()) == {"expression": "0 0 * * *"}
    trigger.unregister()
    until("it is over", lambda: not hooks.schedules["0 0 * * *"])

    next(iter(hooks.schedules["* * * * *"])).reject("RECONFIGURED", "no more of these")
    until("it is refused", lambda: observer.state == "error")
    assert observer.reason["code"] == "RECONFIGURED"
    until("the owner lets it go", lambda: not hooks.schedules["* * * * *"])


def context():
    """Handlers know who called, and that they are run for an observer."""
    shop, alerts = connect("shop"), connect("alerts")
    told = queue.Queue()

    def inner(data):
        inv = shop.current_invocation()
        told.put(("inner", inv))
        return None

    def outer(data):
        told.put(("outer", shop.current_invocation()))
        return call(shop, "inner", data, dispatch="remote")

    def target(envelope):
        told.put(("target", alerts.current_invocation(), envelope))

    shop.register_function("inner", inner)
    shop.register_function("outer", outer)
    alerts.register_function("target", target)
    alerts.observe({"function_id": "inner"}, "target").ready(timeout=20)
    call(alerts, "outer", 1)
    got = {}
    for _ in range(3):
        name, *rest = told.get(timeout=20)
        got[name] = rest
    outer_inv, inner_inv = got["outer"][0], got["inner"][0]
    assert outer_inv.caller["worker_name"] == "alerts" and "function_id" not in outer_inv.caller
    assert inner_inv.caller["worker_name"] == "shop", inner_inv
    assert inner_inv.caller["function_id"] == "outer"
    assert inner_inv.caller["invocation_id"] == outer_inv.invocation_id
    assert inner_inv.caller["parent"]["worker_name"] == "alerts"
    assert inner_inv.observe_depth == 0 and inner_inv.activation is None
    inv, envelope = got["target"]
    assert inv.observe_depth == 1 and inv.activation["observer_id"] == envelope["observer_id"]
    assert inv.activation["activation_id"] == envelope["activation_id"]
    assert envelope["caller"]["parent"]["worker_name"] == "alerts", envelope
    assert envelope["invocation_id"] == inner_inv.invocation_id


def replay():
    """The observers come back by themselves when the engine does: READY asks for its end."""
    shop, alerts = connect("shop"), connect("alerts")
    shop.register_function("pay", lambda data: data, observe=ObserveHooks(on_observer_added=lambda obs: None))
    seen = Inbox()
    alerts.register_function("seen", seen)
    observer = alerts.observe({"function_id": "pay"}, "seen")
    observer.ready(timeout=20)
    gone = threading.Event()
    back = threading.Event()

    def watch(state):
        if state == "connected" and gone.is_set():
            back.set()
        elif state != "connected":
            gone.set()

    alerts.add_connection_state_listener(watch)
    call(shop, "pay", 1)
    assert seen.take()["output"] == 1
    print("READY", flush=True)
    assert back.wait(60)

    def again():
        try:
            call(shop, "pay", 2, timeout_ms=1000)
        except Exception:
            return False
        return not seen.calls.empty()

    until("events come again", again, 60)
    assert seen.take()["output"] == 2


def unsupported():
    """An engine that does not announce it: observing is an error, and everything else works."""
    iii = connect("shop")
    hooks = CronHooks()
    iii.register_function("tick", lambda data: data, observe=hooks)
    seen = Inbox()
    iii.register_function("seen", seen)
    observer = iii.observe({"function_id": "tick"}, "seen")
    assert rejection(observer) == "UNSUPPORTED"
    assert observer.state == "error"
    assert call(iii, "tick", 7) == 7
    assert seen.is_quiet()


if __name__ == "__main__":
    try:
        globals()[sys.argv[1]]()
        print("OK", flush=True)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    # Threads of the SDK may wait for ever.
    os._exit(0)
