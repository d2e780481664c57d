// Logs of workers: the tail, a search through what the engine keeps, and by trace.

import { h } from "./dom.js";
import { call, live } from "./live.js";
import { clock, count, plural } from "./format.js";
import { brief } from "./format.js";
import { empty, json, link, LongList, page, panel, problem, select, status } from "./ui.js";

const LEVELS = [["", "all"], ["5", "debug"], ["9", "info"], ["13", "warn"], ["17", "error"]];

const tone = (log) => (log.severity_number >= 17 ? "failed" : log.severity_number >= 13 ? "warning" : "info");

const identity = (log) => `${log.timestamp_unix_nano} ${log.span_id} ${log.body}`;

export default function logs(context) {
  let filter = read(context.query);
  let found = [];
  let held = null;
  let failure = null;
  let chosen = context.query.get("log");
  let timer = 0;

  const rows = new LongList(context.update, {
    label: "Logs", class: "log", height: 28, key: identity, columns: ["Time", "Level", "Service", "Message"],
    link: (one) => `#/logs?${query({ ...filter, log: identity(one) })}`,
    tone: (one) => (one.severity_number >= 17 ? "bad" : ""), current: (one) => identity(one) === chosen,
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

  function shown() {
    if (held) return held;
    const all = new Map();
    for (const log of [...found, ...live.logs]) if (fits(log, filter)) all.set(identity(log), log);
    return [...all.values()].sort((a, b) => b.timestamp_unix_nano - a.timestamp_unix_nano);
  }

  load();
  return {
    move(parts, next) {
      const was = JSON.stringify(filter);
      filter = read(next);
      chosen = next.get("log");
      if (JSON.stringify(filter) !== was) {
        held = null;
        clearTimeout(timer);
        timer = setTimeout(load, 150);
      }
      return true;
    },
    onkey(event) {
      if (event.key !== "p") return false;
      held = held ? null : shown();
      context.update();
      return true;
    },
    view() {
      const all = shown();
      const one = chosen && all.find((log) => identity(log) === chosen);
      return page("Logs",
        h("button", { "aria-pressed": String(!!held), onclick: () => { held = held ? null : shown(); context.update(); } }, held ? "Go on" : "Hold"),
        h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
          h("label", { class: "inline wide" }, h("span", {}, "Search"),
            h("input", { type: "search", value: filter.search, placeholder: "message, service, attribute", oninput: (event) => context.setQuery({ search: event.target.value, log: "" }) })),
          select("Level", filter.level, LEVELS, (level) => context.setQuery({ level, log: "" })),
          h("label", { class: "inline" }, h("span", {}, "Trace"),
            h("input", { value: filter.trace, spellcheck: "false", oninput: (event) => context.setQuery({ trace: event.target.value.trim(), log: "" }) }))),
        failure && problem(failure),
        h("p", { class: "dim", role: "status" }, held ? "Held. " : "", live.logsSkipped
          ? `Showing ${count(all.length)} of ${count(all.length + live.logsSkipped)}: more than fifty a tick are sampled.` : plural(all.length, "line") + "."),
        all.length ? rows.view(all, (log) => [
          h("span", { class: "num" }, clock(log.timestamp_unix_nano / 1e6)), status(tone(log), (log.severity_text || "log").toLowerCase()),
          h("span", { class: "dim" }, log.attributes?.["service.name"] || log.service_name),
          h("span", { class: "what" }, String(log.body), " ", h("span", { class: "dim" }, brief(log.attributes?.["log.data"] ?? undefined))),
        ]) : empty("No line fits.", "Workers' loggers send them; the engine keeps the youngest in memory, the log has all."),
        one && panel("Line", h("p", {}, String(one.body)),
          one.trace_id && h("p", {}, h("a", { href: link("requests", one.trace_id) }, "the request"), " · ",
            h("a", { href: `#/logs?trace=${one.trace_id}` }, "all lines of its trace")), json(one)));
    },
  };
}

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
  return `${log.body} ${log.service_name} ${JSON.stringify(log.attributes)}`.toLowerCase().includes(filter.search.toLowerCase());
}
