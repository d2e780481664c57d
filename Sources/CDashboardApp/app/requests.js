// Requests: the live list, and one of them (request.js).

import { h } from "./dom.js";
import { addRequests, get, live, serverNow } from "./live.js";
import { ago, count, duration, plural } from "./format.js";
import { empty, link, LongList, page, problem, select, status } from "./ui.js";
import request from "./request.js";

const KINDS = ["http", "queue", "cron", "state", "stream", "call", "publish", "log"];
const STATES = ["running", "waiting", "ok", "failed", "dead"];

export default function requests(context) {
  return context.parts[0] ? request(context) : list(context);
}

/** The cells of a request's row, wherever it stands. */
export function requestCells(one) {
  return [
    status(one.status),
    h("span", { class: "tag" }, one.kind),
    h("span", { class: "what", title: one.error || one.name },
      h("b", {}, one.name), " ",
      h("span", { class: one.error ? "error" : "dim" }, one.error || (one.function_id === one.name ? "" : one.function_id))),
    h("span", { class: "num" }, one.attempts > 1 ? `${one.attempts} attempts` : ""),
    h("span", { class: "num" }, duration(one.duration_ms)),
    h("span", { class: "num dim" }, ago(one.started_at_ms, serverNow())),
  ];
}

function list(context) {
  let filter = read(context.query);
  let known = new Map();
  let held = null;
  let failure = null;
  let more = true;
  let loading = false;
  let from = 0;

  const rows = new LongList(context.update, {
    label: "Requests", class: "request", key: (one) => one.trace_id, height: 32,
    link: (one) => link("requests", one.trace_id),
    columns: ["State", "Kind", "Request", "", "Took", "Began"],
    tone: (one) => (one.status === "failed" || one.status === "dead" ? "bad" : ""),
  });

  async function load(before) {
    if (loading) return;
    loading = true;
    const query = new URLSearchParams({ limit: "100" });
    for (const [name, value] of Object.entries(filter)) if (value) query.set(name, value);
    if (before) query.set("before", before);
    try {
      const asked = filter;
      const answer = await get(`/api/requests?${query}`);
      if (asked === filter) {
        addRequests(answer.requests);
        for (const one of answer.requests) known.set(one.trace_id, one);
        more = answer.requests.length === 100;
        failure = null;
      }
    } catch (error) {
      failure = error;
    }
    loading = false;
    context.update();
  }

  function shown() {
    if (held) return held;
    const all = new Map(known);
    for (const one of live.requests.values()) if (fits(one, filter)) all.set(one.trace_id, one);
    for (const [id, one] of all) if (!fits(one, filter)) all.delete(id);
    return [...all.values()].sort((a, b) => b.offset - a.offset);
  }

  const set = (changes) => context.setQuery(changes);
  load();
  return {
    move(parts, query) {
      if (parts[0]) return false;
      filter = read(query);
      known = new Map();
      held = null;
      load();
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
      const total = all.length + live.requestsSkipped;
      return page("Requests",
        h("button", { "aria-pressed": String(!!held), onclick: () => { held = held ? null : shown(); context.update(); } },
          held ? "Go on" : "Hold"),
        h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
          h("label", { class: "inline wide" }, h("span", {}, "Search"),
            h("input", { type: "search", value: filter.search, placeholder: "name, function, error, trace",
              oninput: (event) => set({ search: event.target.value }) })),
          select("Kind", filter.kind, [["", "all"], ...KINDS.map((one) => [one, one])], (kind) => set({ kind })),
          select("State", filter.status, [["", "all"], ...STATES.map((one) => [one, one])], (value) => set({ status: value })),
          filter.function && h("button", { type: "button", onclick: () => set({ function: "" }) }, `function ${filter.function} ✕`)),
        failure && problem(failure),
        h("p", { class: "dim", role: "status" }, held ? "Held. " : "",
          live.requestsSkipped
            ? `Showing ${count(all.length)} of ${count(total)}: more than fifty a tick are sampled. Every one is in the log.`
            : plural(all.length, "request"), "."),
        all.length ? rows.view(all, requestCells)
          : !loading && empty("No request fits.", "Filters are in the address: share it, or take one away."),
        more && all.length > 0 && h("button", { class: "more", disabled: loading,
          onclick: () => load(Math.min(...[...known.values()].map((one) => one.offset))) }, "Older"));
    },
  };
}

function read(query) {
  const text = (name) => query.get(name) || "";
  return { kind: text("kind"), status: text("status"), function: text("function"), search: text("search") };
}

function fits(one, filter) {
  if (filter.kind && one.kind !== filter.kind) return false;
  if (filter.status && one.status !== filter.status) return false;
  if (filter.function && one.function_id !== filter.function) return false;
  if (!filter.search) return true;
  const all = `${one.name} ${one.function_id} ${one.error || ""} ${one.trace_id}`.toLowerCase();
  return all.includes(filter.search.toLowerCase());
}
