// A graph in columns: boxes, and arrows between them that move as fast as things happen.

import { h } from "./dom.js";
import { rate, short } from "./format.js";

const BOX = { width: 166, height: 40, gapX: 40, gapY: 14, pad: 8 };

const KIND = {
  trigger: "M3 1 9 6 3 11z",
  function: "M2 2h8v8H2z",
  queue: "M1.5 3h9M1.5 6h9M1.5 9h6",
  state:
    "M6 1.5c2.8 0 4.5.8 4.5 1.7v5.6c0 1-1.7 1.7-4.5 1.7s-4.5-.8-4.5-1.7V3.2c0-1 1.7-1.7 4.5-1.7z",
  stream: "M1 4c2-2 3 2 5 0s3 2 5 0M1 8c2-2 3 2 5 0s3 2 5 0",
};

/**
 * Columns from arrows: a node stands right of everything that leads to it, cycles apart, and not
 * left of the column that it has.
 */
export function layered(nodes, edges) {
  const column = new Map(nodes.map((node) => [node.id, node.column || 0]));
  for (let round = 0; round < Math.min(8, nodes.length); round++) {
    let moved = false;
    for (const { from, to } of edges) {
      if (!column.has(from) || !column.has(to)) continue;
      const least = Math.min(column.get(from) + 1, 7);
      if (column.get(to) < least && !reaches(edges, to, from)) {
        column.set(to, least);
        moved = true;
      }
    }
    if (!moved) break;
  }
  for (const node of nodes) node.column = column.get(node.id);
}

function reaches(edges, from, to) {
  const seen = new Set([from]);
  const waiting = [from];
  while (waiting.length) {
    const at = waiting.pop();
    if (at === to) return true;
    for (const edge of edges) {
      if (edge.from === at && !seen.has(edge.to)) {
        seen.add(edge.to);
        waiting.push(edge.to);
      }
    }
  }
  return false;
}

function place(nodes, edges) {
  const columns = [];
  for (const node of nodes) (columns[node.column] ||= []).push(node);
  const filled = columns.filter(Boolean);
  const rank = new Map();
  filled.forEach((list, x) => {
    if (x > 0) {
      const weight = new Map(list.map((node) => {
        const from = edges.filter((edge) => edge.to === node.id && rank.has(edge.from));
        const sum = from.reduce((total, edge) => total + rank.get(edge.from), 0);
        return [node, from.length ? sum / from.length : Infinity];
      }));
      list.sort((a, b) => weight.get(a) - weight.get(b) || (a.id < b.id ? -1 : 1));
    }
    list.forEach((node, y) => {
      rank.set(node.id, y);
      node.x = BOX.pad + x * (BOX.width + BOX.gapX);
      node.y = BOX.pad + y * (BOX.height + BOX.gapY);
    });
  });
  return {
    width: BOX.pad * 2 + filled.length * (BOX.width + BOX.gapX) - BOX.gapX,
    height: BOX.pad * 2 - BOX.gapY +
      Math.max(1, ...filled.map((list) => list.length)) * (BOX.height + BOX.gapY),
  };
}

function curve(from, to) {
  const y1 = from.y + BOX.height / 2;
  const y2 = to.y + BOX.height / 2;
  if (to.x > from.x) {
    const x1 = from.x + BOX.width;
    const bend = Math.max(30, (to.x - x1) / 2);
    return `M${x1} ${y1}C${x1 + bend} ${y1} ${to.x - bend} ${y2} ${to.x} ${y2}`;
  }
  // Back, or within a column: round the right side, into the right side.
  const x1 = from.x + BOX.width;
  const x2 = to.x + BOX.width;
  const out = Math.max(x1, x2) + 44;
  return `M${x1} ${y1}C${out} ${y1} ${out} ${y2} ${x2} ${y2}`;
}

/**
 * `nodes`: `{id, kind, name, note, tone, column, href, rate}`; `edges`: `{from, to, rate, failed,
 * count}`. What is told by arrows is told as text too, for readers.
 */
export function graph(label, nodes, edges) {
  const byID = new Map(nodes.map((node) => [node.id, node]));
  const arrows = edges.filter((edge) => byID.has(edge.from) && byID.has(edge.to));
  const size = place(nodes, arrows);
  if (arrows.some((edge) => byID.get(edge.to).x <= byID.get(edge.from).x)) size.width += 48;
  return h("div", { class: "map", role: "group", "aria-label": label, tabindex: "0" },
    h("svg", {
      width: size.width, height: size.height, viewBox: `0 0 ${size.width} ${size.height}`,
    },
      h("defs", {}, h("marker", {
        id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7,
        orient: "auto-start-reverse",
      }, h("path", { d: "M0 0 8 4 0 8z", class: "tip" }))),
      arrows.map((edge) => arrow(edge, byID)),
      nodes.map(box)));
}

function arrow(edge, byID) {
  const moving = edge.rate > 0;
  const d = curve(byID.get(edge.from), byID.get(edge.to));
  return h("g", { key: `${edge.from}>${edge.to}`, class: edge.failed ? "edge bad" : "edge" },
    h("path", { d, "marker-end": "url(#tip)" }),
    moving && h("path", {
      d, class: "flow",
      style: { "animation-duration": Math.max(0.25, 2 / Math.log2(2 + edge.rate)) + "s" },
    }),
    h("title", {}, `${byID.get(edge.from).name} to ${byID.get(edge.to).name}` +
      (edge.count ? `, ${edge.count} times` : "")));
}

function box(node) {
  return h("a", {
    key: node.id,
    href: node.href,
    class: `node ${node.kind} ${node.tone || ""}`,
    transform: `translate(${node.x} ${node.y})`,
    "aria-label":
      [node.kind, node.name, node.note, node.rate ? `${rate(node.rate)} per second` : ""]
        .filter(Boolean)
        .join(", "),
  },
    h("title", {}, `${node.kind} ${node.name}`),
    h("rect", { width: BOX.width, height: BOX.height, rx: 6 }),
    h("g", { transform: "translate(10 8)" },
      h("path", { class: "sign", d: KIND[node.kind] || KIND.function })),
    h("text", { x: 28, y: 17, class: "name" }, short(node.name, 17)),
    h("text", { x: 28, y: 32, class: "note" }, short(node.note || "", node.rate > 0 ? 16 : 24)),
    node.rate > 0 && h("text", { x: BOX.width - 8, y: 32, class: "rate" }, rate(node.rate) + "/s"));
}
