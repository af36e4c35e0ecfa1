/** JSON as a tree to change: each value has a kind and a field of its own, and numbers keep their digits. */

import { button, h, replace } from "./dom.js";
import { isObject, parse, stringify } from "./json.js";
import { input, select } from "./rows.js";

/** @typedef {import("./types.js").Json} Json */
/** @typedef {{ kind: string, text: string, entries: { key: string, node: Node_ }[] }} Node_ */

/** @type {[string, string][]} */
const KINDS = [
  ["text", "text"],
  ["number", "number"],
  ["boolean", "yes or no"],
  ["nothing", "nothing"],
  ["object", "object"],
  ["list", "list"],
];

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** A value that cannot be written as it stands; says where. */
export class Unfinished extends Error {}

/** @param {Json} value */
export function treeEditor(value) {
  const root = nodeOf(value);
  const element = h("div", { class: "editor" });
  const draw = () => replace(element, children(root, draw));
  draw();
  return { element, value: () => /** @type {Record<string, Json>} */ (valueOf(root, [])) };
}

/** @param {Json} value @returns {Node_} */
function nodeOf(value) {
  if (Array.isArray(value))
    return { kind: "list", text: "", entries: value.map((item) => ({ key: "", node: nodeOf(item) })) };
  if (isObject(value))
    return {
      kind: "object",
      text: "",
      entries: Object.entries(value).map(([key, item]) => ({ key, node: nodeOf(item) })),
    };
  if (typeof value === "string") return { kind: "text", text: value, entries: [] };
  if (value === null) return { kind: "nothing", text: "", entries: [] };
  return { kind: typeof value === "boolean" ? "boolean" : "number", text: stringify(value), entries: [] };
}

/** @param {Node_} node @param {string[]} path @returns {Json} */
function valueOf(node, path) {
  if (node.kind === "text") return node.text;
  if (node.kind === "nothing") return null;
  if (node.kind === "boolean") return node.text === "true";
  if (node.kind === "list") return node.entries.map((entry, index) => valueOf(entry.node, [...path, String(index)]));
  if (node.kind === "number") return numberOf(node.text, path);
  return objectOf(node, path);
}

/** @param {string} text @param {string[]} path */
function numberOf(text, path) {
  if (!NUMBER.test(text.trim())) throw new Unfinished(`“${path.join(" › ")}” is not a number.`);
  return parse(text);
}

/** @param {Node_} node @param {string[]} path */
function objectOf(node, path) {
  /** @type {Map<string, Json>} */
  const result = new Map();
  for (const { key, node: inner } of node.entries) {
    if (result.has(key)) throw new Unfinished(`The name “${[...path, key].join(" › ")}” stands there twice.`);
    result.set(key, valueOf(inner, [...path, key]));
  }
  return Object.fromEntries(result);
}

/** @param {Node_} node @param {() => void} draw @returns {Node[]} */
function children(node, draw) {
  const list = node.kind === "list";
  const add = () => {
    node.entries.push({ key: list ? "" : freeName(node), node: { kind: "text", text: "", entries: [] } });
    draw();
  };
  return [
    h(
      "ul",
      { class: "edit-list" },
      node.entries.map((entry, index) => line(node, entry, index, draw)),
    ),
    button("plus", list ? "Add an item" : "Add a field", add, { kind: "small" }),
  ];
}

/** @param {Node_} node */
function freeName(node) {
  const taken = new Set(node.entries.map((entry) => entry.key));
  let number = 1;
  while (taken.has(`field${number}`)) number += 1;
  return `field${number}`;
}

/** @param {Node_} parent @param {Node_["entries"][0]} entry @param {number} index @param {() => void} draw */
function line(parent, entry, index, draw) {
  const { node } = entry;
  const name = parent.kind === "list" ? String(index) : entry.key;
  const key =
    parent.kind === "list"
      ? h("span", { class: "tree-key" }, name)
      : input("key", entry.key, {
          "aria-label": "Name",
          class: "edit-key",
          oninput: (/** @type {any} */ event) => (entry.key = event.target.value),
        });
  const kind = select("kind", node.kind, KINDS, () => {
    convert(node, kind.value);
    draw();
  });
  kind.setAttribute("aria-label", `Kind of ${name}`);
  const remove = button(
    "trash",
    `Remove ${name}`,
    () => {
      parent.entries.splice(index, 1);
      draw();
    },
    { quiet: true, kind: "plain" },
  );
  const nested = ["object", "list"].includes(node.kind) && h("div", { class: "edit-nested" }, children(node, draw));
  return h("li", {}, h("div", { class: "edit-line" }, key, kind, control(node, name), remove), nested);
}

/** @param {Node_} node @param {string} kind */
function convert(node, kind) {
  node.kind = kind;
  if (kind === "boolean") node.text = node.text === "true" ? "true" : "false";
  if (!["object", "list"].includes(kind)) node.entries = [];
}

/** @param {Node_} node @param {string} name */
function control(node, name) {
  const put = (/** @type {any} */ event) => (node.text = event.target.value);
  if (node.kind === "boolean") {
    const control = select("value", node.text, [
      ["true", "yes"],
      ["false", "no"],
    ]);
    control.addEventListener("change", put);
    control.setAttribute("aria-label", name);
    return control;
  }
  if (node.kind === "number")
    return input("value", node.text, { "aria-label": name, inputmode: "decimal", oninput: put });
  if (node.kind !== "text") return null;
  const area = h("textarea", {
    name: "value",
    "aria-label": name,
    rows: Math.min(6, node.text.split("\n").length),
    spellcheck: "false",
    oninput: put,
  });
  area.value = node.text;
  return area;
}
