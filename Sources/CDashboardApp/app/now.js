// What happens now; what is wrong comes first.

import { h } from "./dom.js";
import { addRequests, get, live, problems as wrong, serverNow } from "./live.js";
import { ago, bytes, clock, count, duration, plural, rate, word } from "./format.js";
import {
  empty, facts, functionLink, grid, link, page, panel, problem, shownOf, status,
} from "./ui.js";
import { sparkline } from "./charts.js";
import { graph, layered } from "./map.js";
import { inOrder, relations } from "./records.js";
import { byNeed } from "./queues.js";
import { requestCells } from "./requests.js";

const MAP_MAX = 14;

/** Arrows that requests have shown, by `from\nto`, kept for as long as the page is open. */
const learned = new Map();
const studied = new Set();
let studying = 0;

export default function now(context) {
  let worker = context.parts[0] || null;
  let failure = null;
  get("/api/requests?limit=20").then((answer) => {
    addRequests(answer.requests);
    context.update();
  }, (error) => {
    failure = error;
    context.update();
  });
  return {
    move(parts) {
      worker = parts[0] || null;
      return true;
    },
    live(type) {
      if (type === "now") study();
    },
    view: () => page("Now", null,
      failure && problem(failure),
      problems(),
      tiles(),
      panel("Map", map()),
      h("div", { class: "columns wide-first" },
        panel("Latest requests", latest()),
        panel("Workers", workers(worker))),
      live.processes.length > 0 && panel("Worker processes", grid(PROCESS, processes()))),
  };
}

function problems() {
  const list = wrong();
  if (!list.length) {
    return h("section", { class: "calm", "aria-label": "Problems" },
      status("ok", live.connected ? "Nothing is wrong" : "Nothing is known to be wrong"));
  }
  return h("section", { class: "problems", "aria-label": "Problems" },
    h("h2", { class: "sr" }, "What is wrong"),
    h("ul", {}, list.slice(0, 8).map((one) =>
      h("li", { key: one.id, class: one.severity },
        h("a", { href: one.link || "#/now", "data-row": true },
          status(one.severity),
          h("strong", {}, one.what), h("span", { class: "where" }, one.where),
          h("span", { class: "way" }, one.way_out))))),
    list.length > 8 && h("p", { class: "dim" }, `and ${list.length - 8} more`));
}

function tiles() {
  const r = live.now?.rates || {};
  const series = (name) => live.ticks.map((tick) => tick.rates?.[name] || 0);
  const tile = (name, value, values, href, tone = "") =>
    h("a", { class: `tile ${tone}`, href },
      h("span", { class: "label" }, name), h("b", {}, value), sparkline(values, tone));
  return h("section", { class: "tiles", "aria-label": "Rates" },
    tile("HTTP /s", rate(r.http), series("http"), "#/requests?kind=http"),
    tile("Calls /s", rate(r.calls), series("calls"), "#/functions"),
    tile("Enqueued /s", rate(r.enqueued), series("enqueued"), "#/queues"),
    tile("Done /s", rate(r.acked), series("acked"), "#/queues"),
    tile("Failed /s", rate(r.failed), series("failed"), "#/requests?status=failed",
      r.failed ? "bad" : ""),
    tile("Records /s", rate(r.records), series("records"), "#/log"),
    tile("Sync p99", live.now ? duration(live.now.sync_p99_us / 1000) : "–",
      live.ticks.map((tick) => tick.sync_p99_us), "#/log"),
    tile("Memory", bytes(live.now?.memory_bytes), live.ticks.map((tick) => tick.memory_bytes),
      "#/metrics"));
}

// MARK: The map

/** Every two seconds one young request of a kind not looked at is read for the arrows it shows. */
async function study() {
  if (performance.now() - studying < 2000) return;
  const next = [...live.requests.values()].reverse().find((one) =>
    one.records > 2 && !studied.has(`${one.function_id} ${one.status}`));
  if (!next) return;
  studying = performance.now();
  studied.add(`${next.function_id} ${next.status}`);
  try {
    const history = await get(`/api/requests/${next.trace_id}`);
    for (const edge of relations(inOrder(history))) learned.set(`${edge.from}\n${edge.to}`, edge);
  } catch {
    // It is not in the log any more: another one will do.
  }
}

function map() {
  const nodes = new Map();
  const edges = new Map();
  const add = (id, node) => nodes.has(id) || nodes.set(id, { id, ...node });
  const own =
    new Set(live.workers.filter((one) => one.runtime === "engine").map((one) => one.name));
  const users =
    live.functions
      .filter((one) => !own.has(one.worker_name) && !one.worker_name?.startsWith("engine") &&
          one.worker_name !== one.function_id && !isBuiltin(one.function_id))
      .sort((a, b) => (b.calls_per_s || 0) - (a.calls_per_s || 0) ||
          (a.function_id < b.function_id ? -1 : 1));
  for (const one of users.slice(0, MAP_MAX)) functionNode(add, one);
  for (const id of [...live.goneFunctions.keys()].slice(-MAP_MAX)) {
    add(`function ${id}`, {
      kind: "function",
      name: id,
      note: "its worker is gone",
      column: 1,
      tone: "bad",
      href: link("functions", id)
    });
  }
  for (const one of live.triggers.slice(0, 200)) triggerNode(add, edges, nodes, one);
  for (const one of [...live.queues].sort(byNeed).slice(0, MAP_MAX)) queueNode(add, one);
  for (const one of live.streams.slice(0, MAP_MAX)) {
    add(`stream ${one.name}`, {
      kind: "stream",
      name: one.name,
      column: 2,
      href: link("streams", one.name),
      note: plural(one.subscribers || 0, "subscriber")
    });
  }
  for (const edge of learned.values()) {
    const scope = /^state (.*)$/s.exec(edge.to);
    if (scope) {
      add(edge.to,
        { kind: "state", name: scope[1], note: "state", column: 2, href: link("state", scope[1]) });
    }
    const key = `${edge.from}\n${edge.to}`;
    if (!edges.has(key)) edges.set(key, { from: edge.from, to: edge.to });
  }
  if (!nodes.size) {
    return empty(
      "No worker has registered anything yet.", "Start one: III_URL=ws://… python worker.py");
  }
  const rates =
    new Map(live.functions.map((one) => [`function ${one.function_id}`, one.calls_per_s || 0]));
  const failing = new Set(live.functions.filter((one) => one.errors_per_s > 0)
      .map((one) => `function ${one.function_id}`));
  for (const edge of edges.values()) edge.failed = failing.has(edge.to);
  for (const edge of edges.values()) edge.rate = rates.get(edge.to) || (rates.get(edge.from) || 0);
  layered([...nodes.values()], [...edges.values()]);
  return [
    graph(
      "Triggers, functions, queues, state and streams", [...nodes.values()], [...edges.values()]),
    users.length > MAP_MAX &&
      h("p", { class: "dim" }, `showing ${MAP_MAX} of ${users.length} functions: the busiest`),
  ];
}

export const isBuiltin = (id) => /^(state|stream|engine|iii|queue|configuration)::/.test(id) ||
  ["enqueue", "publish"].includes(id);

function functionNode(add, one) {
  const failing = one.errors_per_s > 0;
  add(`function ${one.function_id}`, {
    kind: "function", name: one.function_id, note: one.worker_name || "no worker", column: 1,
    rate: one.calls_per_s, tone: failing ? "bad" : one.calls_per_s > 0 ? "live" : "",
    href: functionLink(one.function_id, one.namespace),
  });
}

function triggerNode(add, edges, nodes, one) {
  const target = `function ${one.function_id}`;
  if (!one.function_served) {
    add(target, { kind: "function", name: one.function_id, note: "no worker serves it", column: 1,
      tone: "bad", href: functionLink(one.function_id, one.namespace) });
  }
  if (!nodes.has(target)) return;
  const [id, node] = triggerOf(one);
  add(id, node);
  edges.set(`${id}\n${target}`, { from: id, to: target });
}

function triggerOf(one) {
  const c = one.config || {};
  const href = link("triggers", one.id);
  if (/queue|durable/.test(one.trigger_type)) {
    const name = word(c.topic || c.source || c.queue || "?");
    return [
      `queue ${name}`, { kind: "queue", name, note: "topic", column: 2, href: link("queues", name) }
    ];
  }
  const kind = one.trigger_type === "state" && c.scope ? "state" :
    one.trigger_type === "stream" && c.stream_name     ? "stream" :
                                                         null;
  if (kind) {
    const name = word(kind === "state" ? c.scope : c.stream_name);
    return [
      `${kind} ${name}`, {
        kind,
        name,
        note: `${kind}, trigger`,
        column: 0,
        href: link(kind === "state" ? "state" : "streams", name)
      }
    ];
  }
  const name = one.trigger_type === "http" ?
    `${word(c.http_method || c.method || "GET")} /` +
      word(c.api_path || c.path || "").replace(/^\//, "") :
    word(one.trigger_type === "cron" ? c.expression || c.schedule :
                                       c.scope || c.stream_name || c.topic || one.trigger_type);
  return [`trigger ${one.trigger_type} ${name}`, {
    kind: "trigger", name, note: one.trigger_type, column: 0, href,
  }];
}

function queueNode(add, one) {
  const parts = [`${count(one.depth)} waiting`];
  if (one.dead) parts.push(`${count(one.dead)} dead`);
  add(`queue ${one.name}`, {
    kind: "queue",
    name: one.name,
    note: parts.join(", "),
    column: 2,
    tone: one.dead ? "bad" :
      one.depth    ? "wait" :
                     "",
    href: link("queues", one.name),
  });
}

// MARK: Requests and workers

function latest() {
  const list = [...live.requests.values()].sort((a, b) => b.offset - a.offset).slice(0, 12);
  if (!list.length) {
    return empty("No request yet.", "Whatever a trigger starts appears here at once.");
  }
  return h("div", { class: "rows" },
    list.map((one) => h("a", {
      key: one.trace_id,
      class: "cells request compact row",
      "data-row": true,
      href: link("requests", one.trace_id)
    },
               requestCells(one).map((cell) => h("span", {}, cell)))));
}

function workers(chosen) {
  const mine = live.workers.filter((one) => one.runtime !== "engine");
  const gone = [...live.gone.values()].sort((a, b) => b.left_at_ms - a.left_at_ms);
  if (!mine.length && !gone.length) return empty("No worker is connected.");
  const row =
    (one, left) => [h("a", {
      key: one.id,
      class: "cells worker row " + (left ? "bad" : ""),
      "data-row": true,
      "data-worker": one.name,
      href: chosen === one.id ? "#/now" : link("now", one.id),
      "aria-expanded": String(chosen === one.id)
    },
                      h("span", {},
                        status(left                ? "gone" :
                            one.active_invocations ? "busy" :
                                                     "connected",
                          left                     ? "unhealthy: gone" :
                            one.active_invocations ? "busy" :
                                                     "healthy")),
                      h("span", {}, one.name),
                      h("span", { class: "dim" }, `${one.runtime || ""} ${one.version || ""}`),
                      h("span", { class: "num" },
                        left ? ago(one.left_at_ms, serverNow()) :
                               plural(one.function_count, "function"))),
      chosen === one.id && facts([
        ["Id", one.id],
        ["Address", one.ip_address],
        ["Process", one.pid],
        ["Namespace", one.namespace],
        ["System", one.os],
        ["Connected since", clock(one.connected_at_ms)],
        ["Running now", one.active_invocations],
        left && ["Left", clock(one.left_at_ms)],
      ]),
  ];
  return h("div", { class: "rows" }, gone.slice(0, 20).map((one) => row(one, true)),
    mine.slice(0, 100).map((one) => row(one, false)),
    shownOf(Math.min(100, mine.length), mine.length + live.workerCount - live.workers.length,
      "the first by name"));
}

// MARK: Worker processes, which the engine starts

const PROCESS = ["Name", "State", "Process", "Since", "Restarts", "Last ending"];

function processState(one) {
  const isBad = one.last_ending && one.last_ending.status !== 0;
  if (one.state === "ended") return status(isBad ? "failed" : "idle", "ended");
  if (one.state === "ending") return status("waiting", "ending");
  return status(one.state);
}

const processes = () => live.processes.map((one) => h("tr", { key: one.name },
  h("th", { scope: "row" }, one.name),
  h("td", {}, processState(one)),
  h("td", { class: "num" }, one.pid ?? "–"),
  h("td", { class: "num" }, ago(one.since_ms, serverNow())),
  h("td", { class: "num" }, one.restarts),
  h("td", {}, one.last_ending
    ? `${one.last_ending.text}, ${ago(one.last_ending.at_ms, serverNow())}` : "–")));
