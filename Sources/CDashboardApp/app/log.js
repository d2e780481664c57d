// The log itself: segments and what keeps them, how fast it syncs, and its records.

import { h } from "./dom.js";
import { get, live } from "./live.js";
import { brief, bytes, clock, count, duration, quoted, rate } from "./format.js";
import {
  command, empty, facts, grid, json, link, LongList, page, panel, problem, select, status, tabs,
} from "./ui.js";
import { chart } from "./charts.js";
import { headline } from "./records.js";
import { timer } from "./state.js";

/** How many records are kept, and how far behind the tail it starts to skip. */
const RECORDS_MAX = 5000;

const SEGMENT = ["Segment", "State", "First offset", "Records", "Stored", "Plain", "From", "To",
  "Kept"];

export default function log(context) {
  let view = context.query.get("view") || "segments";
  let kind = context.query.get("kind") || "";
  let chosen = offsetIn(context.query);
  let all = null;
  let failure = null;
  let records = [];
  let after = null;
  let busy = false;
  const why = new Map();

  const rows = new LongList(context.update, {
    label: "Records", class: "record", at: 3, height: 28,
    columns: ["Offset", "Time", "Kind", "Says"],
    key: (one) => one.offset,
    link: (one) => `#/log?view=records&record=${one.offset}${kind ? `&kind=${kind}` : ""}`,
    current: (one) => one.offset === chosen,
  });

  async function load() {
    try {
      all = await get("/api/log");
      if (view === "records") await follow();
      failure = null;
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
      if (after === null || tail - after > RECORDS_MAX) {
        after = Math.max(0, tail - 1000);
        records = [];
      }
      while (after < tail) {
        const answer = await get(`/api/log/records?after=${after}&limit=1000`);
        const fresh = answer.records.filter((one) => one.offset > after);
        if (!fresh.length) break;
        records = records.concat(fresh).slice(-RECORDS_MAX);
        after = fresh.at(-1).offset;
      }
    } finally {
      busy = false;
    }
  }

  async function whyKept(segment) {
    if (why.has(segment)) why.delete(segment);
    else {
      why.set(segment, await get(`/api/log/why-kept/${segment}`).catch((error) => ({ error })));
    }
    context.update();
  }

  function segmentRow(one) {
    const time = (text) => (text ? clock(Date.parse(text), false) : "–");
    const isOpen = why.has(one.segment);
    return [
      h("tr", { key: one.segment },
        h("th", { scope: "row" }, String(one.segment)),
        h("td", {}, segmentState(one)),
        [
          one.first_offset == null ? "–" : `#${one.first_offset}`, count(one.records),
          bytes(one.stored_bytes), bytes(one.plain_bytes), time(one.first_time),
          time(one.last_time),
        ].map((text) => h("td", { class: "num" }, text)),
        h("td", {}, one.state !== "spare" && h("button", {
          "data-row": true, "aria-expanded": String(isOpen), onclick: () => whyKept(one.segment),
        }, "What keeps it"))),
      isOpen && h("tr", { key: one.segment + "+" },
        h("td", { colspan: SEGMENT.length }, kept(why.get(one.segment)))),
    ];
  }

  const segments = () => [
    chart("Sync, 99th percentile", [
      { name: "p99", values: live.ticks.map((tick) => tick.sync_p99_us || 0), tone: "a" },
    ], (us) => duration(us / 1000), "two minutes ago"),
    grid(SEGMENT, all.segments.map(segmentRow)),
    all.snapshots?.length > 0 && panel("Snapshots", json(all.snapshots)),
    command(`iii-log -D ${quoted(all.data)} ls`),
  ];

  function list() {
    const kinds = [...new Set(records.map((one) => one.kind))].sort();
    const shown = records.filter((one) => !kind || one.kind === kind).reverse();
    const one = records.find((record) => record.offset === chosen);
    return [
      h("form", { class: "filters", onsubmit: (event) => event.preventDefault() },
        select("Kind", kind, [["", "all"], ...kinds.map((name) => [name, name])],
          (value) => context.setQuery({ kind: value })),
        h("span", { class: "dim" }, `the youngest ${count(shown.length)}`)),
      shown.length ? rows.view(shown, recordCells) : empty("No record."),
      one && panel(`Record #${one.offset}`,
        one.trace && h("p", {}, h("a", { href: link("requests", one.trace) }, "its request")),
        json(one)),
    ];
  }

  load();
  const refresh = timer(load, 1500);
  return {
    dispose: refresh.stop,
    move(parts, query) {
      view = query.get("view") || "segments";
      kind = query.get("kind") || "";
      chosen = offsetIn(query);
      load();
      return true;
    },
    view: () => page("Log", null,
      failure && problem(failure),
      all && h("div", { class: "summary" }, numbers(all)),
      tabs([["segments", "Segments"], ["records", "Records"]], view, (id) => `#/log?view=${id}`),
      view === "records" ? list() : all && segments()),
  };
}

const offsetIn = (query) => (query.has("record") ? Number(query.get("record")) : null);

const microseconds = (us) => duration(us == null ? null : us / 1000);

const numbers = ({ durable_offset: tail, sync, data }) => facts([
  ["Durable to", `#${tail}`],
  ["Records a second", rate(live.now?.rates?.records)],
  ["On disk", bytes(live.now?.log_bytes)],
  ["Sync p50", microseconds(sync?.p50_us)],
  ["Sync p99", microseconds(sync?.p99_us)],
  ["Slowest", microseconds(sync?.max_us)],
  ["Syncs", count(sync?.count)],
  ["Data", h("code", {}, data)],
]);

function segmentState(one) {
  if (one.damages) return status("failed", `${one.damages} damages`);
  if (one.state === "active") return status("active");
  return status(one.state === "spare" ? "idle" : "ok", one.state);
}

const recordCells = (one) => [
  h("span", { class: "num" }, `#${one.offset}`),
  h("span", { class: "num dim" }, clock(Date.parse(one.time))),
  h("span", { class: "tag" }, one.kind),
  h("span", { class: "what" }, headline(one), " ",
    h("code", { class: "dim" }, brief(one.event, 240))),
];

/** What keeps a segment: its records by what needs them. */
function kept(answer) {
  if (answer.error) return problem(answer.error);
  const total = Math.max(1, answer.records);
  const needed = `${count(answer.needed)} of ${count(answer.records)} records are needed`;
  const history = `${count(answer.history)} are history, which retention may remove`;
  return h("div", { class: "kept" },
    h("p", {}, `${needed}; ${history}${answer.active ? " once the segment is sealed" : ""}.`),
    h("ul", { class: "plain" }, (answer.reasons || []).map((one) => h("li", {},
      h("i", { class: "share", style: { width: 2 + (one.records / total) * 160 + "px" } }), " ",
      h("b", {}, count(one.records)),
      ` ${one.reason.replaceAll("_", " ")}${one.of ? ` of ${one.of}` : ""}`))));
}
