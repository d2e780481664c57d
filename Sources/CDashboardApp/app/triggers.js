// Triggers: what makes functions run; sending each of them a test event.

import { h } from "./dom.js";
import { call, callTraced, live } from "./live.js";
import { duration, until } from "./format.js";
import { attempt, Draft, empty, facts, json, link, LongList, page, panel, problem, select, status } from "./ui.js";

export default function triggers(context) {
  return context.parts[0] ? detail(context) : list(context);
}

const served = (id) => live.functions.some((one) => one.function_id === id);

function list(context) {
  let type = context.query.get("type") || "";
  let search = context.query.get("search") || "";
  const rows = new LongList(context.update, {
    label: "Triggers", class: "trigger", height: 32, key: (one) => one.id, link: (one) => link("triggers", one.id),
    columns: ["State", "Type", "Configuration", "Function"],
  });
  return {
    move(parts, query) {
      if (parts[0]) return false;
      type = query.get("type") || "";
      search = query.get("search") || "";
      return true;
    },
    view() {
      const types = [...new Set(live.triggers.map((one) => one.trigger_type))].sort();
      const text = search.toLowerCase();
      const all = live.triggers.filter((one) => (!type || one.trigger_type === type) &&
        `${one.function_id} ${one.config_summary} ${one.worker_name}`.toLowerCase().includes(text));
      return page("Triggers", null,
        h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
          h("label", { class: "inline wide" }, h("span", {}, "Search"),
            h("input", { type: "search", value: search, oninput: (event) => context.setQuery({ search: event.target.value }) })),
          select("Type", type, [["", "all"], ...types.map((one) => [one, one])], (value) => context.setQuery({ type: value }))),
        all.length ? rows.view(all, (one) => [
          served(one.function_id) ? status("ok", "ready") : status("error", "no worker"),
          h("span", { class: "tag" }, one.trigger_type),
          h("code", { class: "what" }, one.config_summary || "{}"),
          h("b", {}, one.function_id),
        ]) : empty("No trigger fits.", "Workers register them, and engine::register_trigger makes ones that stay."));
    },
  };
}

function detail(context) {
  const id = context.parts[0];
  let draft = null;
  let answer = null;
  let slots = null;

  const trigger = () => live.triggers.find((one) => one.id === id);

  async function readSlots() {
    try {
      slots = (await call("engine::cron::next", { job: id, count: 10 })).next;
    } catch {
      slots = [];
    }
    context.update();
  }

  async function send(one) {
    if (draft.error) return;
    const began = performance.now();
    try {
      answer = one.trigger_type === "cron" ? await callTraced("engine::cron::run", { job: id })
        : await callTraced(...event(one, draft.value));
    } catch (error) {
      answer = { error };
    }
    answer.took = performance.now() - began;
    context.update();
  }

  return {
    view() {
      const one = trigger();
      if (!one) return page("Trigger", null, empty("This trigger is not there any more.", "Its worker took it away, or left."));
      draft ||= new Draft(sample(one));
      if (one.trigger_type === "cron" && slots === null) {
        slots = undefined;
        readSlots();
      }
      return page(`${one.trigger_type} → ${one.function_id}`, null,
        h("div", { class: "summary" },
          served(one.function_id) ? status("ok", "ready") : status("error", "no worker serves its function"),
          facts([["Function", h("a", { href: link("functions", one.function_id) }, one.function_id)], ["Worker", one.worker_name], ["Id", h("code", {}, one.id)]])),
        h("div", { class: "columns" },
          panel("Send a test event",
            h("p", { class: "dim" }, explain(one)),
            h("form", { onsubmit: (event) => { event.preventDefault(); attempt(() => send(one)); } },
              one.trigger_type !== "cron" && draft.view("Event", context.update),
              h("div", { class: "actions start" },
                h("button", { class: "primary", disabled: !!draft.error || context.app.readOnly }, one.trigger_type === "cron" ? "Run now" : "Send"))),
            answer && h("div", { class: "answer", "aria-live": "polite" }, answer.error ? problem(answer.error)
              : [h("p", {}, status("ok", "done"), ` in ${duration(answer.took)} `, answer.trace_id && h("a", { href: link("requests", answer.trace_id) }, "see the request")), json(answer.result)])),
          h("div", {},
            panel("Configuration", json(one.config)),
            slots?.length > 0 && panel("Next slots", h("ol", { class: "plain" }, slots.map((slot) =>
              h("li", {}, h("code", {}, slot), " ", h("span", { class: "dim" }, until(Date.parse(slot), Date.now())))))))));
    },
  };
}

/** What a test event is: the function and input of the call. */
function event(one, value) {
  switch (one.trigger_type) {
    case "queue": case "durable:subscriber":
      return ["iii::durable::publish", { topic: one.config.topic || one.config.source || one.config.queue, data: value }];
    case "subscribe":
      return ["publish", { topic: one.config.topic, data: value }];
    default:
      return [one.function_id, value];
  }
}

function explain(one) {
  switch (one.trigger_type) {
    case "queue": case "durable:subscriber":
      return "Publishes to the topic, durably: every subscription of it gets the message.";
    case "subscribe":
      return "Publishes to the topic, once: every subscriber of it gets the message.";
    case "cron":
      return "Runs the job now, whatever its schedule says.";
    default:
      return `Calls ${one.function_id} with an event as this trigger makes it.`;
  }
}

function sample(one) {
  const c = one.config || {};
  const now = Date.now();
  switch (one.trigger_type) {
    case "http":
      return { method: c.http_method || c.method || "GET", path: c.api_path || c.path, path_params: {}, query_params: {}, headers: {}, body: {} };
    case "state":
      return { type: "state", event_type: "state:updated", scope: c.scope || "scope", key: c.key || "key", old_value: null, new_value: {} };
    case "stream":
      return { type: "stream", timestamp: now, streamName: c.stream_name, groupId: c.group_id || "group", id: c.item_id || "item", event: { type: "update", data: {} } };
    default:
      return {};
  }
}
