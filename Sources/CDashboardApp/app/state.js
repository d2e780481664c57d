// State: scopes, keys, one value with its history, and what it was at any time.

import { h } from "./dom.js";
import { call } from "./live.js";
import { Finder } from "./finder.js";
import { brief, clock } from "./format.js";
import {
  ask, attempt, crumbs, dialog, Draft, empty, facts, filters, grid, json, link, page, panel,
  payload, problem, search, status, toast,
} from "./ui.js";

const PAGE = 100;

export default function state(context) {
  const [scope, key] = context.parts;
  if (key !== undefined) return value(context, scope, key);
  return scope === undefined ? scopes(context) : keys(context, scope);
}

function scopes(context) {
  let groups = null;
  let failure = null;
  const finder = new Finder(context.update, {
    label: "Scope",
    told: () => (groups || []).map((name) => ({ name })),
    total: () => groups?.length ?? 0,
  });

  async function load() {
    try {
      groups = (await call("state::list_groups", {})).groups;
      failure = null;
    } catch (error) {
      failure = error;
    }
    context.update();
  }

  const row = ({ name }) => h("a", {
    key: name, class: "row simple", "data-row": true, href: link("state", name),
  }, h("b", {}, name));

  load();
  const refresh = timer(load, 2000);
  return {
    dispose: refresh.stop,
    view() {
      const all = finder.found();
      return page("State", newValue(context, ""),
        failure && problem(failure),
        finder.bar(),
        all.length > 0 && h("div", { class: "rows" }, finder.shown(all).map(row)),
        finder.told(all),
        groups && !all.length && empty("No scope.", "state::set makes one with its first key."));
    },
  };
}

function keys(context, scope) {
  let rows = [];
  let cursor = null;
  let failure = null;
  let prefix = context.query.get("prefix") || "";
  let busy = false;

  async function load(more = false) {
    if (busy) return;
    busy = true;
    try {
      const input = { scope, limit: more ? PAGE : Math.max(PAGE, Math.min(1000, rows.length)) };
      if (prefix) input.prefix = prefix;
      if (more && cursor) input.cursor = cursor;
      const answer = await call("state::entries", input);
      rows = more ? rows.concat(answer.entries) : answer.entries;
      cursor = answer.cursor;
      failure = null;
    } catch (error) {
      failure = error;
    }
    busy = false;
    context.update();
  }

  const row = (one) => h("tr", { key: one.key },
    h("th", { scope: "row" },
      h("a", { href: link("state", scope, one.key), "data-row": true }, one.key)),
    h("td", {}, payload(one.value),
      one.expires_at && h("span", { class: "dim" }, ` until ${clock(one.expires_at)}`)),
    h("td", { class: "num" }, one.revision));

  load();
  // Whoever went further than a thousand keys is reading: the list does not change under them.
  const refresh = timer(() => rows.length <= 1000 && load(), 1500);
  return {
    dispose: refresh.stop,
    move(parts, query) {
      if (parts[0] !== scope || parts.length > 1) return false;
      prefix = query.get("prefix") || "";
      rows = [];
      load();
      return true;
    },
    view: () => page(`State ${scope}`, newValue(context, scope),
      crumbs(["State", "#/state"], [scope]),
      failure && problem(failure),
      filters(search("Keys that begin with", prefix, (text) => context.setQuery({ prefix: text }))),
      rows.length ? grid(["Key", "Value", "Revision"], rows.map(row))
        : !busy && empty("No key fits."),
      cursor && h("button", { class: "more", onclick: () => load(true) }, "More")),
  };
}

const newValue = (context, scope) => h("button", {
  disabled: context.app.readOnly, onclick: () => write(context, scope, "", undefined),
}, "New value");

// MARK: One value

function value(context, scope, key) {
  let now = null;
  let history = [];
  let before = null;
  let at = 0;
  let failure = null;

  async function load() {
    try {
      const [current, past] = await Promise.all([
        call("state::get", { scope, key, with_revision: true }),
        call("state::history", { scope, key, limit: 100 }),
      ]);
      now = current;
      // The version that is looked at stays, however many come after it.
      if (at > 0 && history[at]) {
        const same = past.entries.findIndex((one) => one.revision === history[at].revision);
        at = Math.max(0, same);
      }
      history = past.entries;
      before = past.before;
      failure = null;
    } catch (error) {
      failure = error;
    }
    context.update();
  }

  async function older() {
    const past = await attempt(() => call("state::history", { scope, key, limit: 100, before }));
    if (!past) return;
    history = history.concat(past.entries);
    before = past.before;
    context.update();
  }

  function look(index) {
    at = index;
    context.update();
  }

  /** What is edited is what there is when the editor opens. */
  async function edit() {
    await load();
    await write(context, scope, key, now);
    load();
  }

  async function remove() {
    const revision = now.revision;
    const sure = await ask({
      title: "Delete this value?",
      action: "Delete",
      typed: key.length <= 40 ? key : undefined,
      lines: [
        `Deletes ${scope}/${key} if it still has revision ${revision}.`,
        `Its value now: ${brief(now.value, 300)}`,
        "Triggers of this state run. Its history stays in the log until retention removes it.",
      ],
    });
    if (!sure) return;
    await attempt(async () => {
      const answer = await call("state::delete", { scope, key, if_revision: revision });
      if (answer?.outcome !== "conflict") return toast("Deleted.");
      toast(`It has revision ${answer.revision} meanwhile: nothing was deleted.`, "bad");
    });
    load();
  }

  const buttons = () => {
    const off = context.app.readOnly;
    return [
      h("button", { class: "primary", disabled: !now || off, onclick: edit }, "Edit"),
      h("button", { class: "danger-text", disabled: !now?.revision || off, onclick: remove },
        "Delete"),
    ];
  };

  const summary = () => h("div", { class: "summary" },
    now.revision ? status("ok", "set") : status("idle", "not there"),
    facts([
      ["Revision", now.revision],
      ["Expires", now.expires_at && clock(now.expires_at)],
      ["Versions", `${history.length}${before ? " and more" : ""}`],
    ]));

  function throughTime() {
    const oldest = history.length - 1;
    const entry = history[at];
    const time = clock(Date.parse(entry.time));
    const earlier = history[at + 1];
    return panel("Through time",
      h("div", { class: "slider" },
        h("input", {
          type: "range", id: "time", min: 0, max: oldest, value: String(oldest - at),
          "aria-label": "Version, from the oldest to now",
          "aria-valuetext": `revision ${entry.revision}, ${time}`,
          oninput: (event) => look(oldest - Number(event.target.value)),
        }),
        h("output", { for: "time" },
          at === 0 ? status("ok", "as it is now") : status("idle", `as it was from ${time}`),
          ` revision ${entry.revision}`)),
      h("div", { class: "beside" },
        h("div", { "data-shown": true }, h("h3", {}, at === 0 ? "Now" : "Then"), version(entry)),
        h("div", {}, h("h3", {}, "Before that"),
          earlier || !before ? version(earlier) : "older than what is shown")));
  }

  const row = (one, index) => h("tr", { key: one.revision, class: index === at ? "changed" : "" },
    h("td", {}, h("button", { class: "link", "data-row": true, onclick: () => look(index) },
      clock(Date.parse(one.time)))),
    h("td", {}, one.kind),
    h("td", {}, payload(one.value)),
    h("td", {}, one.function || ""),
    h("td", { class: "num" },
      h("a", { href: link("requests", one.revision) }, one.revision)));

  load();
  const refresh = timer(() => history.length <= 100 && load(), 1500);
  return {
    dispose: refresh.stop,
    view: () => page(`${scope}/${key}`, buttons(),
      crumbs(["State", "#/state"], [scope, link("state", scope)], [key]),
      failure && problem(failure),
      now && summary(),
      history.length > 0 && throughTime(),
      panel("History",
        history.length ? grid(["Time", "What", "Value", "By", "Revision"], history.map(row))
          : empty("No history in the log."),
        before && h("button", { class: "more", onclick: older }, "Older"))),
  };
}

const version = (entry) =>
  (entry?.kind === "set" ? json(entry.value) : h("p", { class: "dim" }, "not there"));

/** Writes a value, new or edited; an edit is refused where somebody else was faster. */
async function write(context, scope, key, now) {
  const draft = new Draft(now ? now.value : {});
  const place = { scope, key };
  const result = await dialog(now ? `Edit ${scope}/${key}` : "New value", (close, update) => {
    const field = (name) => h("label", { class: "field" }, h("span", {}, name),
      h("input", {
        value: place[name], "data-first": name === (scope ? "key" : "scope"),
        oninput: (event) => {
          place[name] = event.target.value;
          update();
        },
      }));
    const condition = now ? `if the value still has revision ${now.revision}`
      : "if the key is not there yet";
    const ready = !draft.error && place.scope && place.key;
    return [
      !now && ["scope", "key"].map(field),
      draft.view("Value (JSON)", update, !!now),
      h("p", { class: "dim" }, `Written only ${condition}. Triggers of this state run.`),
      h("div", { class: "actions" },
        h("button", { onclick: () => close(null) }, "Cancel"),
        h("button", { class: "primary", disabled: !ready, onclick: () => close(place) }, "Write")),
    ];
  });
  if (!result) return;
  await attempt(async () => {
    const input = { ...result, value: draft.value, if_revision: now ? now.revision : 0 };
    const answer = await call("state::set", input);
    if (answer.outcome !== "applied") {
      return toast(`Not written: it has revision ${answer.revision} by now.`, "bad");
    }
    toast(`Written: revision ${answer.revision}.`);
    if (!now) context.go(link("state", result.scope, result.key));
  });
}

/** Calls `work` again and again while the page is looked at. */
export function timer(work, ms) {
  const id = setInterval(() => {
    if (!document.hidden && !document.querySelector("dialog[open]")) work();
  }, ms);
  return { stop: () => clearInterval(id) };
}
