// Cron: jobs, their next slots, what became of past ones; running, pausing.

import { h } from "./dom.js";
import { call, serverNow } from "./live.js";
import { clock, until } from "./format.js";
import {
  ask, attempt, empty, grid, json, link, page, panel, problem, status, toast,
} from "./ui.js";
import { timer } from "./state.js";

const COLUMNS = ["Job", "State", "Schedule", "Zone", "Next", "Missed slots", "Act"];

export default function cron(context) {
  let jobs = null;
  let history = null;
  let failure = null;
  let open = context.parts[0] || null;
  let slots = null;

  async function load() {
    try {
      const [list, past] = await Promise.all([
        call("engine::cron::list", {}), call("engine::cron::history", { count: 100 }),
      ]);
      jobs = list.jobs;
      history = past;
      if (open) slots = (await call("engine::cron::next", { job: open, count: 10 })).next;
      failure = null;
    } catch (error) {
      failure = error;
    }
    context.update();
  }

  async function act(name, job) {
    const id = job.function_id;
    const question = {
      run: ["Run the job now?", `Runs ${id} once, whatever its schedule says.`, "Run now"],
      pause: ["Pause the job?",
        `${id} does not run by its schedule until it is resumed, also after a restart.`, "Pause"],
    }[name];
    if (question) {
      const [title, line, action] = question;
      if (!(await ask({ title, lines: [line], action }))) return;
    }
    await attempt(async () => {
      await call(`engine::cron::${name}`, { job: job.job_id });
      toast({ run: "It runs.", pause: "Paused.", resume: "Resumed." }[name]);
    });
    load();
  }

  function row(job) {
    const isOpen = open === job.job_id;
    const off = context.app.readOnly;
    return [
      h("tr", { key: job.job_id },
        h("th", { scope: "row" }, h("a", {
          href: isOpen ? "#/cron" : link("cron", job.job_id), "data-row": true,
          "aria-expanded": String(isOpen),
        }, job.function_id)),
        h("td", {}, health(job)),
        h("td", {}, h("code", {}, job.expression)),
        h("td", {}, job.timezone),
        h("td", { class: "num", title: job.next }, next(job)),
        h("td", {}, job.catch_up),
        h("td", { class: "buttons" },
          h("button", { disabled: off, onclick: () => act("run", job) }, "Run now"),
          h("button", { disabled: off, onclick: () => act(job.paused ? "resume" : "pause", job) },
            job.paused ? "Resume" : "Pause"))),
      isOpen && h("tr", { key: job.job_id + "+" }, h("td", { colspan: 7 },
        h("h3", {}, "Next slots"),
        slots ? h("ol", { class: "inline-list" }, slots.map((slot) =>
          h("li", {}, h("code", {}, slot)))) : "Reading …",
        h("details", {}, h("summary", {}, "Everything about the job"), json(job)))),
    ];
  }

  load();
  const refresh = timer(load, 1000);
  return {
    dispose: refresh.stop,
    move(parts) {
      open = parts[0] || null;
      slots = null;
      load();
      return true;
    },
    view: () => page("Cron", null,
      failure && problem(failure),
      jobs?.length ? grid(COLUMNS, jobs.map(row))
        : jobs && empty("No job.", "A trigger of type cron makes one."),
      panel("History", history && past(history))),
  };
}

function health(job) {
  if (job.paused) return status("paused");
  return job.running ? status("running") : status("ok", "scheduled");
}

function next(job) {
  if (job.paused) return "–";
  return job.next ? until(Date.parse(job.next), serverNow()) : "never";
}

// MARK: Past slots, with whatever the engine tells of them

function past({ since, history }) {
  const names = columns(history);
  return [
    since && h("p", { class: "dim" },
      `since ${clock(Date.parse(since))}; older slots are in the log`),
    history.length
      ? grid(names.map((name) => name.replaceAll("_", " ")), history.map((one) =>
        h("tr", {}, names.map((name) => h("td", {}, cell(name, one[name]))))))
      : empty("No slot has come yet."),
  ];
}

const ORDER = ["scheduled_time", "function_id", "outcome", "actual_time", "duration_ms"];
const order = (name) => ORDER.indexOf(name) + 1 || ORDER.length + 1;

const columns = (rows) => [...new Set(rows.slice(0, 20).flatMap((one) => Object.keys(one)))]
  .filter((name) => !/^(job_id|namespace|expression|timezone)$/.test(name))
  .sort((a, b) => order(a) - order(b));

const OUTCOME = { completed: "ok", done: "ok", failed: "failed", running: "running" };

function cell(name, value) {
  if (value === null || value === undefined) return "–";
  if (name === "offset") return h("a", { href: link("requests", value) }, `#${value}`);
  if (/trace/.test(name)) return h("a", { href: link("requests", value) }, "request");
  if (/outcome|status/.test(name)) return status(OUTCOME[value] || "idle", String(value));
  if (/^\d{4}-\d\d-\d\dT/.test(value)) return clock(Date.parse(value));
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
