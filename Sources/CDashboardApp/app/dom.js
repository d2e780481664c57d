// A small virtual DOM. Pages are functions from state to nodes; `render` changes only what differs,
// so focus, selection and scroll positions survive live updates. Text is always text: nothing here
// parses HTML, and nothing sets a style attribute (the content-security policy forbids it).

import { stringify } from "./json.js";

const SVG = "http://www.w3.org/2000/svg";

/** What only `h` makes: an object out of a worker's data is none, whatever members it has. */
class Node {
  constructor(tag, props, children) {
    this.tag = tag;
    this.props = props;
    this.key = props.key;
    this.children = children;
    this.el = null;
  }
}

/** A node: `h("a", { href }, "text", child)`. `key` in the properties names it among siblings. */
export const h = (tag, props, ...children) => new Node(tag, props || {}, flat(children, []));

function flat(list, into) {
  for (const child of list) {
    if (child === null || child === undefined || child === false || child === true) continue;
    if (Array.isArray(child)) flat(child, into);
    else if (child instanceof Node) into.push(child);
    // Whatever else is there is data: text, also where it is an object.
    else into.push(typeof child === "object" ? stringify(child) : String(child));
  }
  return into;
}

/** Makes the children of `parent` what `nodes` says. */
export function render(parent, ...nodes) {
  const next = flat(nodes, []);
  patchChildren(parent, parent.nodes || [], next, parent.namespaceURI === SVG);
  parent.nodes = next;
}

function create(node, svg) {
  if (typeof node === "string") return document.createTextNode(node);
  const inSVG = svg || node.tag === "svg";
  const el = inSVG ? document.createElementNS(SVG, node.tag) : document.createElement(node.tag);
  node.el = el;
  patchChildren(el, [], node.children, inSVG && node.tag !== "foreignObject");
  for (const name in node.props) setProperty(el, name, node.props[name], undefined);
  node.props.ref?.(el);
  return el;
}

function setProperty(el, name, value, old) {
  if (name === "key" || name === "ref" || value === old) return;
  if (name.startsWith("on")) {
    el[name] = value || null;
  } else if (name === "value" || name === "checked" || name === "open") {
    if (el[name] !== value) el[name] = value ?? "";
  } else if (name === "style") {
    for (const key in { ...old, ...value }) {
      if (value?.[key] === old?.[key]) continue;
      if (value?.[key] == null) el.style.removeProperty(key);
      else el.style.setProperty(key, value[key]);
    }
  } else if (value === null || value === undefined || value === false) {
    el.removeAttribute(name);
  } else {
    el.setAttribute(name, value === true ? "" : value);
  }
}

function patch(el, old, next, svg) {
  if (typeof next === "string") {
    if (old !== next) el.data = next;
    return;
  }
  next.el = el;
  for (const name in old.props) {
    if (!(name in next.props)) setProperty(el, name, undefined, old.props[name]);
  }
  const inSVG = svg || next.tag === "svg";
  patchChildren(el, old.children, next.children, inSVG && next.tag !== "foreignObject");
  for (const name in next.props) setProperty(el, name, next.props[name], old.props[name]);
}

const same = (a, b) =>
  typeof a === "string" ? typeof b === "string" : a.tag === b.tag && a.key === b.key;

// Forward over both lists. Old nodes that are not wanted any more go first, so that what stays is
// never moved, and so never loses the focus, when rows come in above it and leave below.
function patchChildren(parent, old, next, svg) {
  const wanted = new Set();
  for (const node of next) if (node.key !== undefined) wanted.add(node.tag + "\n" + node.key);
  const keyed = new Map();
  const rest = [];
  let dom = parent.firstChild;
  for (const node of old) {
    const el = dom;
    dom = dom.nextSibling;
    const name = typeof node !== "string" && node.key !== undefined && node.tag + "\n" + node.key;
    if (name && wanted.has(name) && !keyed.has(name)) keyed.set(name, { node, el });
    else if (name) el.remove();
    else rest.push({ node, el });
  }
  let at = 0;
  let cursor = parent.firstChild;
  for (const node of next) {
    let match;
    if (typeof node !== "string" && node.key !== undefined) {
      const name = node.tag + "\n" + node.key;
      match = keyed.get(name);
      keyed.delete(name);
    } else {
      if (at < rest.length && same(rest[at].node, node)) match = rest[at++];
      else {
        const found = rest.findIndex((one, index) => index > at && same(one.node, node));
        if (found > 0) {
          for (; at < found; at++) drop(rest[at]);
          match = rest[at++];
        }
      }
    }
    while (cursor && cursor.dropped) cursor = remove(cursor);
    if (match) {
      if (match.el === cursor) cursor = cursor.nextSibling;
      else parent.insertBefore(match.el, cursor);
      patch(match.el, match.node, node, svg);
    } else {
      parent.insertBefore(create(node, svg), cursor);
    }
  }
  for (; at < rest.length; at++) drop(rest[at]);
  for (const { el } of keyed.values()) el.dropped = true;
  while (cursor) cursor = cursor.dropped ? remove(cursor) : cursor.nextSibling;
}

function drop(one) {
  one.el.dropped = true;
}

function remove(el) {
  const next = el.nextSibling;
  el.remove();
  return next;
}

/** Calls `work` at most every `ms`, and once more after the last call. */
export function throttle(ms, work) {
  let timer = 0;
  let last = 0;
  return () => {
    if (timer) return;
    const wait = Math.max(0, last + ms - performance.now());
    timer = setTimeout(() => {
      timer = 0;
      last = performance.now();
      work();
    }, wait);
  };
}
