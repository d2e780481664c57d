// Queues: how deep, how old, and what failed for good.

import { h } from "./dom.js";
import { call, enqueue, get, live, serverNow } from "./live.js";
import { ago, brief, bytes, clock, count, duration, plural, until } from "./format.js";
import { ask, attempt, dialog, Draft, empty, facts, json, link, page, panel, payload, problem, status, toast } from "./ui.js";
import { chart, sparkline } from "./charts.js";
import { inOrder } from "./records.js";
import { timer } from "./state.js";

export default function queues(context) {
  return context.parts[0] ? detail(context) : list();
}

const health = (one) =>
  one.dead ? status("dead", plural(one.dead, "dead letter")) : one.depth > 0 ? status("waiting", "working") : status("ok", "empty");

function list() {
  return {
    view: () => page("Queues", null,
      live.queues.length ? h("div", { class: "scroll" }, h("table", { class: "grid" },
        h("thead", {}, h("tr", {}, ["Queue", "State", "Depth", "In flight", "Delayed", "Dead", "Oldest", "Two minutes"].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, live.queues.slice(0, 500).map((one) => h("tr", { key: one.name },
          h("th", { scope: "row" }, h("a", { href: link("queues", one.name), "data-row": true }, one.name)),
          h("td", {}, health(one)),
          [one.depth, one.in_flight, one.delayed, one.dead].map((n) => h("td", { class: "num" }, count(n))),
          h("td", { class: "num" }, one.oldest_ms ? duration(one.oldest_ms) : "–"),
          h("td", {}, sparkline((live.queueTicks.get(one.name) || []).map((tick) => tick.depth))))))))
        : empty("No queue.", "[queue.queues.NAME] in iii.toml, queue::define, or a topic's first subscription makes one.")),
  };
}

function detail(context) {
  const name = context.parts[0];
  let stats = null;
  let dead = null;
  let waiting = null;
  let failure = null;
  let explained = new Map();
  let last = "";
  const chosen = new Set();

  async function load() {
    try {
      [stats, dead] = await Promise.all([
        call("engine::queue::topic_stats", { topic: name }),
        call("engine::queue::dlq_messages", { topic: name, limit: 100 }),
      ]);
      for (const id of chosen) if (!dead.some((one) => one.id === id)) chosen.delete(id);
      failure = null;
    } catch (error) {
      failure = error;
    }
    try {
      waiting = await call("engine::queue::messages", { queue: name, limit: 50 });
    } catch {
      waiting = null;
    }
    context.update();
  }

  /** What the log tells of a message: its attempts, and where it came from. */
  async function historyOf(letter) {
    const history = await get(`/api/requests/${encodeURIComponent(letter.id)}`);
    const list = inOrder(history);
    const origin = list.find((node) => node.kind === "enqueued" && node.event.receipt === letter.id);
    return { history, list, origin };
  }

  async function explain(letter) {
    if (explained.has(letter.id)) explained.delete(letter.id);
    else {
      await attempt(async () => explained.set(letter.id, await historyOf(letter)));
    }
    context.update();
  }

  async function edit(letter) {
    const found = await attempt(() => historyOf(letter));
    if (!found?.origin) return;
    const target = found.origin.event;
    const draft = new Draft(letter.payload);
    const go = await dialog("Edit and send again", (close, update) => [
      h("p", {}, `The edited payload becomes a new message for ${target.function} in queue ${target.queue}. Then this dead letter is discarded. Both are records of the log.`),
      draft.view("Payload", update, true),
      h("div", { class: "actions" }, h("button", { onclick: () => close(false) }, "Cancel"),
        h("button", { class: "primary", disabled: !!draft.error, onclick: () => close(true) }, "Review")),
    ]);
    if (!go) return;
    const sure = await ask({ title: "Send the edited message?", action: "Send, and discard the dead letter",
      lines: [`Enqueues for ${target.function} in queue ${target.queue}:`, brief(draft.value, 400), `Discards dead letter ${letter.id}.`] });
    if (!sure) return;
    await attempt(async () => {
      const answer = await enqueue(target.queue, target.function, draft.value);
      await call("iii::queue::discard_message", { queue: name, message_id: letter.id });
      toast(`Sent again as ${answer.receipt}.`);
    });
    load();
  }

  async function redrive(letters) {
    const all = letters === null;
    const list = letters || dead;
    const sure = await ask({ title: all ? "Redrive all dead letters?" : `Redrive ${plural(list.length, "dead letter")}?`,
      action: all ? "Redrive all" : "Redrive", typed: all && stats.dlq_depth > 1 ? name : undefined,
      lines: [`${all ? `All ${stats.dlq_depth}` : list.length} go back into queue ${name} and are tried again from attempt 1, with all the effects that their functions have.`] });
    if (!sure) return;
    await attempt(async () => {
      let done = 0;
      if (all) done = (await call("iii::queue::redrive", { queue: name })).redriven;
      else for (const one of list) done += (await call("iii::queue::redrive_message", { queue: name, message_id: one.id })).redriven;
      toast(`${plural(done, "message")} redriven.`);
    });
    load();
  }

  async function discard(letters) {
    const sure = await ask({ title: `Discard ${plural(letters.length, "dead letter")}?`, action: "Discard for good",
      typed: letters.length > 1 ? name : undefined,
      lines: [letters.length === 1 ? `Message ${letters[0].id}: ${brief(letters[0].payload)}` : `${letters.length} messages of queue ${name}.`,
        "It is never delivered again. What it was stays in the log until retention removes it."] });
    if (!sure) return;
    await attempt(async () => {
      for (const one of letters) await call("iii::queue::discard_message", { queue: name, message_id: one.id });
      toast(`${plural(letters.length, "message")} discarded.`);
    });
    load();
  }

  load();
  // A letter that goes while another one comes changes no number.
  const refresh = timer(load, 1500);
  return {
    dispose: refresh.stop,
    live(type) {
      if (type !== "queues") return;
      const mine = JSON.stringify(live.queues.find((one) => one.name === name));
      if (mine !== last) {
        last = mine;
        load();
      }
    },
    view() {
      const one = live.queues.find((queue) => queue.name === name);
      const ticks = live.queueTicks.get(name) || [];
      const picked = (dead || []).filter((letter) => chosen.has(letter.id));
      const off = context.app.readOnly;
      return page(`Queue ${name}`, null,
        failure && problem(failure),
        h("div", { class: "summary" }, one && health(one),
          facts([["Depth", count(one?.depth ?? stats?.depth)], ["In flight", count(one?.in_flight)], ["Delayed", count(one?.delayed)], ["Dead", count(one?.dead ?? stats?.dlq_depth)],
            ["Oldest waits", one?.oldest_ms ? duration(one.oldest_ms) : "–"], ["At the same time", stats?.consumer_count], ["Attempts", stats?.config?.attempts],
            ["Backoff", stats?.config && duration(stats.config.backoff_ms)], ["Kind", stats?.config?.type]])),
        panel("Depth", chart("Messages", [
          { name: "waiting", values: ticks.map((tick) => tick.depth), tone: "a" },
          { name: "dead", values: ticks.map((tick) => tick.dead), tone: "bad" }], count, "two minutes ago")),
        panel("Dead letters",
          dead?.length > 0 && h("div", { class: "filters" },
            h("label", { class: "inline check" },
              h("input", { type: "checkbox", checked: picked.length === dead.length,
                onchange: (event) => { for (const one of dead) chosen[event.target.checked ? "add" : "delete"](one.id); context.update(); } }),
              h("span", {}, dead.length < stats.dlq_depth ? `all ${dead.length} shown` : "all")),
            h("button", { disabled: off || !picked.length, onclick: () => redrive(picked) }, `Redrive chosen (${picked.length})`),
            h("button", { disabled: off || !picked.length, onclick: () => discard(picked) }, `Discard chosen (${picked.length})`),
            h("span", { class: "grow" }),
            h("button", { disabled: off, onclick: () => redrive(null) }, `Redrive all ${stats.dlq_depth}`)),
          dead === null ? h("p", { class: "dim" }, "Reading …")
            : dead.length === 0 ? empty("None.", "Messages whose function failed every attempt would stand here, until somebody decides.")
            : h("ul", { class: "letters" }, dead.map((letter) => h("li", { key: letter.id },
              h("div", { class: "letter" },
                h("input", { type: "checkbox", "aria-label": `Choose ${letter.id}`, checked: chosen.has(letter.id),
                  onchange: (event) => { chosen[event.target.checked ? "add" : "delete"](letter.id); context.update(); } }),
                h("div", { class: "what" }, status("dead", "dead letter"), " ", h("strong", { class: "error" }, letter.error),
                  h("div", {}, payload(letter.payload)),
                  h("div", { class: "dim" }, `${plural(letter.retries, "attempt")}, ${ago(letter.failed_at * 1000, Date.now())}, ${bytes(letter.size_bytes)}, `, h("code", {}, letter.id))),
                h("div", { class: "buttons" },
                  h("button", { "aria-expanded": String(explained.has(letter.id)), "data-row": true, onclick: () => explain(letter) }, "Explain"),
                  h("button", { disabled: off, onclick: () => edit(letter) }, "Edit"),
                  h("button", { disabled: off, onclick: () => redrive([letter]) }, "Redrive"),
                  h("button", { class: "danger-text", disabled: off, onclick: () => discard([letter]) }, "Discard"))),
              explained.has(letter.id) && explanation(explained.get(letter.id), letter, stats))))),
        waiting && panel("Messages", waiting.length ? h("div", { class: "scroll" }, h("table", { class: "grid" },
          h("thead", {}, h("tr", {}, ["State", "Function", "Payload", "Attempts", "Why", "Message"].map((text) => h("th", { scope: "col" }, text)))),
          h("tbody", {}, waiting.map((message) => h("tr", { key: message.id },
            h("td", {}, status(message.state === "in_flight" ? "running" : message.state, message.state.replace("_", " "))),
            h("td", {}, message.function_id), h("td", {}, payload(message.payload)), h("td", { class: "num" }, message.attempt), h("td", {}, reason(message, one, stats)),
            h("td", {}, h("a", { href: link("requests", message.id) }, message.id)))))))
          : empty("No message waits.")));
    },
  };
}

/** Why a message that is not dead is not done. */
function reason(message, queue, stats) {
  if (message.state === "in_flight") return "its function runs";
  if (!live.functions.some((one) => one.function_id === message.function_id)) return "no worker serves its function";
  if (message.state === "delayed") return `attempt ${message.attempt + 1} is ${until(message.next_at_ms, serverNow())}`;
  if (queue && stats?.config && queue.in_flight >= stats.config.concurrency) return `all ${stats.config.concurrency} places are taken`;
  return stats?.config?.type === "fifo" ? "behind another of its group" : "next";
}

/** Why a message is where it is, in sentences. */
function explanation({ history, list, origin }, letter, stats) {
  const mine = list.filter((node) => node.event?.message === origin?.offset || node === origin);
  const deliveries = mine.filter((node) => node.kind === "delivered");
  const served = live.functions.some((one) => one.function_id === origin?.event.function);
  const lines = [];
  if (origin) lines.push(`${clock(Date.parse(origin.time))}: ${origin.event.function} was enqueued in ${origin.event.queue}.`);
  for (const node of deliveries) {
    const end = node.children.find((child) => ["retried", "dead_lettered", "acked"].includes(child.kind));
    const what = !end ? "did not end" : end.event.error_code ? `failed after ${duration(end.elapsed_ms - node.elapsed_ms)} with ${end.event.error_code}: ${end.event.error_message}` : "succeeded";
    lines.push(`${clock(Date.parse(node.time))}: attempt ${node.event.attempt}${node.worker ? ` on ${node.worker.name}` : ""} ${what}.`);
    if (end?.kind === "retried") lines.push(`It waited until ${clock(Date.parse(end.event.not_before))} for the next one.`);
    if (end?.kind === "dead_lettered") lines.push(`The limit of ${stats?.config?.attempts ?? end.event.failures} attempts was reached: a dead letter.`);
  }
  lines.push(served ? "A worker serves its function now, so a redrive would be tried at once." : "No worker serves its function now: a redrive would wait for one.");
  const trace = mine.find((node) => node.event?.stacktrace)?.event.stacktrace;
  return h("div", { class: "explanation" },
    h("ol", {}, lines.map((line) => h("li", {}, line))),
    trace && h("details", {}, h("summary", {}, "Stack trace"), h("pre", { tabindex: "0" }, trace)),
    h("details", {}, h("summary", {}, "Payload"), json(letter.payload)),
    h("p", {}, h("a", { href: link("requests", history.trace || letter.id) }, "The whole request")));
}
