"""Uses the dashboard as people do, in a headless Chromium, and checks what they would see.

    python dashboard_browser.py SCENARIO… --dashboard URL --http URL --engine URL [--worker PID] [--shots DIR]

Ends with 0, or with 1 and what was not so. A console error, a request to anywhere else, and a page
wider than its window are failures in every scenario.
"""

import argparse
import json
import os
import signal
import socket
import struct
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

PAGES = [
    "now",
    "requests",
    "functions",
    "triggers",
    "queues",
    "state",
    "streams",
    "cron",
    "logs",
    "metrics",
    "log",
    "settings",
]


class Wrong(Exception):
    """Something is not as it should be."""


def check(fact, what: str):
    if not fact:
        raise Wrong(what)


class Session:
    """A window on the dashboard, and what went wrong in it."""

    def __init__(self, browser, arguments, width=1280, height=900, scheme="light"):
        self.home, self.http, self.shots = arguments.dashboard, arguments.http, arguments.shots
        self.engine = arguments.engine
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.complaints: list[str] = []
        self.sizes: dict[str, int] = {}
        self.page.on(
            "console",
            lambda message: message.type in ("error", "warning")
            and self.complaints.append(f"console: {message.text}"),
        )
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", lambda request: self.outside(request.url))
        self.page.on("websocket", lambda socket: self.outside(socket.url.replace("ws:", "http:")))
        self.page.on("response", self.measure)

    def outside(self, url: str):
        if not url.startswith((self.home, "data:", "blob:")):
            self.complaints.append(f"a request to {url}")

    def measure(self, response):
        if "/api/" not in response.url and "/metrics" not in response.url:
            try:
                self.sizes[response.url] = len(response.body())
            except Exception:  # A body that is gone with its page has no size.
                pass

    def go(self, place: str):
        self.page.goto(f"{self.home}/#/{place}")

    def see(self, selector: str, text: str = "", within: float = 10):
        found = self.page.locator(selector)
        if text:
            found = found.filter(has_text=text)
        found.first.wait_for(timeout=within * 1000)
        return found.first

    def order(self, id: str, to: str):
        post(f"{self.http}/orders", {"id": id, "to": to})

    def call(self, function: str, data):
        headers = {"X-III-Request": "1"}
        body = {"function_id": function, "data": data}
        return post(f"{self.home}/api/call", body, headers)["result"]

    def shot(self, name: str):
        if self.shots:
            self.page.screenshot(path=f"{self.shots}/{name}.png", full_page=True)

    def narrow(self, where: str):
        width = self.page.evaluate("document.documentElement.scrollWidth")
        window = self.page.evaluate("innerWidth")
        check(width <= window, f"{where} is {width} pixels wide in a window of {window}")

    def end(self):
        self.context.close()
        check(not self.complaints, "\n".join(self.complaints[:10]))


def post(url: str, body, headers=None):
    data = json.dumps(body).encode()
    request = urllib.request.Request(
        url, data, {"Content-Type": "application/json", **(headers or {})}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as response:
        return response.read().decode()


def eventually(what: str, probe, within: float = 15):
    end = time.monotonic() + within
    while time.monotonic() < end:
        value = probe()
        if value:
            return value
        time.sleep(0.02)
    raise Wrong(f"not within {within} s: {what}")


# MARK: What people do


def hello(session: Session):
    """A request appears by itself, and its steps are told as waterfall, tree and one by one."""
    page = session.page
    session.go("requests")
    session.see("#connection", "live")
    before = page.locator("main [data-row]", has_text="GET /hello").count()
    page.evaluate("window.sameDocument = true")
    began = time.monotonic()
    get(f"{session.http}/hello")
    eventually(
        "GET /hello in the list",
        lambda: page.locator("main [data-row]", has_text="GET /hello").count() > before,
    )
    took = time.monotonic() - began
    check(took < 1, f"the request was seen {took:.2f} s after it was made")
    check(page.evaluate("window.sameDocument"), "the page was loaded anew")

    row = page.locator("main [data-row]", has_text="GET /hello").first
    trace = row.get_attribute("href").split("/")[-1]
    row.click()
    session.see(".waterfall")
    steps = [
        "http GET /hello → hello::api",
        "hello::api runs on hello",
        "enqueue greet::process → queue default",
        "delivery, attempt 1 → greet::process on hello",
        "written",
    ]
    for step in steps:
        session.see(".wf .label", step)
    session.see(".command", f"replay {trace}")
    session.shot("hello-waterfall")

    page.locator(".tabs a", has_text="Tree").click()
    for step in steps + ["completed with 200", "done, taken from queue default"]:
        session.see(".leaf", step)
    page.locator(".leaf", has_text="written").first.click()
    session.see(".panel", "Hello III App!")

    page.locator(".tabs a", has_text="Map").click()
    for name in ["hello::api", "default", "greet::process", "greetings"]:
        session.see(".map .node", name)

    page.locator(".tabs a", has_text="Step through").click()
    total = page.locator(".steps li").count()
    check(total >= 7, f"{total} records to step through")
    at = page.locator(".steps li button").all_inner_texts()
    write = next(index for index, text in enumerate(at) if "written" in text)
    for _ in range(write):
        page.keyboard.press("ArrowRight")
    session.see("tr.changed .is", "Hello III App!")
    session.see("tr.changed .was", "not there")
    page.keyboard.press("ArrowLeft")
    session.see("[data-place] .is", "not there")
    check(page.locator("tr.changed").count() == 0, "a step before the write changes something")
    session.shot("hello-step")


def mending(session: Session):
    """A job that fails is seen, explained, edited, sent again and redriven, all from the page."""
    page = session.page
    session.go("now")
    session.order("e-1", "nobody")
    session.see(".problems a", "dead letter", 20).click()
    session.see("h1", "Queue mails")
    letter = session.see(".letters > li", "no such mailbox: nobody")
    letter.get_by_role("button", name="Explain").click()
    told = session.see(".explanation", "attempt 2")
    text = told.inner_text()
    check("attempt 1 on shop failed" in text, f"the explanation is {text}")
    check("limit of 2 attempts" in text, f"the explanation is {text}")
    session.shot("mending-explained")

    # Mail is off: the edited one becomes a dead letter of its own, and is redriven once it is on.
    letter.get_by_role("button", name="Edit").click()
    page.locator("dialog textarea").fill(json.dumps({"id": "e-1", "to": "somebody@example.com"}))
    page.get_by_role("button", name="Review").click()
    check(page.locator(".letters > li").count() == 1, "something happened before it was confirmed")
    page.get_by_role("button", name="Send, and discard the dead letter").click()
    letter = session.see(".letters > li", "mail is switched off", 20)
    check(page.locator(".letters > li", has_text="nobody").count() == 0, "the edited one stays")

    session.go("state")
    page.get_by_role("button", name="New value").click()
    page.locator("dialog").get_by_label("scope").fill("switches")
    page.locator("dialog").get_by_label("key").fill("mail")
    page.locator("dialog textarea").fill('{"on": true}')
    page.get_by_role("button", name="Write", exact=True).click()
    session.see("h1", "switches/mail")

    session.go("queues/mails")
    session.see(".letters > li").get_by_role("button", name="Redrive", exact=True).click()
    dialog = page.locator("dialog")
    check("tried again" in dialog.inner_text(), "the question does not say what happens")
    page.keyboard.press("Escape")
    check(page.locator(".letters > li").count() == 1, "it was redriven without being confirmed")
    session.see(".letters > li").get_by_role("button", name="Redrive", exact=True).click()
    dialog.get_by_role("button", name="Redrive").click()
    session.see(".empty", "None.")
    eventually(
        "the mail is sent",
        lambda: (session.call("state::get", {"scope": "orders", "key": "e-1"}) or {}).get("status")
        == "mailed",
    )
    session.go("now")
    session.see(".calm", "Nothing is wrong")


def topics(session: Session):
    """A subscriber's dead letter is handled where the page leads, and from its topic's page."""
    page = session.page

    def publish(order):
        session.call("iii::durable::publish", {"topic": "orders", "data": order})

    publish({"id": "t-1"})
    session.go("now")
    session.see(".problems a", "dead letter", 20).click()
    session.see("h1", "Queue orders::shop::audit@default")
    letter = session.see(".letters > li", "no total")
    letter.get_by_role("button", name="Explain").click()
    text = session.see(".explanation", "attempt 1").inner_text()
    check("published to topic orders" in text, f"the explanation is {text}")
    check("A worker serves its function now" in text, f"the explanation is {text}")

    letter.get_by_role("button", name="Edit").click()
    check("all subscribers" in page.locator("dialog").inner_text(), "it is not said who gets it")
    page.locator("dialog textarea").fill(json.dumps({"id": "t-1", "total": 5}))
    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Send, and discard the dead letter").click()
    session.see(".empty", "None.")
    eventually(
        "the edited order is audited",
        lambda: session.call("state::get", {"scope": "audits", "key": "t-1"}) == 5,
    )

    publish({"id": "t-2"})
    session.go("queues/orders")
    letter = session.see(".letters > li", "queue orders::shop::audit@default", 20)
    letter.get_by_role("button", name="Explain").click()
    session.see(".explanation a", "The whole request").click()
    session.see(".wf .label", "publish to topic orders")
    session.go("queues/orders")
    letter = session.see(".letters > li", "no total")
    letter.get_by_role("button", name="Discard").click()
    page.get_by_role("button", name="Discard for good").click()
    session.see(".empty", "None.")


def oldest(session: Session):
    """For how long a message has waited is told as a time, not as a date."""
    page = session.page
    job = {"queue": "mails", "function_id": "nobody::home", "data": 1}
    post(f"{session.home}/api/enqueue", job, {"X-III-Request": "1"})
    session.go("queues")
    session.see("main th[scope=col]", "Oldest")
    column = page.locator("main th[scope=col]").all_text_contents().index("Oldest")
    cell = page.locator("main tr", has_text="mails").locator("th, td").nth(column)
    told = eventually(
        "the oldest message is told",
        lambda: (page.wait_for_timeout(50), cell.inner_text())[1].strip("–"),
    )
    check(told.endswith(" s") or told.endswith(" ms"), f"the oldest waits {told}")


def purging(session: Session):
    """What waits in a queue is dropped from its page: how much there is is told, and it is asked."""
    page = session.page
    for number in range(3):
        job = {"queue": "mails", "function_id": "nobody::home", "data": number}
        post(f"{session.home}/api/enqueue", job, {"X-III-Request": "1"})

    def depth():
        return session.call("engine::queue::topic_stats", {"topic": "mails"})["depth"]

    session.go("queues/mails")
    session.see("main tr", "nobody::home")
    button = page.get_by_role("button", name="Purge", exact=True)
    button.click()
    dialog = page.locator("dialog")
    told = dialog.inner_text()
    check("3 messages wait or run" in told, f"the question is {told}")
    page.keyboard.press("Escape")
    check(depth() == 3, "it was purged without being confirmed")
    button.click()
    dropping = dialog.get_by_role("button", name="Drop for good")
    check(dropping.is_disabled(), "it is purged without its name being typed")
    dialog.locator("input").fill("mails")
    dropping.click()
    session.see("#toasts", "3 messages dropped.")
    session.see(".empty", "No message waits.")
    check(depth() == 0, "what waited is still there")
    check(button.count() == 0, "there is nothing left to purge")


def processes(session: Session):
    """Worker processes of the engine are listed; one that is killed is seen to start again."""

    def told():
        return json.loads(get(f"{session.home}/api/processes"))["processes"][0]

    session.go("now")
    row = session.see("main tr", "clerk")
    session.see("main tr .status", "running")
    os.kill(told()["pid"], signal.SIGKILL)
    session.see("main tr", "was ended by signal 9")
    eventually("it runs again", lambda: told()["restarts"] == 1)
    session.see("main tr .status", "running")
    cells = row.locator("th, td").all_inner_texts()
    check(cells[4] == "1", f"the row says {cells}")
    session.shot("processes")


def slider(session: Session):
    """A value is edited against its revision, and looked back at."""
    page = session.page
    session.call("state::set", {"scope": "prices", "key": "tea", "value": {"cents": 100}})
    session.call("state::set", {"scope": "prices", "key": "tea", "value": {"cents": 120}})
    session.go("state/prices")
    session.see("main [data-row]", "tea").click()
    session.see("[data-shown] .json", "120")
    page.locator("#time").focus()
    page.keyboard.press("Home")
    session.see("[data-shown] .json", "100")
    check("120" not in page.locator("[data-shown]").inner_text(), "the slider shows the new value")

    page.get_by_role("button", name="Edit").click()
    page.locator("dialog textarea").fill('{"cents": 140}')
    session.call("state::set", {"scope": "prices", "key": "tea", "value": {"cents": 130}})
    page.get_by_role("button", name="Write", exact=True).click()
    session.see("#toasts", "Not written")
    page.get_by_role("button", name="Edit").click()
    page.locator("dialog textarea").fill('{"cents": 150}')
    page.get_by_role("button", name="Write", exact=True).click()
    eventually(
        "the edit is written",
        lambda: session.call("state::get", {"scope": "prices", "key": "tea"}) == {"cents": 150},
    )
    page.locator("#time").focus()
    page.keyboard.press("End")
    session.see("[data-shown] .json", "150")


def calling(session: Session):
    """A function is called with a form made from its schema; data is never markup."""
    page = session.page
    session.go("functions/payments%3A%3Acharge")
    page.get_by_label("id required").fill('<img src=x onerror="alert(1)">')
    page.get_by_role("button", name="Call", exact=True).click()
    session.see(".answer", "Missing: total")
    page.get_by_label("total required").fill("12.5")
    page.get_by_label("currency").select_option("EUR")
    page.get_by_role("button", name="Call", exact=True).click()
    session.see(".answer .json", '"charged": 12.5')
    check(page.locator("main img").count() == 0, "data became markup")


# What JavaScript's own numbers would make something else of.
EXACT = {"id": 9007199254740993, "f": 1.0, "u": 18446744073709551615}


def fidelity(session: Session):
    """Numbers of users are shown as they were written, and an edit leaves those alone that it does
    not touch."""
    page = session.page

    def change(word: str, other: str):
        editor = page.locator("dialog textarea")
        for text in ('"f": 1.0', "9007199254740993", "18446744073709551615"):
            check(text in editor.input_value(), f"the editor has {editor.input_value()}")
        editor.fill(editor.input_value().replace(word, other))

    session.call("state::set", {"scope": "exact", "key": "k", "value": {**EXACT, "note": "old"}})
    session.go("state/exact/k")
    session.see("[data-shown] .json", "9007199254740993")
    page.get_by_role("button", name="Edit").click()
    change("old", "new")
    page.get_by_role("button", name="Write", exact=True).click()
    session.see("[data-shown] .json", "new")
    value = session.call("state::get", {"scope": "exact", "key": "k"})
    check(value == {**EXACT, "note": "new"}, f"the edit wrote {value}")
    check(isinstance(value["f"], float), f"the edit wrote {value}")

    job = {"queue": "mails", "function_id": "mail::send", "data": {**EXACT, "to": "nobody"}}
    post(f"{session.home}/api/enqueue", job, {"X-III-Request": "1"})
    session.go("queues/mails")
    letter = session.see(".letters > li", "no such mailbox: nobody", 20)
    check("9007199254740993" in letter.inner_text(), f"the letter is {letter.inner_text()}")
    letter.get_by_role("button", name="Edit").click()
    change("nobody", "somebody")
    page.get_by_role("button", name="Review").click()
    session.see("dialog", "9007199254740993")
    page.get_by_role("button", name="Send, and discard the dead letter").click()
    letter = session.see(".letters > li", "no such mailbox: somebody", 20)
    payload = session.call("engine::queue::dlq_messages", {"queue": "mails"})[0]["payload"]
    check(payload == {**EXACT, "to": "somebody"}, f"the edit sent {payload}")
    check(isinstance(payload["f"], float), f"the edit sent {payload}")
    letter.get_by_role("button", name="Discard").click()
    page.get_by_role("button", name="Discard for good").click()
    session.see(".empty", "None.")


def namespaces(session: Session):
    """A function is told from another one of the same id, where it is called and where its dead
    letter is edited."""
    page = session.page

    def ran():
        return session.call("state::get", {"scope": "settled", "key": "by"})

    job = {"queue": "mails", "function_id": "shop::settle", "namespace": "eu", "data": {}}
    post(f"{session.home}/api/enqueue", job, {"X-III-Request": "1"})
    session.go("queues/mails")
    letter = session.see(".letters > li", "not ok", 20)
    letter.get_by_role("button", name="Edit").click()
    session.see("dialog", "shop::settle (eu)")
    page.locator("dialog textarea").fill('{"ok": true}')
    page.get_by_role("button", name="Review").click()
    session.see("dialog", "Enqueues for shop::settle (eu)")
    page.get_by_role("button", name="Send, and discard the dead letter").click()
    session.see(".empty", "None.")
    check(eventually("the edited job runs", ran) == "eu", f"{ran()} has run it")

    session.go("functions")
    session.see("main [data-row]", "shop::settle (eu)").click()
    session.see("h1", "shop::settle (eu)")
    page.locator("main textarea").fill('{"ok": true}')
    page.get_by_role("button", name="Call", exact=True).click()
    session.see(".answer .json", '"eu"')
    session.go("functions/shop%3A%3Asettle")
    session.see("h1", "shop::settle")
    page.locator("main textarea").fill('{"ok": true}')
    page.get_by_role("button", name="Call", exact=True).click()
    session.see(".answer .json", '"default"')


def address(session: Session):
    """An address that nobody has encoded is taken as it is."""
    session.go("state/100%")
    session.see("h1", "State 100%")
    session.see("#connection", "live")


def pieces(session: Session):
    """What pages are built of, with values as nobody writes them by hand."""
    session.go("now")
    session.see("#connection", "live")
    # More escapes than an expression that takes a string as a whole has room for.
    texts = session.page.evaluate(
        r"""async () => {
          const { parse, stringify } = await import("/json.js");
          const long = '["' + "\\n".repeat(4_000_000) + '",1.0]';
          return ['["\\\\",1.0,"\\"2.0",2.0]', long].map((text) => stringify(parse(text)) === text);
        }"""
    )
    check(texts == [True, True], f"texts and numbers are as they were written: {texts}")
    words = session.page.evaluate(
        """async () => {
          const { quoted } = await import("/format.js");
          return ["shop::order", "it's; ls", ""].map(quoted);
        }"""
    )
    check(words == ["shop::order", "'it'\\''s; ls'", "''"], f"the words are {words}")


def many(session: Session):
    """Of more than is told of, the page says how much there is, finds the rest, and takes nothing
    for missing. What a worker configures is text, whatever it looks like."""
    page = session.page
    sockets = []
    known = ["q09999", "deep::f@default", "deep"]
    page.route_web_socket("**/api/live", lambda socket: sockets.append(socket))

    def names(route):
        if "list_topics" in (route.request.post_data or ""):
            route.fulfill(json={"result": [{"name": one} for one in known], "trace_id": None})
        else:
            route.continue_()

    page.route("**/api/call", names)
    session.go("queues")
    socket = eventually("a socket", lambda: (page.wait_for_timeout(20), sockets)[1])[0]
    numbers = {"in_flight": 0, "delayed": 0, "oldest_at_ms": None, "unserved": []}
    rows = [
        {"name": "idle", "depth": 0, "dead": 0, **numbers},
        {"name": "deep::f@default", "depth": 9, "dead": 0, **numbers},
        {"name": "lost", "depth": 0, "dead": 2, **numbers},
    ]
    trigger = {
        "trigger_type": "cron",
        "namespace": "default",
        "worker_name": "w",
        "config": {},
        "config_summary": "{}",
    }
    served = {**trigger, "id": "a", "function_id": "is::served"}
    node = {"tag": "img", "props": {}, "children": [], "toString": 1}
    missing = {
        **trigger,
        "id": "b",
        "function_id": "is::missing",
        "trigger_type": "own",
        "config": {"scope": node},
    }
    triggers = [
        {**served, "served": True, "function_served": True},
        {**missing, "served": False, "function_served": False},
    ]
    for message in [
        {"type": "hello", "version": "0", "now_ms": time.time() * 1000},
        {"type": "queues", "queues": rows, "total": 10001, "dead": 7},
        {"type": "functions", "functions": [], "total": 5000},
        {"type": "triggers", "triggers": triggers, "total": 5001},
    ]:
        socket.send(json.dumps(message))
    session.see("main [role=status]", "showing 3 of 10001")
    shown = page.locator("main tbody [data-row]").all_inner_texts()
    check(shown == ["lost", "deep::f@default", "idle"], f"the queues are {shown}")
    session.see("nav .badge", "7")
    page.get_by_label("Queue", exact=True).fill("q0999")
    session.see("main tbody [data-row]", "q09999")
    check(page.locator("main tbody [data-row]").count() == 1, "the search shows others")
    known.append("q09998")
    socket.send(json.dumps({"type": "queues", "queues": rows, "total": 10002, "dead": 7}))
    session.see("main tbody [data-row]", "q09998")
    page.get_by_label("Queue", exact=True).fill("deep")
    eventually("one row", lambda: page.locator("main tbody [data-row]").count() == 1)

    session.go("functions")
    session.see("main [role=status]", "showing 0 of 5000")
    row = session.see("main .row", "is::missing")
    check("no worker" in row.inner_text(), f"the row is {row.inner_text()}")
    check(page.locator("main .row", has_text="is::served").count() == 0, "a served one is missing")
    session.go("triggers")
    session.see("main [role=status]", "showing 2 of 5001")
    session.go("triggers/z")
    session.see(".empty", "It is not among the 2 that are listed.")

    session.go("now")
    session.see(".map .node", "is::missing")
    session.see(".map .node", '"tag"')
    check(page.locator("main img").count() == 0, "a configuration became markup")
    one = {"namespace": "default", "runtime": "node", "version": "1", "function_count": 1}
    for name, total in [("a", 3000), ("b", 3000), ("c", 1)]:
        workers = [{**one, "id": name, "name": name, "active_invocations": 0}]
        socket.send(json.dumps({"type": "workers", "workers": workers, "total": total}))
        session.see(f"[data-worker={name}]")
        if total > 1:
            session.see("main [role=status]", f"showing 1 of {total}")
    gone = page.locator("[data-worker]", has_text="unhealthy: gone").all_inner_texts()
    check(len(gone) == 1 and gone[0].split()[2] == "b", f"those that are gone: {gone}")
    session.complaints[:] = [one for one in session.complaints if "WebSocket" not in one]


def worker(session: Session, pid: int):
    """A worker that is killed is unhealthy within two seconds."""
    session.go("now")
    row = session.see("[data-worker=shop]", "healthy")
    check("unhealthy" not in row.inner_text(), "it is unhealthy while it lives")
    began = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    session.see("[data-worker=shop]", "unhealthy", 2)
    took = time.monotonic() - began
    check(took < 2, f"it took {took:.1f} s")
    session.see(".map .node.bad", "its worker is gone")
    session.shot("worker-gone")


def keyboard(session: Session):
    """Everything is reached without a pointer, and the focus survives what comes in."""
    page = session.page
    press = page.keyboard.press
    session.go("now")
    session.see("#connection", "live")
    page.locator("body").click(position={"x": 2, "y": 500})
    press("/")
    page.keyboard.type("queues")
    press("Enter")
    session.see("h1", "Queues")
    press("g")
    press("r")
    session.see("h1", "Requests")
    get(f"{session.http}/hello")
    session.see("main [data-row]", "GET /hello")
    for _ in range(20):
        press("j")
        if "GET /hello" in page.evaluate("document.activeElement.textContent"):
            break
    held = page.evaluate("document.activeElement.getAttribute('href')")
    check(held and "/requests/" in held, f"j focuses {held}")
    for _ in range(5):
        get(f"{session.http}/hello")
    page.wait_for_timeout(800)
    after = page.evaluate("document.activeElement.getAttribute('href')")
    check(after == held, f"live updates moved the focus from {held} to {after}")
    press("Enter")
    session.see(".waterfall")
    press("j")
    press("Enter")
    session.see(".panel h2", "Record #")
    page.locator(".tabs a", has_text="Step through").focus()
    press("Enter")
    session.see(".stepper")
    press("End")
    press("ArrowLeft")
    press("Home")
    press("ArrowRight")
    session.see(".controls output", "2 of")
    press("?")
    session.see("dialog h2", "Keyboard")
    press("Escape")
    eventually("Escape closes the dialog", lambda: page.locator("dialog").count() == 0)
    for key, name in zip("nrftqseclmox", PAGES):
        press("g")
        press(key)
        session.see("nav a[aria-current]", name.capitalize())


def every(session: Session):
    """Every page: nothing too wide, nameless, faint or out of order; light and dark."""
    page = session.page
    session.order("e-1", "nobody")
    session.call(
        "stream::set", {"stream_name": "board", "group_id": "g", "item_id": "i", "data": {"n": 1}}
    )
    eventually(
        "a dead letter", lambda: session.call("engine::queue::dlq_messages", {"queue": "mails"})
    )
    requests = json.loads(get(f"{session.home}/api/requests?limit=20"))["requests"]
    traces = [one["trace_id"] for one in requests]
    places = PAGES + [
        f"requests/{traces[0]}?view={view}" for view in ("waterfall", "tree", "map", "step")
    ]
    places += [
        "functions/payments%3A%3Acharge",
        "queues/mails",
        "queues/default",
        "state/orders",
        "log?view=records",
        "state/orders/e-1",
        "streams/board",
        "streams/board/g",
    ]
    scheme = (
        "dark" if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
    )
    width = page.evaluate("innerWidth")
    session.go("now")
    session.see("#connection", "live")
    for place in places:
        session.go(place)
        session.see("h1")
        page.wait_for_timeout(150)
        session.narrow(place)
        found = page.evaluate(AUDIT)
        check(not found, f"{place} ({scheme}, {width}): " + "; ".join(found[:6]))
        name = place.replace("/", "-").replace("?view=", "-").replace(traces[0], "one")
        session.shot(f"{name}-{scheme}-{width}")
    if width < 500:
        session.go("now")
        page.get_by_role("button", name="Menu").click()
        session.see("nav#nav a", "Settings").click()
        session.see("h1", "Settings")
        check(not page.locator("nav#nav a").first.is_visible(), "the menu stays open")
    else:
        focus_order(session)


def focus_order(session: Session):
    """Tab goes through what can be reached in the order of the page, visibly, from the skip link on."""
    page = session.page
    session.go("queues/mails")
    page.reload()
    session.see("h1")
    last, seen = -1, 0
    for _ in range(40):
        page.keyboard.press("Tab")
        at = page.evaluate("""() => {
            const el = document.activeElement;
            const box = el.getBoundingClientRect();
            const outlined = (part) => getComputedStyle(el, part).outlineStyle !== "none";
            return {
                index: [...document.querySelectorAll("*")].indexOf(el),
                name: el.outerHTML.slice(0, 80),
                body: el === document.body,
                shown: box.width > 0 && box.bottom > 0,
                outline: outlined() || outlined("::after") || el.matches(".node, main"),
            };
        }""")
        if at["body"]:
            break
        check(at["shown"] and at["outline"], f"no visible focus on {at['name']}")
        check(at["index"] > last, f"the focus goes back to {at['name']}")
        if seen == 0:
            check("skip" in at["name"], f"the first stop is {at['name']}")
        last, seen = at["index"], seen + 1
    check(seen > 15, f"only {seen} stops")


with open(os.path.join(os.path.dirname(__file__), "dashboard_audit.js")) as file:
    AUDIT = file.read()


def budget(session: Session):
    """Small and quick: 250 KB in all, first paint within 300 ms, quiet under a flood."""
    page = session.page
    paints = []
    for _ in range(5):
        session.go("now")
        page.reload()
        session.see("#connection", "live")
        paints.append(
            page.evaluate(
                "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 1e9"
            )
        )
    check(min(paints) <= 300, f"first paints after {[round(paint) for paint in paints]} ms")
    total = sum(session.sizes.values())
    check(0 < total <= 250_000, f"{total} bytes: {session.sizes}")


def flood(session: Session):
    """Ten thousand requests a second are sampled, said so, and leave the page alive."""
    page = session.page
    sockets = []
    page.route_web_socket("**/api/live", lambda socket: sockets.append(socket))
    session.go("requests")
    eventually("a socket", lambda: (page.wait_for_timeout(20), sockets)[1])
    socket = sockets[0]
    socket.send(json.dumps({"type": "hello", "version": "0", "now_ms": time.time() * 1000}))
    page.evaluate("""() => {
        window.worst = 0;
        let last = performance.now();
        const frame = () => {
            const now = performance.now();
            window.worst = Math.max(window.worst, now - last);
            last = now;
            requestAnimationFrame(frame);
        };
        requestAnimationFrame(frame);
    }""")
    offset = 1_000_000
    for _ in range(12):
        rows = []
        for _ in range(50):
            offset += 50
            rows.append(
                {
                    "trace_id": f"{offset:032x}",
                    "offset": offset,
                    "kind": "http",
                    "name": "GET /flood",
                    "function_id": "flood",
                    "worker": "w",
                    "started_at_ms": time.time() * 1000,
                    "duration_ms": 1.5,
                    "status": "ok",
                    "error": None,
                    "records": 3,
                    "attempts": 1,
                }
            )
        socket.send(json.dumps({"type": "requests", "requests": rows, "skipped": 2450}))
        page.wait_for_timeout(250)
    session.see("main [role=status]", "Showing")
    worst = page.evaluate("window.worst")
    check(worst < 400, f"a frame took {worst:.0f} ms")
    rows = page.locator("main [data-row]").count()
    check(rows < 120, f"{rows} rows are in the document")
    page.keyboard.press("p")
    session.see("main [role=status]", "Held.")
    session.complaints[:] = [one for one in session.complaints if "WebSocket" not in one]


def streaming(session: Session):
    """A stream is watched as it happens, and log lines come by themselves: nothing is asked again
    and again."""
    page = session.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.url} {request.post_data or ''}"))
    place = {"stream_name": "talk", "group_id": "g"}
    session.call("stream::set", {**place, "item_id": "first", "data": {"n": 1}})
    session.go("streams/talk/g")
    session.see("tbody th button", "first")
    session.see(".feed li", "first")
    session.call("stream::set", {**place, "item_id": "second", "data": {"n": 2}})
    session.call("stream::send", {**place, "type": "typing", "data": {"who": "me"}})
    session.see(".feed li", "second", 2)
    session.see(".feed li", "typing", 2)
    session.see("tbody th button", "second", 3).click()
    session.see("dialog .json", '"n": 2')
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    session.see(".panel .status", "held")
    session.call("stream::set", {**place, "item_id": "third", "data": {"n": 3}})
    session.see("tbody th button", "third", 3)
    check(page.locator(".feed li", has_text="third").count() == 0, "what is held moves on")
    page.keyboard.press("p")
    session.see(".feed li", "third", 2)
    asked.clear()
    page.wait_for_timeout(2000)
    # Who is present and which alerts fire is asked for, every ten and five seconds.
    idle = [one for one in asked if "engine::alerts::list" not in one]
    check(len(idle) <= 2, f"an idle page asks {idle[:5]}")
    check(not any("/api/log" in one for one in idle), f"an idle page reads the log: {idle[:5]}")

    session.go("logs")
    session.see("h1", "Logs")
    session.see("#connection", "live")
    page.wait_for_timeout(300)
    asked.clear()
    session.call("engine::log::warn", {"message": "the till is empty", "service_name": "shop"})
    session.see("main [data-row]", "the till is empty", 2)
    lists = [one for one in asked if "engine::logs::list" in one]
    check(not lists, "log lines are asked for, and not told")
    page.evaluate("scrollTo(0, 0)")
    session.shot("streaming-logs")


def alerting(session: Session):
    """An alert that fires is among what is wrong, and its rule among the metrics."""
    page = session.page
    rule = {
        "last_evaluated": time.time() * 1000,
        "last_triggered": time.time() * 1000 - 60_000,
        "current_value": 12,
        "threshold": 5,
        "operator": "greaterthan",
    }
    quiet = {**rule, "name": "slow", "firing": False, "last_triggered": None}
    answer = {
        "alerts": [quiet, {**rule, "name": "errors", "firing": True}],
        "firing_count": 1,
    }

    def told(route):
        if "engine::alerts::list" in (route.request.post_data or ""):
            route.fulfill(json={"result": answer, "trace_id": None})
        else:
            route.continue_()

    page.route("**/api/call", told)
    session.go("now")
    alert = session.see(".problems a", "Alert errors fires")
    check("never > 5" in alert.inner_text(), f"the alert says {alert.inner_text()}")
    # The page and the list of pages are not drawn in the same moment.
    session.see("nav .badge", "1")
    alert.click()
    row = session.see("h2 + .scroll tr", "errors")
    check("fires" in row.inner_text() and "> 5" in row.inner_text(), row.inner_text())
    quiet = session.see("h2 + .scroll tr", "slow").inner_text()
    check("quiet" in quiet and "never" in quiet, quiet)
    session.shot("alerting")


class Storm(threading.Thread):
    """A worker that writes to the state, every write a request of its own: `rate` a second, or as
    many as the engine takes."""

    def __init__(self, engine: str, rate: int):
        super().__init__(daemon=True)
        host, port = engine.removeprefix("ws://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=30)
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        lines = [
            "GET / HTTP/1.1",
            f"Host: {host}:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
        ]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        check(b" 101 " in self.socket.recv(4096), "the engine refuses a worker")
        self.rate, self.sent, self.over = rate, 0, threading.Event()

    @staticmethod
    def frame(number: int) -> bytes:
        call = {
            "type": "invokefunction",
            "function_id": "state::set",
            "data": {"scope": "storm", "key": f"k{number}", "value": number},
            "action": {"type": "void"},
        }
        text = json.dumps(call).encode()
        # Masked with zeros, which leave it as it is.
        return b"\x81\xfe" + struct.pack(">H", len(text)) + bytes(4) + text

    def run(self):
        batch = b"".join(self.frame(number) for number in range(200))
        began = time.monotonic()
        while not self.over.is_set():
            self.socket.sendall(batch)
            self.sent += 200
            ahead = self.sent / self.rate - (time.monotonic() - began)
            if ahead > 0:
                self.over.wait(ahead)

    def end(self):
        self.over.set()
        self.join(timeout=30)
        self.socket.close()


def storm(session: Session):
    """Under as many requests as the engine takes, the page shows a sample, says so, and answers."""
    page = session.page
    session.go("requests")
    session.see("#connection", "live")
    page.evaluate("""() => {
        window.tasks = [];
        new PerformanceObserver((list) => {
            for (const task of list.getEntries()) window.tasks.push(task.duration);
        }).observe({ type: "longtask" });
    }""")
    seconds = 6
    flood = Storm(session.engine, 10_000)
    flood.start()
    answers = []
    try:
        session.see("main [role=status]", "sample", 20)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            # The page does what it is told while all that comes in.
            began = time.monotonic()
            page.keyboard.press("p")
            session.see("main [role=status]", "Held.", 5)
            page.keyboard.press("p")
            page.locator("main [role=status]", has_text="Held.").wait_for(
                state="detached", timeout=5000
            )
            answers.append(time.monotonic() - began)
            page.wait_for_timeout(200)
    finally:
        flood.end()
    told = page.locator("main [role=status]", has_text="Showing").inner_text()
    tasks = page.evaluate("window.tasks")
    rows = page.locator("main [data-row]").count()
    print(
        f"storm: {flood.sent} requests, {told!r}; long tasks {[round(one) for one in tasks]} ms; "
        f"two keys took {max(answers):.2f} s at most"
    )
    check(rows < 120, f"{rows} rows are in the document")
    # Engine, worker and page share what processors there are: a task may have to wait for one.
    longest = max(tasks, default=0)
    check(longest < 1000, f"the page was busy for {longest:.0f} ms")
    check(sum(tasks) < 2000, f"the page was busy for {sum(tasks):.0f} ms in all")
    check(max(answers) < 3, f"it took {max(answers):.1f} s to hold the list and go on")


# MARK: Running

WIDE, SMALL = {"width": 1280}, {"width": 400, "height": 800}
WINDOWS = {"every": [WIDE, {**WIDE, "scheme": "dark"}, SMALL, {**SMALL, "scheme": "dark"}]}


@contextmanager
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("scenarios", nargs="+")
    parser.add_argument("--dashboard", required=True)
    parser.add_argument("--http", required=True)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--worker", type=int)
    parser.add_argument("--shots")
    arguments = parser.parse_args()
    with chromium() as browser:
        for name in arguments.scenarios:
            for window in WINDOWS.get(name, [WIDE]):
                began = time.monotonic()
                session = Session(browser, arguments, **window)
                try:
                    extra = [arguments.worker] if name == "worker" else []
                    globals()[name](session, *extra)
                    session.end()
                except Exception as error:
                    seen = (
                        session.page.locator("main").inner_text()[:1500]
                        if not session.page.is_closed()
                        else ""
                    )
                    print(
                        f"{name} {window}: {error}\n{session.complaints[:5]}\nThe page says:\n{seen}",
                        file=sys.stderr,
                    )
                    session.shot(f"failed-{name}")
                    return 1
                print(f"{name} {window}: {time.monotonic() - began:.1f} s")
    return 0


sys.exit(main())
