// A search in a list of named things, which may be longer than anybody is told of.

import { h, throttle } from "./dom.js";
import { live } from "./live.js";
import { attempt, filters, search, shownOf } from "./ui.js";

export const reading = () => h("p", { class: "dim", role: "status" }, "Reading …");

/** How often a list is read again, at the most. */
const PERIOD = 2000;

/**
 * A list that messages tell only a part of. `read()` gives all of it: once somebody wants it, and
 * again after a reconnect, or when `total()` is not what it was.
 */
export class Whole {
  constructor(update, read, total) {
    this.update = update;
    this.source = read;
    this.total = total;
    this.list = null;
    this.isReading = false;
    this.again = throttle(PERIOD, () => this.read());
  }

  want() {
    if (!this.list) this.read();
  }

  live(type) {
    if (!this.list || !live.connected) return;
    if (type === "connection" || this.total() !== this.before) this.again();
  }

  async read() {
    if (this.isReading) return;
    this.isReading = true;
    this.before = this.total();
    this.list = await attempt(this.source) ?? this.list;
    this.isReading = false;
    this.update();
  }
}

/**
 * A list with a search for names. `told()` are the things that are known, of `total()`, in the
 * order in which they are shown, which `first` says in words; where they are not all, `names()`
 * reads the names of all, once somebody looks for one. `covers(name)` are names that need no row
 * where there is one for `name`. At most `rows` are shown: whoever wants another one has the
 * search.
 */
export class Finder {
  constructor(update, options) {
    this.update = update;
    this.options = { rows: 1000, covers: () => [], ...options };
    this.wanted = "";
    this.names = new Whole(update, this.options.names, this.options.total);
  }

  bar() {
    return filters(search(this.options.label, this.wanted, (text) => this.look(text)));
  }

  look(text) {
    this.wanted = text;
    if (text && this.options.told().length < this.options.total()) this.names.want();
    this.update();
  }

  live(type) {
    this.names.live(type);
  }

  /** Of things that only their name is known of, there is only the name. */
  found() {
    const known = this.options.told();
    const wanted = this.wanted.toLowerCase();
    return [...known, ...this.others(known)]
      .filter((one) => one.name.toLowerCase().includes(wanted));
  }

  others(known) {
    if (!this.wanted || !this.names.list) return [];
    const there = new Set(known.flatMap(({ name }) => [name, ...this.options.covers(name)]));
    return this.names.list.filter((name) => !there.has(name)).map((name) => ({ name }));
  }

  shown(found) {
    return found.slice(0, this.options.rows);
  }

  /** How many are shown, of how many that fit. */
  told(found) {
    if (this.wanted && this.names.isReading) return reading();
    const total = this.wanted ? found.length : this.options.total();
    return shownOf(this.shown(found).length, total, this.options.first);
  }
}
