// Triggers: what makes functions run; sending each of them a test event.

import { h } from "./dom.js";
import { call, callTraced, live, serverNow } from "./live.js";
import { brief, until, word } from "./format.js";
import {
  attempt, Draft, empty, facts, filters, functionLink, functionName, json, link, LongList, outcome,
  page, panel, search, select, shownOf, status,
} from "./ui.js";

export default function triggers(context) {
  return context.parts[0] ? detail(context) : list(context);
}

const isQueue = (type) => type === "queue" || type === "durable:subscriber";
const topicOf = (config) => config.topic || config.source || config.queue;

function health(one) {
  if (!one.function_served) return status("error", "no worker");
  return one.served ? status("ok", "ready") : status("warning", "its type is not served");
}

function list(context) {
  let wanted = read(context.query);
  const rows = new LongList(context.update, {
    label: "Triggers", class: "trigger", at: 2, height: 32,
    columns: ["State", "Type", "Configuration", "Function"],
    key: (one) => one.id,
    link: (one) => link("triggers", one.id),
  });

  function fits(one) {
    if (wanted.type && one.trigger_type !== wanted.type) return false;
    const text = `${one.function_id} ${one.config_summary} ${one.worker_name}`.toLowerCase();
    return text.includes(wanted.search.toLowerCase());
  }

  return {
    move(parts, query) {
      if (parts[0]) return false;
      wanted = read(query);
      return true;
    },
    view() {
      const types = [...new Set(live.triggers.map((one) => one.trigger_type))].sort();
      const all = live.triggers.filter(fits);
      return page("Triggers", null,
        filters(
          search("Search", wanted.search, (text) => context.setQuery({ search: text })),
          select("Type", wanted.type, [["", "all"], ...types.map((one) => [one, one])],
            (type) => context.setQuery({ type }))),
        shownOf(live.triggers.length, live.triggerCount, "those that nobody serves, then by id"),
        all.length ? rows.view(all, cells) : empty("No trigger fits.",
          "Workers register them; engine::register_trigger makes ones that stay."));
    },
  };
}

const read = (query) => ({ search: query.get("search") || "", type: query.get("type") || "" });

const cells = (one) => [
  health(one),
  h("span", { class: "tag" }, one.trigger_type),
  h("span", { class: "what", title: one.config_summary }, h("b", {}, says(one)), " ",
    h("span", { class: "dim narrow-only" }, `→ ${one.function_id}`)),
  h("span", { class: "what" }, functionName(one.function_id, one.namespace)),
];

/** When a trigger fires, in its type's own words. */
export function says({ trigger_type: type, config, config_summary: summary }) {
  const c = config || {};
  summary ??= brief(c, 80);
  const between = (sign, parts) => parts.filter(Boolean).map(word).join(sign);
  const joined = (...parts) => between("/", parts);
  const path = c.api_path ?? c.path;
  if (type === "http" && path != null) {
    return `${word(c.http_method || c.method || "GET")} /${word(path).replace(/^\//, "")}`;
  }
  if (type === "cron") return between(" ", [c.expression ?? c.schedule, c.timezone]) || summary;
  if (isQueue(type) || type === "subscribe") return word(topicOf(c) || summary);
  if (type === "state") return joined(c.scope ?? "any scope", c.key);
  if (type === "stream") return joined(c.stream_name, c.group_id, c.item_id) || "any stream";
  return summary && summary !== "{}" ? summary : "always";
}

// MARK: One trigger

function detail(context) {
  const id = context.parts[0];
  let draft = null;
  let answer = null;
  let slots = null;

  async function readSlots() {
    slots = [];
    try {
      slots = (await call("engine::cron::next", { job: id, count: 10 })).next;
    } catch {
      // The job has no slot, or is not there any more: nothing is shown.
    }
    context.update();
  }

  async function send(trigger) {
    const began = performance.now();
    try {
      answer = await callTraced(...event(trigger, draft.value));
    } catch (error) {
      answer = { error };
    }
    answer.took = performance.now() - began;
    context.update();
  }

  function sender(trigger) {
    const isCron = trigger.trigger_type === "cron";
    const submit = (event) => {
      event.preventDefault();
      if (!draft.error) attempt(() => send(trigger));
    };
    return panel("Send a test event",
      h("p", { class: "dim" }, explain(trigger)),
      h("form", { onsubmit: submit },
        !isCron && draft.view("Event", context.update),
        h("div", { class: "actions start" },
          h("button", { class: "primary", disabled: !!draft.error || context.app.readOnly },
            isCron ? "Run now" : "Send"))),
      outcome(answer));
  }

  const slot = (time) => h("li", {},
    h("code", {}, time), " ",
    h("span", { class: "dim" }, until(Date.parse(time), serverNow())));

  const nextSlots = () => slots?.length > 0 &&
    panel("Next slots", h("ol", { class: "plain" }, slots.map(slot)));

  return {
    view() {
      const trigger = live.triggers.find((one) => one.id === id);
      if (!trigger) {
        const told = live.triggers.length;
        return page("Trigger", null, told < live.triggerCount
          ? empty(`It is not among the ${told} that are listed.`)
          : empty("This trigger is not there any more.", "Its worker took it away, or left."));
      }
      draft ||= new Draft(sample(trigger));
      if (trigger.trigger_type === "cron" && slots === null) readSlots();
      return page(`${trigger.trigger_type} → ${trigger.function_id}`, null,
        h("div", { class: "summary" },
          health(trigger),
          facts([
            ["Function", h("a", { href: functionLink(trigger.function_id, trigger.namespace) },
              functionName(trigger.function_id, trigger.namespace))],
            ["Worker", trigger.worker_name],
            ["Id", h("code", {}, id)],
          ])),
        h("div", { class: "columns" },
          sender(trigger),
          h("div", {}, panel("Configuration", trigger.config_cut
            ? h("p", { class: "dim" }, `${trigger.config_summary} (too long to be shown)`)
            : json(trigger.config)), nextSlots())));
    },
  };
}

/** What a test event is: the function, the input and the namespace of a call. */
function event({ id, trigger_type: type, config, function_id: target, namespace }, value) {
  if (isQueue(type)) return ["iii::durable::publish", { topic: topicOf(config), data: value }];
  if (type === "subscribe") return ["publish", { topic: config.topic, data: value }];
  return type === "cron" ? ["engine::cron::run", { job: id }] : [target, value, namespace];
}

function explain({ trigger_type: type, function_id: target }) {
  if (isQueue(type)) {
    return "Publishes to the topic, durably: every subscription of it gets the message.";
  }
  switch (type) {
    case "subscribe": return "Publishes to the topic, once: every subscriber gets the message.";
    case "cron": return "Runs the job now, whatever its schedule says.";
    default: return `Calls ${target} with an event as this trigger makes it.`;
  }
}

function sample({ trigger_type: type, config: c }) {
  const config = c || {};
  switch (type) {
    case "http":
      return {
        method: config.http_method || config.method || "GET",
        path: config.api_path || config.path,
        path_params: {}, query_params: {}, headers: {}, body: {},
      };
    case "state":
      return {
        type, event_type: "state:updated", scope: config.scope || "scope",
        key: config.key || "key", old_value: null, new_value: {},
      };
    case "stream":
      return {
        type, timestamp: serverNow(), streamName: config.stream_name,
        groupId: config.group_id || "group", id: config.item_id || "item",
        event: { type: "update", data: {} },
      };
    default:
      return {};
  }
}
