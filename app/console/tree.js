/** JSON as a tree to read. */

import { h } from "./dom.js";
import { count, plural } from "./format.js";
import { isObject, stringify } from "./json.js";

/** Longer lists show the rest on request. */
const SHOWN = 100;

/** @param {unknown} value @param {number} [depth] @returns {HTMLElement} */
export function tree(value, depth = 0) {
  if (Array.isArray(value))
    return branch(
      value.map((item, index) => [String(index), item]),
      "item",
      depth,
    );
  if (isObject(value)) return branch(Object.entries(value), "field", depth);
  return leaf(value);
}

/** @param {[string, unknown][]} entries @param {string} kind @param {number} depth */
function branch(entries, kind, depth) {
  if (entries.length === 0)
    return h("span", { class: "leaf nothing" }, kind === "item" ? "empty list" : "empty object");
  const list = h(
    "ul",
    { class: "tree" },
    entries.slice(0, SHOWN).map((entry) => twig(entry, depth)),
  );
  if (entries.length > SHOWN) {
    /** @type {HTMLButtonElement} */
    const more = h(
      "button",
      {
        type: "button",
        class: "button more",
        onclick: () => more.replaceWith(...entries.slice(SHOWN).map((entry) => twig(entry, depth))),
      },
      `${count(entries.length - SHOWN)} more`,
    );
    list.append(more);
  }
  return list;
}

/** @param {[string, unknown]} entry @param {number} depth */
function twig([name, value], depth) {
  const full = (Array.isArray(value) && value.length > 0) || (isObject(value) && Object.keys(value).length > 0);
  const label = h("span", { class: "tree-key" }, name);
  if (!full) return h("li", {}, label, " ", tree(value, depth + 1));
  const size = Array.isArray(value) ? plural(value.length, "item") : plural(Object.keys(value ?? {}).length, "field");
  const details = h("details", { open: depth < 1 }, h("summary", {}, label, " ", h("span", { class: "hint" }, size)));
  const fill = () => details.childElementCount === 1 && details.append(tree(value, depth + 1));
  if (depth < 1) fill();
  details.addEventListener("toggle", fill);
  return h("li", {}, details);
}

/** @param {unknown} value */
function leaf(value) {
  const kind = value === null ? "nothing" : typeof value;
  return h("span", { class: `leaf ${kind}` }, typeof value === "string" ? value : stringify(value));
}
