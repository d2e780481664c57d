// Streams: what is in them, who listens, what is pushed right now; and publishing.

import { h, throttle } from "./dom.js";
import { call, callTraced, get, live, watch } from "./live.js";
import { Finder } from "./finder.js";
import { bytes, clock, count, plural } from "./format.js";
import {
  ask, attempt, crumbs, dialog, Draft, empty, grid, Hold, json, link, page, panel,
  payload, problem, status, toast,
} from "./ui.js";
import { timer } from "./state.js";

export default function streams(context) {
  const [stream, group] = context.parts;
  if (stream === undefined) return list(context);
  return group === undefined ? groups(context, stream) : items(context, stream, group);
}

function publishButton(context, stream, group, done) {
  const act = async () => {
    await publish(stream, group);
    done?.();
  };
  return h("button", { class: "primary", disabled: context.app.readOnly, onclick: act }, "Publish");
}

function list(context) {
  const finder = new Finder(context.update, {
    label: "Stream",
    told: () => live.streams,
    total: () => live.streamCount,
    names: async () => (await call("stream::list_all")).stream.map((one) => one.id),
    first: "those with subscribers, then the largest",
  });
  const row = (one) => h("tr", { key: one.name },
    h("th", { scope: "row" },
      h("a", { href: link("streams", one.name), "data-row": true }, one.name)),
    h("td", { class: "num" }, count(one.groups)),
    h("td", { class: "num" }, count(one.subscribers)));
  return {
    live: (type) => finder.live(type),
    view() {
      const all = finder.found();
      return page("Streams", publishButton(context, "", ""),
        finder.bar(),
        all.length ? grid(["Stream", "Groups", "Subscribers"], finder.shown(all).map(row))
          : empty("No stream.", "stream::set or stream::send makes one."),
        finder.told(all));
    },
  };
}

function groups(context, stream) {
  let all = null;
  let failure = null;
  const feed = new Feed(context, stream, null, throttle(1000, () => load()));
  const finder = new Finder(context.update, {
    label: "Group",
    told: () => (all || []).map((name) => ({ name })),
    total: () => all?.length ?? 0,
  });

  async function load() {
    try {
      all = await call("stream::list_groups", { stream_name: stream });
      failure = null;
    } catch (error) {
      failure = error;
    }
    context.update();
  }

  const row = ({ name }) => h("a", {
    key: name, class: "row simple", "data-row": true, href: link("streams", stream, name),
  }, h("b", {}, name));

  function list() {
    const found = finder.found();
    return panel("Groups",
      finder.bar(),
      found.length ? h("div", { class: "rows" }, finder.shown(found).map(row))
        : empty("No group."),
      finder.told(found));
  }

  load();
  return {
    dispose: () => feed.stop(),
    live: again(load, feed),
    onkey: (event) => feed.hold.onkey(event),
    view: () => page(`Stream ${stream}`, publishButton(context, stream, "", load),
      crumbs(["Streams", "#/streams"], [stream]),
      failure && problem(failure),
      h("div", { class: "columns" },
        list(),
        feed.view())),
  };
}

/** What makes a page read its lists and the log anew: that it has, perhaps, missed something. */
const again = (load, feed) => (type) => {
  if (type !== "missed" && !(type === "connection" && live.connected)) return;
  load();
  feed.fill();
};

/** Whether a worker serves a function of the default namespace. */
async function isServed(id) {
  if (live.functions.some((one) => one.function_id === id)) return true;
  if (live.functions.length >= live.functionCount) return false;
  return call("engine::functions::info", { function_id: id }).then(() => true, () => false);
}

const PAGE = 200;

function items(context, stream, group) {
  let all = [];
  let cursor = null;
  let present = null;
  let failure = null;
  const input = { stream_name: stream, group_id: group };
  const feed = new Feed(context, stream, group, throttle(700, () => load()));

  /** Items with their ids; those that a worker keeps are told without. */
  async function read(from, limit) {
    const own = await isServed(`stream::list(${stream})`);
    if (!own) return call("stream::entries", { ...input, limit, cursor: from });
    const { result: values } = await callTraced("stream::list", input);
    return { entries: values.map((value) => ({ value })), cursor: null };
  }

  async function load() {
    try {
      const limit = Math.min(1000, Math.max(PAGE, all.length));
      const [found, there] = await Promise.all([
        read(null, limit), call("stream::presence", input),
      ]);
      ({ entries: all, cursor } = found);
      present = there;
      failure = null;
    } catch (error) {
      failure = error;
    }
    context.update();
  }

  async function more() {
    const found = await attempt(() => read(cursor, PAGE));
    if (!found) return;
    all = [...all, ...found.entries];
    cursor = found.cursor;
    context.update();
  }

  async function look({ key, value, revision }) {
    const what = await dialog(`${stream}/${group}/${key}`, (close) => [
      json(value),
      h("p", {}, h("a", { href: link("requests", `@${revision}`), onclick: () => close() },
        "The request that wrote it")),
      h("div", { class: "actions" },
        h("button", {
          class: "danger-text", disabled: context.app.readOnly, onclick: () => close("delete"),
        }, "Delete …"),
        h("button", { "data-first": true, onclick: () => close() }, "Close")),
    ]);
    if (what === "delete") await remove(key);
  }

  async function remove(item) {
    const sure = await ask({
      title: "Delete this item?",
      lines: [`Deletes ${stream}/${group}/${item}, and tells every subscriber.`],
      action: "Delete",
    });
    if (!sure) return;
    await attempt(async () => {
      await call("stream::delete", { ...input, item_id: item });
      toast("Deleted.");
    });
    load();
  }

  const row = (one, index) => h("tr", { key: one.key ?? index },
    h("th", { scope: "row" }, one.key === undefined ? h("span", { class: "dim" }, "–")
      : h("button", { class: "link", "data-row": true, onclick: () => look(one) }, one.key)),
    h("td", {}, payload(one.value)));

  const contents = () => panel("Items",
    all.length ? h("div", { class: "lines" }, grid(["Item", "Value"], all.map(row)))
      : empty("No item."),
    cursor && h("button", { class: "more", onclick: more }, "More"));

  function presence() {
    const members = present?.members ?? present;
    return panel("Present", members?.length ? json(members) : empty("Nobody is connected."));
  }

  load();
  const refresh = timer(load, 10_000);
  return {
    dispose() {
      refresh.stop();
      feed.stop();
    },
    live: again(load, feed),
    onkey: (event) => feed.hold.onkey(event),
    view: () => page(`${stream}/${group}`, publishButton(context, stream, group, load),
      crumbs(["Streams", "#/streams"], [stream, link("streams", stream)], [group]),
      failure && problem(failure),
      h("div", { class: "columns" }, h("div", {}, contents(), presence()), feed.view())),
  };
}

// MARK: What is pushed

/** What becomes of a stream as it happens, and the youngest of what did before. */
class Feed {
  constructor(context, stream, group, changed = () => {}) {
    this.context = context;
    this.stream = stream;
    this.group = group;
    this.events = [];
    this.skipped = 0;
    this.hold = new Hold(() => this.events, context.update);
    this.unwatch = watch(stream, group, (events, skipped) => {
      this.skipped += skipped;
      this.add(events);
      context.update();
      changed();
    });
    this.fill();
  }

  /** From the end of the log; what cannot be read is left out. */
  async fill() {
    try {
      this.add(await this.recorded());
      this.context.update();
    } catch {
      // What happens from now on is shown all the same.
    }
  }

  async recorded() {
    const tail = (await get("/api/log")).durable_offset;
    const after = tail > 1000 ? `after=${tail - 1001}&` : "";
    const { records } = await get(`/api/log/records?${after}limit=1000`);
    return records
      .filter((one) => /^stream_/.test(one.kind) && one.event?.stream === this.stream &&
        (this.group === null || one.event.group === this.group))
      .map(({ offset, time, kind, event }) => ({
        offset, time_ms: Date.parse(time), verb: kind.replace("stream_", ""), group: event.group,
        item: event.item, type: event.type, value: event.value ?? event.data,
      }));
  }

  add(events) {
    const all = new Map([...this.events, ...events].map((one) => [one.offset, one]));
    this.events = [...all.values()].sort((a, b) => b.offset - a.offset).slice(0, 300);
  }

  stop() {
    this.unwatch();
  }

  view() {
    const shown = this.hold.rows();
    const told = this.skipped
      ? `a sample: ${count(this.skipped)} passed by. All are in the log.`
      : plural(shown.length, "event");
    const row = (one) => h("li", { key: one.offset },
      h("span", { class: "num dim" }, clock(one.time_ms)),
      h("span", { class: "tag" }, one.type || one.verb),
      h("b", {},
        (this.group === null ? [one.group, one.item] : [one.item]).filter(Boolean).join("/")),
      one.value_bytes ? h("span", { class: "dim" }, bytes(one.value_bytes)) : payload(one.value));
    return panel("Live",
      h("div", { class: "filters" },
        status(this.hold.held ? "paused" : "running", this.hold.held ? "held" : "watching"),
        h("span", { class: "dim" }, told),
        h("span", { class: "grow" }),
        this.hold.button()),
      shown.length ? h("ul", { class: "feed" }, shown.slice(0, 100).map(row))
        : empty("Nothing was pushed lately.", "Whatever is recorded from now on appears here."));
  }
}

// MARK: Publishing

const LABELS = {
  stream_name: "Stream",
  group_id: "Group",
  item_id: "Item (left out: a passing event)",
};

async function publish(stream, group) {
  const place = { stream_name: stream, group_id: group, item_id: "" };
  const first = Object.keys(place).find((name) => !place[name]);
  const draft = new Draft({});
  let type = "message";
  const go = await dialog("Publish", (close, update) => {
    const field = (label, value, set, isFirst) =>
      h("label", { class: "field" }, h("span", {}, label), h("input", {
        value, spellcheck: "false", "data-first": isFirst,
        oninput: (event) => {
          set(event.target.value);
          update();
        },
      }));
    const ready = !draft.error && place.stream_name && place.group_id;
    return [
      Object.keys(place).map((name) =>
        field(LABELS[name], place[name], (text) => (place[name] = text), name === first)),
      !place.item_id && field("Event type", type, (text) => (type = text)),
      draft.view("Data (JSON)", update),
      h("p", { class: "dim" }, place.item_id ? "Sets the item, and tells every subscriber."
        : "Is pushed to every subscriber, and kept as a record only."),
      h("div", { class: "actions" },
        h("button", { onclick: () => close(false) }, "Cancel"),
        h("button", { class: "primary", disabled: !ready, onclick: () => close(true) },
          "Publish")),
    ];
  });
  if (!go) return;
  const { item_id: item, ...where } = place;
  await attempt(async () => {
    if (item) await call("stream::set", { ...place, data: draft.value });
    else await call("stream::send", { ...where, type, data: draft.value });
    toast("Published.");
  });
}
