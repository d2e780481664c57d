// Lines over time, as SVG. Numbers are told as text too; a picture alone tells nothing to a reader.

import { h } from "./dom.js";

function path(values, width, height, max) {
  const step = width / Math.max(1, values.length - 1);
  return values
    .map((value, index) => {
      const y = height - 1 - (Math.min(value, max) / max) * (height - 2);
      return `${index ? "L" : "M"}${(index * step).toFixed(1)} ${y.toFixed(1)}`;
    })
    .join("");
}

/** At most `points` values, each the largest of what it stands for: peaks stay to be seen. */
export function thinned(values, points = 120) {
  if (values.length <= points) return values;
  const result = [];
  for (let at = 0; at < points; at++) {
    const from = Math.floor((at * values.length) / points);
    const to = Math.max(from + 1, Math.floor(((at + 1) * values.length) / points));
    let most = -Infinity;
    for (let index = from; index < to; index++) most = Math.max(most, values[index]);
    result.push(most);
  }
  return result;
}

export function sparkline(values, tone = "") {
  const list = thinned(values, 60);
  const max = Math.max(1e-9, ...list);
  const line = list.length > 1 ? path(list, 120, 28, max) : "";
  return h("svg", {
    class: `spark ${tone}`, viewBox: "0 0 120 28", preserveAspectRatio: "none",
    "aria-hidden": "true",
  },
    line && h("path", { class: "area", d: `${line}L120 28L0 28Z` }),
    line && h("path", { class: "line", d: line }));
}

/** Lines `[{name, values, tone}]` of one unit; `format` says its numbers. */
export function chart(title, lines, format, span) {
  const all = lines.map((line) => thinned(line.values, 200));
  const max = Math.max(1e-9, ...all.flat());
  return h("figure", { class: "chart" },
    h("figcaption", {}, h("span", {}, title),
      h("span", { class: "legend" }, lines.map((line) =>
        h("span", { class: "series " + line.tone },
          h("i", { "aria-hidden": "true" }), line.name, " ",
          h("b", {}, format(line.values.at(-1) ?? 0)))))),
    h("div", { class: "plot" },
      h("span", { class: "max" }, format(max === 1e-9 ? 0 : max)),
      h("svg", {
        viewBox: "0 0 600 120", preserveAspectRatio: "none", role: "img",
        "aria-label": `${title}: ` + lines.map((line) =>
          `${line.name} ${format(line.values.at(-1) ?? 0)}`).join(", "),
      },
        h("path", { class: "grid", d: "M0 30H600M0 60H600M0 90H600M0 119H600" }),
        all.map((values, index) => values.length > 1 && h("path", {
          class: "line " + lines[index].tone, d: path(values, 600, 120, max),
        })))),
    h("div", { class: "axis" }, h("span", {}, span || ""), h("span", {}, "now")));
}
