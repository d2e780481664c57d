// JSON whose numbers stay as they were written: those of JavaScript are doubles without a spelling,
// and would make 9007199254740992 of 9007199254740993, and 1 of 1.0.

/** Begins the string that stands for such a number on its way through `JSON`; no text has it. */
const MARK = `number ${crypto.getRandomValues(new Uint32Array(4)).join("-")} `;
const MARKED = new RegExp(`"${MARK}([^"]*)"`, "g");
/**
 * An escape, an end of a string, or what may be a number. Never a whole string: one of millions of
 * escapes is more than an expression has room for.
 */
const TOKEN = /\\.|"|-?\d[-+.\deE]*/g;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/;

/** A number that JavaScript would write in another way: it counts as one, and reads as its text. */
export class Exact extends Number {
  #text;

  constructor(text) {
    super(text);
    this.#text = text;
  }

  toString() {
    return this.#text;
  }

  toJSON() {
    return MARK + this.#text;
  }
}

const isPlain = (text) => String(Number(text)) === text;

/** A number as it was typed; it need not be one of JSON. */
export const number = (text) =>
  (isPlain(text) || !NUMBER.test(text) ? Number(text) : new Exact(text));

/** As `JSON.parse`, but for numbers that are `Exact` where they have to be. */
export function parse(text) {
  // What is wrong with a text is told of that one, not of the one with marks.
  const value = JSON.parse(text);
  let inside = false;
  const marked = text.replace(TOKEN, (token) => {
    if (token === '"') inside = !inside;
    return inside || token === '"' || isPlain(token) ? token : `"${MARK}${token}"`;
  });
  if (marked.length === text.length) return value;
  return JSON.parse(marked, (_, one) =>
    (typeof one === "string" && one.startsWith(MARK) ? new Exact(one.slice(MARK.length)) : one));
}

/** As `JSON.stringify`, with every number as it was read. */
export const stringify = (value, indent) =>
  JSON.stringify(value, null, indent)?.replace(MARKED, "$1");

/**
 * `work` for values that are not changed: what it makes of one is kept for as long as the value is,
 * since pages are drawn anew several times a second.
 */
export function kept(work) {
  const made = new WeakMap();
  return (value) => {
    if (value === null || typeof value !== "object") return work(value);
    if (!made.has(value)) made.set(value, work(value));
    return made.get(value);
  };
}

/** Members that hold what users have written. */
const OWN = new Set([
  "attributes", "config", "data", "event", "input", "metadata", "payload", "request_schema",
  "response_schema", "value",
]);

/** Of an answer of the engine: numbers of users are as they wrote them, its own are plain. */
export const parseAnswer = (text) => plain(parse(text));

function plain(value) {
  if (value instanceof Exact) return Number(value);
  if (value && typeof value === "object") {
    for (const [name, one] of Object.entries(value)) if (!OWN.has(name)) value[name] = plain(one);
  }
  return value;
}
