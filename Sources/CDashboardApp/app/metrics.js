// Metrics: what the engine counts, over the last two minutes and in all, and what workers report.

import { h } from "./dom.js";
import { call, live } from "./live.js";
import { bytes, count, duration, rate } from "./format.js";
import { empty, facts, link, page, panel, problem } from "./ui.js";
import { chart } from "./charts.js";
import { timer } from "./state.js";

export default function metrics(context) {
  let all = null;
  let failure = null;
  let text = null;
  let search = "";

  async function load() {
    try {
      all = await call("engine::metrics::list", {});
      failure = null;
    } catch (error) {
      failure = error;
    }
    context.update();
  }

  async function exposition() {
    try {
      const response = await fetch("/metrics", { credentials: "same-origin" });
      text = response.ok ? await response.text() : "";
    } catch {
      text = "";
    }
    context.update();
  }

  load();
  exposition();
  const refresh = timer(() => {
    load();
    exposition();
  }, 2000);
  return {
    dispose: refresh.stop,
    view() {
      const series = (name) => live.ticks.map((tick) => tick.rates?.[name] || 0);
      const of = (name) => live.ticks.map((tick) => tick[name] || 0);
      const e = all?.engine_metrics;
      const perSecond = (n) => rate(n) + "/s";
      return page("Metrics", h("a", { class: "button", href: "/metrics", target: "_blank", rel: "noopener" }, "Prometheus text"),
        failure && problem(failure),
        h("div", { class: "charts" },
          chart("Work", [{ name: "HTTP", values: series("http"), tone: "a" }, { name: "calls", values: series("calls"), tone: "b" }, { name: "failed", values: series("failed"), tone: "bad" }], perSecond, "two minutes ago"),
          chart("Queues", [{ name: "enqueued", values: series("enqueued"), tone: "a" }, { name: "done", values: series("acked"), tone: "b" }, { name: "dead", values: series("dead"), tone: "bad" }], perSecond, "two minutes ago"),
          chart("State and streams", [{ name: "state", values: series("state"), tone: "a" }, { name: "streams", values: series("stream"), tone: "b" }], perSecond, "two minutes ago"),
          chart("Log", [{ name: "records", values: series("records"), tone: "a" }], perSecond, "two minutes ago"),
          chart("Sync, 99th percentile", [{ name: "p99", values: of("sync_p99_us"), tone: "a" }], (us) => duration(us / 1000), "two minutes ago"),
          chart("Memory", [{ name: "resident", values: of("memory_bytes"), tone: "a" }], bytes, "two minutes ago")),
        e && h("div", { class: "columns" },
          panel("Invocations", facts([["Total", count(e.invocations.total)], ["Succeeded", count(e.invocations.success)], ["Failed", count(e.invocations.error)], ["Deferred", count(e.invocations.deferred)],
            ["Average", duration(e.performance.avg_duration_ms)], ["p50", duration(e.performance.p50_duration_ms)], ["p95", duration(e.performance.p95_duration_ms)], ["p99", duration(e.performance.p99_duration_ms)],
            ["Workers now", e.workers.active], ["Came", e.workers.spawns], ["Left", e.workers.deaths]])),
          panel("By function", byFunction(e.invocations.by_function))),
        panel("Reported by workers", reported(all?.sdk_metrics || [])),
        text && panel("All metrics",
          h("label", { class: "inline wide" }, h("span", {}, "Search"), h("input", { type: "search", value: search, oninput: (event) => { search = event.target.value; context.update(); } })),
          h("pre", { tabindex: "0", class: "exposition", "aria-label": "Prometheus text" },
            text.split("\n").filter((line) => !search || line.includes(search)).slice(0, 500).join("\n"))));
    },
  };
}

function byFunction(counts) {
  const rows = Object.entries(counts).sort((a, b) => b[1] - a[1]).slice(0, 50);
  const most = rows[0]?.[1] || 1;
  if (!rows.length) return empty("Nothing ran yet.");
  return h("table", { class: "grid bars" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Function"), h("th", { scope: "col" }, "Runs"), h("th", { scope: "col" }, h("span", { class: "sr" }, "Share")))),
    h("tbody", {}, rows.map(([name, n]) => h("tr", { key: name },
      h("th", { scope: "row" }, h("a", { href: link("functions", name), "data-row": true }, name)), h("td", { class: "num" }, count(n)),
      h("td", {}, h("i", { class: "share", style: { width: (n / most) * 100 + "%" } }))))));
}

function reported(list) {
  if (!list.length) return empty("Nothing yet.", "SDKs report every minute.");
  const newest = new Map();
  for (const one of list) {
    const point = one.data_points?.at(-1);
    if (point) newest.set(`${one.name} ${one.service_name} ${JSON.stringify(point.attributes)}`, { ...one, point });
  }
  return h("div", { class: "scroll" }, h("table", { class: "grid" },
    h("thead", {}, h("tr", {}, ["Metric", "Service", "Value", "Of"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, [...newest].slice(0, 200).map(([key, one]) => h("tr", { key },
      h("th", { scope: "row" }, one.name), h("td", {}, one.service_name),
      h("td", { class: "num" }, one.point.value !== undefined ? `${count(one.point.value)} ${one.unit || ""}` : `${count(one.point.count)} × ${count(one.point.sum / Math.max(1, one.point.count))} ${one.unit || ""}`),
      h("td", { class: "dim" }, (one.point.attributes || []).map(([name, value]) => `${name}=${value}`).join(" ")))))));
}
