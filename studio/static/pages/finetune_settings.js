/* The settings of a fine-tuning as fields: the few that matter, the others in a fold, each with its sentence of help.

   settingsForm(proposed, help, changed, onChange) -> {node, values()}: `values` are those that differ from the proposed ones. */

import { element } from "./dom.js";

export const NAMES = {
  steps: "Steps",
  trained: "What learns",
  short_edge: "Frame height",
  length: "Frames in a clip",
  learning_rate: "Learning rate",
  clips: "Clips in a step",
  composed: "Share of composed clips",
  average: "Averaging",
  blend: "Blend with the old model",
  validate_steps: "Steps between judgements",
  patience: "Patience",
  sample_steps: "Steps between pictures",
  autocast: "Half precision",
  seed: "Seed",
};
const MAIN = ["steps", "trained", "short_edge", "length", "learning_rate"];
const CHOICES = {
  trained: [
    ["heads", "The heads"],
    ["decoder", "The decoder"],
    ["no backbone", "No backbone"],
    ["all", "Everything"],
  ],
  autocast: [
    ["off", "Off"],
    ["bfloat16", "bfloat16"],
  ],
};

/* A value in words: "The decoder" for decoder. */
export const inWords = (name, value) => CHOICES[name]?.find(([key]) => key === value)?.[1] ?? String(value);

function control(name, value) {
  if (CHOICES[name]) {
    const select = element("select.text", {}, ...CHOICES[name].map(([key, words]) => element("option", { value: key }, words)));
    select.value = value;
    return select;
  }
  return element("input.text", { type: "number", step: "any", value: String(value) });
}

export function settingsForm(proposed, help, changed, onChange) {
  const fields = new Map();
  const read = (name) => (CHOICES[name] ? fields.get(name).value : Number(fields.get(name).value));

  function field(name) {
    const input = control(name, changed[name] ?? proposed[name]);
    input.id = `finetune-${name}`;
    input.setAttribute("aria-describedby", `${input.id}-help`);
    input.addEventListener("input", onChange);
    fields.set(name, input);
    return element(
      "div.setting",
      {},
      element("label", { htmlFor: input.id }, NAMES[name] ?? name),
      input,
      element("small.faint", { id: `${input.id}-help` }, help[name]),
    );
  }

  const others = Object.keys(proposed).filter((name) => !MAIN.includes(name));
  const node = element(
    "div.settings",
    {},
    element("div.fields", {}, ...MAIN.filter((name) => name in proposed).map(field)),
    element("details.fold", { id: "finetune-advanced" }, element("summary", {}, "Advanced settings"), element("div.fields", {}, ...others.map(field))),
  );
  return {
    node,
    values: () => Object.fromEntries([...fields.keys()].filter((name) => read(name) !== proposed[name]).map((name) => [name, read(name)])),
  };
}

/* The settings of a run, to read. */
export function settingsList(settings, help) {
  const rows = Object.entries(settings).map(([name, value]) =>
    element("tr", { title: help[name] ?? "" }, element("th", { scope: "row" }, NAMES[name] ?? name), element("td", {}, inWords(name, value))),
  );
  return element("table.table", {}, element("tbody", {}, ...rows));
}
