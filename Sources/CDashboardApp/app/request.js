// One request: as waterfall, tree and map, and step by step.

import {h} from "./dom.js";
import { clock, duration, plural, quoted } from "./format.js";
import { callTraced, get, live } from "./live.js";
import { stringify } from "./json.js";
import { graph, layered } from "./map.js";
import {
  content, headline, inOrder, messageNames, relations, spans, touched, worldAfter,
} from "./records.js";
import {
  command, empty, facts, functionLink, json, link, page, panel, payload, problem, status, tabs,
} from "./ui.js";

const VIEWS =
  [["waterfall", "Waterfall"], ["tree", "Tree"], ["map", "Map"], ["step", "Step through"]];

export default function request(context) {
  const trace = context.parts[0];
  let view = context.query.get("view") || "waterfall";
  let chosen = Number(context.query.get("record")) || null;
  let step = Number(context.query.get("step")) || 1;
  let history = null;
  let list = [];
  let failure = null;
  let before = new Map();
  let seen = "";
  let reading = false;

  async function load() {
    if (reading) return;
    reading = true;
    try {
      history = await get(`/api/requests/${encodeURIComponent(trace)}`);
      list = inOrder(history);
      failure = null;
      context.update();
      await readBefore();
    } catch (error) {
      failure = error;
    }
    reading = false;
    context.update();
  }

  /** The values of all places that the request writes, just before its first write of each. */
  async function readBefore() {
    for (const [place, node] of touched(list)) {
      if (before.has(place) || !place.startsWith("state ")) continue;
      if (before.size >= 50) return;
      const input = {
        scope: node.event.scope,
        key: node.event.key,
        at: Math.max(0, node.offset - 1)
      };
      try {
        before.set(place, (await callTraced("state::get", input)).result ?? undefined);
      } catch {
        before.set(place, undefined);
      }
    }
  }

  const row = () => live.requests.get(history?.trace || trace);

  function go(to) {
    step = Math.max(1, Math.min(list.length, to));
    context.setQuery({ step: String(step) });
    requestAnimationFrame(() =>
      document.querySelector(".steps [aria-current]")?.scrollIntoView({ block: "nearest" }));
  }

  const pick = (node) => {
    chosen = chosen === node.offset ? null : node.offset;
    context.setQuery({ record: chosen === null ? "" : String(chosen) });
  };

  const data = () => (context.app.status ? ` -D ${quoted(context.app.status.data)}` : "");

  load();
  return {
    move(parts, query) {
      if (parts[0] !== trace) return false;
      view = query.get("view") || "waterfall";
      step = Number(query.get("step")) || 1;
      chosen = query.has("record") ? Number(query.get("record")) : null;
      return true;
    },
    live(type) {
      const now = row() && JSON.stringify([row().records, row().status]);
      if (type === "requests" && now && now !== seen) {
        seen = now;
        load();
      }
    },
    onkey(event) {
      if (view !== "step" || !list.length) return false;
      const to = {
        ArrowRight: step + 1,
        ArrowLeft: step - 1,
        ArrowDown: step + 1,
        ArrowUp: step - 1,
        Home: 1,
        End: list.length,
        j: step + 1,
        k: step - 1
      }[event.key];
      if (to === undefined) return false;
      go(to);
      return true;
    },
    view() {
      if (!history) {
        return page("Request", null,
          failure ? problem(failure) : h("p", { class: "dim" }, "Reading the log …"));
      }
      const state = outcome(list, row());
      const first = list[0];
      return page(name(first, row()), null, failure && problem(failure),
        h("div", { class: "summary" }, status(state.status),
          state.error && h("span", { class: "error" }, state.error), facts([
            ["Took", duration(history.duration_ms)],
            ["Began", clock(Date.parse(history.started))],
            ["Records", history.records],
            ["Log", first && `#${first.offset} to #${list.at(-1).offset}`],
            ["Trace", h("code", {}, history.trace || trace)],
          ])),
        command(`iii-log${data()} replay ${quoted(history.trace || trace)}`),
        tabs(VIEWS, view, (id) => `${link("requests", trace)}?view=${id}`),
        view === "waterfall" && waterfall(history, chosen, pick),
        view === "tree" && tree(history, list, chosen, pick), view === "map" && requestMap(list),
        view === "step" && stepper(list, Math.min(step, list.length), before, go),
        view !== "step" && view !== "map" &&
          details(list.find((node) => node.offset === chosen), before));
    },
  };
}

function name(first, row) {
  if (row) return row.name;
  return first?.event?.summary || first?.event?.function || "Request";
}

function outcome(list, row) {
  if (row) return row;
  const last = (kind) => list.filter((node) => node.kind === kind).at(-1);
  const dead = last("dead_lettered");
  if (dead) {
    return { status: "dead", error: `${dead.event.error_code}: ${dead.event.error_message}` };
  }
  const failed = list.find((node) => node.kind === "completed" && node.event.error_code);
  if (failed) {
    return { status: "failed", error: `${failed.event.error_code}: ${failed.event.error_message}` };
  }
  const answered = list.find((node) => node.kind === "responded" && node.event.status >= 500);
  if (answered) return { status: "failed", error: headline(answered) };
  return { status: "ok" };
}

// MARK: Waterfall

function waterfall(history, chosen, pick) {
  const rows = spans(history);
  const total = rows.reduce((most, row) => Math.max(most, row.end ?? row.start),
    Math.max(0.001, history.duration_ms));
  const share = (ms) => Math.max(0, Math.min(100, (ms / total) * 100));
  // Marks that would read the same say nothing.
  const ticks = total < 0.004 ? [0, 1] : [0, 0.25, 0.5, 0.75, 1];
  return h("ol", { class: "waterfall", "aria-label": "Waterfall" },
    h("li", { class: "wf scale", "aria-hidden": "true" }, h("span", {}, "What"),
      h("span", { class: "ticks" }, ticks.map((at) => h("i", {}, duration(total * at))))),
    rows.slice(0, 500).map((row) => {
      const end = row.end ?? total;
      const left = share(row.start);
      return h("li", { key: row.node.offset },
        h("button", {
          class: `wf row ${row.tone}${row.queue ? " message" : ""}`,
          "data-row": true,
          "data-offset": row.node.offset,
          "aria-current": row.node.offset === chosen ? "true" : null,
          onclick: () => pick(row.node),
        },
          h("span",
            { class: "label", style: { "padding-left": 8 + Math.min(row.depth, 12) * 14 + "px" } },
            row.label, row.error && h("span", { class: "error" }, " ", row.error)),
          h("span", { class: "track" }, row.waits.map(([from, to], index) => h("i", {
            key: "w" + index,
            class: "wait",
            style: { left: share(from) + "%", width: share((to ?? total) - from) + "%" },
          })),
            row.instant ?
              h("i", { key: "p", class: "point", style: { left: left + "%" } }) :
              h("i", {
                key: "b",
                class: "bar",
                style: { left: left + "%", width: Math.max(0.3, share(end - row.start)) + "%" }
              }),
            h("em", { key: "t", ...labelPlace(left, share(row.instant ? row.start : end)) },
              row.instant        ? duration(row.start) :
                row.end === null ? "goes on" :
                                   duration(row.end - row.start)))));
    }),
    rows.length > 500 &&
      h("li", { class: "dim" }, `showing 500 of ${rows.length}; iii-log replay tells all`));
}

/**
 * Where the time of a bar is written: right of it, left of it, or where there is no room, in it.
 */
function labelPlace(left, right) {
  if (right <= 86) return { style: { left: right + "%" } };
  if (left >= 14) return { style: { right: 100 - left + "%" } };
  return { class: "in", style: { right: 100 - right + "%" } };
}

// MARK: Tree

function tree(history, list, chosen, pick) {
  const names = messageNames(list);
  let left = 500;
  const branch = (nodes, level) =>
    h("ul", { class: "tree", "aria-label": level === 1 ? "Records by cause" : null },
      nodes.slice().sort((a, b) => a.offset - b.offset).map((node) => {
        if (left-- <= 0) return null;
        const carries = content(node);
        const bad = node.event?.error_code;
        return h("li", { key: node.offset },
          h("button", {
            class: "leaf " + (bad ? "bad" : ""),
            "data-row": true,
            "aria-current": node.offset === chosen ? "true" : null,
            onclick: () => pick(node)
          },
            h("span", { class: "num dim" }, duration(node.elapsed_ms)),
            h("span", { class: "text" }, headline(node, names),
              carries && [" ", payload(carries[1])]),
            h("span", { class: "num dim" }, `#${node.offset}`)),
          node.children.length > 0 && level < 60 && branch(node.children, level + 1));
      }));
  return [
    branch(history.roots, 1),
    left < 0 && h("p", { class: "dim" }, "showing 500 records; iii-log replay tells all")
  ];
}

function requestMap(list) {
  const edges = relations(list);
  const ids = new Set(edges.flatMap((edge) => [edge.from, edge.to]));
  if (!ids.size) return empty("One record: nothing leads to anything.");
  const nodes = [...ids].map((id) => {
    const [, kind, text] = /^(\w+) (.*)$/s.exec(id);
    const into = edges.filter((edge) => edge.to === id);
    const times = into.reduce((sum, edge) => sum + edge.count, 0);
    return {
      id,
      kind,
      name: text,
      note: times > 1 ? plural(times, "time") : kind,
      tone: into.some((edge) => edge.failed) ? "bad" : "",
      href: {
        function: link("functions", text),
        queue: link("queues", text),
        state: link("state", text),
        stream: link("streams", text)
      }[kind],
    };
  });
  layered(nodes, edges);
  return graph("Map of the request", nodes, edges.map((edge) => ({ ...edge, rate: 0 })));
}

// MARK: One record

function details(node, before) {
  if (!node) {
    return h("p", { class: "dim hint" }, "Choose a record to see what it carries. ",
      h("kbd", {}, "j"), " ", h("kbd", {}, "k"), " ", h("kbd", {}, "Enter"));
  }
  return panel(`Record #${node.offset}: ${node.kind.replaceAll("_", " ")}`, record(node, before));
}

function record(node, before) {
  const e = { ...node.event };
  const place = node.kind === "state_set" && `state ${e.scope}/${e.key}`;
  const trace = e.stacktrace;
  delete e.stacktrace;
  return [
    facts([
      ["Time", clock(Date.parse(node.time))],
      ["After", duration(node.elapsed_ms)],
      ["Cause", node.cause !== undefined && `#${node.cause}`],
      node.worker &&
        ["Worker", `${node.worker.name} (${node.worker.runtime} ${node.worker.version})`],
      e.function &&
        ["Function", h("a", { href: functionLink(e.function, e.namespace) }, e.function)],
    ]),
    place &&
      h("div", { class: "beside" }, h("div", {}, h("h3", {}, "Before"), json(before.get(place))),
        h("div", {}, h("h3", {}, "After"), json(e.value))),
    json(e, { label: "Record" }),
    trace && h("details", {}, h("summary", {}, "Stack trace"), h("pre", { tabindex: "0" }, trace)),
  ];
}

// MARK: Step by step

function stepper(list, step, before, go) {
  const node = list[step - 1];
  if (!node) return empty("No record.");
  const names = messageNames(list);
  const was = worldAfter(list, step - 1, before);
  const world = worldAfter(list, step, before);
  const from = Math.max(0, Math.min(step - 150, list.length - 300));
  return h("div", { class: "stepper" },
    h("div", { class: "controls", role: "toolbar", "aria-label": "Steps" },
      h("button", { onclick: () => go(1), disabled: step === 1, "aria-label": "First record" },
        "⇤"),
      h("button", { onclick: () => go(step - 1), disabled: step === 1 }, "← Back"),
      h("button", { class: "primary", onclick: () => go(step + 1), disabled: step === list.length },
        "Forward →"),
      h("button", {
        onclick: () => go(list.length),
        disabled: step === list.length,
        "aria-label": "Last record"
      },
        "⇥"),
      h("input", {
        type: "range",
        min: 1,
        max: list.length,
        value: String(step),
        "aria-label": "Record",
        "aria-valuetext": `${step} of ${list.length}: ${headline(node, names)}`,
        oninput: (event) => go(Number(event.target.value))
      }),
      h("output", { class: "num" }, `${step} of ${list.length}`)),
    h("div", { class: "sides" },
      h("ol", { class: "steps", start: from + 1, "aria-label": "Records in order" },
        list.slice(from, from + 300).map((one, index) => {
          const at = from + index + 1;
          return h("li", { key: one.offset },
            h("button", {
              class: (at > step ? "later " : "") + (one.event?.error_code ? "bad" : ""),
              "aria-current": at === step ? "step" : null,
              onclick: () => go(at)
            },
              h("span", { class: "num dim" }, `#${one.offset}`),
              h("span", {}, headline(one, names))));
        })),
      h("div", { class: "beside-steps" },
        panel(headline(node, names),
          h("div", { "aria-live": "polite", class: "sr" }, `${step}: ${headline(node, names)}`),
          values(was, world), running(world, names), record(node, before)))));
}

function values(was, world) {
  if (!world.values.size) return null;
  return h("div", { class: "world" }, h("h3", {}, "State and streams"),
    h("table", {}, h("thead", {}, h("tr", {}, ["Where", "Before",
      "After this record"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, [...world.values].map(([place, value]) => {
        const changed = world.changed.has(place);
        const show = (one) => (one === undefined ? h("span", { class: "dim" }, "not there") :
                                                   h("code", {}, stringify(one)));
        return h("tr", { key: place, class: changed ? "changed" : "", "data-place": place },
          h("th", { scope: "row" }, place), h("td", { class: "was" }, show(was.values.get(place))),
          h("td", { class: "is" }, changed ? status("ok", "changed") : null, " ", show(value)));
      }))));
}

function running(world, names) {
  const list = [...world.messages.values()];
  return h("div", { class: "world" }, h("h3", {}, "Under way"),
    world.running.size + list.length === 0 && h("p", { class: "dim" }, "nothing"),
    h("ul", { class: "plain" },
      [...world.running.values()].map((one) => h("li", {}, status("running"), " ", one)),
      list.map(
        (one) => h("li", {}, status(one.state, one.word || "waiting"), " ",
          one.function || "message", h("span", { class: "dim" }, ` in queue ${one.queue}`)))));
}
