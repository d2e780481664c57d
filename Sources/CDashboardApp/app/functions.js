// Functions: who serves what, how often, and calling one.

import { h } from "./dom.js";
import { call, callTraced, enqueue, live } from "./live.js";
import { Whole, reading } from "./finder.js";
import { quoted, rate, word } from "./format.js";
import { stringify } from "./json.js";
import {
  ask, attempt, command, empty, facts, filters, functionLink, functionName, json, link, LongList,
  outcome, page, panel, problem, search, select, shownOf, status,
} from "./ui.js";
import { SchemaForm } from "./form.js";
import { isBuiltin } from "./now.js";
import { says } from "./triggers.js";

export default function functions(context) {
  return context.parts[0] ? detail(context) : list(context);
}

function list(context) {
  let wanted = read(context.query);
  // Functions that live messages do not tell of: the engine's own, and what is beyond their limit.
  const others = new Whole(context.update, readAll, () => live.functionCount);
  const rows = new LongList(context.update, {
    label: "Functions", class: "function", at: 1, height: 32,
    columns: ["State", "Function", "Worker", "Calls /s", "Errors /s"],
    key: (one) => one.namespace + one.function_id + one.worker_name,
    link: (one) => functionLink(one.function_id, one.namespace),
  });

  function found() {
    const words = wanted.search.toLowerCase().split(/\s+/).filter(Boolean);
    const told = new Set(live.functions.map(identity));
    // Of a worker's, one that is missing in a whole list has gone since.
    const rest = (others.list || []).filter((one) =>
      !told.has(identity(one)) && (isBuiltin(one.function_id) || isCut()));
    return [...unserved(), ...live.functions, ...rest].filter((one) => {
      if (!wanted.builtins && isBuiltin(one.function_id)) return false;
      const text = `${one.function_id} ${one.worker_name} ${word(one.description || "")}`
        .toLowerCase();
      return words.every((word) => text.includes(word));
    });
  }

  /** Once somebody wants to see them. */
  function want() {
    if (wanted.builtins || (wanted.search && isCut())) others.want();
  }

  want();
  return {
    live: (type) => others.live(type),
    move(parts, query) {
      if (parts[0]) return false;
      wanted = read(query);
      want();
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
        !wanted.search &&
          shownOf(live.functions.length, live.functionCount, "the first by name"),
        others.isReading && reading(),
        all.length ? rows.view(all, cells)
          : empty("No function fits.", "Workers register them, and none is here."));
    },
  };
}

const readAll = async () =>
  (await call("engine::functions::list", { include_internal: true })).functions;

const read = (query) =>
  ({ search: query.get("search") || "", builtins: query.get("builtins") === "1" });

const isCut = () => live.functions.length < live.functionCount;
const identity = (one) => JSON.stringify([one.namespace, one.function_id]);

/** Functions that triggers ask for and no worker serves: the triggers tell. */
function unserved() {
  const asked = live.triggers.filter((one) => !one.function_served)
    .map(({ function_id, namespace }) => ({ function_id, namespace, worker_name: null }));
  return [...new Map(asked.map((one) => [identity(one), one])).values()];
}

function health(one) {
  if (one.worker_name === null) return status("error", "no worker");
  return one.errors_per_s ? status("failed", "failing") : status("ok", "served");
}

const cells = (one) => [
  health(one),
  h("span", { class: "what" },
    h("b", {}, functionName(one.function_id, one.namespace)), " ",
    h("span", { class: "dim" }, one.description || "")),
  one.workers > 1 ? `${one.workers} workers` : one.worker_name || "–",
  h("span", { class: "num" }, rate(one.calls_per_s)),
  h("span", { class: one.errors_per_s ? "num error" : "num" }, rate(one.errors_per_s)),
];

// MARK: One function

/** Of the engine's functions, the ones that ask before they are called from here. */
const CHANGES = /set|delete|update|transact|redrive|discard|purge|clear|define|pause|run|unregister/;

function detail(context) {
  const id = context.parts[0];
  // Undefined: the default one, or where alone a function of that id is.
  const namespace = context.query.get("namespace") || undefined;
  let info = null;
  let failure = null;
  let form = new SchemaForm(null, {});
  let way = "call";
  let queue = "default";
  let answer = null;
  let busy = false;

  async function load() {
    try {
      info = await call("engine::functions::info", { function_id: id, namespace });
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
      lines: ["This function of the engine changes what it is given:", stringify(input)],
      action: "Call it",
    });
  }

  /** What is called is what the page tells of. */
  const where = () => namespace ?? info?.namespace;

  async function run() {
    let began = performance.now();
    try {
      const input = form.value();
      if (!(await confirmed(input))) return;
      busy = true;
      context.update();
      began = performance.now();
      answer = way === "queue" ? { result: await enqueue(queue, id, input, where()) }
        : await callTraced(id, input, where());
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

  function shell() {
    const name = where();
    const option = name && name !== "default" ? ` --namespace ${quoted(name)}` : "";
    return `iii trigger ${quoted(id)}${option} --json '{}'`;
  }

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
    view: () => page(functionName(id, where()),
      h("a", { class: "button", href: `#/requests?function=${encodeURIComponent(id)}` },
        "Its requests"),
      info?.description && h("p", {}, info.description),
      summary(id, where(), info),
      failure && problem(failure),
      h("div", { class: "columns" },
        caller(),
        h("div", {},
          panel("Triggers", triggersOf(id, where(), info)),
          info?.request_schema && panel("Request schema", json(info.request_schema)),
          info?.response_schema && panel("Response schema", json(info.response_schema)),
          info?.metadata && panel("Metadata", json(info.metadata)),
          panel("From a shell", command(shell()))))),
  };
}

/** Of a function, or of a trigger's: whether it is this one. */
const isNamed = (id, namespace = "default") => (one) =>
  one.function_id === id && one.namespace === namespace;

function summary(id, namespace, info) {
  const here = live.functions.filter(isNamed(id, namespace));
  const sum = (name) => here.reduce((total, one) => total + (one[name] || 0), 0);
  // One that is served need not be among those that are told of.
  const worst = here.find((one) => one.errors_per_s) || here[0] ||
    { worker_name: info ? "" : null };
  return h("div", { class: "summary" },
    health(worst),
    facts([
      ["Workers", here.map((one) => one.worker_name).join(", ") || (info ? null : "none")],
      ["Calls a second", rate(sum("calls_per_s"))],
      ["Errors a second", rate(sum("errors_per_s"))],
      ["Namespace", info?.namespace],
    ]));
}

/** By what the function itself tells, where the list of triggers is cut. */
function triggersOf(id, namespace, info) {
  const isWhole = live.triggers.length >= live.triggerCount;
  const all = isWhole || !info ? live.triggers.filter(isNamed(id, namespace))
    : info.registered_triggers;
  if (!all.length) return empty("None.");
  return h("ul", { class: "plain" }, all.map((one) => h("li", {},
    h("span", { class: "tag" }, one.trigger_type), " ",
    h("a", { href: link("triggers", one.id) }, says(one)))));
}
