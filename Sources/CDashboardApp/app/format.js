// Numbers and times as people read them.

import { kept, stringify } from "./json.js";

export function count(n) {
  if (n == null || Number.isNaN(n)) return "–";
  n = Number(n);
  if (n < 1000) return Number.isInteger(n) ? String(n) : n.toFixed(n < 10 ? 1 : 0);
  if (n < 10_000) return (n / 1000).toFixed(2) + "k";
  if (n < 1_000_000) return (n / 1000).toFixed(n < 100_000 ? 1 : 0) + "k";
  return (n / 1_000_000).toFixed(n < 10_000_000 ? 2 : 1) + "M";
}

/** A rate per second: whole numbers when large, never `0.0`. */
export function rate(n) {
  if (!n) return "0";
  if (n < 0.1) return "<0.1";
  return n < 10 ? n.toFixed(1) : count(Math.round(n));
}

export function bytes(n) {
  if (n == null) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  while (n >= 1024 && at < units.length - 1) {
    n /= 1024;
    at++;
  }
  return (at === 0 || n >= 100 ? n.toFixed(0) : n.toFixed(1)) + " " + units[at];
}

export function duration(ms) {
  if (ms == null) return "–";
  if (ms === 0) return "0 ms";
  if (ms < 1) return Math.round(ms * 1000) + " µs";
  if (ms < 1000) {
    return (ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : ms.toFixed(0)) + " ms";
  }
  const s = ms / 1000;
  if (s < 60) return s.toFixed(s < 10 ? 2 : 1) + " s";
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

const pad = (n, width = 2) => String(n).padStart(width, "0");

/** Local time of day; with the date where it is not today. */
export function clock(ms, precise = true) {
  if (ms == null) return "–";
  const d = new Date(ms);
  const time = `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
  const text = precise ? `${time}.${pad(d.getMilliseconds(), 3)}` : time;
  if (d.toDateString() === new Date().toDateString()) return text;
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${text}`;
}

export function ago(ms, now) {
  const s = Math.max(0, (now - ms) / 1000);
  if (s < 2) return "now";
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86_400)} d ago`;
}

/** What comes: `in 12 s`. */
export function until(ms, now) {
  const s = (ms - now) / 1000;
  return s <= 0 ? "due" : "in " + duration(Math.ceil(s) * 1000);
}

export const short = (id, length = 8) =>
  (id.length > length + 1 ? id.slice(0, length) + "…" : id);

export const plural = (n, one, many = one + "s") => `${n} ${n === 1 ? one : many}`;

const line = kept((value) => stringify(value));

/** One line of a value, for tables. */
export function brief(value, length = 120) {
  const text = value === undefined ? "" : line(value);
  return text.length > length ? text.slice(0, length - 1) + "…" : text;
}

/** What a worker may have written in place of a name, as text. */
export const word = (value) => (typeof value === "string" ? value : brief(value));

/** A word of a shell's line, whatever is in it. */
export const quoted = (text) =>
  (/^[\w:.@\/-]+$/.test(text) ? text : "'" + text.replaceAll("'", "'\\''") + "'");
