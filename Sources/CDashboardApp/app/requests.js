// Requests: the live list, and one of them (request.js).

import { h } from "./dom.js";
import { addRequests, get, live, passedOver, serverNow } from "./live.js";
import { ago, duration } from "./format.js";
import {
  empty, filters, Hold, link, LongList, page, problem, search, select, status,
} from "./ui.js";
import request from "./request.js";

const KINDS = ["http", "queue", "cron", "state", "stream", "call", "publish", "dashboard", "log"];
const PAGE = 100;
const STATES = ["running", "waiting", "ok", "failed", "dead", "unknown"];

export default function requests(context) {
  return context.parts[0] ? request(context) : list(context);
}

/** The cells of a request's row, wherever it stands. */
export function requestCells(one) {
  return [
    status(one.status),
    h("span", { class: "tag" }, one.kind),
    h("span", { class: "what", title: one.error || one.name }, h("b", {}, one.name), " ",
      h("span", { class: one.error ? "error" : "dim" },
        one.error || (one.function_id === one.name ? "" : one.function_id))),
    h("span", { class: "num" }, one.attempts > 1 ? `${one.attempts} attempts` : ""),
    h("span", { class: "num" }, duration(one.duration_ms)),
    h("span", { class: "num dim" }, ago(one.started_at_ms, serverNow())),
  ];
}

function list(context) {
  let filter = read(context.query);
  let known = new Map();
  let failure = null;
  let more = false;
  let asked = 0;
  let timer = 0;

  const rows = new LongList(context.update, {
    label: "Requests", class: "request", at: 2, height: 32,
    columns: ["State", "Kind", "Request", "", "Took", "Began"],
    key: (one) => one.trace_id,
    link: (one) => link("requests", one.trace_id),
    tone: (one) => (one.status === "failed" || one.status === "dead" ? "bad" : ""),
  });

  /** Reads older ones than `before`; an answer to what is not asked any more is dropped. */
  async function load(before) {
    const query = new URLSearchParams({ limit: String(PAGE) });
    for (const [name, value] of Object.entries(filter)) if (value) query.set(name, value);
    if (before) query.set("before", before);
    const mine = ++asked;
    try {
      const answer = await get(`/api/requests?${query}`);
      if (mine !== asked) return;
      addRequests(answer.requests);
      for (const one of answer.requests) known.set(one.trace_id, one);
      more = answer.requests.length === PAGE;
      failure = null;
    } catch (error) {
      failure = error;
    }
    context.update();
  }

  function fresh() {
    const all = new Map();
    for (const one of [...known.values(), ...live.requests.values()]) {
      if (fits(one, filter)) all.set(one.trace_id, one);
    }
    return [...all.values()].sort((a, b) => b.offset - a.offset);
  }

  function move(parts, query) {
    if (parts[0]) return false;
    filter = read(query);
    known = new Map();
    hold.held = null;
    clearTimeout(timer);
    timer = setTimeout(load, 150);
    return true;
  }

  const older = () => load(Math.min(...[...known.values()].map((one) => one.offset)));
  const set = (changes) => context.setQuery(changes);
  const among = (all) => [["", "all"], ...all.map((one) => [one, one])];
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
      return page("Requests", hold.button(),
        filters(
          search("Search", filter.search, (text) => set({ search: text }),
            "name, function, error, trace"),
          select("Kind", filter.kind, among(KINDS), (kind) => set({ kind })),
          select("State", filter.status, among(STATES), (value) => set({ status: value })),
          filter.function && h("button", { type: "button", onclick: () => set({ function: "" }) },
            `function ${filter.function} ✕`)),
        failure && problem(failure),
        hold.told(all.length, live.requestsSkipped, "request", passedOver()),
        all.length ? rows.view(all, requestCells) : empty("No request fits.",
          "Filters are in the address: share it, or take one away."),
        more && h("button", { class: "more", onclick: older }, "Older"));
    },
  };
}

function read(query) {
  const text = (name) => query.get(name) || "";
  return {
    kind: text("kind"),
    status: text("status"),
    function: text("function"),
    search: text("search")
  };
}

function fits(one, filter) {
  if (filter.kind && one.kind !== filter.kind) return false;
  if (filter.status && one.status !== filter.status) return false;
  if (filter.function && one.function_id !== filter.function) return false;
  if (!filter.search) return true;
  const all = `${one.name} ${one.function_id} ${one.error || ""} ${one.trace_id}`.toLowerCase();
  return all.includes(filter.search.toLowerCase());
}
