// Streams: what is in them, who listens, what is pushed right now; and publishing.

import { h } from "./dom.js";
import { call, get, live } from "./live.js";
import { clock, count, plural } from "./format.js";
import {
  ask, attempt, crumbs, dialog, Draft, empty, filters, grid, json, link, page, panel, payload,
  problem, search, status, toast,
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
  let wanted = "";
  const look = (text) => {
    wanted = text;
    context.update();
  };
  const row = (one) => h("tr", { key: one.name },
    h("th", { scope: "row" },
      h("a", { href: link("streams", one.name), "data-row": true }, one.name)),
    h("td", { class: "num" }, count(one.groups)),
    h("td", { class: "num" }, count(one.subscribers)));
  return {
    view() {
      const all = live.streams
        .filter((one) => one.name.toLowerCase().includes(wanted.toLowerCase()));
      return page("Streams", publishButton(context, "", ""),
        filters(search("Stream", wanted, look)),
        all.length ? grid(["Stream", "Groups", "Subscribers"], all.slice(0, 500).map(row))
          : empty("No stream.", "stream::set or stream::send makes one."));
    },
  };
}

function groups(context, stream) {
  let all = null;
  let failure = null;
  const feed = new Feed(context, (event) => event.stream === stream);

  async function load() {
    try {
      all = await call("stream::list_groups", { stream_name: stream });
      failure = null;
    } catch (error) {
      failure = error;
    }
    context.update();
  }

  const row = (one) => h("a", {
    key: one, class: "row simple", "data-row": true, href: link("streams", stream, one),
  }, h("b", {}, one));

  load();
  const refresh = timer(load, 2000);
  return {
    dispose() {
      refresh.stop();
      feed.stop();
    },
    view: () => page(`Stream ${stream}`, publishButton(context, stream, "", load),
      crumbs(["Streams", "#/streams"], [stream]),
      failure && problem(failure),
      h("div", { class: "columns" },
        panel("Groups", all?.length ? h("div", { class: "rows" }, all.slice(0, 1000).map(row))
          : empty("No group.")),
        feed.view())),
  };
}

function items(context, stream, group) {
  let all = null;
  let present = null;
  let failure = null;
  const input = { stream_name: stream, group_id: group };
  const feed = new Feed(context, (event) => event.stream === stream && event.group === group);

  async function load() {
    try {
      [all, present] = await Promise.all([
        call("stream::list", input), call("stream::presence", input),
      ]);
      failure = null;
    } catch (error) {
      failure = error;
    }
    context.update();
  }

  async function look(item) {
    const value = await attempt(() => call("stream::get", { ...input, item_id: item }));
    if (value === undefined) return;
    const what = await dialog(`${stream}/${group}/${item}`, (close) => [
      json(value),
      h("div", { class: "actions" },
        h("button", {
          class: "danger-text", disabled: context.app.readOnly, onclick: () => close("delete"),
        }, "Delete …"),
        h("button", { "data-first": true, onclick: () => close() }, "Close")),
    ]);
    if (what === "delete") await remove(item);
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

  function contents() {
    const seen = feed.ids();
    return panel(all ? plural(all.length, "item") : "Items",
      seen.length > 0 && h("p", { class: "dim" }, "Seen lately: ", seen.map((id) =>
        [h("button", { class: "link", onclick: () => look(id) }, id), " "])),
      all?.length ? h("ul", { class: "plain" }, all.slice(0, 200).map((one) =>
        h("li", {}, payload(one)))) : empty("No item."),
      all?.length > 200 && h("p", { class: "dim" }, `showing 200 of ${all.length}`));
  }

  function presence() {
    const members = present?.members ?? present;
    return panel("Present", members?.length ? json(members) : empty("Nobody is connected."));
  }

  load();
  const refresh = timer(load, 1500);
  return {
    dispose() {
      refresh.stop();
      feed.stop();
    },
    view: () => page(`${stream}/${group}`, publishButton(context, stream, group, load),
      crumbs(["Streams", "#/streams"], [stream, link("streams", stream)], [group]),
      failure && problem(failure),
      h("div", { class: "columns" }, h("div", {}, contents(), presence()), feed.view())),
  };
}

// MARK: What is pushed

/** What is recorded of a stream, as it comes: read from the log, sampled where there is much. */
class Feed {
  constructor(context, wanted) {
    this.context = context;
    this.wanted = wanted;
    this.events = [];
    this.skipped = 0;
    this.after = null;
    this.on = true;
    this.busy = false;
    this.poll = timer(() => this.on && this.read(), 500);
    this.read();
  }

  async read() {
    if (this.busy) return;
    this.busy = true;
    try {
      await this.follow((await get("/api/log")).durable_offset);
    } catch {
      // The next reading goes on, or the page says that there is no connection.
    }
    this.busy = false;
    this.context.update();
  }

  async follow(tail) {
    let from = this.after ?? Math.max(0, tail - 1000);
    if (tail - from > 2000) {
      this.skipped += tail - from - 1000;
      from = tail - 1000;
    }
    while (from < tail) {
      const { records } = await get(`/api/log/records?after=${from}&limit=1000`);
      if (!records.length) break;
      from = records.at(-1).offset;
      const mine = records.filter((one) =>
        /^stream_/.test(one.kind) && one.event && this.wanted(one.event));
      this.events.unshift(...mine.reverse());
    }
    this.after = from;
    this.events.length = Math.min(this.events.length, 300);
  }

  /** Items of which something was seen. */
  ids() {
    return [...new Set(this.events.map((one) => one.event.item).filter(Boolean))].slice(0, 12);
  }

  stop() {
    this.poll.stop();
  }

  hold() {
    this.on = !this.on;
    this.context.update();
  }

  view() {
    const told = this.skipped ? `a sample: ${count(this.skipped)} records passed by`
      : plural(this.events.length, "event");
    const row = (one) => h("li", { key: one.offset },
      h("span", { class: "num dim" }, clock(Date.parse(one.time))), " ",
      h("span", { class: "tag" }, one.kind.replace("stream_", "")), " ",
      h("b", {}, [one.event.group, one.event.item].filter(Boolean).join("/")), " ",
      payload(one.event.value ?? one.event.data));
    return panel("Live",
      h("div", { class: "filters" },
        status(this.on ? "running" : "paused", this.on ? "watching" : "held"),
        h("span", { class: "dim" }, told),
        h("span", { class: "grow" }),
        h("button", { "aria-pressed": String(!this.on), onclick: () => this.hold() },
          this.on ? "Hold" : "Go on")),
      this.events.length ? h("ul", { class: "feed" }, this.events.slice(0, 100).map(row))
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
