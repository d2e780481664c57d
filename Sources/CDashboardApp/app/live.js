// What the engine tells, and how it is asked. One socket brings changes; everything else is a call.

import { parse, parseAnswer, stringify } from "./json.js";

const CAPACITY = { requests: 2000, logs: 2000, ticks: 480 };

export class Refused extends Error {
  constructor(status, error) {
    super(error?.message || `The engine answered ${status}.`);
    this.status = status;
    this.code = error?.code || String(status);
  }
}

async function answer(response, read) {
  let body = null;
  try {
    body = read(await response.text());
  } catch (error) {
    // Of a refusal the status has to do.
    if (response.ok) {
      throw new Refused(response.status, { code: "UNREADABLE", message: error.message });
    }
  }
  if (!response.ok) throw new Refused(response.status, body?.error);
  return body;
}

async function send(method, path, body, read = parseAnswer) {
  const options = { method, credentials: "same-origin", headers: { Accept: "application/json" } };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.headers["X-III-Request"] = "1";
    options.body = stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refused(0, { code: "UNREACHABLE", message: "The engine cannot be reached." });
  }
  return answer(response, read);
}

export const get = (path) => send("GET", path);

/** The result of a function of the engine. Throws `Refused` with the function's own code. */
export async function call(functionID, data = {}) {
  return (await send("POST", "/api/call", { function_id: functionID, data })).result;
}

/**
 * Calls any function: `{result, trace_id}`, the result with all its numbers as they were written.
 * `namespace` undefined: the default one.
 */
export const callTraced = (functionID, data, namespace) =>
  send("POST", "/api/call", { function_id: functionID, namespace, data }, parse);

export const enqueue = (queue, functionID, data, namespace) =>
  send("POST", "/api/enqueue", { queue, function_id: functionID, namespace, data });

/** The youngest of everything; pages read it and are told by `changed`. */
export const live = {
  connected: false,
  version: "",
  skew: 0,
  now: null,
  ticks: [],
  workers: [],
  workerCount: 0,
  gone: new Map(),
  functions: [],
  functionCount: 0,
  goneFunctions: new Map(),
  triggers: [],
  triggerCount: 0,
  queues: [],
  queueCount: 0,
  /** Of all queues, also of those that are not among `queues`. */
  deadLetters: 0,
  queueTicks: new Map(),
  streams: [],
  streamCount: 0,
  processes: [],
  requests: new Map(),
  requestsSeen: 0,
  requestsSkipped: 0,
  passedBefore: 0,
  logs: [],
  logsSkipped: 0,
  problems: [],
  alerts: [],
};

const listeners = new Set();

/** Calls `listener(type)` for every message; returns how to stop. */
export function onLive(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(type) {
  for (const listener of listeners) listener(type);
}

const take = {
  hello(message) {
    live.version = message.version;
    live.skew = message.now_ms - Date.now();
  },
  now(message) {
    // Another life of the engine counts anew.
    const passed = message.passed_over || 0;
    if (!live.now || passed < live.passedBefore) live.passedBefore = passed;
    live.now = message;
    live.ticks.push(message);
    if (live.ticks.length > CAPACITY.ticks) live.ticks.shift();
    for (const queue of live.queues) {
      let list = live.queueTicks.get(queue.name);
      if (!list) live.queueTicks.set(queue.name, (list = []));
      list.push({ at: message.at_ms, depth: queue.depth, dead: queue.dead });
      if (list.length > CAPACITY.ticks) list.shift();
    }
  },
  workers(message) {
    const here = new Set(message.workers.map((worker) => worker.id));
    // One that is missing among the first ones only may be behind them now.
    const isWhole = message.workers.length >= message.total;
    for (const worker of isWhole ? live.workers : []) {
      if (!here.has(worker.id)) live.gone.set(worker.id, { ...worker, left_at_ms: serverNow() });
    }
    for (const id of here) live.gone.delete(id);
    for (const [id, worker] of live.gone) {
      const back = message.workers.some((other) => other.name === worker.name);
      if (back || worker.left_at_ms < serverNow() - 600_000) live.gone.delete(id);
    }
    live.workers = message.workers;
    live.workerCount = message.total;
  },
  functions(message) {
    const here = new Set(message.functions.map((one) => one.function_id));
    // As of workers.
    const isWhole = message.functions.length >= message.total;
    for (const { function_id: id } of isWhole ? live.functions : []) {
      if (!here.has(id)) live.goneFunctions.set(id, serverNow());
    }
    for (const [id, left] of live.goneFunctions) {
      if (here.has(id) || left < serverNow() - 600_000) live.goneFunctions.delete(id);
    }
    live.functions = message.functions;
    live.functionCount = message.total;
  },
  triggers(message) {
    live.triggers = message.triggers;
    live.triggerCount = message.total;
  },
  queues(message) {
    live.queues = message.queues;
    live.queueCount = message.total;
    live.deadLetters = message.dead;
  },
  streams(message) {
    live.streams = message.streams;
    live.streamCount = message.total;
  },
  problems: (message) => (live.problems = message.problems),
  processes: (message) => (live.processes = message.processes),
  requests(message) {
    addRequests(message.requests);
    live.requestsSeen += message.requests.length + (message.skipped || 0);
    live.requestsSkipped += message.skipped || 0;
  },
  logs(message) {
    live.logs.push(...message.logs);
    if (live.logs.length > CAPACITY.logs) {
      live.logs.splice(0, live.logs.length - CAPACITY.logs);
    }
    live.logsSkipped += message.skipped || 0;
  },
  stream(message) {
    const same = watched?.stream === message.stream && watched.group === message.group;
    if (same) watched.take(message.events, message.skipped);
  },
  // This page was too slow for all of it; what it has is asked for anew.
  missed() {},
};

/** Records that came too fast to be read, since this page was opened. */
export const passedOver = () => (live.now?.passed_over || 0) - live.passedBefore;

export function addRequests(list) {
  for (const request of list) live.requests.set(request.trace_id, request);
  if (live.requests.size <= CAPACITY.requests) return;
  const old = [...live.requests.values()].sort((a, b) => a.offset - b.offset);
  for (const request of old.slice(0, old.length - CAPACITY.requests)) {
    live.requests.delete(request.trace_id);
  }
}

// MARK: One stream as it happens

let watched = null;

/**
 * Has `take(events, skipped)` called with what becomes of a stream, or of one group of it, from now
 * on; `group` is null for all of them. Returns how to stop. One is watched at a time.
 */
export function watch(stream, group, take) {
  const mine = { stream, group, take };
  watched = mine;
  wish();
  return () => {
    if (watched !== mine) return;
    watched = null;
    wish();
  };
}

function wish() {
  if (socket?.readyState !== WebSocket.OPEN) return;
  const { stream, group } = watched || {};
  socket.send(JSON.stringify({ watch: watched ? { stream, group } : {} }));
}

// MARK: Alerts: rules over metrics, which the engine evaluates every ten seconds

async function readAlerts() {
  if (!live.connected || document.hidden) return;
  try {
    live.alerts = (await call("engine::alerts::list")).alerts || [];
  } catch {
    live.alerts = [];
  }
  tell("alerts");
}

/** What is wrong, the worst first: what the engine found, and alerts that fire. */
export function problems() {
  const rank = { critical: 0, warning: 1, info: 2 };
  const firing = live.alerts.filter((one) => one.firing).map((one) => ({
    id: `alert:${one.name}`,
    severity: "critical",
    what: `Alert ${one.name} fires`,
    where: `${one.metric ? `${one.metric} is` : "It is"} at ${one.current_value}`,
    way_out: `Its rule: never ${comparison(one.operator)} ${one.threshold}`,
    link: "#/metrics",
  }));
  return [...firing, ...live.problems].sort((a, b) => rank[a.severity] - rank[b.severity]);
}

const COMPARISONS = {
  greaterthan: ">",
  greaterthanorequal: "≥",
  lessthan: "<",
  lessthanorequal: "≤",
  equal: "=",
  notequal: "≠",
};

export const comparison = (operator) =>
  COMPARISONS[String(operator).toLowerCase().replace(/_/g, "")] || String(operator);

/** The engine's clock. */
export const serverNow = () => Date.now() + live.skew;

let socket = null;
let wait = 250;

/** Messages that hold what users have written. The others are read by a faster way. */
const WRITTEN = new Set(["triggers", "stream", "logs"]);

function read(text) {
  const message = JSON.parse(text);
  return WRITTEN.has(message.type) ? parseAnswer(text) : message;
}

export function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(`${scheme}//${location.host}/api/live`);
  socket.onopen = () => {
    wait = 250;
    live.connected = true;
    wish();
    tell("connection");
    readAlerts();
  };
  socket.onmessage = (event) => {
    const message = read(event.data);
    const taker = take[message.type];
    if (!taker) return;
    taker(message);
    tell(message.type);
  };
  socket.onclose = () => {
    live.connected = false;
    tell("connection");
    setTimeout(connect, wait);
    wait = Math.min(wait * 2, 4000);
  };
}

setInterval(readAlerts, 5000);
