// What pages are built of: states, JSON, dialogs, forms of actions, long lists.

import { h, render } from "./dom.js";
import { brief, count, duration, plural } from "./format.js";
import { kept, parse, stringify } from "./json.js";

// MARK: States: a shape, a word and a colour, so that none of them stands alone

const SHAPES = {
  ok: "M2 6.5 5 9.5 10 3",
  running: "M6 1.5a4.5 4.5 0 1 1-4.5 4.5",
  waiting: "M2.5 1.5h7L6 6l3.5 4.5h-7L6 6z",
  failed: "M2.5 2.5l7 7M9.5 2.5l-7 7",
  dead: "M6 1 11 6 6 11 1 6zM4.2 6h3.6",
  warning: "M6 1.5 11 10.5H1zM6 5v2.2M6 8.6v.4",
  idle: "M2 6h8",
};
const SHAPE_OF = {
  ok: "ok",
  connected: "ok",
  available: "ok",
  busy: "ok",
  healthy: "ok",
  active: "running",
  running: "running",
  waiting: "waiting",
  delayed: "waiting",
  paused: "idle",
  failed: "failed",
  error: "failed",
  dead: "dead",
  critical: "failed",
  warning: "warning",
  gone: "failed",
  info: "idle",
  idle: "idle",
};
const TONE = {
  ok: "good", running: "live", waiting: "wait", failed: "bad", dead: "bad", warning: "wait",
  idle: "dim",
};

export function status(name, word = name) {
  const shape = SHAPE_OF[name] || "idle";
  return h("span", { class: `status ${TONE[shape]}` },
    h("svg", { viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true" },
      h("path", { d: SHAPES[shape] })),
    word);
}

// MARK: JSON

const TOKEN =
  /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g;

const indented = kept((value) => stringify(value, 2));

/** A value as indented, coloured text; long ones are cut, and told whole when asked. */
export function json(value, options = {}) {
  if (value === undefined) return h("span", { class: "dim" }, "nothing");
  const text = indented(value);
  const limit = options.limit || 20_000;
  const cut = text.length > limit;
  return h("div", { class: "json" },
    h("pre", { tabindex: "0", "aria-label": options.label || "JSON" },
      tokens(cut ? text.slice(0, limit) : text)),
    cut &&
      h("p", { class: "dim" }, `Cut after ${limit} of ${text.length} characters; copy has all.`),
    copyButton(text, "Copy"));
}

function tokens(text) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > at) parts.push(text.slice(at, match.index));
    const [all, string, colon, word] = match;
    const kind = string ? (colon ? "k" : "s") : word ? "w" : "n";
    parts.push(h("span", { class: kind }, string && colon ? string : all));
    if (string && colon) parts.push(colon);
    at = match.index + all.length;
  }
  parts.push(text.slice(at));
  return parts;
}

export function copyButton(text, label, title) {
  return h("button", {
    class: "small copy", type: "button", title: title || "Copy to the clipboard",
    "aria-label": title || label,
    onclick: async (event) => {
      event.stopPropagation();
      try {
        await navigator.clipboard.writeText(text);
        toast("Copied.");
      } catch {
        toast("The browser does not allow copying here.", "bad");
      }
    },
  }, label);
}

export const command = (text) =>
  h("div", { class: "command" }, h("code", {}, text), copyButton(text, "Copy", `Copy ${text}`));

// MARK: Saying something

export function toast(text, tone = "") {
  const box = document.getElementById("toasts");
  const line = document.createElement("p");
  line.textContent = text;
  line.className = tone;
  box.append(line);
  setTimeout(() => line.remove(), tone === "bad" ? 8000 : 3500);
}

/** Runs an action of the user's; what it throws is shown, not lost. */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    toast(error.code ? `${error.code}: ${error.message}` : error.message, "bad");
    return undefined;
  }
}

export function problem(error) {
  return h("div", { class: "notice bad", role: "alert" },
    h("strong", {}, error.code || "Error"), " ", error.message);
}

export const empty = (what, hint) =>
  h("div", { class: "empty" }, h("p", {}, what), hint && h("p", { class: "dim" }, hint));

// MARK: Dialogs

/** Shows `view(close, update)` in a modal dialog; resolves with what `close` is given. */
export function dialog(title, view) {
  return new Promise((resolve) => {
    const before = document.activeElement;
    const el = document.createElement("dialog");
    el.setAttribute("aria-labelledby", "dialog-title");
    document.body.append(el);
    let result;
    const close = (value) => {
      result = value;
      el.close();
    };
    const update = () =>
      render(el, h("h2", { id: "dialog-title" }, title), view(close, update));
    el.onclose = () => {
      el.remove();
      if (before?.isConnected) before.focus();
      resolve(result);
    };
    update();
    el.showModal();
    el.querySelector("[data-first]")?.focus();
  });
}

/**
 * Asks before something is changed that cannot be taken back. `lines` say what exactly is going to
 * happen; the second, deliberate action is the button, behind the typed word where `typed` is set.
 */
export function ask({ title, lines, action, typed }) {
  let text = "";
  return dialog(title,
    (close, update) => [lines.map((line) => h("p", {}, line)),
      typed &&
        h("label", { class: "field" }, h("span", {}, "Type ", h("strong", {}, typed), " to go on"),
          h("input", {
            autocomplete: "off",
            spellcheck: "false",
            value: text,
            "data-first": true,
            oninput: (event) => {
              text = event.target.value;
              update();
            },
          })),
      h("div", { class: "actions" },
        h("button", { "data-first": !typed, onclick: () => close(false) }, "Cancel"),
        h("button", {
          class: "danger",
          disabled: typed ? text !== typed : false,
          onclick: () => close(true),
        },
          action)),
  ]);
}

// MARK: An editor of JSON

/** State of a text that should be JSON: `text`, and `value` or `error` after each edit. */
export class Draft {
  constructor(value) {
    this.set(value);
  }

  set(value) {
    this.edit(value === undefined ? "" : stringify(value, 2));
  }

  edit(text) {
    this.text = text;
    this.error = null;
    try {
      this.value = text.trim() === "" ? null : parse(text);
    } catch (error) {
      this.error = error.message;
    }
  }

  view(label, update, first = false) {
    const lines = Math.min(24, Math.max(4, this.text.split("\n").length + 1));
    return h("label", { class: "field" },
      h("span", {}, label),
      h("textarea", {
        class: "code", rows: lines, spellcheck: "false", value: this.text, "data-first": first,
        "aria-invalid": this.error ? "true" : null,
        oninput: (event) => { this.edit(event.target.value); update(); },
      }),
      this.error && h("span", { class: "error", role: "alert" }, this.error));
  }
}

// MARK: Long lists

/**
 * Rows of one height of which only those in sight are in the document. `view(rows, cells)`; `link`
 * says where a row leads, and the cell at `at` is the link, which covers the row.
 */
export class LongList {
  constructor(update, options) {
    this.update = update;
    this.height = options.height || 30;
    this.options = options;
    this.top = 0;
    this.room = 600;
    this.el = null;
  }

  view(rows, cells) {
    const { key, link, label, columns } = this.options;
    const first = Math.max(0, Math.floor(this.top / this.height) - 12);
    const last = Math.min(rows.length, Math.ceil((this.top + this.room) / this.height) + 12);
    const shown = rows.slice(first, last);
    return h("div", { class: "longlist", role: "table", "aria-label": label,
      "aria-rowcount": rows.length + 1 },
      columns && h("div", { class: "head cells " + (this.options.class || ""), role: "row" },
        columns.map((name) => h("span", { role: "columnheader" }, name))),
      h("div", {
        class: "viewport", role: "rowgroup", tabindex: rows.length ? null : "0",
        onscroll: (event) => {
          this.top = event.target.scrollTop;
          this.room = event.target.clientHeight;
          this.update();
        },
        ref: (el) => {
          this.el = el;
          requestAnimationFrame(() => {
            if (el.clientHeight !== this.room) {
              this.room = el.clientHeight;
              this.update();
            }
          });
        },
      },
        h("div", { role: "presentation", class: "room",
          style: { height: rows.length * this.height + "px" } },
          shown.map((row, index) => h("div", {
            key: key(row), class: "cells row " + (this.options.class || "") + " " +
              (this.options.tone?.(row) || ""),
            role: "row", "aria-rowindex": first + index + 2,
            style: { transform: `translateY(${(first + index) * this.height}px)` },
          }, cells(row).map((cell, column) => h("span", { role: "cell" },
            column === (this.options.at || 0)
              ? h("a", { class: "cover", href: link(row), "data-row": true,
                "aria-current": this.options.current?.(row) ? "true" : null }, cell)
              : cell)))))));
  }
}

// MARK: Small pieces

export const page = (title, actions, ...content) => [
  h("div", { class: "title" }, h("h1", {}, title), h("span", { class: "grow" }), actions),
  content,
];

export function tabs(names, current, href) {
  return h("nav", { class: "tabs", "aria-label": "Views" }, names.map(([id, name]) =>
    h("a", { href: href(id), "aria-current": id === current ? "page" : null }, name)));
}

/** A list that stands still while somebody reads: `rows()` gives what is held, or what is new. */
export class Hold {
  constructor(fresh, update) {
    this.fresh = fresh;
    this.update = update;
    this.held = null;
  }

  rows() {
    return this.held || this.fresh();
  }

  toggle() {
    this.held = this.held ? null : this.fresh();
    this.update();
  }

  /** Answers the key `p`. */
  onkey(event) {
    if (event.key !== "p") return false;
    this.toggle();
    return true;
  }

  button() {
    return h("button", { "aria-pressed": String(!!this.held), onclick: () => this.toggle() },
      this.held ? "Go on" : "Hold");
  }

  /**
   * How many rows are seen, of how many where some were skipped, and how many records nobody had
   * the time to read for this page.
   */
  told(seen, skipped, noun, passed = 0) {
    return h("p", { class: "dim", role: "status" }, this.held ? "Held. " : "", skipped || passed
      ? [`Showing a sample, ${count(seen)} of ${passed ? "more than " : ""}` +
        `${count(seen + skipped)}: more came than anybody can read. All are in the log.`,
        passed > 0 && ` ${count(passed)} records were passed over.`]
      : `${plural(seen, noun)}.`);
  }
}

/** A line of filters; `search` is one of them. */
export const filters = (...parts) =>
  h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
    parts);

export const search = (label, value, set, placeholder) =>
  h("label", { class: "inline wide" }, h("span", {}, label),
    h("input", {
      type: "search", value, placeholder, oninput: (event) => set(event.target.value),
    }));

/** Where one is, from the page down: pairs of name and address, the last one without. */
export const crumbs = (...places) =>
  h("nav", { "aria-label": "Place", class: "crumbs" }, places.map(([name, href], index) =>
    [index > 0 && " / ", href ? h("a", { href }, name) : name]));

/** What a call came to: `{result, trace_id, took}`, or `{error}`. */
export function outcome(answer) {
  if (!answer) return null;
  const { error, result, trace_id: trace, took } = answer;
  return h("div", { class: "answer", "aria-live": "polite" }, error ? problem(error) : [
    h("p", {}, status("ok", "done"), ` in ${duration(took)} `,
      trace && h("a", { href: link("requests", trace) }, "see the request")),
    json(result),
  ]);
}

/** A table with these columns; `rows` are `tr` nodes. */
export const grid = (columns, rows) =>
  h("div", { class: "scroll" }, h("table", { class: "grid" },
    h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, rows)));

export function facts(rows) {
  return h("dl", { class: "facts" }, rows.filter(Boolean).map(([name, value]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, value ?? "–"))));
}

export const panel = (title, ...content) =>
  h("section", { class: "panel" }, title && h("h2", {}, title), content);

export function select(label, value, options, onchange) {
  return h("label", { class: "inline" }, h("span", {}, label),
    h("select", { value, onchange: (event) => onchange(event.target.value) },
      options.map(([id, name]) =>
        h("option", { value: id, selected: id === value }, name))));
}

export const payload = (value) => h("code", { class: "payload" }, brief(value));

export const link = (page, ...parts) =>
  "#/" + [page, ...parts].map((part) => encodeURIComponent(part)).join("/");

/** Where a function has its page; `namespace` may be left out where it is not known. */
export function functionLink(id, namespace) {
  const place = link("functions", id);
  return isDefault(namespace) ? place : `${place}?namespace=${encodeURIComponent(namespace)}`;
}

/** A function as people tell it from others: with its namespace, where that is not the default. */
export const functionName = (id, namespace) => (isDefault(namespace) ? id : `${id} (${namespace})`);

const isDefault = (namespace) => !namespace || namespace === "default";

/** How much of a list is shown, where that is not all of it. */
export const shownOf = (shown, total, why = "") =>
  shown < total && h("p", { class: "dim", role: "status" },
    `showing ${shown} of ${total}${why && `: ${why}`}`);
