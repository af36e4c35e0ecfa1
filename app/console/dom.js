/** Builds elements. Text is only ever text: nothing here, or anywhere in the console, parses HTML. */

import { shapes } from "./icons.js";

/** @typedef {import("./types.js").Child} Child */
/** @typedef {string | number | boolean | null | undefined | ((event: any) => unknown)} Value */

/**
 * An element with attributes, listeners (`onclick` and the like, functions only) and children.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, Value>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  append(element, children);
  return element;
}

/** @param {Element} element @param {string} name @param {Value} value */
function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (typeof value === "function") element.addEventListener(name.slice(2), value);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/** @param {Element | DocumentFragment} parent @param {Child[]} children */
function append(parent, children) {
  for (const child of /** @type {Child[]} */ (/** @type {any[]} */ (children).flat(Infinity))) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : String(child));
  }
}

/** @param {Element} element @param {...Child} children */
export function replace(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element of a drawing.
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** A decorative icon. @param {keyof typeof shapes} name */
export function icon(name) {
  return svg(
    "svg",
    { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" },
    ...shapes[name].map((d) => svg("path", { d })),
  );
}

/**
 * A button with an icon and, unless only its name is wanted for those who listen, words.
 * @param {keyof typeof shapes} shape
 * @param {string} name
 * @param {(event: MouseEvent) => unknown} act
 * @param {{ quiet?: boolean, kind?: string }} [look]
 */
export function button(shape, name, act, { quiet = false, kind = "" } = {}) {
  return h(
    "button",
    { type: "button", class: `button ${kind} ${quiet ? "only-icon" : ""}`, title: quiet && name, onclick: act },
    icon(shape),
    quiet ? h("span", { class: "heard" }, name) : name,
  );
}

/** A button that copies a text, and says so for a moment. @param {string} name @param {string} text @param {{ quiet?: boolean, shape?: keyof typeof shapes }} [look] */
export function copyButton(name, text, { quiet = true, shape = "copy" } = {}) {
  /** @type {HTMLButtonElement} */
  const control = button(shape, name, () => copy(text, control, name), { quiet, kind: quiet ? "plain" : "" });
  return control;
}

/** @param {string} text @param {HTMLElement} control @param {string} name */
async function copy(text, control, name) {
  try {
    await navigator.clipboard.writeText(text);
    control.classList.add("done");
    control.title = "Copied";
  } catch {
    control.title = "The browser did not allow it";
  }
  setTimeout(() => {
    control.classList.remove("done");
    control.title = name;
  }, 1500);
}
