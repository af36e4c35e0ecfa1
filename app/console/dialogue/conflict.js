/** Two states that grew from one: field by field, what the reader wrote and what stands there now. */

import { h } from "../dom.js";
import { equal } from "../json.js";
import { tree } from "../tree.js";

/** @typedef {Record<string, import("../types.js").Json>} State */

/**
 * @param {State} base @param {State} mine @param {State} theirs
 * @param {(merged: State) => void} go @param {() => void} give
 */
export function conflictView(base, mine, theirs, go, give) {
  const names = [...new Set([...Object.keys(theirs), ...Object.keys(mine)])].filter(
    (name) => !same(mine, theirs, name),
  );
  const choices = names.map((name) => ({ name, row: choice(name, base, mine, theirs) }));
  const merge = () => {
    const merged = new Map(Object.entries(theirs));
    for (const { name, row } of choices) {
      if (row.querySelector("input:checked")?.getAttribute("value") !== "mine") continue;
      if (Object.hasOwn(mine, name)) merged.set(name, /** @type {any} */ (mine[name]));
      else merged.delete(name);
    }
    go(Object.fromEntries(merged));
  };
  return h(
    "div",
    { class: "stack conflict" },
    h(
      "div",
      { class: "warning", role: "alert" },
      h("strong", {}, "The dialogue has changed while you were writing."),
      " Nothing was saved and nothing is lost. Choose for each field, then look once more and save.",
    ),
    choices.map(({ row }) => row),
    names.length === 0 && h("p", {}, "Both say the same now."),
    h(
      "div",
      { class: "buttons" },
      h("button", { type: "button", class: "button primary", onclick: merge }, "Go on with this choice"),
      h("button", { type: "button", class: "button", onclick: give }, "Drop what I wrote"),
    ),
  );
}

/** @param {State} a @param {State} b @param {string} name */
function same(a, b, name) {
  return Object.hasOwn(a, name) === Object.hasOwn(b, name) && equal(a[name], b[name]);
}

/** @param {string} name @param {State} base @param {State} mine @param {State} theirs */
function choice(name, base, mine, theirs) {
  const group = `choice-${crypto.randomUUID()}`;
  const preferMine = !same(mine, base, name);
  return h(
    "fieldset",
    { class: "choice" },
    h("legend", {}, h("code", {}, name)),
    side("Yours", "mine", group, preferMine, mine, name),
    side("There now", "theirs", group, !preferMine, theirs, name),
  );
}

/** @param {string} label @param {string} value @param {string} group @param {boolean} checked @param {State} state @param {string} name */
function side(label, value, group, checked, state, name) {
  const has = Object.hasOwn(state, name);
  return h(
    "label",
    { class: "side" },
    h("span", { class: "check" }, h("input", { type: "radio", name: group, value, checked }), label),
    has ? tree(state[name]) : h("span", { class: "leaf nothing" }, "not there"),
  );
}
