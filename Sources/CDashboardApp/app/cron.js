// Cron: jobs, their next slots, what became of past ones; running, pausing.

import { h } from "./dom.js";
import { call } from "./live.js";
import { clock, until } from "./format.js";
import { ask, attempt, empty, json, link, page, panel, problem, status, toast } from "./ui.js";
import { timer } from "./state.js";

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
    const text = {
      run: ["Run the job now?", `Runs ${job.function_id} once, whatever its schedule says.`, "Run now"],
      pause: ["Pause the job?", `${job.function_id} does not run on its schedule until somebody resumes it, also after a restart.`, "Pause"],
    }[name];
    if (text && !(await ask({ title: text[0], lines: [text[1]], action: text[2] }))) return;
    const done = await attempt(() => call(`engine::cron::${name}`, { job: job.job_id }).then((value) => value ?? true));
    if (done !== undefined) toast({ run: "It runs.", pause: "Paused.", resume: "Resumed." }[name]);
    load();
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
      jobs?.length ? h("div", { class: "scroll" }, h("table", { class: "grid" },
        h("thead", {}, h("tr", {}, ["Job", "State", "Schedule", "Zone", "Next", "Missed slots", "Act"].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, jobs.map((job) => [h("tr", { key: job.job_id },
          h("th", { scope: "row" }, h("a", { href: open === job.job_id ? "#/cron" : link("cron", job.job_id), "data-row": true, "aria-expanded": String(open === job.job_id) }, job.function_id)),
          h("td", {}, status(job.paused ? "paused" : job.running ? "running" : "ok", job.paused ? "paused" : job.running ? "running" : "scheduled")),
          h("td", {}, h("code", {}, job.expression)), h("td", {}, job.timezone),
          h("td", { class: "num" }, job.paused ? "–" : job.next ? h("span", { title: job.next }, until(Date.parse(job.next), Date.now())) : "never"),
          h("td", {}, job.catch_up),
          h("td", { class: "buttons" },
            h("button", { disabled: context.app.readOnly, onclick: () => act("run", job) }, "Run now"),
            h("button", { disabled: context.app.readOnly, onclick: () => act(job.paused ? "resume" : "pause", job) }, job.paused ? "Resume" : "Pause"))),
          open === job.job_id && h("tr", { key: job.job_id + "+" }, h("td", { colspan: 7 },
            h("h3", {}, "Next slots"), slots ? h("ol", { class: "inline-list" }, slots.map((slot) => h("li", {}, h("code", {}, slot)))) : "Reading …",
            h("details", {}, h("summary", {}, "Everything about the job"), json(job))))]))))
        : jobs && empty("No job.", "A trigger of type cron makes one."),
      panel("History", history?.since && h("p", { class: "dim" }, `since ${clock(Date.parse(history.since))}; older slots are in the log`),
        history?.history.length ? h("div", { class: "scroll" }, h("table", { class: "grid" },
          h("thead", {}, h("tr", {}, columns(history.history).map((name) => h("th", { scope: "col" }, name.replaceAll("_", " "))))),
          h("tbody", {}, history.history.map((one) => h("tr", {}, columns(history.history).map((name) => h("td", {}, cell(name, one[name]))))))))
          : empty("No slot has come yet."))),
  };
}

const columns = (rows) => [...new Set(rows.slice(0, 20).flatMap((one) => Object.keys(one)))]
  .filter((name) => !/^(job_id|namespace|expression|timezone)$/.test(name))
  .sort((a, b) => order(a) - order(b));

const ORDER = ["scheduled_time", "function_id", "outcome", "actual_time", "duration_ms"];
const order = (name) => (ORDER.indexOf(name) + 1 || ORDER.length + 1);

function cell(name, value) {
  if (value === null || value === undefined) return "–";
  if (name === "offset") return h("a", { href: link("requests", value) }, `#${value}`);
  if (/trace/.test(name)) return h("a", { href: link("requests", value) }, String(value).slice(0, 8) + "…");
  if (/outcome|status/.test(name)) return status({ completed: "ok", done: "ok", ran: "ok", ok: "ok", failed: "failed", skipped: "idle", running: "running" }[value] || "idle", String(value));
  if (typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value)) return clock(Date.parse(value));
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
