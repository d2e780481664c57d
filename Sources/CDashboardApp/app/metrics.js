// Metrics: what the engine counts, over the last two minutes and in all, and what workers report.

import { h } from "./dom.js";
import { call, comparison, live } from "./live.js";
import { ago, bytes, count, duration, rate } from "./format.js";
import { stringify } from "./json.js";
import {
  empty, facts, filters, grid, link, page, panel, problem, search, status,
} from "./ui.js";
import { chart } from "./charts.js";
import { timer } from "./state.js";

const SPAN = "two minutes ago";

export default function metrics(context) {
  let all = null;
  let failure = null;
  let text = "";
  let wanted = "";

  async function load() {
    try {
      all = await call("engine::metrics::list", {});
      const response = await fetch("/metrics", { credentials: "same-origin" });
      text = response.ok ? await response.text() : "";
      failure = null;
    } catch (error) {
      failure = error;
    }
    context.update();
  }

  function look(value) {
    wanted = value;
    context.update();
  }

  const exposition = () => panel("All metrics",
    filters(search("Search", wanted, look)),
    h("pre", { tabindex: "0", class: "exposition", "aria-label": "Prometheus text" },
      text.split("\n").filter((line) => line.includes(wanted)).slice(0, 500).join("\n")));

  load();
  const refresh = timer(load, 2000);
  return {
    dispose: refresh.stop,
    view: () => page("Metrics",
      h("a", { class: "button", href: "/metrics", target: "_blank", rel: "noopener" },
        "Prometheus text"),
      failure && problem(failure),
      charts(),
      live.alerts.length > 0 && panel("Alerts", alerts()),
      all && h("div", { class: "columns" },
        panel("Invocations", invocations(all.engine_metrics)),
        panel("By function", byFunction(all.engine_metrics.invocations.by_function))),
      panel("Reported by workers", reported(all?.sdk_metrics || [])),
      text && exposition()),
  };
}

function alerts() {
  const when = (at) => (at ? ago(at, Date.now() + live.skew) : "never");
  return grid(["State", "Alert", "Now", "Must not be", "Last fired"], live.alerts.map((one) =>
    h("tr", { key: one.name },
      h("td", {}, status(one.firing ? "critical" : "ok", one.firing ? "fires" : "quiet")),
      h("th", { scope: "row" }, one.name),
      h("td", { class: "num" }, count(one.current_value)),
      h("td", { class: "num" }, `${comparison(one.operator)} ${one.threshold}`),
      h("td", { class: "num dim" }, when(one.last_triggered)))));
}

function charts() {
  const perSecond = (n) => rate(n) + "/s";
  const rates = (name, what, tone) =>
    ({ name, tone, values: live.ticks.map((tick) => tick.rates?.[what] || 0) });
  const values = (name, what) =>
    ({ name, tone: "a", values: live.ticks.map((tick) => tick[what] || 0) });
  return h("div", { class: "charts" },
    chart("Work", [
      rates("HTTP", "http", "a"), rates("calls", "calls", "b"), rates("failed", "failed", "bad"),
    ], perSecond, SPAN),
    chart("Queues", [
      rates("enqueued", "enqueued", "a"), rates("done", "acked", "b"), rates("dead", "dead", "bad"),
    ], perSecond, SPAN),
    chart("State and streams", [rates("state", "state", "a"), rates("streams", "stream", "b")],
      perSecond, SPAN),
    chart("Log", [rates("records", "records", "a")], perSecond, SPAN),
    chart("Sync, 99th percentile", [values("p99", "sync_p99_us")],
      (us) => duration(us / 1000), SPAN),
    chart("Memory", [values("resident", "memory_bytes")], bytes, SPAN));
}

const invocations = ({ invocations: runs, performance: took, workers }) => facts([
  ["Total", count(runs.total)],
  ["Succeeded", count(runs.success)],
  ["Failed", count(runs.error)],
  ["Deferred", count(runs.deferred)],
  ["Average", duration(took.avg_duration_ms)],
  ["p50", duration(took.p50_duration_ms)],
  ["p95", duration(took.p95_duration_ms)],
  ["p99", duration(took.p99_duration_ms)],
  ["Workers now", workers.active],
  ["Came", workers.spawns],
  ["Left", workers.deaths],
]);

function byFunction(counts) {
  const rows = Object.entries(counts).sort((a, b) => b[1] - a[1]).slice(0, 50);
  const most = rows[0]?.[1] || 1;
  if (!rows.length) return empty("Nothing ran yet.");
  return grid(["Function", "Runs", "Share"], rows.map(([name, n]) => h("tr", { key: name },
    h("th", { scope: "row" }, h("a", { href: link("functions", name), "data-row": true }, name)),
    h("td", { class: "num" }, count(n)),
    h("td", {}, h("i", { class: "share", style: { width: (n / most) * 100 + "%" } })))));
}

/** The newest value of every series that workers report. */
function reported(list) {
  if (!list.length) return empty("Nothing yet.", "SDKs report every minute.");
  const newest = new Map();
  for (const one of list) {
    const point = one.data_points?.at(-1);
    if (!point) continue;
    newest.set(`${one.name} ${one.service_name} ${stringify(point.attributes)}`, [one, point]);
  }
  const rows = [...newest].slice(0, 200).map(([key, [one, point]]) => h("tr", { key },
    h("th", { scope: "row" }, one.name),
    h("td", {}, one.service_name),
    h("td", { class: "num" }, `${pointText(point)} ${one.unit || ""}`),
    h("td", { class: "dim" },
      (point.attributes || []).map(([name, value]) => `${name}=${value}`).join(" "))));
  return grid(["Metric", "Service", "Value", "Of"], rows);
}

function pointText(point) {
  if (point.value !== undefined) return count(point.value);
  return `${count(point.count)} × ${count(point.sum / Math.max(1, point.count))}`;
}
