// A worker that speaks the wire as the SDK for Node does: it reattaches, says who it is first of
// all, and then registers; its calls and results leave out what is undefined; what it sends may
// carry members that nobody asked for.
//
//     node node_worker.js ws://127.0.0.1:PORT
"use strict";

const WebSocket = require("ws");
const { randomUUID } = require("crypto");

const url = process.argv[2];
const functions = {
  "node::echo": (data) => data,
  "node::nothing": () => undefined,
  "node::fail": (data) => {
    throw new Error(data.message);
  },
  // Calls what the payload names and tells how it ended.
  "node::ask": async ({ function_id, payload, action }) => {
    try {
      return { value: (await call(function_id, payload, action)) ?? null };
    } catch (error) {
      return { error: error.code };
    }
  },
  // Never answers.
  "node::hang": () => new Promise(() => {}),
  // Leaves its connection open and deaf, as a network that went away does, and comes again.
  "node::abandon": () => {
    connection.pause();
    connect();
    return new Promise(() => {});
  },
};
const trigger = {
  id: randomUUID(),
  type: "registertrigger",
  trigger_type: "http",
  function_id: "node::echo",
  config: { api_path: "node", http_method: "POST" },
};
const triggerType = {
  id: "node::mail",
  description: "Fires per mail",
  trigger_request_format: { type: "object" },
};

let connection;
let identity;
let delay = 1000;
const calls = new Map();

function send(message) {
  connection.send(JSON.stringify(message));
}

function call(function_id, data, action) {
  const invocation_id = action?.type === "void" ? undefined : randomUUID();
  send({ type: "invokefunction", invocation_id, function_id, data, action });
  if (!invocation_id) return Promise.resolve();
  return new Promise((resolve, reject) => calls.set(invocation_id, { resolve, reject }));
}

function register() {
  if (identity) {
    send({
      type: "reattach",
      previous_worker_id: identity.worker_id,
      reattach_token: identity.reattach_token,
    });
  }
  call(
    "engine::workers::register",
    {
      runtime: "node",
      version: "0.23.0",
      name: "node-fixture",
      os: `${process.platform} (${process.arch})`,
      pid: process.pid,
      isolation: null,
      telemetry: { language: "en", framework: "iii-node", amplitude_api_key: null },
    },
    { type: "void" },
  );
  send({ type: "registertriggertype", ...triggerType });
  send({ type: "unregistertriggertype", ...triggerType });
  for (const id of Object.keys(functions)) send({ type: "registerfunction", id, metadata: {} });
  send(trigger);
}

async function serve({ invocation_id, function_id, data, traceparent }) {
  const ending = { type: "invocationresult", invocation_id, function_id, traceparent };
  try {
    if (data && typeof data === "object") delete data._caller_worker_id;
    ending.result = await functions[function_id](data);
  } catch (error) {
    ending.error = {
      code: "invocation_failed",
      message: error.message,
      stacktrace: error.stack,
    };
  }
  send(ending);
}

function receive(message) {
  switch (message.type) {
    case "workerregistered":
      console.log(`${identity ? "again" : "first"} ${message.worker_id}`);
      identity = message;
      delay = 1000;
      break;
    case "invokefunction":
      serve(message);
      break;
    case "invocationresult": {
      const waiting = calls.get(message.invocation_id);
      calls.delete(message.invocation_id);
      if (message.error) waiting?.reject(message.error);
      else waiting?.resolve(message.result);
      break;
    }
    default:
      console.log(`other ${JSON.stringify(message)}`);
  }
}

function connect() {
  const socket = new WebSocket(url);
  connection = socket;
  let pings;
  socket.on("open", () => {
    pings = setInterval(() => socket.ping(), 20000);
    register();
  });
  socket.on("message", (bytes, isBinary) => {
    if (isBinary) throw new Error("the engine sent a binary message");
    receive(JSON.parse(bytes.toString()));
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    clearInterval(pings);
    // One that it has left behind is no reason to connect.
    if (socket !== connection) return;
    setTimeout(connect, delay);
    delay = Math.min(2 * delay, 30000);
  });
}

connect();
