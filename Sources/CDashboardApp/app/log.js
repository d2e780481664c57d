// The log itself: segments and what keeps them, how fast it syncs, and its records.

import { h } from "./dom.js";
import { get, live } from "./live.js";
import { bytes, clock, count, duration, rate } from "./format.js";
import { brief } from "./format.js";
import { command, empty, facts, json, link, LongList, page, panel, problem, status, tabs } from "./ui.js";
import { chart } from "./charts.js";
import { headline } from "./records.js";
import { timer } from "./state.js";

export default function log(context) {
  let view = context.query.get("view") || "segments";
  let kind = context.query.get("kind") || "";
  let chosen = Number(context.query.get("record")) || null;
  let all = null;
  let failure = null;
  const why = new Map();
  let records = [];
  let after = null;
  let busy = false;

  const rows = new LongList(context.update, {
    label: "Records", class: "record", height: 28, key: (one) => one.offset, columns: ["Offset", "Time", "Kind", "Says"],
    link: (one) => `#/log?view=records&record=${one.offset}${kind ? `&kind=${kind}` : ""}`, current: (one) => one.offset === chosen,
  });

  async function load() {
    try {
      all = await get("/api/log");
      failure = null;
      if (view === "records") await follow();
    } catch (error) {
      failure = error;
    }
    context.update();
  }

  /** The youngest records; what passes by faster than it can be read is left out. */
  async function follow() {
    if (busy) return;
    busy = true;
    try {
      const tail = all.durable_offset;
      if (after === null || tail - after > 5000) {
        after = Math.max(-1, tail - 1000);
        records = [];
      }
      while (after < tail) {
        const answer = await get(`/api/log/records?after=${Math.max(0, after)}&limit=1000`);
        if (!answer.records.length) break;
        records = records.concat(answer.records.filter((one) => one.offset > after)).slice(-5000);
        if (answer.records.at(-1).offset <= after) break;
        after = answer.records.at(-1).offset;
      }
    } finally {
      busy = false;
    }
  }

  async function whyKept(segment) {
    if (why.has(segment)) why.delete(segment);
    else {
      try {
        why.set(segment, await get(`/api/log/why-kept/${segment}`));
      } catch (error) {
        why.set(segment, { error });
      }
    }
    context.update();
  }

  load();
  const refresh = timer(load, 1500);
  return {
    dispose: refresh.stop,
    move(parts, query) {
      view = query.get("view") || "segments";
      kind = query.get("kind") || "";
      chosen = query.has("record") ? Number(query.get("record")) : null;
      load();
      return true;
    },
    view: () => page("Log", null,
      failure && problem(failure),
      all && h("div", { class: "summary" }, facts([
        ["Durable to", `#${all.durable_offset}`], ["Records a second", rate(live.now?.rates?.records)], ["On disk", bytes(live.now?.log_bytes)],
        ["Sync p50", duration(all.sync?.p50_us / 1000)], ["Sync p99", duration(all.sync?.p99_us / 1000)], ["Slowest", duration(all.sync?.max_us / 1000)], ["Syncs", count(all.sync?.count)], ["Data", h("code", {}, all.data)]])),
      tabs([["segments", "Segments"], ["records", "Records"]], view, (id) => `#/log?view=${id}`),
      view === "segments" ? segments() : list()),
  };

  function segments() {
    if (!all) return null;
    return [
      chart("Sync, 99th percentile", [{ name: "p99", values: live.ticks.map((tick) => tick.sync_p99_us || 0), tone: "a" }], (us) => duration(us / 1000), "two minutes ago"),
      h("div", { class: "scroll" }, h("table", { class: "grid" },
        h("thead", {}, h("tr", {}, ["Segment", "State", "First offset", "Records", "Stored", "Plain", "From", "To", "Kept"].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, all.segments.map((one) => [h("tr", { key: one.segment },
          h("th", { scope: "row" }, String(one.segment)),
          h("td", {}, status(one.damages ? "failed" : one.state === "active" ? "active" : one.state === "spare" ? "idle" : "ok", one.damages ? `${one.damages} damages` : one.state)),
          h("td", { class: "num" }, one.first_offset === null ? "–" : `#${one.first_offset}`), h("td", { class: "num" }, count(one.records)),
          h("td", { class: "num" }, bytes(one.stored_bytes)), h("td", { class: "num" }, bytes(one.plain_bytes)),
          h("td", { class: "num" }, one.first_time ? clock(Date.parse(one.first_time), false) : "–"), h("td", { class: "num" }, one.last_time ? clock(Date.parse(one.last_time), false) : "–"),
          h("td", {}, one.records > 0 && h("button", { "data-row": true, "aria-expanded": String(why.has(one.segment)), onclick: () => whyKept(one.segment) }, "What keeps it"))),
          why.has(one.segment) && h("tr", { key: one.segment + "+" }, h("td", { colspan: 9 }, kept(why.get(one.segment))))])))),
      all.snapshots?.length > 0 && panel("Snapshots", json(all.snapshots)),
      command(`iii-log -D ${all.data} ls`),
    ];
  }

  function list() {
    const kinds = [...new Set(records.map((one) => one.kind))].sort();
    const shown = records.filter((one) => !kind || one.kind === kind).reverse();
    const one = records.find((record) => record.offset === chosen);
    return [
      h("form", { class: "filters", onsubmit: (event) => event.preventDefault() },
        h("label", { class: "inline" }, h("span", {}, "Kind"), h("select", { value: kind, onchange: (event) => context.setQuery({ kind: event.target.value }) },
          h("option", { value: "" }, "all"), kinds.map((name) => h("option", { value: name, selected: name === kind }, name)))),
        h("span", { class: "dim" }, `the youngest ${count(shown.length)}`)),
      shown.length ? rows.view(shown, (record) => [
        h("span", { class: "num" }, `#${record.offset}`), h("span", { class: "num dim" }, clock(Date.parse(record.time))), h("span", { class: "tag" }, record.kind), h("span", { class: "what" }, headline(record), " ", h("code", { class: "dim" }, brief(record.event, 240)))])
        : empty("No record."),
      one && panel(`Record #${one.offset}`, one.trace && h("p", {}, h("a", { href: link("requests", one.trace) }, "its request")), json(one)),
    ];
  }
}

function kept(answer) {
  if (answer.error) return problem(answer.error);
  const total = Math.max(1, answer.records);
  return h("div", { class: "kept" },
    h("p", {}, `${count(answer.needed)} of ${count(answer.records)} records are needed; ${count(answer.history)} are history, which retention may remove` + (answer.active ? " once the segment is sealed." : ".")),
    h("ul", { class: "plain" }, (answer.reasons || []).map((one) => h("li", {},
      h("i", { class: "share", style: { width: Math.max(2, (one.records / total) * 160) + "px" } }), " ",
      h("b", {}, count(one.records)), ` ${one.reason.replaceAll("_", " ")}`, one.of ? ` of ${one.of}` : ""))));
}
