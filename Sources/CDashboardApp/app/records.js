// The records of one request: in words, as spans, and what the world was after each of them.

/** All records of a history, in the order of the log. */
export function inOrder(history) {
  const list = [];
  const waiting = history.roots.map((node) => ({ node, depth: 0, parent: null }));
  while (waiting.length) {
    const { node, depth, parent } = waiting.pop();
    node.depth = depth;
    node.parent = parent;
    list.push(node);
    for (const child of node.children) {
      waiting.push({ node: child, depth: depth + 1, parent: node });
    }
  }
  return list.sort((a, b) => a.offset - b.offset);
}

export const isEnd = (node) =>
  ["completed", "acked", "retried", "dead_lettered", "request_completed"].includes(node.kind);

/** What a record says, in a line. */
export function headline(node, names) {
  const e = node.event || {};
  const failure = e.error_code ? `${e.error_code}: ${e.error_message}` : null;
  switch (node.kind) {
    case "triggered":
      return `${e.summary.startsWith(e.type) ? "" : e.type + " "}${e.summary} → ${e.function}`;
    case "invoked":
      return `${e.function} runs` + (node.worker ? ` on ${node.worker.name}` : "");
    case "completed":
      return failure ? `failed: ${failure}` : "completed" +
        (e.result?.status_code ? ` with ${e.result.status_code}` : "");
    case "responded":
      if (e.form === "engine") return `answered ${e.status}: ${e.reason}`;
      if (e.form === "stream") return `answered ${e.status}, with a stream`;
      return e.form === "awaited" ? "nothing is returned: the client waits for a stream"
        : "the client left, and got no response";
    case "enqueued":
      return e.function ? `enqueue ${e.function} → queue ${e.queue}`
        : `publish to topic ${e.queue}`;
    case "delivered":
      return `delivery, attempt ${e.attempt}` +
        (names?.get(e.message) ? ` → ${names.get(e.message)}` : "") +
        (node.worker ? ` on ${node.worker.name}` : "");
    case "acked":
      return `done, taken from queue ${e.queue}`;
    case "retried":
      return `attempt ${e.failures} failed: ${failure}`;
    case "dead_lettered":
      return `dead letter after ${e.failures} attempts: ${failure}`;
    case "redriven":
      return `redriven into queue ${e.queue}`;
    case "discarded":
      return `dead letter of queue ${e.queue} discarded`;
    case "purged":
      return `queue ${e.queue} purged of what waited: ${e.messages}` + (e.by ? `, by ${e.by}` : "");
    case "state_set":
      return `state ${e.scope}/${e.key} written`;
    case "state_deleted":
      return `state ${e.scope}/${e.key} deleted`;
    case "stream_set":
      return `stream ${e.stream}/${e.group}/${e.item} ${e.new ? "created" : "updated"}`;
    case "stream_deleted":
      return `stream ${e.stream}/${e.group}/${e.item} deleted`;
    case "stream_sent":
      return `stream ${e.stream}/${e.group} message sent`;
    case "cron_fired":
      return `cron slot → ${e.function}`;
    case "span_reported":
      return `span ${e.name} of ${e.service}`;
    case "metric_reported":
      return `metric ${e.name} of ${e.service}`;
    case "logged":
      return `${(e.severity_text || "log").toLowerCase()}: ${e.body}`;
    default:
      return [node.kind.replaceAll("_", " "), e.summary || e.function || e.queue || e.topic || ""]
        .join(" ").trim();
  }
}

/** What else the record carries that a reader wants: input, result, value. */
export function content(node) {
  const e = node.event || {};
  for (const name of ["input", "payload", "value", "data", "result", "attributes"]) {
    if (e[name] !== undefined) return [name, e[name]];
  }
  return null;
}

/** The functions of messages, by the offset of their `enqueued` record. */
export function messageNames(list) {
  const names = new Map();
  for (const node of list) {
    if (node.kind === "enqueued") names.set(node.offset, node.event.function);
  }
  return names;
}

/**
 * Rows of the waterfall, in the order of the tree: `{node, depth, label, start, end, waits, tone,
 * instant}` in milliseconds; `end` null while it goes on.
 */
export function spans(history) {
  const list = inOrder(history);
  const names = messageNames(list);
  const rows = [];
  const walk = history.roots.slice().reverse().map((node) => [node, 0]);
  while (walk.length) {
    const [node, depth] = walk.pop();
    const row = span(node, depth, names);
    if (row) rows.push(row);
    const children = node.children.slice().sort((a, b) => a.offset - b.offset);
    for (const child of children.reverse()) walk.push([child, row ? depth + 1 : depth]);
  }
  return rows;
}

function span(node, depth, names) {
  if (isEnd(node)) return null;
  const row = {
    node, depth, start: node.elapsed_ms, end: node.elapsed_ms, waits: [], tone: "ok",
    instant: true, label: headline(node, names), error: null,
  };
  const ends = node.children.filter(isEnd).sort((a, b) => a.offset - b.offset);
  if (node.kind === "invoked" || node.kind === "delivered") {
    row.instant = false;
    const end = ends[0];
    row.end = end ? end.elapsed_ms : null;
    row.tone = !end ? "running" : end.event.error_code ? "failed" : "ok";
    if (end?.kind === "dead_lettered") row.tone = "dead";
    row.error =
      end?.event.error_code ? `${end.event.error_code}: ${end.event.error_message}` : null;
    row.result = end;
  } else if (node.kind === "enqueued") {
    row.instant = false;
    row.queue = true;
    waitsOf(node, row);
  } else if (node.kind === "triggered") {
    row.instant = false;
    row.end = lastOf(node);
    row.tone = "plain";
  } else if (node.kind === "logged") {
    row.tone = node.event.severity >= 17 ? "failed" : "log";
  } else if (/^(state|stream)_/.test(node.kind)) {
    row.tone = "write";
  }
  return row;
}

/** A message waits until it is delivered, and between its attempts. */
function waitsOf(node, row) {
  let from = node.elapsed_ms;
  row.tone = "waiting";
  row.end = null;
  const parts = [];
  const gather = [...node.children];
  while (gather.length) {
    const child = gather.pop();
    if (/^(delivered|acked|retried|dead_lettered|redriven|discarded|purged)$/.test(child.kind)) {
      parts.push(child);
      gather.push(...child.children);
    }
  }
  for (const part of parts.sort((a, b) => a.offset - b.offset)) {
    if (part.kind === "delivered") {
      row.waits.push([from, part.elapsed_ms]);
      row.tone = "running";
    } else if (part.kind === "retried" || part.kind === "redriven") {
      from = part.elapsed_ms;
      row.tone = "waiting";
    } else {
      row.end = part.elapsed_ms;
      row.tone = part.kind === "acked" ? "ok" : "dead";
    }
  }
  if (row.tone === "waiting") row.waits.push([from, null]);
}

function lastOf(node) {
  let last = node.elapsed_ms;
  const waiting = [...node.children];
  while (waiting.length) {
    const child = waiting.pop();
    last = Math.max(last, child.elapsed_ms);
    waiting.push(...child.children);
  }
  return last;
}

/**
 * What there is after the first `count` records: invocations that run, messages and their states,
 * keys and items with their values. `before` has values from before the request, by place.
 */
export function worldAfter(list, count, before) {
  const world = { running: new Map(), messages: new Map(), values: new Map(), changed: new Set() };
  const names = messageNames(list);
  for (const place of touched(list).keys()) world.values.set(place, before.get(place));
  list.slice(0, count).forEach((node, index) => {
    const e = node.event || {};
    const last = index === count - 1;
    const place = placeOf(node);
    if (place) {
      if (last) world.changed.add(place);
      world.values.set(place, node.kind.endsWith("_deleted") ? undefined : e.value);
    }
    switch (node.kind) {
      case "invoked":
        world.running.set(node.offset, e.function);
        break;
      case "completed":
        world.running.delete(node.cause);
        break;
      case "enqueued":
        world.messages.set(node.offset, { queue: e.queue, function: e.function, state: "waiting" });
        break;
      case "delivered":
        message(world, e, names, "running", `attempt ${e.attempt} runs`);
        break;
      case "retried":
        message(world, e, names, "waiting", `waits for attempt ${e.failures + 1}`);
        break;
      case "redriven":
        message(world, e, names, "waiting", "redriven, waits");
        break;
      case "acked":
        message(world, e, names, "ok", "done");
        break;
      case "dead_lettered":
        message(world, e, names, "dead", "dead letter");
        break;
      case "discarded":
        message(world, e, names, "idle", "discarded");
        break;
      case "purged":
        for (const [offset, one] of world.messages) {
          const isMeant = one.queue === e.queue && offset >= e.first && offset <= e.last;
          if (isMeant && one.state === "waiting") {
            message(world, { queue: e.queue, message: offset }, names, "idle", "dropped");
          }
        }
        break;
    }
  });
  return world;
}

function message(world, e, names, state, word) {
  world.messages.set(e.message, {
    queue: e.queue, function: names.get(e.message) || "", state, word,
  });
}

/** `state scope/key` or `stream s/g/i` of a record that writes one; else null. */
export function placeOf(node) {
  const e = node.event || {};
  if (/^state_(set|deleted)$/.test(node.kind)) return `state ${e.scope}/${e.key}`;
  if (/^stream_(set|deleted)$/.test(node.kind)) return `stream ${e.stream}/${e.group}/${e.item}`;
  return null;
}

/** The places that a request writes, with the first record that does. */
export function touched(list) {
  const places = new Map();
  for (const node of list) {
    const place = placeOf(node);
    if (place && !places.has(place)) places.set(place, node);
  }
  return places;
}

/** Who does what to whom: nodes and arrows of one request, for its map. */
export function relations(list) {
  const byOffset = new Map(list.map((node) => [node.offset, node]));
  const names = messageNames(list);
  const edges = new Map();
  const add = (from, to, failed) => {
    if (!from || !to || from === to) return;
    const key = `${from}\n${to}`;
    const edge = edges.get(key) || { from, to, count: 0, failed: 0 };
    edge.count++;
    if (failed) edge.failed++;
    edges.set(key, edge);
  };
  const owner = (node) => {
    for (let at = byOffset.get(node.cause); at; at = byOffset.get(at.cause)) {
      const name = nodeName(at, names);
      if (name) return name;
    }
    return null;
  };
  for (const node of list) {
    const name = nodeName(node, names);
    if (!name || node.kind === "logged") continue;
    const failed = node.children.some((child) => child.event?.error_code);
    if (node.kind === "delivered") add(`queue ${node.event.queue}`, name, failed);
    else add(owner(node), name, failed);
  }
  return [...edges.values()];
}

function nodeName(node, names) {
  const e = node.event || {};
  switch (node.kind) {
    case "triggered":
      return `trigger ${e.type} ${e.type === "state" ? e.summary.split(" ")[0] : e.summary}`;
    case "invoked": return `function ${e.function}`;
    case "delivered": return names.get(e.message) ? `function ${names.get(e.message)}` : null;
    case "enqueued": return `queue ${e.queue}`;
    case "state_set": case "state_deleted": return `state ${e.scope}`;
    case "stream_set": case "stream_deleted": case "stream_sent": return `stream ${e.stream}`;
    default: return null;
  }
}
