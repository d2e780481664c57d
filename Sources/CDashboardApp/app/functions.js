// Functions: who serves what, how often, and calling one.

import { h } from "./dom.js";
import { call, callTraced, enqueue, live } from "./live.js";
import { clock, duration, rate } from "./format.js";
import { ask, attempt, command, empty, facts, json, link, LongList, page, panel, problem, select, status } from "./ui.js";
import { SchemaForm } from "./form.js";
import { isBuiltin } from "./now.js";

export default function functions(context) {
  return context.parts[0] ? detail(context) : list(context);
}

function list(context) {
  let search = context.query.get("search") || "";
  let builtins = context.query.get("builtins") === "1";
  const rows = new LongList(context.update, {
    label: "Functions", class: "function", height: 32,
    key: (one) => one.namespace + one.function_id + one.worker_name, link: (one) => link("functions", one.function_id),
    columns: ["State", "Function", "Worker", "Calls /s", "Errors /s"],
  });
  return {
    move(parts, query) {
      if (parts[0]) return false;
      search = query.get("search") || "";
      builtins = query.get("builtins") === "1";
      return true;
    },
    view() {
      const words = search.toLowerCase().split(/\s+/).filter(Boolean);
      const served = new Set(live.functions.map((one) => one.function_id));
      const missing = [...new Set(live.triggers.map((one) => one.function_id))].filter((id) => !served.has(id))
        .map((id) => ({ function_id: id, worker_name: null, namespace: "" }));
      const all = [...missing, ...live.functions].filter((one) => builtins || !isBuiltin(one.function_id))
        .filter((one) => words.every((word) => `${one.function_id} ${one.worker_name} ${one.description || ""}`.toLowerCase().includes(word)));
      return page("Functions", null,
        h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
          h("label", { class: "inline wide" }, h("span", {}, "Search"),
            h("input", { type: "search", value: search, oninput: (event) => context.setQuery({ search: event.target.value }) })),
          h("label", { class: "inline check" },
            h("input", { type: "checkbox", checked: builtins, onchange: (event) => context.setQuery({ builtins: event.target.checked ? "1" : "" }) }),
            h("span", {}, "the engine's own too"))),
        all.length ? rows.view(all, (one) => [
          one.worker_name === null ? status("error", "no worker") : one.errors_per_s ? status("failed", "failing") : status("ok", "served"),
          h("span", { class: "what" }, h("b", {}, one.function_id), " ", h("span", { class: "dim" }, one.description || "")),
          one.worker_name || "–",
          h("span", { class: "num" }, rate(one.calls_per_s)),
          h("span", { class: "num " + (one.errors_per_s ? "error" : "") }, rate(one.errors_per_s)),
        ]) : empty("No function fits.", "Workers register them; none is connected, or the search hides all."));
    },
  };
}

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

  async function run() {
    let input;
    try {
      input = form.value();
    } catch (error) {
      answer = { error };
      return context.update();
    }
    if (isBuiltin(id) && /set|delete|update|transact|redrive|discard|clear|define|pause|run|unregister/.test(id)) {
      const sure = await ask({ title: `Call ${id}?`, action: "Call it",
        lines: ["This function of the engine changes what it is given:", JSON.stringify(input)] });
      if (!sure) return;
    }
    busy = true;
    context.update();
    const began = performance.now();
    try {
      answer = way === "queue"
        ? { result: await enqueue(queue, id, input) }
        : await callTraced(id, input);
    } catch (error) {
      answer = { error };
    }
    answer.took = performance.now() - began;
    answer.at = Date.now();
    busy = false;
    context.update();
  }

  load();
  return {
    live(type) {
      if (type === "functions" && failure) load();
    },
    view() {
      const here = live.functions.filter((one) => one.function_id === id);
      const triggers = live.triggers.filter((one) => one.function_id === id);
      const calls = here.reduce((sum, one) => sum + (one.calls_per_s || 0), 0);
      const errors = here.reduce((sum, one) => sum + (one.errors_per_s || 0), 0);
      return page(id, h("a", { class: "button", href: `#/requests?function=${encodeURIComponent(id)}` }, "Its requests"),
        info?.description && h("p", {}, info.description),
        h("div", { class: "summary" },
          here.length ? status(errors ? "failed" : "ok", errors ? "failing" : "served") : status("error", "no worker serves it"),
          facts([["Workers", here.map((one) => one.worker_name).join(", ") || "none"], ["Calls a second", rate(calls)], ["Errors a second", rate(errors)], ["Namespace", info?.namespace]])),
        failure && problem(failure),
        h("div", { class: "columns" },
          panel("Call it",
            h("form", { onsubmit: (event) => { event.preventDefault(); attempt(run); } },
              form.view(context.update),
              h("div", { class: "filters" },
                select("How", way, [["call", "call, wait for the result"], ["queue", "enqueue, durable"]], (value) => { way = value; context.update(); }),
                way === "queue" && select("Queue", queue, live.queues.map((one) => [one.name, one.name]), (value) => { queue = value; context.update(); })),
              h("div", { class: "actions start" },
                h("button", { class: "primary", type: "submit", disabled: busy || context.app.readOnly }, busy ? "Running …" : way === "queue" ? "Enqueue" : "Call"),
                context.app.readOnly && h("span", { class: "dim" }, "read only"))),
            answer && h("div", { class: "answer", "aria-live": "polite" },
              answer.error ? problem(answer.error) : [h("p", {}, status("ok", "done"), ` in ${duration(answer.took)} `, answer.trace_id && h("a", { href: link("requests", answer.trace_id) }, "see the request")), json(answer.result)],
              h("p", { class: "dim" }, clock(answer.at)))),
          h("div", {},
            panel("Triggers", triggers.length ? h("ul", { class: "plain" }, triggers.map((one) =>
              h("li", {}, h("span", { class: "tag" }, one.trigger_type), " ", h("a", { href: link("triggers", one.id) }, one.config_summary)))) : empty("None.")),
            info?.request_schema && panel("Request schema", json(info.request_schema)),
            info?.response_schema && panel("Response schema", json(info.response_schema)),
            info?.metadata && panel("Metadata", json(info.metadata)),
            panel("From a shell", command(`iii trigger ${id} --json '{}'`)))));
    },
  };
}
