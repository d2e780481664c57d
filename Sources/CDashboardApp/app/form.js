// A form made from a JSON schema, as far as forms go: members of the top object, each by its type.
// Whatever a schema says beyond that is edited as JSON.

import { h } from "./dom.js";
import { number, parse, stringify } from "./json.js";
import { Draft } from "./ui.js";

export class SchemaForm {
  constructor(schema, value) {
    this.schema = schema;
    this.draft = new Draft(value ?? sample(schema));
    this.raw = !this.usable;
    this.parts = new Map();
    this.values = membersOf(this.draft.value) || {};
  }

  get usable() {
    const members = this.schema?.properties;
    return !!members && Object.keys(members).length > 0 && Object.keys(members).length <= 60;
  }

  /** What was entered; throws where it is not valid. */
  value() {
    if (this.raw) {
      if (this.draft.error) throw new Error(`Not JSON: ${this.draft.error}`);
      return this.draft.value;
    }
    for (const [name, draft] of this.parts) {
      if (draft.error) throw new Error(`${name} is not JSON: ${draft.error}`);
    }
    const missing = (this.schema.required || []).filter((name) => this.values[name] === undefined);
    if (missing.length) throw new Error(`Missing: ${missing.join(", ")}.`);
    return this.values;
  }

  view(update) {
    return h("div", { class: "schema-form" },
      this.usable &&
        h("div", { class: "segmented", role: "group", "aria-label": "Input as" },
          h("button", {
            type: "button",
            "aria-pressed": String(!this.raw),
            onclick: () => {
              this.toForm();
              update();
            }
          },
            "Form"),
          h("button", {
            type: "button",
            "aria-pressed": String(this.raw),
            onclick: () => {
              this.toRaw();
              update();
            }
          },
            "JSON")),
      this.raw ? this.draft.view("Input (JSON)", update) : this.fields(update));
  }

  toRaw() {
    if (!this.raw) this.draft.set(this.values);
    this.raw = true;
  }

  toForm() {
    const members = !this.draft.error && membersOf(this.draft.value);
    if (this.raw && members) {
      this.values = members;
      this.parts.clear();
    }
    this.raw = false;
  }

  fields(update) {
    const required = new Set(this.schema.required || []);
    return Object.entries(this.schema.properties).map(([name, schema]) =>
      this.field(name, schema || {}, required.has(name), update));
  }

  set(name, value, update) {
    if (value === undefined) delete this.values[name];
    else this.values[name] = value;
    update();
  }

  field(name, schema, required, update) {
    const type = [].concat(schema.type || []).find((one) => one !== "null");
    const value = this.values[name];
    const label = h("span", {}, name, required && h("span", { class: "required" }, " required"),
      schema.description && h("small", {}, schema.description));
    if (schema.enum) {
      return h("label", { class: "field" }, label,
        h("select", {
          value: value === undefined ? "" : stringify(value),
          onchange: (event) =>
            this.set(name, event.target.value ? parse(event.target.value) : undefined, update)
        },
          h("option", { value: "" }, "–"),
          schema.enum.map((one) => h("option", {
            value: stringify(one), selected: stringify(one) === stringify(value),
          }, String(one)))));
    }
    if (type === "boolean") {
      return h("label", { class: "field check" },
        h("input", { type: "checkbox", checked: value === true,
          onchange: (event) => this.set(name, event.target.checked, update) }), label);
    }
    if (type === "number" || type === "integer") {
      return h("label", { class: "field" }, label, h("input", {
        type: "number",
        step: type === "integer" ? "1" : "any",
        min: schema.minimum,
        max: schema.maximum,
        value: value === undefined ? "" : String(value),
        oninput: (event) =>
          this.set(name, event.target.value === "" ? undefined : number(event.target.value), update)
      }));
    }
    if (type === "string") {
      return h("label", { class: "field" }, label, h("input", {
        type: "text",
        value: value ?? "",
        spellcheck: "false",
        oninput: (event) => this.set(
          name, event.target.value === "" && !required ? undefined : event.target.value, update)
      }));
    }
    if (!this.parts.has(name)) this.parts.set(name, new Draft(value));
    const draft = this.parts.get(name);
    return draft.view(name + " (JSON)" + (required ? " required" : ""), () => {
      if (!draft.error) this.set(name, draft.text.trim() ? draft.value : undefined, update);
      else update();
    });
  }
}

/** A copy of an object's members, none for null; null where it is something else. */
const membersOf = (value) =>
  (typeof value === "object" && !(value instanceof Number) ? { ...value } : null);

/** A first input: required members, with what their schemas suggest. */
function sample(schema) {
  if (!schema || typeof schema !== "object") return {};
  if (schema.default !== undefined) return schema.default;
  if (schema.examples?.length) return schema.examples[0];
  const value = {};
  for (const [name, member] of Object.entries(schema.properties || {})) {
    if (member?.default !== undefined) value[name] = member.default;
    else if (member?.examples?.length) value[name] = member.examples[0];
  }
  return value;
}
