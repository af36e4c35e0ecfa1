/** A form of filters whose values are the page's address. */

import { h, icon } from "./dom.js";
import { session } from "./session.js";

/** @typedef {import("./dom.js").Child} Child */

/**
 * @param {Child[]} controls
 * @param {(values: URLSearchParams) => void} apply called with what is filled in, once typing rests
 * @param {string} label
 * @param {Child} [lead] what stays in sight where the filters are folded away
 */
export function filterForm(controls, apply, label, lead) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  const body = h("div", { class: "filter-body" }, controls);
  const toggle = h(
    "button",
    {
      type: "button",
      class: "button filter-toggle",
      "aria-expanded": "false",
      onclick: () => {
        toggle.setAttribute("aria-expanded", String(form.classList.toggle("open")));
      },
    },
    icon("settings"),
    "Filters",
  );
  const form = h("form", { class: "filters", role: "search", "aria-label": label }, lead, toggle, body);
  let applied = valuesOf(form).toString();
  const now = () => {
    clearTimeout(waiting);
    applied = valuesOf(form).toString();
    apply(valuesOf(form));
  };
  // Leaving a field is no change of its own: what was clicked instead must not be taken away under the click.
  const unlessApplied = () => {
    if (valuesOf(form).toString() !== applied) now();
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    now();
  });
  form.addEventListener("change", unlessApplied);
  form.addEventListener("input", (event) => {
    if (!(event.target instanceof HTMLInputElement) || !["text", "search"].includes(event.target.type)) return;
    clearTimeout(waiting);
    waiting = setTimeout(unlessApplied, 350);
  });
  return form;
}

/** What is filled in. @param {HTMLFormElement} form */
export function valuesOf(form) {
  const values = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && value.trim() !== "") values.append(name, value.trim());
  }
  return values;
}

/** The namespace of an address, or the one that the key is bound to. @param {URLSearchParams} query */
export function namespaceOf(query) {
  return query.get("namespace") ?? session.namespace;
}
