// Streams: what is in them, who listens, what is pushed right now; and publishing.

import { h } from "./dom.js";
import { call, get, live } from "./live.js";
import { clock, count, plural } from "./format.js";
import { ask, attempt, dialog, Draft, empty, json, link, page, panel, payload, problem, status, toast } from "./ui.js";
import { timer } from "./state.js";

export default function streams(context) {
  const [stream, group] = context.parts;
  if (stream === undefined) return list(context);
  return group === undefined ? groups(context, stream) : items(context, stream, group);
}

const publishButton = (context, stream, group, done) =>
  h("button", { class: "primary", disabled: context.app.readOnly, onclick: async () => { await publish(stream, group); done?.(); } }, "Publish");

function list(context) {
  let search = "";
  return {
    view() {
      const all = live.streams.filter((one) => one.name.toLowerCase().includes(search.toLowerCase()));
      return page("Streams", publishButton(context, "", ""),
        h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
          h("label", { class: "inline wide" }, h("span", {}, "Stream"),
            h("input", { type: "search", value: search, oninput: (event) => { search = event.target.value; context.update(); } }))),
        all.length ? h("div", { class: "scroll" }, h("table", { class: "grid" },
          h("thead", {}, h("tr", {}, ["Stream", "Groups", "Subscribers"].map((name) => h("th", { scope: "col" }, name)))),
          h("tbody", {}, all.slice(0, 500).map((one) => h("tr", { key: one.name },
            h("th", { scope: "row" }, h("a", { href: link("streams", one.name), "data-row": true }, one.name)),
            h("td", { class: "num" }, count(one.groups)), h("td", { class: "num" }, count(one.subscribers)))))))
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
  load();
  const refresh = timer(load, 2000);
  return {
    dispose() {
      refresh.stop();
      feed.stop();
    },
    view: () => page(`Stream ${stream}`, publishButton(context, stream, "", load),
      h("nav", { "aria-label": "Place", class: "crumbs" }, h("a", { href: "#/streams" }, "Streams"), " / ", stream),
      failure && problem(failure),
      h("div", { class: "columns" },
        panel("Groups", all?.length ? h("div", { class: "rows" }, all.slice(0, 1000).map((one) =>
          h("a", { key: one, class: "row simple", "data-row": true, href: link("streams", stream, one) }, h("b", {}, one)))) : empty("No group.")),
        feed.view())),
  };
}

function items(context, stream, group) {
  let all = null;
  let present = null;
  let failure = null;
  const feed = new Feed(context, (event) => event.stream === stream && event.group === group);
  const input = { stream_name: stream, group_id: group };
  async function load() {
    try {
      [all, present] = await Promise.all([
        call("stream::list", input),
        call("stream::presence", input).catch(() => null),
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
    await dialog(`${stream}/${group}/${item}`, (close) => [json(value), h("div", { class: "actions" },
      h("button", { class: "danger-text", disabled: context.app.readOnly, onclick: () => close("delete") }, "Delete …"),
      h("button", { "data-first": true, onclick: () => close() }, "Close"))]).then(async (what) => {
      if (what !== "delete") return;
      const sure = await ask({ title: "Delete this item?", action: "Delete",
        lines: [`Deletes ${stream}/${group}/${item}, and tells every subscriber.`] });
      if (sure && await attempt(() => call("stream::delete", { ...input, item_id: item })) !== undefined) toast("Deleted.");
      load();
    });
  }

  load();
  const refresh = timer(load, 1500);
  return {
    dispose() {
      refresh.stop();
      feed.stop();
    },
    view: () => page(`${stream}/${group}`, publishButton(context, stream, group, load),
      h("nav", { "aria-label": "Place", class: "crumbs" }, h("a", { href: "#/streams" }, "Streams"), " / ", h("a", { href: link("streams", stream) }, stream), " / ", group),
      failure && problem(failure),
      h("div", { class: "columns" },
        panel(all ? plural(all.length, "item") : "Items",
          feed.ids().length > 0 && h("p", { class: "dim" }, "Seen lately: ", feed.ids().map((id) => [h("button", { class: "link", onclick: () => look(id) }, id), " "])),
          all?.length ? h("ul", { class: "plain" }, all.slice(0, 200).map((one) => h("li", {}, payload(one)))) : empty("No item."),
          all?.length > 200 && h("p", { class: "dim" }, `showing 200 of ${all.length}`),
          present && panel("Present", Array.isArray(present?.members ?? present) && (present.members ?? present).length ? json(present.members ?? present) : empty("Nobody is connected."))),
        feed.view())),
  };
}

/** What is recorded of a stream, as it comes: read from the log, sampled where there is much. */
class Feed {
  constructor(context, wanted) {
    this.context = context;
    this.wanted = wanted;
    this.events = [];
    this.skipped = 0;
    this.after = null;
    this.on = true;
    this.poll = timer(() => this.on && this.read(), 500);
    this.read();
  }

  async read() {
    if (this.busy) return;
    this.busy = true;
    try {
      const { durable_offset: tail } = await get("/api/log");
      let from = this.after ?? Math.max(0, tail - 1000);
      if (this.after !== null && tail - from > 2000) {
        this.skipped += tail - from - 1000;
        from = tail - 1000;
      }
      while (from < tail) {
        const { records } = await get(`/api/log/records?after=${from}&limit=1000`);
        if (!records.length) break;
        from = records.at(-1).offset;
        for (const one of records) if (/^stream_/.test(one.kind) && one.event && this.wanted(one.event)) this.events.unshift(one);
      }
      this.after = Math.max(from, this.after ?? 0);
      this.events.length = Math.min(this.events.length, 300);
    } catch {
      // The next reading says it, or goes on.
    }
    this.busy = false;
    this.context.update();
  }

  ids() {
    return [...new Set(this.events.map((one) => one.event.item).filter(Boolean))].slice(0, 12);
  }

  stop() {
    this.poll.stop();
  }

  view() {
    return panel("Live",
      h("div", { class: "filters" }, status(this.on ? "running" : "paused", this.on ? "watching" : "held"),
        h("span", { class: "dim" }, this.skipped ? `showing a sample: ${count(this.skipped)} records passed by` : plural(this.events.length, "event")),
        h("span", { class: "grow" }),
        h("button", { "aria-pressed": String(!this.on), onclick: () => { this.on = !this.on; this.context.update(); } }, this.on ? "Hold" : "Go on")),
      this.events.length ? h("ul", { class: "feed" }, this.events.slice(0, 100).map((one) => h("li", { key: one.offset },
        h("span", { class: "num dim" }, clock(Date.parse(one.time))), " ",
        h("span", { class: "tag" }, one.kind.replace("stream_", "")), " ", h("b", {}, [one.event.group, one.event.item].filter(Boolean).join("/")), " ",
        payload(one.event.value ?? one.event.data)))) : empty("Nothing was pushed lately.", "Whatever is recorded from now on appears here."));
  }
}

async function publish(stream, group) {
  const place = { stream_name: stream, group_id: group, item_id: "" };
  const draft = new Draft({});
  let type = "message";
  const labels = { stream_name: "Stream", group_id: "Group", item_id: "Item (left out: a passing event)" };
  const go = await dialog("Publish", (close, update) => [
    Object.keys(place).map((name) => h("label", { class: "field" }, h("span", {}, labels[name]),
      h("input", { value: place[name], spellcheck: "false", "data-first": name === (stream ? (group ? "item_id" : "group_id") : "stream_name"),
        oninput: (event) => { place[name] = event.target.value; update(); } }))),
    !place.item_id && h("label", { class: "field" }, h("span", {}, "Event type"), h("input", { value: type, oninput: (event) => { type = event.target.value; update(); } })),
    draft.view("Data (JSON)", update),
    h("p", { class: "dim" }, place.item_id ? "Sets the item, and tells every subscriber." : "Is pushed to every subscriber, and kept as a record only."),
    h("div", { class: "actions" }, h("button", { onclick: () => close(false) }, "Cancel"),
      h("button", { class: "primary", disabled: !!draft.error || !place.stream_name || !place.group_id, onclick: () => close(true) }, "Publish")),
  ]);
  if (!go) return;
  const { item_id: item, ...where } = place;
  const done = await attempt(async () => {
    if (item) await call("stream::set", { ...where, item_id: item, data: draft.value });
    else await call("stream::send", { ...where, type, data: draft.value });
    return true;
  });
  if (done) toast("Published.");
}
