// Settings: of this page, and of the engine; where it listens and what it found at its start.

import { h } from "./dom.js";
import { call, get, live } from "./live.js";
import { bytes, clock, count, duration } from "./format.js";
import { empty, facts, grid, page, panel, problem, status } from "./ui.js";

export default function settings(context) {
  const { app } = context;
  let state = app.status;
  let failure = null;
  let sampling = null;
  let search = "";

  async function load() {
    try {
      state = await get("/api/status");
      sampling = await call("engine::sampling::rules");
      failure = null;
    } catch (error) {
      failure = error;
    }
    context.update();
  }

  function find(event) {
    search = event.target.value;
    context.update();
  }

  const colours = () => h("div", { class: "segmented", role: "group", "aria-label": "Colours" },
    ["auto", "light", "dark"].map((name) => h("button", {
      "aria-pressed": String(app.theme() === name),
      onclick: () => {
        app.setTheme(name);
        context.update();
      },
    }, name)));

  function inForce() {
    const wanted = search.toLowerCase();
    const rows = flat(state?.settings || {})
      .filter(([name, value]) => `${name} ${value}`.toLowerCase().includes(wanted));
    return panel("Configuration in force",
      h("label", { class: "inline wide" }, h("span", {}, "Search"),
        h("input", { type: "search", value: search, oninput: find })),
      rows.length ? grid(["Key", "Value"], rows.map(([name, value]) => h("tr", { key: name },
        h("th", { scope: "row" }, h("code", {}, name)),
        h("td", {}, h("code", {}, value))))) : empty("No key fits."));
  }

  load();
  return {
    live(type) {
      if (type === "connection" && live.connected) load();
    },
    view: () => page("Settings", null,
      failure && problem(failure),
      h("div", { class: "columns" },
        panel("This page",
          colours(),
          h("p", { class: "dim" }, "Kept in this browser. auto follows the system."),
          state && h("p", {}, state.read_only
            ? status("idle", "read only: calls that change anything are refused")
            : status("ok", "changes are allowed"))),
        state && panel("Engine", engine(state))),
      state && h("div", { class: "columns" },
        panel("Addresses", addresses(state.addresses)),
        panel("Recovery at the start", recovery(state.recovery))),
      sampling && panel("Sampling of telemetry", kept(sampling)),
      inForce(),
      panel("Access",
        h("p", {}, "Beyond loopback every request needs the token; other sites change nothing."),
        h("p", { class: "dim" },
          "[observability] dashboard_read_only = true refuses every change."))),
  };
}

const engine = (state) => facts([
  ["Version", state.version],
  ["Up for", duration(state.uptime_s * 1000)],
  ["Started", clock(state.started_at_ms)],
  ["Durability", state.durability],
  ["Data", h("code", {}, state.data)],
  ["Memory", bytes(live.now?.memory_bytes)],
  ["Connections", live.now?.connections],
]);

const addresses = (all) => facts(Object.entries(all || {}).map(([name, value]) =>
  [name, value && h("code", {}, typeof value === "string" ? value : JSON.stringify(value))]));

function recovery(found) {
  if (!found) return null;
  const state = found.records === 0 ? status("idle", "new")
    : found.clean ? status("ok", "closed in order") : status("warning", "ended in the middle");
  return facts([
    ["Log", state],
    ["Records read", count(found.records)],
    ["Last offset", found.last_offset == null ? "–" : `#${found.last_offset}`],
    ["Cut", bytes(found.bytes_cut)],
  ]);
}

/** What part of traces and logs is kept; records of work are always kept. */
function kept({ traces, logs }) {
  const rules = traces?.rules || [];
  return [
    facts([
      ["Traces", share(traces?.default_ratio)],
      ["Logs", share(logs?.sampling_ratio)],
      ["A trace that a caller has begun", traces?.parent_based ? "as its caller has decided"
        : "as any other"],
    ]),
    rules.length > 0 && grid(["Operation", "Service", "Kept"], rules.map((one) => h("tr", {},
      h("td", {}, h("code", {}, one.operation ?? "any")),
      h("td", {}, h("code", {}, one.service ?? "any")),
      h("td", { class: "num" }, share(one.rate))))),
    h("p", { class: "dim" }, "The log's own records of work are all kept, whatever this says."),
  ];
}

const share = (ratio) =>
  typeof ratio !== "number" ? null : ratio === 1 ? "all" : ratio === 0 ? "none"
    : `${Math.round(ratio * 10_000) / 100} %`;

/** The keys of an object in objects as paths, with their values as text. */
function flat(value, path = "") {
  return Object.entries(value).flatMap(([name, one]) => {
    const key = path ? `${path}.${name}` : name;
    if (one && typeof one === "object" && !Array.isArray(one)) return flat(one, key);
    return [[key, typeof one === "string" ? one : JSON.stringify(one)]];
  });
}
