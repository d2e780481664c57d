// Logs of workers: the tail, a search through what the engine keeps, and by trace.

import { h } from "./dom.js";
import { call, live, passedOver } from "./live.js";
import { brief, clock } from "./format.js";
import { stringify } from "./json.js";
import {
  empty, filters, Hold, json, link, LongList, page, panel, problem, search, select, status,
} from "./ui.js";

const LEVELS = [["", "all"], ["5", "debug"], ["9", "info"], ["13", "warn"], ["17", "error"]];

function tone({ severity_number: severity }) {
  if (severity >= 17) return "failed";
  return severity >= 13 ? "warning" : "info";
}

// Live, the text of a long line is cut.
const identity = (log) =>
  `${log.timestamp_unix_nano} ${log.span_id} ${log.service_name} ${String(log.body).slice(0, 200)}`;

export default function logs(context) {
  let filter = read(context.query);
  let chosen = context.query.get("log");
  let found = [];
  let failure = null;
  let typed = 0;

  const rows = new LongList(context.update, {
    label: "Logs", class: "log", at: 3, height: 28,
    columns: ["Time", "Level", "Service", "Message"],
    key: identity,
    link: (one) => `#/logs?${query({ ...filter, log: identity(one) })}`,
    tone: (one) => (one.severity_number >= 17 ? "bad" : ""),
    current: (one) => identity(one) === chosen,
  });

  async function load() {
    const input = { limit: 500 };
    if (filter.trace) input.trace_id = filter.trace;
    if (filter.level) input.severity_min = Number(filter.level);
    try {
      found = (await call("engine::logs::list", input)).logs;
      failure = null;
    } catch (error) {
      failure = error;
    }
    context.update();
  }

  function fresh() {
    const all = new Map();
    for (const log of [...live.logs, ...found]) if (fits(log, filter)) all.set(identity(log), log);
    return [...all.values()].sort((a, b) => b.timestamp_unix_nano - a.timestamp_unix_nano);
  }

  function move(parts, next) {
    const was = JSON.stringify(filter);
    filter = read(next);
    chosen = next.get("log");
    if (JSON.stringify(filter) === was) return true;
    hold.held = null;
    clearTimeout(typed);
    typed = setTimeout(load, 150);
    return true;
  }

  // Another filter is another list: no line of it is chosen.
  const set = (changes) => context.setQuery({ ...changes, log: "" });
  const hold = new Hold(fresh, context.update);
  load();
  return {
    move,
    live(type) {
      if (type === "missed" || (type === "connection" && live.connected)) load();
    },
    onkey: (event) => hold.onkey(event),
    view() {
      const all = hold.rows();
      const one = chosen && all.find((log) => identity(log) === chosen);
      return page("Logs", hold.button(),
        filters(
          search("Search", filter.search, (text) => set({ search: text }),
            "message, service, attribute"),
          select("Level", filter.level, LEVELS, (level) => set({ level })),
          search("Trace", filter.trace, (text) => set({ trace: text.trim() }))),
        failure && problem(failure),
        hold.told(all.length, live.logsSkipped, "line", passedOver()),
        all.length ? rows.view(all, cells) : empty("No line fits.",
          "Workers' loggers send them. The youngest are in memory, all are in the log."),
        one && line(one, load));
    },
  };
}

const cells = (log) => [
  h("span", { class: "num" }, clock(log.timestamp_unix_nano / 1e6)),
  status(tone(log), (log.severity_text || "log").toLowerCase()),
  h("span", { class: "dim" }, log.attributes?.["service.name"] || log.service_name),
  h("span", { class: "what" }, String(log.body), " ",
    h("span", { class: "dim" }, brief(rest(log)))),
];

/** What a line says beside its text. */
function rest({ attributes }) {
  if (attributes?.["log.data"] != null) return attributes["log.data"];
  const more = Object.entries(attributes || {}).filter(([name]) => name !== "service.name");
  return more.length ? Object.fromEntries(more) : undefined;
}

const line = (log, load) => panel("Line",
  h("p", { class: "body" }, String(log.body)),
  log.cut && h("p", {}, "It is cut here. ",
    h("button", { class: "small", onclick: load }, "Read all of it")),
  log.trace_id && h("p", {},
    h("a", { href: link("requests", log.trace_id) }, "the request"), " · ",
    h("a", { href: `#/logs?trace=${log.trace_id}` }, "all lines of its trace")),
  json(log));

function query(values) {
  return new URLSearchParams(Object.entries(values).filter(([, value]) => value)).toString();
}

function read(from) {
  const text = (name) => from.get(name) || "";
  return { search: text("search"), level: text("level"), trace: text("trace") };
}

function fits(log, filter) {
  if (filter.trace && log.trace_id !== filter.trace) return false;
  if (filter.level && log.severity_number < Number(filter.level)) return false;
  if (!filter.search) return true;
  const text = `${log.body} ${log.service_name} ${stringify(log.attributes)}`;
  return text.toLowerCase().includes(filter.search.toLowerCase());
}
