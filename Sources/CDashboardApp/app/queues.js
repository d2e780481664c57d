// Queues: how deep, how old, and what failed for good.

import { h } from "./dom.js";
import { call, enqueue, live, serverNow } from "./live.js";
import { Finder } from "./finder.js";
import { ago, brief, bytes, clock, count, duration, plural, until } from "./format.js";
import {
  ask, attempt, dialog, Draft, empty, facts, functionName, grid, json, link, page, panel,
  payload, problem, status, toast,
} from "./ui.js";
import { chart, sparkline } from "./charts.js";
import { timer } from "./state.js";

export default function queues(context) {
  return context.parts[0] ? detail(context) : list(context);
}

function health(queue) {
  if (queue.dead) return status("dead", plural(queue.dead, "dead letter"));
  return queue.depth > 0 ? status("waiting", "working") : status("ok", "empty");
}

/** For how long the oldest message of a queue has waited. */
function oldest(queue) {
  if (!queue?.oldest_at_ms) return "–";
  return duration(Math.max(0, serverNow() - queue.oldest_at_ms));
}

const COLUMNS = ["Queue", "State", "Depth", "In flight", "Delayed", "Dead", "Oldest",
  "Two minutes"];

/** Those that need somebody come first. */
export const byNeed = (a, b) => b.dead - a.dead || b.depth - a.depth || (a.name < b.name ? -1 : 1);

function list(context) {
  const finder = new Finder(context.update, {
    label: "Queue",
    told: () => [...live.queues].sort(byNeed),
    total: () => live.queueCount,
    names: async () => (await call("engine::queue::list_topics")).map((one) => one.name),
    // A topic is seen by the queues of its subscriptions.
    covers: (name) => [...name.matchAll(/(?=::)/g)].map(({ index }) => name.slice(0, index)),
    first: "those with dead letters, then the deepest",
    rows: 500,
  });
  const row = (one) => h("tr", { key: one.name },
    h("th", { scope: "row" },
      h("a", { href: link("queues", one.name), "data-row": true }, one.name)),
    h("td", {}, one.depth === undefined ? "–" : health(one)),
    [one.depth, one.in_flight, one.delayed, one.dead].map((n) =>
      h("td", { class: "num" }, count(n))),
    h("td", { class: "num" }, oldest(one)),
    h("td", {}, sparkline((live.queueTicks.get(one.name) || []).map((tick) => tick.depth))));
  return {
    live: (type) => finder.live(type),
    view() {
      const all = finder.found();
      return page("Queues", null,
        finder.bar(),
        all.length ? grid(COLUMNS, finder.shown(all).map(row)) : empty("No queue.",
          "iii.toml, queue::define, or a topic's first subscription makes one."),
        finder.told(all));
    },
  };
}

function detail(context) {
  const name = context.parts[0];
  let stats = null;
  let dead = null;
  let messages = null;
  let failure = null;
  let last = "";
  // By their keys: the letters of one message that died in two subscriptions have one id.
  const explained = new Map();
  const chosen = new Set();
  const keyOf = (letter) => `${letter.queue} ${letter.offset}`;

  async function load() {
    try {
      [stats, dead, messages] = await Promise.all([
        call("engine::queue::topic_stats", { topic: name }),
        call("engine::queue::dlq_messages", { topic: name, limit: 100 }),
        call("engine::queue::messages", { queue: name, limit: 50 }),
      ]);
      for (const key of chosen) if (!dead.some((one) => keyOf(one) === key)) chosen.delete(key);
      failure = null;
    } catch (error) {
      failure = error;
    }
    context.update();
  }

  // MARK: What is done to dead letters

  async function explain(letter) {
    const key = keyOf(letter);
    if (explained.has(key)) explained.delete(key);
    else await attempt(async () => explained.set(key, await jobOf(letter)));
    context.update();
  }

  async function edit(letter) {
    const job = await attempt(() => jobOf(letter));
    if (!job) return;
    const target = job.topic ? null : job.function_id;
    const queue = job.topic || job.queue;
    // What was published goes to whoever is subscribed: no message is for one of them alone.
    const whom = target ? `${functionName(target, job.namespace)} in queue ${queue}`
      : `all subscribers of topic ${queue}`;
    const draft = new Draft(letter.payload);
    const go = await dialog("Edit and send again", (close, update) => [
      h("p", {}, `The edited payload becomes a new message for ${whom}. ` +
        "Then this dead letter is discarded. Both are records of the log."),
      draft.view("Payload", update, true),
      h("div", { class: "actions" },
        h("button", { onclick: () => close(false) }, "Cancel"),
        h("button", { class: "primary", disabled: !!draft.error, onclick: () => close(true) },
          "Review")),
    ]);
    if (!go) return;
    const sure = await ask({
      title: "Send the edited message?",
      action: "Send, and discard the dead letter",
      lines: [
        `${target ? "Enqueues" : "Publishes"} for ${whom}:`,
        brief(draft.value, 400),
        `Discards dead letter ${letter.id}.`,
      ],
    });
    if (!sure) return;
    await attempt(async () => {
      const answer = target ? await enqueue(queue, target, draft.value, job.namespace)
        : await call("iii::durable::publish", { topic: queue, data: draft.value });
      await call("iii::queue::discard_message", { queue: letter.queue, message_id: letter.id });
      toast(answer?.receipt ? `Sent again as ${answer.receipt}.` : "Published again.");
    });
    load();
  }

  /** Redrives these letters; null: all there are, also those that are not shown. */
  async function redrive(letters) {
    const total = letters ? letters.length : stats.dlq_depth;
    const sure = await ask({
      title: letters ? `Redrive ${plural(total, "dead letter")}?` : "Redrive all dead letters?",
      action: letters ? "Redrive" : "Redrive all",
      typed: !letters && total > 1 ? name : undefined,
      lines: [
        `${plural(total, "message")} of queue ${name} will be tried again from attempt 1, with ` +
          "all the effects that their functions have.",
      ],
    });
    if (!sure) return;
    await attempt(async () => {
      let done = 0;
      for (const one of letters || []) {
        const input = { queue: one.queue, message_id: one.id };
        done += (await call("iii::queue::redrive_message", input)).redriven;
      }
      if (!letters) done = (await call("iii::queue::redrive", { queue: name })).redriven;
      toast(`${plural(done, "message")} redriven.`);
    });
    load();
  }

  async function discard(letters) {
    const [first] = letters;
    const sure = await ask({
      title: `Discard ${plural(letters.length, "dead letter")}?`,
      action: "Discard for good",
      typed: letters.length > 1 ? name : undefined,
      lines: [
        letters.length === 1 ? `Message ${first.id}: ${first.cut ? UNSHOWN : brief(first.payload)}`
          : `${letters.length} messages of queue ${name}.`,
        "It is never delivered again. What it was stays in the log until retention removes it.",
      ],
    });
    if (!sure) return;
    await attempt(async () => {
      for (const one of letters) {
        await call("iii::queue::discard_message", { queue: one.queue, message_id: one.id });
      }
      toast(`${plural(letters.length, "message")} discarded.`);
    });
    load();
  }

  // MARK: What is done to messages that wait

  /** Drops them, as `iii queue purge` does. What runs is among the depth. */
  async function purge() {
    const now = await attempt(() => call("engine::queue::topic_stats", { topic: name }));
    if (!now) return;
    const sure = await ask({
      title: `Purge queue ${name}?`,
      action: "Drop for good",
      typed: now.depth > 1 ? name : undefined,
      lines: [
        `${plural(now.depth, "message waits or runs", "messages wait or run")}. All that wait ` +
          "are dropped, also for their next attempt; not those that run, and no dead letter.",
        "They are never delivered. What they were stays in the log until retention removes it.",
      ],
    });
    if (!sure) return;
    await attempt(async () => {
      const { purged } = await call("iii::queue::purge", { queue: name });
      toast(`${plural(purged, "message")} dropped.`);
    });
    load();
  }

  const purging = (off) => h("div", { class: "filters" },
    h("span", { class: "grow" }),
    h("button", { class: "danger-text", disabled: off, onclick: purge }, "Purge"));

  // MARK: What is seen

  function choose(letters, on) {
    for (const one of letters) chosen[on ? "add" : "delete"](keyOf(one));
    context.update();
  }

  function toolbar(off) {
    const picked = dead.filter((one) => chosen.has(keyOf(one)));
    const button = (text, act, enabled) =>
      h("button", { disabled: off || !enabled, onclick: act }, text);
    return h("div", { class: "filters" },
      h("label", { class: "inline check" },
        h("input", {
          type: "checkbox", checked: picked.length === dead.length,
          onchange: (event) => choose(dead, event.target.checked),
        }),
        h("span", {}, dead.length < stats.dlq_depth ? `all ${dead.length} shown` : "all")),
      button(`Redrive chosen (${picked.length})`, () => redrive(picked), picked.length),
      button(`Discard chosen (${picked.length})`, () => discard(picked), picked.length),
      h("span", { class: "grow" }),
      button(`Redrive all ${stats.dlq_depth}`, () => redrive(null), true));
  }

  function letterRow(letter, off) {
    const open = explained.has(keyOf(letter));
    const facts = `${plural(letter.retries, "attempt")}, ` +
      `${ago(letter.failed_at * 1000, serverNow())}, ` +
      (letter.size_bytes === null ? "" : `${bytes(letter.size_bytes)}, `) +
      (letter.queue === name ? "" : `queue ${letter.queue}, `);
    return h("li", { key: keyOf(letter) },
      h("div", { class: "letter" },
        h("input", {
          type: "checkbox", "aria-label": `Choose ${letter.id}`, checked: chosen.has(keyOf(letter)),
          onchange: (event) => choose([letter], event.target.checked),
        }),
        h("div", { class: "what" },
          status("dead", "dead letter"), " ", h("strong", { class: "error" }, letter.error),
          h("div", {}, content(letter)),
          h("div", { class: "dim" }, facts, h("code", {}, letter.id))),
        h("div", { class: "buttons" },
          h("button", {
            "aria-expanded": String(open), "data-row": true, onclick: () => explain(letter),
          }, "Explain"),
          h("button", { disabled: off || !!letter.cut, onclick: () => edit(letter) }, "Edit"),
          h("button", { disabled: off, onclick: () => redrive([letter]) }, "Redrive"),
          h("button", { class: "danger-text", disabled: off, onclick: () => discard([letter]) },
            "Discard"))),
      open && explanation(explained.get(keyOf(letter)), letter));
  }

  function letters(off) {
    if (dead === null) return h("p", { class: "dim" }, "Reading …");
    if (!dead.length) {
      return empty("None.", "Messages whose function failed every attempt would stand here.");
    }
    return [
      toolbar(off),
      h("ul", { class: "letters" }, dead.map((letter) => letterRow(letter, off))),
    ];
  }

  load();
  // A letter that goes while another one comes changes no number.
  const refresh = timer(load, 1500);
  return {
    dispose: refresh.stop,
    live(type) {
      if (type !== "queues") return;
      const mine = JSON.stringify(live.queues.find((one) => one.name === name));
      if (mine === last) return;
      last = mine;
      load();
    },
    view() {
      const queue = live.queues.find((one) => one.name === name);
      return page(`Queue ${name}`, null,
        failure && problem(failure),
        h("div", { class: "summary" }, queue && health(queue), numbers(queue, stats)),
        panel("Depth", depth(live.queueTicks.get(name) || [])),
        panel("Dead letters", letters(context.app.readOnly)),
        messages && panel("Messages",
          stats.depth > 0 && purging(context.app.readOnly), waiting(messages)));
    },
  };
}

const numbers = (queue, stats) => facts([
  ["Depth", count(queue?.depth ?? stats?.depth)],
  ["In flight", count(queue?.in_flight)],
  ["Delayed", count(queue?.delayed)],
  ["Dead", count(queue?.dead ?? stats?.dlq_depth)],
  ["Oldest waits", oldest(queue)],
  ["At the same time", stats?.consumer_count],
  ["Attempts", stats?.config?.attempts],
  ["Backoff", stats?.config && duration(stats.config.backoff_ms)],
  ["Kind", stats?.config?.type],
]);

const depth = (ticks) => chart("Messages", [
  { name: "waiting", values: ticks.map((tick) => tick.depth), tone: "a" },
  { name: "dead", values: ticks.map((tick) => tick.dead), tone: "bad" },
], count, "two minutes ago");

/** Lists leave out payloads that they have no room for. */
const UNSHOWN = "a payload too large for this list";

const content = (message) =>
  (message.cut ? h("span", { class: "dim" }, UNSHOWN) : payload(message.payload));

// MARK: Messages that are not dead

function waiting(messages) {
  if (!messages.length) return empty("No message waits.");
  const columns = ["State", "Function", "Payload", "Attempt", "Why", "Message"];
  return grid(columns, messages.map((one) => h("tr", { key: one.id },
    h("td", {}, one.state === "in_flight" ? status("running", "in flight") : status(one.state)),
    h("td", {}, one.function_id),
    h("td", {}, content(one)),
    h("td", { class: "num" }, one.attempt),
    h("td", {}, reason(one)),
    h("td", {}, h("a", { href: link("requests", one.size_bytes === null ? `@${one.offset}` : one.id) }, one.id)))));
}

/** Why a message that is not dead is not done, as the engine tells it. */
function reason(message) {
  if (message.state !== "delayed") return message.why;
  return `${message.why}, ${until(message.next_at_ms, serverNow())}`;
}

// MARK: Why a message is dead

/** What the engine tells of a message in one queue: as `iii explain` prints it. */
async function jobOf(letter) {
  const { jobs } = await call("engine::queue::explain", { id: letter.id, queue: letter.queue });
  if (!jobs.length) throw new Error(`Queue ${letter.queue} never had ${letter.id}.`);
  return jobs[0];
}

const sentence = (text) => text[0].toUpperCase() + text.slice(1) + ".";

function explanation(job, letter) {
  const trace = job.error?.stacktrace;
  return h("div", { class: "explanation" },
    h("ol", {}, job.story.map((line) =>
      h("li", {}, `${clock(Date.parse(line.at))}: ${line.text}.`))),
    h("p", {}, sentence(job.why), job.way_out && " " + sentence(job.way_out)),
    trace && h("details", {},
      h("summary", {}, "Stack trace"), h("pre", { tabindex: "0" }, trace)),
    h("details", {}, h("summary", {}, "Payload"), letter.cut ? UNSHOWN : json(letter.payload)),
    h("p", {},
      h("a", { href: link("requests", job.trace_id || letter.id) }, "The whole request")));
}
