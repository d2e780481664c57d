// Functions: who serves what, how often, and calling one.

import { h } from "./dom.js";
import { call, callTraced, enqueue, live } from "./live.js";
import { rate } from "./format.js";
import {
  ask, attempt, command, empty, facts, filters, json, link, LongList, outcome, page, panel,
  problem, search, select, status,
} from "./ui.js";
import { SchemaForm } from "./form.js";
import { isBuiltin } from "./now.js";
import { says } from "./triggers.js";

export default function functions(context) {
  return context.parts[0] ? detail(context) : list(context);
}

function list(context) {
  let wanted = read(context.query);
  let builtins = [];
  const rows = new LongList(context.update, {
    label: "Functions", class: "function", at: 1, height: 32,
    columns: ["State", "Function", "Worker", "Calls /s", "Errors /s"],
    key: (one) => one.namespace + one.function_id + one.worker_name,
    link: (one) => link("functions", one.function_id),
  });

  function found() {
    const words = wanted.search.toLowerCase().split(/\s+/).filter(Boolean);
    const own = wanted.builtins ? builtins : [];
    return [...unserved(), ...live.functions, ...own].filter((one) => {
      if (!wanted.builtins && isBuiltin(one.function_id)) return false;
      const text = `${one.function_id} ${one.worker_name} ${one.description || ""}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
  }

  /** The engine's own do not change while it runs. */
  async function readBuiltins() {
    const answer = await attempt(() => call("engine::functions::list", { include_internal: true }));
    const shown = new Set(live.functions.map((one) => one.function_id));
    builtins = (answer?.functions || [])
      .filter((one) => isBuiltin(one.function_id) && !shown.has(one.function_id));
    context.update();
  }

  if (wanted.builtins) readBuiltins();
  return {
    move(parts, query) {
      if (parts[0]) return false;
      wanted = read(query);
      if (wanted.builtins && !builtins.length) readBuiltins();
      return true;
    },
    view() {
      const all = found();
      return page("Functions", null,
        filters(
          search("Search", wanted.search, (text) => context.setQuery({ search: text })),
          h("label", { class: "inline check" },
            h("input", {
              type: "checkbox", checked: wanted.builtins,
              onchange: (event) => context.setQuery({ builtins: event.target.checked ? "1" : "" }),
            }),
            h("span", {}, "the engine's own too"))),
        all.length ? rows.view(all, cells)
          : empty("No function fits.", "Workers register them, and none is here."));
    },
  };
}

const read = (query) =>
  ({ search: query.get("search") || "", builtins: query.get("builtins") === "1" });

/** Functions that triggers ask for and no worker serves. */
function unserved() {
  const served = new Set(live.functions.map((one) => one.function_id));
  const asked = new Set(live.triggers.map((one) => one.function_id));
  return [...asked].filter((id) => !served.has(id))
    .map((id) => ({ function_id: id, worker_name: null, namespace: "" }));
}

function health(one) {
  if (one.worker_name === null) return status("error", "no worker");
  return one.errors_per_s ? status("failed", "failing") : status("ok", "served");
}

const cells = (one) => [
  health(one),
  h("span", { class: "what" },
    h("b", {}, one.function_id), " ", h("span", { class: "dim" }, one.description || "")),
  one.workers > 1 ? `${one.workers} workers` : one.worker_name || "–",
  h("span", { class: "num" }, rate(one.calls_per_s)),
  h("span", { class: one.errors_per_s ? "num error" : "num" }, rate(one.errors_per_s)),
];

// MARK: One function

/** Of the engine's functions, the ones that ask before they are called from here. */
const CHANGES = /set|delete|update|transact|redrive|discard|purge|clear|define|pause|run|unregister/;

function detail(context) {
  const id = context.parts[0];
  let info = null;
  let failure = null;
  let form = new SchemaForm(null, {});
  let way = "call";
  let queue = "default";
  let answer = null;
  let busy = false;

  async function load() {
    try {
      info = await call("engine::functions::info", { function_id: id });
      failure = null;
      if (info.request_schema) form = new SchemaForm(info.request_schema);
    } catch (error) {
      failure = error;
    }
    context.update();
  }

  async function confirmed(input) {
    if (!isBuiltin(id) || !CHANGES.test(id)) return true;
    return ask({
      title: `Call ${id}?`,
      lines: ["This function of the engine changes what it is given:", JSON.stringify(input)],
      action: "Call it",
    });
  }

  async function run() {
    let began = performance.now();
    try {
      const input = form.value();
      if (!(await confirmed(input))) return;
      busy = true;
      context.update();
      began = performance.now();
      answer = way === "queue" ? { result: await enqueue(queue, id, input) }
        : await callTraced(id, input);
    } catch (error) {
      answer = { error };
    }
    answer.took = performance.now() - began;
    busy = false;
    context.update();
  }

  function choose(change) {
    change();
    context.update();
  }

  const ways = () => filters(
    select("How", way, [["call", "call, wait for the result"], ["queue", "enqueue, durable"]],
      (value) => choose(() => (way = value))),
    way === "queue" && select("Queue", queue, live.queues.map((one) => [one.name, one.name]),
      (value) => choose(() => (queue = value))));

  function caller() {
    const off = context.app.readOnly;
    const word = busy ? "Running …" : way === "queue" ? "Enqueue" : "Call";
    const submit = (event) => {
      event.preventDefault();
      attempt(run);
    };
    return panel("Call it",
      ways(),
      h("form", { onsubmit: submit },
        form.view(context.update),
        h("div", { class: "actions start" },
          h("button", { class: "primary", type: "submit", disabled: busy || off }, word),
          off && h("span", { class: "dim" }, "read only"))),
      outcome(answer));
  }

  load();
  return {
    live(type) {
      if (type === "functions" && failure) load();
    },
    view: () => page(id,
      h("a", { class: "button", href: `#/requests?function=${encodeURIComponent(id)}` },
        "Its requests"),
      info?.description && h("p", {}, info.description),
      summary(id, info),
      failure && problem(failure),
      h("div", { class: "columns" },
        caller(),
        h("div", {},
          panel("Triggers", triggersOf(id)),
          info?.request_schema && panel("Request schema", json(info.request_schema)),
          info?.response_schema && panel("Response schema", json(info.response_schema)),
          info?.metadata && panel("Metadata", json(info.metadata)),
          panel("From a shell", command(`iii trigger ${id} --json '{}'`))))),
  };
}

function summary(id, info) {
  const here = live.functions.filter((one) => one.function_id === id);
  const sum = (name) => here.reduce((total, one) => total + (one[name] || 0), 0);
  const worst = here.find((one) => one.errors_per_s) || here[0] || { worker_name: null };
  return h("div", { class: "summary" },
    health(worst),
    facts([
      ["Workers", here.map((one) => one.worker_name).join(", ") || "none"],
      ["Calls a second", rate(sum("calls_per_s"))],
      ["Errors a second", rate(sum("errors_per_s"))],
      ["Namespace", info?.namespace],
    ]));
}

function triggersOf(id) {
  const all = live.triggers.filter((one) => one.function_id === id);
  if (!all.length) return empty("None.");
  return h("ul", { class: "plain" }, all.map((one) => h("li", {},
    h("span", { class: "tag" }, one.trigger_type), " ",
    h("a", { href: link("triggers", one.id) }, says(one)))));
}
