// A worker that speaks the wire as the SDK for Node does: it reattaches, says who it is first of
// all, and then registers; its calls and results leave out what is undefined; what it sends may
// carry members that nobody asked for.
//
//     node node_worker.js ws://127.0.0.1:PORT
"use strict";

const WebSocket = require("ws");
const { createHash, randomUUID } = require("crypto");

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
  // Binary parts with a text behind every fourth, and the end.
  "node::write": async ({ writer, parts, bytes }) => {
    const channel = await open(writer);
    const digest = createHash("sha256");
    for (let number = 0; number < parts; number++) {
      const part = Buffer.alloc(bytes, number % 251);
      await write(channel, part);
      digest.update(part);
      if (number % 4 === 3) {
        await sent(channel, `text ${number} äöü`);
        digest.update(`text ${number} äöü`);
      }
    }
    channel.close(1000, "stream_complete");
    return { sha256: digest.digest("hex") };
  },
  // What comes, in the order in which it comes.
  "node::read": async ({ reader }) => {
    const channel = await open(reader);
    const digest = createHash("sha256");
    const seen = { bytes: 0, texts: 0, largest: 0 };
    channel.on("message", (part, isBinary) => {
      digest.update(part);
      if (!isBinary) return (seen.texts += 1);
      seen.bytes += part.length;
      seen.largest = Math.max(seen.largest, part.length);
    });
    await ended(channel);
    return { sha256: digest.digest("hex"), ...seen };
  },
  // Streams what it reads of the request, and returns nothing.
  "node::mirror": async ({ request_body, response }) => {
    const [source, sink] = await Promise.all([open(request_body), open(response)]);
    const type = { "content-type": "application/octet-stream" };
    await sent(sink, JSON.stringify({ type: "set_status", status_code: 202 }));
    await sent(sink, JSON.stringify({ type: "set_headers", headers: type }));
    let written = Promise.resolve();
    source.on("message", (part) => (written = written.then(() => write(sink, part))));
    await ended(source);
    await written;
    sink.close(1000, "stream_complete");
  },
};
const route = (path, function_id) => ({
  id: randomUUID(),
  type: "registertrigger",
  trigger_type: "http",
  function_id,
  config: { api_path: path, http_method: "POST" },
});
const triggers = [route("node", "node::echo"), route("mirror", "node::mirror")];
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
  for (const trigger of triggers) send(trigger);
}

// The socket of one end of a channel, as the SDK opens it.
function open({ channel_id, access_key, direction }) {
  const query = `key=${encodeURIComponent(access_key)}&dir=${direction}`;
  const channel = new WebSocket(`${url}/ws/channels/${channel_id}?${query}`);
  return new Promise((resolve, reject) => {
    channel.once("error", reject);
    channel.once("open", () => {
      // What comes before the reader listens would be lost: it resumes when it does.
      if (direction === "read") channel.pause();
      resolve(channel);
    });
  });
}

// Reads a channel to its end.
function ended(channel) {
  channel.resume();
  return new Promise((resolve) => channel.on("close", resolve));
}

// Returns when the socket took it.
function sent(channel, message) {
  return new Promise((resolve, reject) =>
    channel.send(message, (error) => (error ? reject(error) : resolve())),
  );
}

// In messages of 64 KiB, as the SDK cuts them.
async function write(channel, part) {
  for (let at = 0; at < part.length; at += 65536) {
    await sent(channel, part.subarray(at, at + 65536));
  }
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
