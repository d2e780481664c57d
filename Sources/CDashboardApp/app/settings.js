// Settings: of this page, and of the engine; where it listens and what it found at its start.

import { h } from "./dom.js";
import { get, live } from "./live.js";
import { bytes, clock, count, duration } from "./format.js";
import { empty, facts, page, panel, problem, status } from "./ui.js";

export default function settings(context) {
  let state = context.app.status;
  let failure = null;
  let search = "";

  async function load() {
    try {
      state = await get("/api/status");
      failure = null;
    } catch (error) {
      failure = error;
    }
    context.update();
  }

  load();
  return {
    live(type) {
      if (type === "connection" && live.connected) load();
    },
    view() {
      const rows = flat(state?.settings || {}).filter(([name, value]) => `${name} ${value}`.toLowerCase().includes(search.toLowerCase()));
      return page("Settings", null,
        failure && problem(failure),
        h("div", { class: "columns" },
          panel("This page",
            h("div", { class: "segmented", role: "group", "aria-label": "Colours" }, ["auto", "light", "dark"].map((name) =>
              h("button", { "aria-pressed": String(context.app.theme() === name), onclick: () => { context.app.setTheme(name); context.update(); } }, name))),
            h("p", { class: "dim" }, "Kept in this browser. auto follows the system."),
            state && h("p", {}, status(state.read_only ? "idle" : "ok", state.read_only ? "read only: calls that change anything are refused" : "changes are allowed"))),
          state && panel("Engine", facts([["Version", state.version], ["Up for", duration(state.uptime_s * 1000)], ["Started", clock(state.started_at_ms)], ["Durability", state.durability],
            ["Data", h("code", {}, state.data)], ["Memory", bytes(live.now?.memory_bytes)], ["Connections", live.now?.connections]]))),
        state && h("div", { class: "columns" },
          panel("Addresses", facts(Object.entries(state.addresses || {}).map(([name, value]) => [name, value && h("code", {}, typeof value === "string" ? value : JSON.stringify(value))]))),
          panel("Recovery at the start", state.recovery && facts([["Records", count(state.recovery.records)], ["Last offset", state.recovery.last_offset], ["Cut", bytes(state.recovery.bytes_cut)],
            ["Log", status(state.recovery.clean ? "ok" : "warning", state.recovery.clean ? "closed in order" : "ended in the middle")]]))),
        panel("Configuration in force",
          h("label", { class: "inline wide" }, h("span", {}, "Search"), h("input", { type: "search", value: search, oninput: (event) => { search = event.target.value; context.update(); } })),
          rows.length ? h("div", { class: "scroll" }, h("table", { class: "grid" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Key"), h("th", { scope: "col" }, "Value"))),
            h("tbody", {}, rows.map(([name, value]) => h("tr", { key: name }, h("th", { scope: "row" }, h("code", {}, name)), h("td", {}, h("code", {}, value)))))))
            : empty("No key fits.")),
        panel("Access", h("p", {}, "On loopback nothing is asked. Beyond it every request needs the token. What changes anything is refused from other sites."),
          h("p", { class: "dim" }, "[observability] dashboard_read_only = true refuses every change.")));
    },
  };
}

function flat(value, path = "") {
  return Object.entries(value).flatMap(([name, one]) => {
    const key = path ? `${path}.${name}` : name;
    return one && typeof one === "object" && !Array.isArray(one) ? flat(one, key) : [[key, typeof one === "string" ? one : JSON.stringify(one)]];
  });
}
