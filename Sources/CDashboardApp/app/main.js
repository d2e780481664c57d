// The frame around the pages: routes, navigation, keyboard, palette, colours.

import { h, render, throttle } from "./dom.js";
import { connect, get, live, onLive, problems } from "./live.js";
import { dialog, functionLink, functionName } from "./ui.js";
import now from "./now.js";
import requests from "./requests.js";
import functions from "./functions.js";
import triggers, { says } from "./triggers.js";
import queues from "./queues.js";
import state from "./state.js";
import streams from "./streams.js";
import cron from "./cron.js";
import logs from "./logs.js";
import metrics from "./metrics.js";
import log from "./log.js";
import settings from "./settings.js";

const PAGES = [
  ["now", "Now", "n", now],
  ["requests", "Requests", "r", requests],
  ["functions", "Functions", "f", functions],
  ["triggers", "Triggers", "t", triggers],
  ["queues", "Queues", "q", queues],
  ["state", "State", "s", state],
  ["streams", "Streams", "e", streams],
  ["cron", "Cron", "c", cron],
  ["logs", "Logs", "l", logs],
  ["metrics", "Metrics", "m", metrics],
  ["log", "Log", "o", log],
  ["settings", "Settings", "x", settings],
];

const main = document.getElementById("main");
const nav = document.getElementById("nav");
const menu = document.getElementById("menu");

/** What pages see of the frame. */
export const app = { status: null, readOnly: false };

// MARK: Routes: #/page/part/part?filter=value

let current = null;

function route() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [id, ...parts] = path.split("/").map(decoded);
  return { id: id || "now", parts, query: new URLSearchParams(query || "") };
}

/** A part of the address; one that was not made here may have a `%` that stands for itself. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function follow() {
  const { id, parts, query } = route();
  const entry = PAGES.find((one) => one[0] === id) || PAGES[0];
  const same = current?.id === entry[0] && current.page.move?.(parts, query);
  if (!same) {
    current?.page.dispose?.();
    const context = { parts, query, update, app, go, setQuery };
    current = { id: entry[0], page: entry[3](context) };
    render(main);
    main.scrollTop = 0;
    scrollTo(0, 0);
  }
  closeMenu();
  draw();
  drawNav();
}

/** Goes to a page without a step for `back` where `quietly`. */
function go(hash, quietly = false) {
  if (quietly) history.replaceState(null, "", hash);
  else history.pushState(null, "", hash);
  follow();
}

/** Changes filters in the address; empty ones go. */
function setQuery(changes) {
  const [path, text] = location.hash.split("?");
  const query = new URLSearchParams(text || "");
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  go(query.size ? `${path}?${query}` : path, true);
}

let asked = false;
function update() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(draw);
}

function draw() {
  asked = false;
  if (!current) return;
  render(main, current.page.view());
  const title = main.querySelector("h1")?.textContent;
  const name = title ? `${title} · iii` : "iii";
  if (document.title !== name) document.title = name;
}

function drawNav() {
  const badge = {
    now: problems().filter((one) => one.severity !== "info").length,
    queues: live.deadLetters,
  };
  render(nav,
    PAGES.map(([id, name, key]) => h("a", {
      key: id,
      href: `#/${id}`,
      "aria-current": current?.id === id ? "page" : null,
      "aria-keyshortcuts": `g ${key}`,
    },
                h("span", {}, name), h("kbd", { "aria-hidden": "true" }, key),
                badge[id] ? h("b", { class: "badge" }, String(badge[id]),
                              h("span", { class: "sr" }, " need attention")) :
                            null)),
    app.readOnly && h("p", { class: "notice small" }, "Read only: changes are refused."));
}

// MARK: Live

const connection = document.getElementById("connection");
const drawSoon = throttle(220, () => {
  if (document.hidden) return;
  update();
  drawNav();
});

onLive((type) => {
  if (type === "connection") {
    connection.textContent = live.connected ? "live" : "not connected, trying again";
    connection.className = "connection " + (live.connected ? "good" : "bad");
    if (live.connected) readStatus();
  }
  current?.page.live?.(type);
  drawSoon();
});

async function readStatus() {
  try {
    app.status = await get("/api/status");
    app.readOnly = app.status.read_only === true;
  } catch {
    app.status = null;
  }
  drawSoon();
}

// MARK: Keyboard

let leader = 0;

const typing = (el) => el.closest?.("input, textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) {
    if (event.key.toLowerCase() === "k" && !event.altKey) {
      event.preventDefault();
      palette();
    }
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (leader && performance.now() - leader < 1500) {
    leader = 0;
    const page = PAGES.find((one) => one[2] === event.key);
    if (page) {
      event.preventDefault();
      location.hash = `#/${page[0]}`;
      main.focus({ preventScroll: true });
    }
    return;
  }
  if (current?.page.onkey?.(event)) return event.preventDefault();
  const act = {
    g: () => (leader = performance.now()),
    "/": palette,
    "?": shortcuts,
    j: () => step(1),
    k: () => step(-1),
    Escape: () => closeMenu(),
  }[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});

/** The next or previous row of the page gets the focus. */
function step(by) {
  const rows = [...main.querySelectorAll("[data-row]")];
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement);
  const next =
    rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))];
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function shortcuts() {
  const rows = [
    ["/ or Ctrl K", "search, jump, act"],
    ["j  k", "next, previous row"],
    ["Enter", "open the row"],
    ["← →", "step through a request"],
    ["Home End", "first, last step"],
    ["p", "hold a live list"],
    ["?", "this help"],
    ...PAGES.map(([, name, key]) => [`g ${key}`, name]),
  ];
  dialog("Keyboard",
    (close) => [h("dl", { class: "keys" }, rows.map(([key,
      what]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)))),
      h("div", { class: "actions" },
        h("button", { "data-first": true, onclick: () => close() }, "Close")),
  ]);
}

// MARK: The palette: pages, functions, queues, workers, streams, traces

function* places() {
  for (const [id, name] of PAGES) yield ["page", name, `#/${id}`];
  for (const one of live.functions) {
    const { function_id: id, namespace } = one;
    yield ["function", functionName(id, namespace), functionLink(id, namespace)];
  }
  for (const one of live.queues) {
    yield ["queue", one.name, `#/queues/${encodeURIComponent(one.name)}`];
  }
  for (const one of live.streams) {
    yield ["stream", one.name, `#/streams/${encodeURIComponent(one.name)}`];
  }
  for (const one of live.workers) yield ["worker", one.name, `#/now/${encodeURIComponent(one.id)}`];
  for (const one of live.triggers) {
    yield ["trigger", `${one.trigger_type} ${says(one)} → ${one.function_id}`,
      `#/triggers/${encodeURIComponent(one.id)}`];
  }
  let left = 200;
  for (const one of [...live.requests.values()].reverse()) {
    if (left-- === 0) return;
    yield ["request", `${one.name} ${one.trace_id}`, `#/requests/${one.trace_id}`];
  }
}

function matches(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [];
  if (/^[0-9a-f]{32}$|^[0-9a-f-]{36}$/.test(text.trim())) {
    found.push(["request", text.trim(), `#/requests/${text.trim()}`]);
  }
  for (const place of places()) {
    const all = `${place[0]} ${place[1]}`.toLowerCase();
    if (words.every((word) => all.includes(word))) found.push(place);
    if (found.length >= 40) break;
  }
  const phrase = text.trim();
  if (phrase) {
    const query = encodeURIComponent(phrase);
    found.push(["search", `requests with “${phrase}”`, `#/requests?search=${query}`]);
    found.push(["search", `logs with “${phrase}”`, `#/logs?search=${query}`]);
  }
  return found;
}

async function palette() {
  if (document.querySelector("dialog[open]")) return;
  let text = "";
  let at = 0;
  const target = await dialog("Search or jump", (close, update) => {
    const found = matches(text);
    at = Math.max(0, Math.min(at, found.length - 1));
    const keys = (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (by) at = Math.max(0, Math.min(found.length - 1, at + by));
      else if (event.key === "Enter" && found[at]) close(found[at][2]);
      else return;
      event.preventDefault();
      update();
    };
    return [
      h("input", {
        type: "search",
        "data-first": true,
        "aria-label": "Page, function, queue, worker or trace",
        role: "combobox",
        "aria-expanded": "true",
        "aria-controls": "found",
        "aria-activedescendant": found.length ? `found-${at}` : null,
        placeholder: "Page, function, queue, worker or trace",
        value: text,
        onkeydown: keys,
        oninput: (event) => {
          text = event.target.value;
          at = 0;
          update();
        },
      }),
      h("ul", { id: "found", class: "found", role: "listbox", "aria-label": "Found" },
        found.map(([kind, name, href], index) => h("li", {
          id: `found-${index}`,
          role: "option",
          "aria-selected": index === at ? "true" : "false",
          onclick: () => close(href),
        },
                    h("span", { class: "kind" }, kind), h("span", {}, name)))),
    ];
  });
  if (target) {
    location.hash = target;
    main.focus({ preventScroll: true });
  }
}

// MARK: Menu and colours

function closeMenu() {
  nav.classList.remove("open");
  menu.setAttribute("aria-expanded", "false");
}

menu.onclick = () => {
  const open = nav.classList.toggle("open");
  menu.setAttribute("aria-expanded", String(open));
  if (open) nav.querySelector("a")?.focus();
};

const THEMES = ["auto", "light", "dark"];

export function setTheme(name) {
  localStorage.setItem("iii.theme", name);
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  const button = document.getElementById("theme");
  button.setAttribute("aria-label", `Colours: ${name}. Press to change.`);
  button.title = `Colours: ${name}`;
}

app.theme = () => localStorage.getItem("iii.theme") || "auto";
app.setTheme = setTheme;
document.getElementById("theme").onclick = () => {
  setTheme(THEMES[(THEMES.indexOf(app.theme()) + 1) % THEMES.length]);
  update();
};
document.getElementById("help").onclick = shortcuts;
document.getElementById("find").onclick = palette;
document.getElementById("skip").onclick = (event) => {
  event.preventDefault();
  main.focus();
};

setTheme(app.theme());
addEventListener("hashchange", follow);
addEventListener("popstate", follow);
document.addEventListener("visibilitychange", drawSoon);
// Relative times move on even when nothing else does.
setInterval(drawSoon, 1000);
follow();
connect();
