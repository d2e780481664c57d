// State: scopes, keys, one value with its history, and what it was at any time.

import { h } from "./dom.js";
import { call } from "./live.js";
import { brief, clock } from "./format.js";
import { ask, attempt, dialog, Draft, empty, facts, json, link, page, panel, payload, problem, status, toast } from "./ui.js";

const PAGE = 100;

export default function state(context) {
  const [scope, key] = context.parts;
  if (key !== undefined) return value(context, scope, key);
  if (scope !== undefined) return keys(context, scope);
  return scopes(context);
}

function scopes(context) {
  let groups = null;
  let failure = null;
  let search = "";
  async function load() {
    try {
      groups = (await call("state::list_groups", {})).groups;
    } catch (error) {
      failure = error;
    }
    context.update();
  }
  load();
  const refresh = timer(load, 2000);
  return {
    dispose: refresh.stop,
    view() {
      const shown = (groups || []).filter((one) => one.toLowerCase().includes(search.toLowerCase()));
      return page("State", h("button", { disabled: context.app.readOnly, onclick: () => write(context, "", "", undefined) }, "New value"),
        failure && problem(failure),
        h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
          h("label", { class: "inline wide" }, h("span", {}, "Scope"),
            h("input", { type: "search", value: search, oninput: (event) => { search = event.target.value; context.update(); } }))),
        shown.length ? h("div", { class: "rows" }, shown.slice(0, 1000).map((one) =>
          h("a", { key: one, class: "row simple", "data-row": true, href: link("state", one) }, h("b", {}, one))),
          shown.length > 1000 && h("p", { class: "dim" }, `showing 1000 of ${shown.length}; search narrows`))
          : groups && empty("No scope.", "state::set makes one with its first key."));
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
  load();
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
    view: () => page(`State ${scope}`, h("button", { disabled: context.app.readOnly, onclick: () => write(context, scope, "", undefined) }, "New value"),
      h("nav", { "aria-label": "Place", class: "crumbs" }, h("a", { href: "#/state" }, "State"), " / ", scope),
      failure && problem(failure),
      h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
        h("label", { class: "inline wide" }, h("span", {}, "Keys that begin with"),
          h("input", { type: "search", value: prefix, oninput: (event) => context.setQuery({ prefix: event.target.value }) }))),
      rows.length ? h("div", { class: "scroll" }, h("table", { class: "grid" },
        h("thead", {}, h("tr", {}, ["Key", "Value", "Revision"].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, rows.map((one) => h("tr", { key: one.key },
          h("th", { scope: "row" }, h("a", { href: link("state", scope, one.key), "data-row": true }, one.key)),
          h("td", {}, payload(one.value), one.expires_at && h("span", { class: "dim" }, ` until ${clock(one.expires_at)}`)),
          h("td", { class: "num" }, one.revision))))))
        : !busy && empty("No key fits."),
      cursor && h("button", { class: "more", onclick: () => load(true) }, "More")),
  };
}

function value(context, scope, key) {
  let now = null;
  let history = [];
  let before = null;
  let at = null;
  let failure = null;

  async function load() {
    try {
      const [current, past] = await Promise.all([
        call("state::get", { scope, key, with_revision: true }),
        call("state::history", { scope, key, limit: 100 }),
      ]);
      now = current;
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

  async function remove() {
    const sure = await ask({ title: "Delete this value?", action: "Delete", typed: key.length <= 40 ? key : undefined,
      lines: [`Deletes ${scope}/${key} if it still has revision ${now.revision}.`, `Its value now: ${brief(now.value, 300)}`, "Triggers of this state run. Its history stays in the log until retention removes it."] });
    if (!sure) return;
    const answer = await attempt(() => call("state::delete", { scope, key, if_revision: now.revision }));
    if (answer?.outcome === "conflict") toast(`Somebody wrote revision ${answer.revision} meanwhile: nothing was deleted.`, "bad");
    else if (answer) toast("Deleted.");
    load();
  }

  load();
  const refresh = timer(load, 1500);
  return {
    dispose: refresh.stop,
    view() {
      const oldest = history.length - 1;
      const shown = at === null ? 0 : Math.min(at, oldest);
      const entry = history[shown];
      return page(`${scope}/${key}`,
        [h("button", { class: "primary", disabled: !now || context.app.readOnly, onclick: async () => { await write(context, scope, key, now); load(); } }, "Edit"),
          h("button", { class: "danger-text", disabled: !now?.revision || context.app.readOnly, onclick: remove }, "Delete")],
        h("nav", { "aria-label": "Place", class: "crumbs" }, h("a", { href: "#/state" }, "State"), " / ", h("a", { href: link("state", scope) }, scope), " / ", key),
        failure && problem(failure),
        now && h("div", { class: "summary" }, now.revision ? status("ok", "set") : status("idle", "not there"),
          facts([["Revision", now.revision], ["Expires", now.expires_at && clock(now.expires_at)], ["Versions", `${history.length}${before ? " and more" : ""}`]])),
        history.length > 0 && panel("Through time",
          h("div", { class: "slider" },
            h("input", { type: "range", min: 0, max: Math.max(0, oldest), value: String(oldest - shown), "aria-label": "Version, from the oldest to now", id: "time",
              "aria-valuetext": `revision ${entry.revision}, ${clock(Date.parse(entry.time))}`,
              oninput: (event) => { at = oldest - Number(event.target.value); if (at === 0) at = null; context.update(); } }),
            h("output", { for: "time" }, shown === 0 ? status("ok", "as it is now") : status("idle", `as it was from ${clock(Date.parse(entry.time))}`), ` revision ${entry.revision}`)),
          h("div", { class: "beside" },
            h("div", { "data-shown": true }, h("h3", {}, shown === 0 ? "Now" : "Then"), entry.kind === "set" ? json(entry.value) : h("p", { class: "dim" }, "not there")),
            h("div", {}, h("h3", {}, "Before that"), history[shown + 1]?.kind === "set" ? json(history[shown + 1].value) : h("p", { class: "dim" }, before && shown === oldest ? "older than what is shown" : "not there")))),
        panel("History", history.length ? h("div", { class: "scroll" }, h("table", { class: "grid" },
          h("thead", {}, h("tr", {}, ["Time", "What", "Value", "By", "Revision"].map((name) => h("th", { scope: "col" }, name)))),
          h("tbody", {}, history.map((one, index) => h("tr", { key: one.revision, class: index === shown ? "changed" : "" },
            h("td", {}, h("button", { class: "link", "data-row": true, onclick: () => { at = index || null; context.update(); } }, clock(Date.parse(one.time)))),
            h("td", {}, one.kind), h("td", {}, payload(one.value)), h("td", {}, one.function || one.by || ""),
            h("td", { class: "num" }, h("a", { href: link("requests", one.trace || one.revision) }, one.revision)))))))
          : empty("No history in the log."),
          before && h("button", { class: "more", onclick: older }, "Older")));
    },
  };
}

/** Writes a value, new or edited; an edit is refused where somebody else was faster. */
async function write(context, scope, key, now) {
  const draft = new Draft(now ? now.value : {});
  const place = { scope, key };
  const result = await dialog(now ? `Edit ${scope}/${key}` : "New value", (close, update) => [
    !now && ["scope", "key"].map((name) => h("label", { class: "field" }, h("span", {}, name),
      h("input", { value: place[name], "data-first": name === (scope ? "key" : "scope"), oninput: (event) => { place[name] = event.target.value; update(); } }))),
    draft.view("Value (JSON)", update, !!now),
    h("p", { class: "dim" }, now ? `Written only if the value still has revision ${now.revision}. Triggers of this state run.` : "Written only if the key is not there yet. Triggers of this state run."),
    h("div", { class: "actions" }, h("button", { onclick: () => close(null) }, "Cancel"),
      h("button", { class: "primary", disabled: !!draft.error || !place.scope || !place.key, onclick: () => close(place) }, "Write")),
  ]);
  if (!result) return;
  const answer = await attempt(() => call("state::set", { ...result, value: draft.value, if_revision: now ? now.revision : null }));
  if (!answer) return;
  if (answer.outcome === "applied") {
    toast(`Written: revision ${answer.revision}.`);
    if (!now) context.go(link("state", result.scope, result.key));
  } else {
    toast(`Not written: it has revision ${answer.revision} by now.`, "bad");
  }
}

/** Calls `work` again and again while the page is looked at. */
export function timer(work, ms) {
  const id = setInterval(() => document.hidden || document.querySelector("dialog[open]") || work(), ms);
  return { stop: () => clearInterval(id) };
}
